from __future__ import annotations

from django.db import models
from django.db.models.functions import Cast, Coalesce, NullIf

from snapshots.models.accounts import TrackedAccount
from snapshots.models.fields import MeasuredRow, counter
from tikdash.db.rls import TenantForeignKey

POST_COUNTERS = ("play_count", "digg_count", "comment_count", "share_count", "collect_count")


def _as_number(name: str) -> Cast:
    # Added up as fractions, because broken counters may be as large as a number can be.
    return Cast(models.F(name), models.FloatField())


def _known(name: str) -> models.Case:
    # A counter that was never given sorts as -1, so that one comparison of rows pages through all. By CASE and not by
    # COALESCE, which row-level security takes for leaky and keeps from the index.
    return models.Case(
        models.When(**{f"{name}__isnull": True}, then=-1),
        default=models.F(name),
        output_field=models.BigIntegerField(),
    )


class Post(models.Model):
    """A post of a tracked account with its newest counters. One that vanished keeps its row, with `deleted_at`."""

    class Kind(models.TextChoices):
        VIDEO = "video", "Video"
        PHOTO = "photo", "Photo"

    tenant = TenantForeignKey()
    account = models.ForeignKey(
        TrackedAccount, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="posts"
    )
    aweme_id = models.CharField(max_length=32, help_text="TikTok's id of the post.")
    title = models.TextField(blank=True)
    cover_url = models.URLField(max_length=1000, blank=True)
    cover_file = models.CharField(max_length=120, blank=True, db_default="", help_text="Our copy in the file storage.")
    cover_failed_at = models.DateTimeField(null=True)
    cover_failures = models.SmallIntegerField(db_default=0)
    duration_s = models.IntegerField(null=True)
    kind = models.CharField(max_length=5, choices=Kind, default=Kind.VIDEO)
    pinned = models.BooleanField(default=False)
    sound_id = models.CharField(max_length=32, blank=True)
    posted_at = models.DateTimeField()
    first_seen_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)
    was_gone_at = models.DateTimeField(null=True, help_text="Of one that came back: when it had been found to be gone.")
    returned_at = models.DateTimeField(null=True, help_text="When it last came back.")
    play_count = counter()
    digg_count = counter()
    comment_count = counter()
    share_count = counter()
    collect_count = counter()
    comments_read_count = models.BigIntegerField(
        null=True, help_text="The comment_count at which the comments were last read; -1 where it was not known."
    )
    comments_read_at = models.DateTimeField(null=True, help_text="When that was.")
    detail_asked_at = models.DateTimeField(null=True, help_text="When its detail was asked for, which is done once.")
    measured_at = models.DateTimeField()
    # Stored, because row-level security keeps a condition that divides from any index.
    er = models.GeneratedField(
        expression=Coalesce(
            (_as_number("digg_count") + _as_number("comment_count") + _as_number("share_count"))
            / NullIf(_as_number("play_count"), 0.0),
            -1.0,
        ),
        output_field=models.FloatField(),
        db_persist=True,
        help_text="Engagement rate by views, from 0 to 1; -1 where it is not known.",
    )

    class Meta:
        db_table = "posts"
        ordering = ["-posted_at"]
        # The account comes last: operators look for a post tenant by tenant, of which there are fewer.
        constraints = [models.UniqueConstraint(name="posts_once", fields=["tenant", "aweme_id", "account"])]
        indexes = [
            models.Index(name="posts_posted", fields=["tenant", "account", "-posted_at", "-id"]),
            models.Index(name="posts_sound", fields=["tenant", "sound_id"], condition=~models.Q(sound_id="")),
            *(
                models.Index(
                    models.F("tenant"),
                    models.F("account"),
                    _known(name).desc(),
                    models.F("id").desc(),
                    name=f"posts_{name.removesuffix('_count')}",
                )
                for name in POST_COUNTERS
            ),
            models.Index(name="posts_er", fields=["tenant", "account", "-er", "-id"]),
            # Few are in it, so that it costs nothing to store a post.
            models.Index(
                name="posts_gone",
                fields=["tenant", "account"],
                condition=models.Q(deleted_at__isnull=False) | models.Q(returned_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.aweme_id


class PostSnapshot(MeasuredRow):
    """A post's counters on one UTC day: the last reading of the day. Partitioned by month."""

    pk = models.CompositePrimaryKey("post_id", "captured_on")
    tenant = TenantForeignKey()
    post = models.ForeignKey(
        Post, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="snapshots"
    )
    captured_on = models.DateField()
    play_count = counter()
    digg_count = counter()
    comment_count = counter()
    share_count = counter()
    collect_count = counter()

    class Meta:
        db_table = "post_snapshots"

    def __str__(self) -> str:
        return f"{self.post_id} on {self.captured_on}"
