"""Reading what is watched, for `doctor`, `/metrics` and the admin's front page. Frozen values come out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max
from prometheus_client.metrics_core import GaugeMetricFamily

from billing.models import QueueSample, WatchState
from billing.watching import OK, WATCHES, drain_seconds
from tikdash import clock
from tikdash.db.scope import all_tenants

#: Without a sample for so long nobody watches: beat or all workers are gone.
BLIND_AFTER = timedelta(minutes=5)
LEVELS = {"ok": 0, "warning": 1, "critical": 2}


@dataclass(frozen=True)
class Watched:
    """How one thing that is watched stands. `alarmed_at` is since when it is an alarm, None while it is none."""

    watch: str
    name: str
    subject: str
    level: str
    sentence: str
    since: datetime
    seen_at: datetime
    alarmed_at: datetime | None


@dataclass(frozen=True)
class QueueStanding:
    """A queue's newest sample. `drains_in_s` is None where it is not known, or infinite because nothing is ended."""

    queue: str
    sampled_at: datetime
    waiting: int
    oldest_s: float
    in_flight: int
    ended_per_s: float | None
    threads: int | None
    drains_in_s: float | None


def watched(*, only_bad: bool = False) -> list[Watched]:
    """Everything that is watched, what is worst first."""
    with all_tenants():
        states = list(WatchState.objects.exclude(level=OK) if only_bad else WatchState.objects.all())
    states.sort(key=lambda state: (-LEVELS[state.level], state.watch, state.subject))
    return [
        Watched(
            state.watch, WATCHES.get(state.watch, state.watch), state.subject, state.level, state.sentence, state.since,
            state.seen_at, state.alarmed_at,
        )
        for state in states
    ]  # fmt: skip


def queue_standings() -> list[QueueStanding]:
    """The newest sample of every queue; none where there is none yet."""
    with all_tenants():
        newest = QueueSample.objects.aggregate(at=Max("sampled_at"))["at"]
        samples = list(QueueSample.objects.filter(sampled_at=newest).order_by("id")) if newest else []
    return [
        QueueStanding(
            sample.queue, sample.sampled_at, sample.waiting, sample.oldest_s, sample.in_flight, sample.ended_per_s,
            sample.threads, _finite(drain_seconds(sample.waiting, sample.ended_per_s)),
        )
        for sample in samples
    ]  # fmt: skip


def faults_of_operations() -> list[str]:
    """What is an alarm now, a sentence each, for `doctor`; also when nobody has looked for a while.

    An installation whose beat has not sampled yet has none.
    """
    states = watched()
    faults = [f"{each.name}, {each.subject}: {each.sentence}" for each in states if each.alarmed_at]
    queues = queue_standings()
    if queues and (age := clock.now() - queues[0].sampled_at) > BLIND_AFTER:
        minutes = round(age / timedelta(minutes=1))
        faults.append(f"Nobody has looked at the queues for {minutes} min. Do beat and a worker run?")
    return faults


def watches() -> Iterator[GaugeMetricFamily]:
    """The level of everything that is watched, and in how many seconds each queue drains."""
    level = GaugeMetricFamily(
        "tikdash_watch_level", "0 sound, 1 warning, 2 critical, by what is watched.", labels=["watch", "subject"]
    )
    for each in watched():
        level.add_metric([each.watch, each.subject], LEVELS[each.level])
    drain = GaugeMetricFamily(
        "tikdash_queue_drain_seconds", "Seconds in which a queue would be empty at its rate.", labels=["queue"]
    )
    for queue in queue_standings():
        if queue.drains_in_s is not None:
            drain.add_metric([queue.queue], queue.drains_in_s)
    yield from (level, drain)


def _finite(seconds: float | None) -> float | None:
    return seconds if seconds is not None and math.isfinite(seconds) else None
