from __future__ import annotations

from django.db import models

from snapshots.models.fields import counter
from tikdash.db.rls import TenantForeignKey


class Sound(models.Model):
    """A sound that a tracked post uses: posts name it by `music_id` in their `sound_id`.

    `original` says that a user made it; `author` is then who uploaded it. `video_count` is TikTok's own.
    """

    tenant = TenantForeignKey()
    music_id = models.CharField(max_length=32)
    title = models.CharField(max_length=400, blank=True)
    author = models.CharField(max_length=200, blank=True)
    original = models.BooleanField(null=True)
    duration_s = models.IntegerField(null=True)
    video_count = counter()
    first_seen_at = models.DateTimeField()
    measured_at = models.DateTimeField(null=True)
    looked_at = models.DateTimeField(null=True, help_text="When TikTok was last asked, with or without an answer.")

    class Meta:
        db_table = "sounds"
        ordering = ["title"]
        constraints = [models.UniqueConstraint(name="sounds_once", fields=["tenant", "music_id"])]

    def __str__(self) -> str:
        return self.title or self.music_id


class SoundSnapshot(models.Model):
    """How many videos used a sound on one UTC day. Partitioned by month."""

    pk = models.CompositePrimaryKey("sound_id", "captured_on")
    tenant = TenantForeignKey()
    sound = models.ForeignKey(
        Sound, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="snapshots"
    )
    captured_on = models.DateField()
    captured_at = models.DateTimeField()
    video_count = counter()

    class Meta:
        db_table = "sound_snapshots"

    def __str__(self) -> str:
        return f"{self.sound_id} on {self.captured_on}"
