"""Numbers of metrics: what goes in, what comes out. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from snapshots.analytics.metrics.registry import METRICS, Metric
from tikdash.words import gettext

OK, MISSING, ROUNDED = "ok", "missing", "rounded"


class PostNumbers(NamedTuple):
    """A post's sound counters, None where one is not known; `followers` of its account when it was posted."""

    plays: int | None
    diggs: int | None
    comments: int | None
    shares: int | None
    collects: int | None
    followers: int | None = None

    @property
    def engagement(self) -> int | None:
        """Likes, comments and shares together; None where one of them is not known."""
        if self.diggs is None or self.comments is None or self.shares is None:
            return None
        return self.diggs + self.comments + self.shares


@dataclass(frozen=True, slots=True)
class Value:
    """A metric's value. `value` is None where there is none, and `reason` is then a sentence for people.

    `n` counts the posts or rows that it is made of. `state` is `missing` where some were left out because a counter is
    not known, `rounded` where the upstream rounded a number, otherwise `ok`. `low` and `high` are the interval of 95 %
    where the metric has one. `as_of` is when the newest number in it was measured.
    """

    metric_id: str
    version: int
    value: float | int | None
    n: int
    reason: str = ""
    state: str = OK
    low: float | None = None
    high: float | None = None
    as_of: datetime | None = None

    @property
    def metric(self) -> Metric:
        return METRICS[self.metric_id]


def given(metric_id: str, value: float | int, n: int, *, state: str = OK, as_of: datetime | None = None) -> Value:
    """A value that there is; counts that are whole come as whole numbers."""
    found = METRICS[metric_id]
    if isinstance(value, float) and found.unit == "count" and value.is_integer():
        value = int(value)
    return Value(metric_id, found.version, value, n, "", state, None, None, as_of)


def none(metric_id: str, n: int, reason: str, *, state: str = OK, as_of: datetime | None = None) -> Value:
    """No value, and why; a reason that is only marked is translated here."""
    return Value(metric_id, METRICS[metric_id].version, None, n, gettext(reason), state, None, None, as_of)
