from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from snapshots.models.accounts import TrackedAccount
from snapshots.models.fields import counter
from tikdash.db.rls import TenantForeignKey


class AudienceSample(models.Model):
    """Some of an account's followers, or of those it follows, read at one time. TikTok says there are `total`."""

    class Direction(models.TextChoices):
        FOLLOWERS = "followers", "Followers"
        FOLLOWINGS = "followings", "Followings"

    tenant = TenantForeignKey()
    account = models.ForeignKey(
        TrackedAccount, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="audience_samples"
    )
    direction = models.CharField(max_length=10, choices=Direction)
    sampled_at = models.DateTimeField()
    size = models.IntegerField(help_text="How many rows were read.")
    total = counter()
    flags = models.JSONField(default=dict, help_text="How many rows have each flag.")

    class Meta:
        db_table = "audience_samples"
        ordering = ["-sampled_at"]
        constraints = [
            models.UniqueConstraint(
                name="audience_samples_once", fields=["tenant", "account", "direction", "sampled_at"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.size} {self.direction} of {self.account_id}"


class AudienceMember(models.Model):
    """One row of a sample, with the flags that it bears (`snapshots.ingest.audience`)."""

    tenant = TenantForeignKey()
    account = models.ForeignKey(
        TrackedAccount, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    sample = models.ForeignKey(
        AudienceSample, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="members"
    )
    tiktok_user_id = models.CharField(max_length=32)
    username = models.CharField(max_length=64, blank=True)
    nickname = models.CharField(max_length=200, blank=True)
    region = models.CharField(max_length=8, blank=True)
    video_count = counter()
    follower_count = counter()
    following_count = counter()
    heart_count = counter()
    verified = models.BooleanField(null=True)
    default_avatar = models.BooleanField(default=False)
    flags = ArrayField(models.CharField(max_length=20), default=list, blank=True)

    class Meta:
        db_table = "audience_members"
        constraints = [
            models.UniqueConstraint(name="audience_members_once", fields=["tenant", "sample", "tiktok_user_id"])
        ]

    def __str__(self) -> str:
        return f"@{self.username}"
