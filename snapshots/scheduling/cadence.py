"""When a job runs next. Pure: no Django, no clock of its own."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zlib import crc32

HOUR_S, DAY_S = 3600, 86_400

#: Daily work runs in the quiet hours, UTC; each account at its own moment of the hour.
DAILY_WINDOW = {"profile": timedelta(hours=2), "posts": timedelta(hours=2, minutes=30)}
FIRST_RETRY_S = 60
LONGEST_RETRY_S = 6 * HOUR_S


def offset_of(tenant_id: int, account_id: int) -> int:
    """Seconds, 0–3599: the same in every process and for ever, so that daily work spreads evenly over an hour."""
    return crc32(f"{tenant_id}:{account_id}".encode()) % HOUR_S


def next_due(kind: str, cadence_s: int, offset_s: int, now: datetime) -> datetime:
    """The first moment after `now` of the job's rhythm.

    From a day on, the daily window of its kind plus the offset; below, multiples of the cadence counted from the
    start of the epoch plus the offset, so that a job that ran late does not push all later ones.
    """
    if cadence_s >= DAY_S:
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        due = midnight + DAILY_WINDOW.get(kind, DAILY_WINDOW["profile"]) + timedelta(seconds=offset_s)
        days = cadence_s // DAY_S
        if due <= now:
            due += timedelta(days=1)
        return due + timedelta(days=days - 1)
    seconds = int(now.timestamp())
    passed = (seconds - offset_s) % cadence_s
    return datetime.fromtimestamp(seconds - passed + cadence_s, UTC)


def retry_after(attempts: int, asked_for_s: float | None, draw: random.Random) -> timedelta:
    """How long a job waits after its `attempts`-th failure in a row: doubling, with jitter, never less than asked."""
    planned = min(FIRST_RETRY_S * 2 ** max(attempts - 1, 0), LONGEST_RETRY_S) * draw.uniform(0.75, 1.25)
    return timedelta(seconds=max(planned, asked_for_s or 0))
