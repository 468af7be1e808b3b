"""Fields that several models of measured data share."""

from __future__ import annotations

from django.db import models


class DataState(models.IntegerChoices):
    """How far a measured row can be trusted; the rules are in `snapshots.ingest.quality`, the last is a person's."""

    OK = 0, "ok"
    MISSING = 1, "missing"
    ZEROED = 2, "zeroed"
    NEGATIVE = 3, "negative"
    ROUNDED = 4, "rounded"
    REGRESSED = 5, "regressed"
    SPIKE = 6, "spike"
    REJECTED = 7, "rejected"


def counter() -> models.BigIntegerField[int | None, int | None]:
    """A counter of the upstream: 64 bits, NULL where it was not given."""
    return models.BigIntegerField(null=True)


class Judged(models.Model):
    """`state` is the worst state of the row's counters; `suspect` maps a counter that is not ok to its state."""

    state = models.SmallIntegerField(choices=DataState, default=DataState.OK)
    suspect = models.JSONField(null=True)

    class Meta:
        abstract = True


class MeasuredRow(Judged):
    """A day's counters, judged."""

    captured_at = models.DateTimeField(help_text="When the newest value of the day was read, UTC.")

    class Meta:
        abstract = True
