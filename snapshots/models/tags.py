from __future__ import annotations

from django.db import models

from snapshots.models.accounts import TrackedAccount
from snapshots.models.fields import counter
from snapshots.models.posts import Post
from tikdash.db.rls import TenantForeignKey


class Hashtag(models.Model):
    """A hashtag that a tracked post uses. `name` is folded (NFKC, lower case); the counters are TikTok's own."""

    tenant = TenantForeignKey()
    name = models.CharField(max_length=200, help_text="Without #, in the form in which equal tags are equal.")
    cha_name = models.CharField(max_length=200, blank=True, help_text="As TikTok writes it.")
    challenge_id = models.CharField(max_length=32, blank=True)
    view_count = counter()
    user_count = counter()
    first_seen_at = models.DateTimeField()
    measured_at = models.DateTimeField(null=True)
    looked_at = models.DateTimeField(null=True, help_text="When TikTok was last asked, with or without an answer.")

    class Meta:
        db_table = "hashtags"
        ordering = ["name"]
        constraints = [models.UniqueConstraint(name="hashtags_once", fields=["tenant", "name"])]
        indexes = [models.Index(name="hashtags_looked_at", fields=["tenant", "looked_at"])]

    def __str__(self) -> str:
        return f"#{self.cha_name or self.name}"


class PostHashtag(models.Model):
    """A post uses a hashtag, so many times in its title."""

    pk = models.CompositePrimaryKey("post_id", "hashtag_id")
    tenant = TenantForeignKey()
    account = models.ForeignKey(
        TrackedAccount, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    post = models.ForeignKey(
        Post, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="hashtags"
    )
    hashtag = models.ForeignKey(
        Hashtag, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="uses"
    )
    occurrences = models.SmallIntegerField(default=1)

    class Meta:
        db_table = "post_hashtags"
        indexes = [
            models.Index(name="post_hashtags_tag", fields=["tenant", "hashtag", "post"]),
            models.Index(name="post_hashtags_account", fields=["tenant", "account", "hashtag"]),
        ]

    def __str__(self) -> str:
        return f"{self.hashtag_id} in {self.post_id}"


class HashtagSnapshot(models.Model):
    """A hashtag's counters on one UTC day. Partitioned by month."""

    pk = models.CompositePrimaryKey("hashtag_id", "captured_on")
    tenant = TenantForeignKey()
    hashtag = models.ForeignKey(
        Hashtag, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="snapshots"
    )
    captured_on = models.DateField()
    captured_at = models.DateTimeField()
    view_count = counter()
    user_count = counter()

    class Meta:
        db_table = "hashtag_snapshots"

    def __str__(self) -> str:
        return f"{self.hashtag_id} on {self.captured_on}"
