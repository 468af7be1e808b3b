from __future__ import annotations

from django.db import models

from snapshots.models.accounts import TrackedAccount
from snapshots.models.fields import Judged, counter
from snapshots.models.posts import Post
from tikdash.db.rls import TenantForeignKey


class AccountReading(Judged):
    """One reading of an account's counters, where they are read more often than once a day. Partitioned by month."""

    pk = models.CompositePrimaryKey("account_id", "measured_at")
    tenant = TenantForeignKey()
    account = models.ForeignKey(
        TrackedAccount, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="readings"
    )
    measured_at = models.DateTimeField()
    follower_count = counter()
    following_count = counter()
    heart_count = counter()
    video_count = counter()
    digg_count = counter()

    class Meta:
        db_table = "account_readings"

    def __str__(self) -> str:
        return f"{self.account_id} at {self.measured_at:%Y-%m-%d %H:%M}"


class PostReading(Judged):
    """One reading of a post's counters, where they are read more often than once a day. Partitioned by month."""

    pk = models.CompositePrimaryKey("post_id", "measured_at")
    tenant = TenantForeignKey()
    post = models.ForeignKey(
        Post, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="readings"
    )
    measured_at = models.DateTimeField()
    play_count = counter()
    digg_count = counter()
    comment_count = counter()
    share_count = counter()
    collect_count = counter()

    class Meta:
        db_table = "post_readings"

    def __str__(self) -> str:
        return f"{self.post_id} at {self.measured_at:%Y-%m-%d %H:%M}"
