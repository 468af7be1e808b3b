from __future__ import annotations

from django.db import models

from snapshots.models.accounts import TrackedAccount
from snapshots.models.fields import counter
from snapshots.models.posts import Post
from tikdash.db.rls import TenantForeignKey


class Comment(models.Model):
    """A comment on a tracked post. TikTok's id of it is a text, and is its own within the post only."""

    tenant = TenantForeignKey()
    account = models.ForeignKey(
        TrackedAccount, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="comments"
    )
    post = models.ForeignKey(
        Post, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="comments"
    )
    comment_id = models.CharField(max_length=64)
    text = models.TextField(blank=True)
    author_id = models.CharField(max_length=32, blank=True, help_text="TikTok's id of who wrote it.")
    author_username = models.CharField(max_length=64, blank=True)
    author_nickname = models.CharField(max_length=200, blank=True)
    digg_count = counter()
    reply_count = counter()
    written_at = models.DateTimeField(null=True)
    first_seen_at = models.DateTimeField()
    measured_at = models.DateTimeField()

    class Meta:
        db_table = "comments"
        ordering = ["-written_at"]
        constraints = [models.UniqueConstraint(name="comments_once", fields=["tenant", "post", "comment_id"])]
        indexes = [
            models.Index(name="comments_newest", fields=["tenant", "account", "-written_at", "-id"]),
            models.Index(name="comments_liked", fields=["tenant", "account", "-digg_count", "-id"]),
        ]

    def __str__(self) -> str:
        return self.text[:60]
