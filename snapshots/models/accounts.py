from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from snapshots.models.fields import MeasuredRow, counter
from tikdash.db.rls import TenantForeignKey


class TrackedAccount(models.Model):
    """A creator that a tenant watches. The counters are the newest sound ones, read at `measured_at`.

    Row-level security hides a row with `removed_at` from its tenant; only the ops role sees, and sets, it.
    """

    class Reason(models.TextChoices):
        OWN = "own", "Own account"
        COMPETITOR = "competitor", "Competitor"
        PARTNER = "partner", "Partner"

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        PRIVATE = "private", "Private"
        NOT_FOUND = "not_found", "Not found"

    tenant = TenantForeignKey()
    username = models.CharField(max_length=64, help_text="Handle without @, lower case.")
    tiktok_user_id = models.CharField(max_length=32)
    sec_uid = models.CharField(max_length=120, blank=True)
    nickname = models.CharField(max_length=200, blank=True)
    avatar_url = models.URLField(max_length=1000, blank=True)
    avatar_file = models.CharField(max_length=120, blank=True, db_default="", help_text="Our copy in the file storage.")
    avatar_source = models.CharField(
        max_length=300, blank=True, db_default="", help_text="The lasting part of the address that was last fetched."
    )
    avatar_failed_at = models.DateTimeField(null=True)
    avatar_failures = models.SmallIntegerField(db_default=0, help_text="In a row, of that address.")
    bio = models.TextField(blank=True)
    verified = models.BooleanField(default=False)
    tracked_reason = models.CharField(max_length=12, choices=Reason, default=Reason.COMPETITOR)
    tags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    state = models.CharField(max_length=12, choices=State, default=State.ACTIVE)
    follower_count = counter()
    following_count = counter()
    heart_count = counter()
    video_count = counter()
    digg_count = counter()
    measured_at = models.DateTimeField(null=True)
    tracked_since = models.DateTimeField()
    viewed_at = models.DateTimeField(null=True, help_text="When somebody last looked at it, to the hour.")
    removed_at = models.DateTimeField(
        null=True, help_text="When somebody stopped tracking it; deleted some minutes later."
    )

    class Meta:
        db_table = "accounts"
        verbose_name = "tracked account"
        ordering = ["username"]
        permissions = [
            ("refresh_trackedaccount", "Can ask for new numbers of an account"),
            ("backfill_trackedaccount", "Can read an account's past, which costs credits"),
            ("decide_value", "Can accept and reject suspicious values"),
        ]
        constraints = [
            models.UniqueConstraint(name="accounts_once", fields=["tenant", "tiktok_user_id"]),
            # What posts and jobs point at, so that none can belong to another tenant's account.
            models.UniqueConstraint(name="accounts_tenant_id", fields=["tenant", "id"]),
        ]
        indexes = [
            models.Index(name="accounts_username", fields=["tenant", "username"]),
            models.Index(name="accounts_followers", fields=["tenant", "-follower_count", "-id"]),
            # What operators search by, over all tenants.
            models.Index(name="accounts_handle", fields=["username"], opclasses=["varchar_pattern_ops"]),
            models.Index(name="accounts_tiktok_id", fields=["tiktok_user_id"]),
            models.Index(name="accounts_sec_uid", fields=["sec_uid"]),
            models.Index(name="accounts_removed", fields=["removed_at"], condition=models.Q(removed_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"@{self.username}"


class AccountHandle(models.Model):
    """A handle that an account once had, so that it stays findable."""

    tenant = TenantForeignKey()
    account = models.ForeignKey(
        TrackedAccount, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="former_handles"
    )
    username = models.CharField(max_length=64)
    replaced_at = models.DateTimeField()

    class Meta:
        db_table = "account_handles"
        constraints = [models.UniqueConstraint(name="account_handles_once", fields=["tenant", "account", "username"])]
        indexes = [models.Index(name="account_handles_username", fields=["tenant", "username"])]

    def __str__(self) -> str:
        return f"@{self.username} until {self.replaced_at:%Y-%m-%d}"


class AccountSnapshot(MeasuredRow):
    """An account's counters on one UTC day: the last reading of the day. Partitioned by month."""

    pk = models.CompositePrimaryKey("account_id", "captured_on")
    tenant = TenantForeignKey()
    # No constraint: it would cost more than a third of the insert rate; a nightly check looks for orphans.
    account = models.ForeignKey(
        TrackedAccount, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="snapshots"
    )
    captured_on = models.DateField()
    follower_count = counter()
    following_count = counter()
    heart_count = counter()
    video_count = counter()
    digg_count = counter()

    class Meta:
        db_table = "account_snapshots"

    def __str__(self) -> str:
        return f"{self.account_id} on {self.captured_on}"
