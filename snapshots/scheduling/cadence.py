"""When a job runs next. Pure: no Django, no clock of its own."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zlib import crc32

HOUR_S, DAY_S = 3600, 86_400

#: Daily work begins in the quiet hours, UTC; each account at its own moment of the hour. Other kinds go by the profile.
DAILY_STARTS = {"profile": timedelta(hours=2), "posts": timedelta(hours=2, minutes=30)}
#: Kinds that run at these hours only, UTC: from (included), until (excluded); a window may span midnight.
WINDOWS = {"backfill": (timedelta(hours=2), timedelta(hours=5))}
#: When the last hour begins in which a daily job may run without missing its day, which leaves one more for retries.
LAST_START = timedelta(hours=22)
FIRST_RETRY_S = 60
LONGEST_RETRY_S = 6 * HOUR_S

Window = tuple[timedelta, timedelta]


def offset_of(tenant_id: int, account_id: int) -> int:
    """Seconds, 0–3599: the same in every process and for ever, so that daily work spreads evenly over an hour."""
    return crc32(f"{tenant_id}:{account_id}".encode()) % HOUR_S


def next_due(
    kind: str,
    cadence_s: int,
    offset_s: int,
    now: datetime,
    starts: Mapping[str, timedelta] = DAILY_STARTS,
    *,
    asked: bool = False,
) -> datetime:
    """The first moment after `now` of the job's rhythm: what was missed meanwhile is not made up for.

    From a day on, the daily start of its kind plus the offset; below, multiples of the cadence counted from the
    start of the epoch plus the offset, so that a job that ran late does not push all later ones.
    What somebody has `asked` for counts as the day's work: the next night would be too early for more, so a whole
    cadence passes, within the day on which it falls: not before its daily start, not so late that it may be missed.
    """
    if cadence_s >= DAY_S and asked:
        day = _midnight(now) + timedelta(days=cadence_s // DAY_S, seconds=offset_s)
        return min(max(now + timedelta(seconds=cadence_s), day + starts.get(kind, starts["profile"])), day + LAST_START)
    if cadence_s >= DAY_S:
        due = _midnight(now) + starts.get(kind, starts["profile"]) + timedelta(seconds=offset_s)
        days = cadence_s // DAY_S
        if due <= now:
            due += timedelta(days=1)
        return due + timedelta(days=days - 1)
    seconds = int(now.timestamp())
    passed = (seconds - offset_s) % cadence_s
    return datetime.fromtimestamp(seconds - passed + cadence_s, UTC)


def window_of(kind: str, windows: Mapping[str, Window] = WINDOWS) -> Window | None:
    """The hours of a kind as times since midnight, UTC, or None for a kind that runs around the clock."""
    return windows.get(kind)


def opens_at(kind: str, now: datetime, windows: Mapping[str, Window] = WINDOWS) -> datetime:
    """The first moment, `now` included, at which a job of this kind may run."""
    window = window_of(kind, windows)
    if window is None:
        return now
    start, end = window
    passed = now - _midnight(now)
    is_open = start <= passed < end if start < end else passed >= start or passed < end
    if is_open:
        return now
    return _midnight(now) + start + timedelta(days=int(passed >= start))


def closed_kinds(now: datetime, windows: Mapping[str, Window] = WINDOWS) -> list[str]:
    """Kinds that may not run now."""
    return [kind for kind in windows if opens_at(kind, now, windows) > now]


def retry_after(attempts: int, asked_for_s: float | None, draw: random.Random) -> timedelta:
    """How long a job waits after its `attempts`-th failure in a row: doubling, with jitter, never less than asked."""
    planned = min(FIRST_RETRY_S * 2 ** max(attempts - 1, 0), LONGEST_RETRY_S) * draw.uniform(0.75, 1.25)
    return timedelta(seconds=max(planned, asked_for_s or 0))


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
