"""What is watched, and when it is not well: figures in, findings out. Pure.

A finding says how one thing stands now. It becomes an alarm only when several samples in a row say so, and ends only
when several in a row are sound (`follow`): a queue that is deep for a minute is a queue.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

OK, WARNING, CRITICAL = "ok", "warning", "critical"
#: What each watch is called for people.
WATCHES = {
    "queue_drain": "Queue depth",
    "queue_stands": "Drain rate",
    "overdue": "Jobs overdue",
    "ceiling": "Workers' ceiling",
    "table_growth": "Table growth",
    "disk": "Disk",
    "partitions": "Partitions ahead",
}
#: Warnings begin at this part of a limit.
WARNS_AT = 0.8
#: A table that grows by so many times what it grew by before, and by so many bytes a day at least, is named.
GROWS_FASTER, WORTH_NAMING = 3.0, 50_000_000


@dataclass(frozen=True)
class Thresholds:
    """Seconds within which a queue drains and for which a job may be due; threads that may be started; bytes of the
    disk (0: not told) and the days within which it must not be full."""

    drain_s: float = 300
    overdue_s: float = 1800
    ceiling: int = 64
    disk_bytes: int = 0
    disk_days: int = 90


@dataclass(frozen=True)
class QueueNow:
    """A queue at one moment. `ended_per_s` is what was ended a second while there was work, None where nobody counted;
    `per_thread` the same of one busy thread."""

    queue: str
    waiting: int
    oldest_s: float
    in_flight: int
    ended_per_s: float | None
    per_thread: float | None = None


@dataclass(frozen=True)
class TableNow:
    """A table's bytes, what it grew by a day in the last week, and in the weeks before (None: not known)."""

    name: str
    bytes: int
    per_day: float | None
    per_day_before: float | None


@dataclass(frozen=True)
class Finding:
    """How one thing stands now: `value` against `threshold`, None where it cannot be said."""

    watch: str
    subject: str
    level: str
    sentence: str
    value: float | None = None
    threshold: float | None = None


@dataclass(frozen=True)
class Standing:
    """A finding over time: since when its level is what it is, in how many samples in a row, and since when it is an
    alarm."""

    finding: Finding
    since: datetime
    streak: int
    alarmed_at: datetime | None = None


def drain_seconds(waiting: int, ended_per_s: float | None) -> float | None:
    """In how many seconds a queue is empty at its present rate: 0 for an empty one, infinite where nothing is ended,
    None where the rate is not known."""
    if not waiting:
        return 0.0
    if ended_per_s is None:
        return None
    return waiting / ended_per_s if ended_per_s > 0 else math.inf


def of_queue(now: QueueNow, limits: Thresholds) -> list[Finding]:
    """Depth against the drain, whether anything moves at all, and how late the oldest job is."""
    seconds = drain_seconds(now.waiting, now.ended_per_s)
    if seconds is None:
        depth = Finding(
            "queue_drain", now.queue, OK, f"{now.waiting:,} wait; how fast they are ended is not known yet.",
            None, limits.drain_s,
        )  # fmt: skip
    elif math.isinf(seconds):
        # `queue_stands` says so.
        depth = Finding("queue_drain", now.queue, OK, f"{now.waiting:,} wait.", None, limits.drain_s)
    else:
        level = _above(seconds, limits.drain_s)
        sentence = f"{now.waiting:,} wait and drain in {_span(seconds)}; {_span(limits.drain_s)} are the aim."
        depth = Finding("queue_drain", now.queue, level, sentence, seconds, limits.drain_s)
    stands = bool(now.waiting) and now.ended_per_s == 0
    said = f"{now.waiting:,} wait, and nothing is ended." if stands else "Work is ended as it comes."
    late = _above(now.oldest_s, limits.overdue_s)
    overdue = f"The oldest job has been due for {_span(now.oldest_s)}." if now.oldest_s else "No job is late."
    return [
        depth,
        Finding("queue_stands", now.queue, CRITICAL if stands else OK, said, now.ended_per_s, 0.0),
        Finding("overdue", now.queue, late, overdue, now.oldest_s, limits.overdue_s),
    ]


def of_ceiling(queues: Iterable[QueueNow], threads: int | None, limits: Thresholds) -> Finding:
    """How many threads would drain what waits in time, against the most that may be started."""
    known = [queue for queue in queues if queue.waiting and queue.per_thread]
    needed = math.ceil(round(math.fsum(queue.waiting / (queue.per_thread or 1) / limits.drain_s for queue in known), 6))
    running = "how many run is not known" if threads is None else f"{threads:,} run"
    sentence = f"{needed:,} threads would drain what waits in time; {running}, {limits.ceiling:,} may be started."
    level = _above(max(needed, threads or 0), limits.ceiling)
    if needed <= limits.ceiling and level == CRITICAL:
        # More run than should: that is no emergency.
        level = WARNING
    return Finding("ceiling", "workers", level, sentence, float(max(needed, threads or 0)), float(limits.ceiling))


def of_tables(tables: Sequence[TableNow], limits: Thresholds) -> list[Finding]:
    """Tables that grow faster than they did, and the disk."""
    found = []
    for table in tables:
        if table.per_day is None:
            continue
        faster = (
            table.per_day_before is not None
            and table.per_day >= WORTH_NAMING
            and table.per_day > GROWS_FASTER * max(table.per_day_before, 1.0)
        )
        sentence = f"Grows by {_bytes(table.per_day)} a day"
        sentence += f", by {_bytes(table.per_day_before)} before." if table.per_day_before is not None else "."
        threshold = None if table.per_day_before is None else GROWS_FASTER * table.per_day_before
        level = WARNING if faster else OK
        found.append(Finding("table_growth", table.name, level, sentence, table.per_day, threshold))
    if limits.disk_bytes:
        found.append(_of_disk(tables, limits))
    return found


def of_partitions(faults: Sequence[str]) -> Finding:
    """What is missing of the months ahead, as `tikdash.db.partition_health` says it."""
    if not faults:
        return Finding("partitions", "all", OK, "All tables have their months ahead.", 0.0, 0.0)
    more = f" And {len(faults) - 1} more." if len(faults) > 1 else ""
    return Finding("partitions", "all", CRITICAL, f"{faults[0]}{more}"[:300], float(len(faults)), 0.0)


def follow(before: Standing | None, finding: Finding, now: datetime, samples: int) -> tuple[Standing, str]:
    """The standing after one more sample, and what it means: `opened`, `resolved`, or "" for no news.

    `samples` in a row that are not sound open an alarm, as many sound ones end it; between warning and critical an
    alarm goes on.
    """
    was_bad = before is not None and before.finding.level != OK
    is_bad = finding.level != OK
    if before is None or was_bad != is_bad:
        since, streak = now, 1
    else:
        streak = before.streak + 1
        since = before.since if before.finding.level == finding.level else now
    alarmed_at = before.alarmed_at if before else None
    standing = Standing(finding, since, streak, alarmed_at)
    if is_bad and alarmed_at is None and streak >= samples:
        return replace(standing, alarmed_at=now), "opened"
    if not is_bad and alarmed_at is not None and streak >= samples:
        return replace(standing, alarmed_at=None), "resolved"
    return standing, ""


def _of_disk(tables: Sequence[TableNow], limits: Thresholds) -> Finding:
    used = sum(table.bytes for table in tables)
    per_day = math.fsum(max(0.0, table.per_day or 0.0) for table in tables)
    free = limits.disk_bytes - used
    days = 0.0 if free <= 0 else free / per_day if per_day else math.inf
    shown = f"{_bytes(used)} of {_bytes(limits.disk_bytes)} are used"
    if math.isinf(days):
        return Finding("disk", "database", OK, f"{shown}, and nothing grows.", None, float(limits.disk_days))
    level = CRITICAL if days <= limits.disk_days / 3 else WARNING if days <= limits.disk_days else OK
    sentence = f"{shown}; at {_bytes(per_day)} a day it is full in {days:,.0f} days."
    return Finding("disk", "database", level, sentence, days, float(limits.disk_days))


def _above(value: float, limit: float) -> str:
    return CRITICAL if value > limit else WARNING if value > WARNS_AT * limit else OK


def _span(seconds: float) -> str:
    """A duration for people."""
    if seconds < 120:
        return f"{seconds:,.0f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"


def _bytes(number: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if abs(number) < 1000:
            return f"{number:,.0f} {unit}"
        number /= 1000
    return f"{number:,.2f} TB"
