from __future__ import annotations

from django.db import models

from snapshots.models.accounts import TrackedAccount
from snapshots.models.fields import counter
from tikdash.db.rls import TenantForeignKey


class Story(models.Model):
    """A story of a tracked account, with the counters of its last reading; TikTok shows it for a day."""

    tenant = TenantForeignKey()
    account = models.ForeignKey(
        TrackedAccount, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="stories"
    )
    aweme_id = models.CharField(max_length=32)
    title = models.TextField(blank=True)
    cover_url = models.URLField(max_length=1000, blank=True)
    cover_file = models.CharField(max_length=120, blank=True, db_default="", help_text="Our copy in the file storage.")
    cover_failed_at = models.DateTimeField(null=True)
    cover_failures = models.SmallIntegerField(db_default=0)
    duration_s = models.IntegerField(null=True)
    posted_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    first_seen_at = models.DateTimeField()
    measured_at = models.DateTimeField()
    play_count = counter()
    digg_count = counter()
    comment_count = counter()
    share_count = counter()

    class Meta:
        db_table = "stories"
        verbose_name_plural = "stories"
        ordering = ["-posted_at"]
        constraints = [models.UniqueConstraint(name="stories_once", fields=["tenant", "account", "aweme_id"])]
        indexes = [models.Index(name="stories_posted", fields=["tenant", "account", "-posted_at"])]

    def __str__(self) -> str:
        return self.title or self.aweme_id
