"""The ledger's days: usage events counted by day, tenant, key, endpoint, feature and priority, each exactly once.

A day is counted in parts, as its hours go by. A part is counted in one transaction that also moves the day's
`filled_until`, so what a crash leaves is either the whole part or nothing of it. A day that gets an
event after it may have been counted (`usage_late`) is counted anew from the events. Decision 0020.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction

from billing.models import UsageFill
from tikdash import clock
from tikdash.db.partitions import first_of_month
from tikdash.db.scope import all_tenants
from tikdash.errors import BadInput
from tikdash.tiklive.endpoints import CATALOGUE

log = structlog.get_logger(__name__)

#: A part of a day is counted when it is so old. Requests last for half a minute at most; who writes an event later
#: than `metering.LATE_AFTER` says so, and that is less than this.
SETTLED_AFTER = timedelta(seconds=120)

COUNT = """
    WITH part AS MATERIALIZED (
        SELECT {hour} AS hour, e.tenant_id, e.key_id, e.endpoint, e.feature, e.priority,
               count(*) AS requests,
               count(*) FILTER (WHERE e.outcome = 'ok') AS ok,
               count(*) FILTER (WHERE e.outcome = 'begun') AS unsettled,
               sum(e.credits) AS credits,
               coalesce(sum(e.credits) FILTER (WHERE e.outcome = 'ok'), 0) AS charged,
               sum(e.latency_ms) AS latency_ms
          FROM public.usage_events e
         WHERE e.occurred_at >= %(begin)s AND e.occurred_at < %(end)s
         GROUP BY 1, e.tenant_id, e.key_id, e.endpoint, e.feature, e.priority
    ), of_day AS (
        INSERT INTO public.usage_daily AS d
               (tenant_id, day, key_id, endpoint, feature, priority, requests, ok, failed, unsettled, credits, charged,
                unsettled_credits, latency_ms)
        SELECT tenant_id, %(day)s, key_id, endpoint, feature, priority, requests, ok, requests - ok - unsettled,
               unsettled, credits, charged, unsettled * coalesce(price, 1), latency_ms
          FROM ({by_day}) AS counted
          LEFT JOIN unnest(%(endpoints)s::text[], %(prices)s::int[]) AS catalogue (slug, price) ON slug = endpoint
            ON CONFLICT (tenant_id, day, key_id, endpoint, feature, priority) DO UPDATE
           SET requests = d.requests + excluded.requests, ok = d.ok + excluded.ok,
               failed = d.failed + excluded.failed, unsettled = d.unsettled + excluded.unsettled,
               credits = d.credits + excluded.credits, charged = d.charged + excluded.charged,
               unsettled_credits = d.unsettled_credits + excluded.unsettled_credits,
               latency_ms = d.latency_ms + excluded.latency_ms
    ), of_hour AS (
        INSERT INTO public.usage_hourly AS h (hour, endpoint, requests, credits)
        SELECT hour, endpoint, sum(requests), sum(credits) FROM part GROUP BY hour, endpoint
            ON CONFLICT (hour, endpoint) DO UPDATE
           SET requests = h.requests + excluded.requests, credits = h.credits + excluded.credits
    )
    SELECT coalesce(sum(requests), 0)::bigint, coalesce(sum(credits), 0)::bigint FROM part
"""
#: What is counted every few minutes lies within an hour; what is counted anew, or after a long pause, may not.
WITHIN_AN_HOUR = COUNT.format(hour="%(hour)s::timestamptz", by_day="SELECT * FROM part")
OF_SEVERAL_HOURS = COUNT.format(
    hour="date_bin('1 hour', e.occurred_at, %(hour)s)",
    by_day="""
        SELECT tenant_id, key_id, endpoint, feature, priority, sum(requests) AS requests, sum(ok) AS ok,
               sum(unsettled) AS unsettled, sum(credits) AS credits, sum(charged) AS charged,
               sum(latency_ms) AS latency_ms
          FROM part GROUP BY tenant_id, key_id, endpoint, feature, priority""",
)
CLEAR = [
    # First: whoever marks the day from here on is seen by the next run.
    "DELETE FROM public.usage_late WHERE day = %(day)s",
    "DELETE FROM public.usage_daily WHERE day = %(day)s",
    "DELETE FROM public.usage_hourly WHERE hour >= %(begin)s AND hour < %(end)s",
]
#: What the events say, and what has been counted of them.
COMPARE = """
    SELECT f.day, f.events, f.credits, e.events, e.credits, d.events, d.credits
      FROM public.usage_fills f
     CROSS JOIN LATERAL (
            SELECT count(*) AS events, coalesce(sum(credits), 0) AS credits FROM public.usage_events
             WHERE occurred_at >= f.day::timestamp AT TIME ZONE 'UTC' AND occurred_at < f.filled_until) e
     CROSS JOIN LATERAL (
            SELECT coalesce(sum(requests), 0) AS events, coalesce(sum(credits), 0) AS credits FROM public.usage_daily
             WHERE day = f.day) d
     WHERE f.day >= %s
     ORDER BY f.day
"""
FIRST_EVENT = "SELECT min(occurred_at) FROM public.usage_events"


@dataclass(frozen=True)
class RolledUp:
    """What a run has done: events counted for the first time, and days that were counted anew."""

    events: int
    parts: int
    recounted: list[date]


def roll_up() -> RolledUp:
    """Counts all that has happened up to two minutes ago, and anew every day that got something late.

    Two runs at once wait for each other, day by day; what one has counted the other finds counted.
    """
    with all_tenants():
        events = parts = 0
        until = clock.now() - SETTLED_AFTER
        day = _first_open_day()
        while day is not None and _begin_of(day) < until:
            counted = _count_next_part(day, until)
            if counted is None:
                _start(day)
                counted = _count_next_part(day, until) or 0
            events, parts, day = events + counted, parts + 1, day + timedelta(days=1)
        recounted = [late for late in _late_days() if recount(late)]
    return RolledUp(events, parts, recounted)


def recount(day: date) -> bool:
    """Counts a UTC day anew from its events, as far as it had been counted; False where that had not begun.

    Raises BadInput for a day whose events are kept no longer.
    """
    if day < first_of_month(clock.today(), -settings.USAGE_KEPT_MONTHS):
        raise BadInput(f"The events of {day} are kept no longer: its rollup is all there is.")
    with all_tenants(), transaction.atomic():
        fill = UsageFill.objects.select_for_update().filter(day=day).first()
        if fill is None:
            with connection.cursor() as cursor:
                # It is counted with all that it has when its turn comes.
                cursor.execute(CLEAR[0], {"day": day})
            return False
        begin = _begin_of(day)
        with connection.cursor() as cursor:
            for statement in CLEAR:
                cursor.execute(statement, {"day": day, "begin": begin, "end": begin + timedelta(days=1)})
        fill.events, fill.credits = _count(day, begin, fill.filled_until)
        fill.fills += 1
        fill.save(update_fields=["events", "credits", "fills"])
    log.info("usage_recounted", day=str(day), events=fill.events, credits=fill.credits)
    return True


def days_that_differ(since: date) -> list[date]:
    """Counted days from `since` on whose events, fill and rollup do not say the same."""
    since = max(since, first_of_month(clock.today(), -settings.USAGE_KEPT_MONTHS))
    with all_tenants(), connection.cursor() as cursor:
        cursor.execute(COMPARE, [since])
        return [row[0] for row in cursor.fetchall() if not row[1:3] == row[3:5] == row[5:7]]


def mend(since: date) -> list[date]:
    """Counts anew what `days_that_differ`; returns these days. None is expected, so each is a warning."""
    differ = days_that_differ(since)
    for day in differ:
        log.warning("rollup_differs", day=str(day))
        recount(day)
    return differ


def filled_until() -> datetime | None:
    """The moment up to which everything is counted; None before the first run."""
    fill = UsageFill.objects.order_by("-day").first()
    return fill.filled_until if fill else None


def _begin_of(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _first_open_day() -> date | None:
    """The day at which counting goes on; None while there is nothing to count."""
    fill = UsageFill.objects.filter(state=UsageFill.State.STARTED).order_by("day").first()
    if fill is not None:
        return fill.day
    last = UsageFill.objects.order_by("-day").first()
    if last is not None:
        return last.day + timedelta(days=1)
    with connection.cursor() as cursor:
        cursor.execute(FIRST_EVENT)
        first: datetime | None = cursor.fetchone()[0]
    return first.astimezone(UTC).date() if first else None


def _start(day: date) -> None:
    """Writes down that a day is begun, before any of it is counted."""
    UsageFill.objects.bulk_create(
        [UsageFill(day=day, state=UsageFill.State.STARTED, filled_until=_begin_of(day), started_at=clock.now())],
        ignore_conflicts=True,
    )


def _count_next_part(day: date, until: datetime) -> int | None:
    """Counts the part of a day that is next, up to `until`; None where the day is not begun."""
    with transaction.atomic():
        fill = UsageFill.objects.select_for_update().filter(day=day).first()
        if fill is None:
            return None
        begin, ends = fill.filled_until, _begin_of(day) + timedelta(days=1)
        end = min(ends, until)
        if end <= begin:
            return 0
        events, credits = _count(day, begin, end)
        fill.filled_until, fill.events, fill.credits = end, fill.events + events, fill.credits + credits
        if end == ends:
            fill.state, fill.done_at = UsageFill.State.DONE, clock.now()
        fill.save(update_fields=["filled_until", "events", "credits", "state", "done_at"])
    return events


def _count(day: date, begin: datetime, end: datetime) -> tuple[int, int]:
    """Adds the events of a part of a day to the rollups; returns how many they were, and their credits."""
    hour = begin.replace(minute=0, second=0, microsecond=0)
    parameters: dict[str, Any] = {
        "day": day,
        "begin": begin,
        "end": end,
        "hour": hour,
        "endpoints": list(CATALOGUE),
        "prices": [endpoint.credits for endpoint in CATALOGUE.values()],
    }
    with connection.cursor() as cursor:
        cursor.execute(WITHIN_AN_HOUR if end <= hour + timedelta(hours=1) else OF_SEVERAL_HOURS, parameters)
        events, credits = cursor.fetchone()
    return int(events), int(credits)


def _late_days() -> list[date]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT day FROM public.usage_late ORDER BY day")
        return [row[0] for row in cursor.fetchall()]
