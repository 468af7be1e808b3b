from __future__ import annotations

from django.db import models


class QueueSample(models.Model):
    """How one queue stood at one moment, over all shards; a task writes one a minute.

    `waiting` jobs are due and nobody has claimed them, the oldest for `oldest_s` seconds. `ended` and `busy_s` are what
    workers have counted since Redis began to: jobs that ended, and seconds that they took; NULL without Redis.
    `ended_per_s` is the difference to the sample before, NULL where there is none to compare with. `threads` are all
    worker threads that answered, NULL where none did.
    """

    id = models.BigAutoField(primary_key=True)
    sampled_at = models.DateTimeField()
    queue = models.CharField(max_length=12)
    waiting = models.IntegerField()
    oldest_s = models.FloatField()
    in_flight = models.IntegerField()
    ended = models.BigIntegerField(null=True)
    busy_s = models.FloatField(null=True)
    ended_per_s = models.FloatField(null=True)
    threads = models.IntegerField(null=True)

    class Meta:
        db_table = "queue_samples"
        ordering = ["-sampled_at", "queue"]
        constraints = [models.UniqueConstraint(name="queue_samples_once", fields=["queue", "sampled_at"])]
        indexes = [models.Index(name="queue_samples_time", fields=["sampled_at"])]

    def __str__(self) -> str:
        return f"{self.queue} {self.sampled_at:%Y-%m-%d %H:%M}: {self.waiting} waiting"


class TableSample(models.Model):
    """The size of one table on one UTC day, over all schemas and partitions, indexes included; rows as PostgreSQL
    estimates them."""

    pk = models.CompositePrimaryKey("day", "name")
    day = models.DateField()
    name = models.CharField(max_length=63)
    rows = models.BigIntegerField()
    bytes = models.BigIntegerField()

    class Meta:
        db_table = "table_samples"

    def __str__(self) -> str:
        return f"{self.name} on {self.day}: {self.bytes} bytes"


class WatchState(models.Model):
    """How one thing that is watched stands: `watch` about `subject` (a queue, a table, or the whole).

    `level` is what the newest samples say; it becomes an alarm only after several in a row, and `alarmed_at` is since
    when it is one. `since` is when the level began, `streak` how many samples have said so.
    """

    class Level(models.TextChoices):
        OK = "ok", "Sound"
        WARNING = "warning", "Warning"
        CRITICAL = "critical", "Critical"

    watch = models.CharField(max_length=20)
    subject = models.CharField(max_length=60)
    level = models.CharField(max_length=8, choices=Level)
    sentence = models.CharField(max_length=300)
    value = models.FloatField(null=True, help_text="What was measured; empty where it cannot be said.")
    threshold = models.FloatField(null=True)
    since = models.DateTimeField()
    seen_at = models.DateTimeField()
    streak = models.IntegerField(default=1)
    alarmed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "watch_states"
        ordering = ["watch", "subject"]
        constraints = [models.UniqueConstraint(name="watch_states_once", fields=["watch", "subject"])]

    def __str__(self) -> str:
        return f"{self.watch} {self.subject}: {self.level}"
