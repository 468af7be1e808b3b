"""A day's events rolled up hour by hour, against the bare statement that a person would write for the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from time import perf_counter

from django.db import connection

from billing.rollups import SETTLED_AFTER, roll_up
from tests.bench.data import Shape, bare, connected_to, database
from tests.bench.environment import DATABASE
from tests.bench.frame import Figure, Options, at_least, interleaved
from tikdash import clock
from tikdash.db.partitions import ensure_months
from tikdash.db.scope import owner

#: Of one day; 3.3 M a day are 100 M a month.
EVENTS = {"small": 480_000, "full": 3_300_000}
TENANTS, HOURS, ROUNDS = 1_000, 24, 5
DAY = datetime(2026, 11, 10, tzinfo=UTC)

#: Every tenant asks five endpoints; four in a hundred requests fail.
FILL = """
    INSERT INTO public.usage_events (id, occurred_at, tenant_id, key_id, endpoint, feature, priority, outcome,
                                     http_status, credits, attempts, latency_ms)
    SELECT gen_random_uuid(), %(day)s + n * interval '1 day' / %(events)s, t.id, 'shared',
           (ARRAY['user-posts','user-posts','userinfo-by-username','post-comments','userid'])[1 + (n %% 5)::int],
           (ARRAY['posts','posts','profile','comments','probe'])[1 + (n %% 5)::int], 'pro',
           CASE WHEN n %% 25 = 0 THEN 'upstream_timeout' ELSE 'ok' END, 200, (n %% 25 <> 0)::int, 1, 100 + n %% 900
      FROM generate_series(0::bigint, %(events)s - 1) AS n
      JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM public.tenants WHERE slug LIKE 'bench-%%') AS t
        ON t.place = (n * 7919) %% %(tenants)s
     ORDER BY n
"""
BARE_TABLE = """
    CREATE TABLE IF NOT EXISTS public.bench_daily (
        tenant_id bigint, day date, key_id text, endpoint text, feature text, priority text, requests int, ok int,
        failed int, unsettled int, credits bigint, charged bigint, latency_ms bigint,
        PRIMARY KEY (tenant_id, day, key_id, endpoint, feature, priority))
"""
BARE = """
    INSERT INTO public.bench_daily AS d
    SELECT tenant_id, %(day)s, key_id, endpoint, feature, priority, count(*), count(*) FILTER (WHERE outcome = 'ok'),
           count(*) FILTER (WHERE outcome <> 'ok' AND outcome <> 'begun'), count(*) FILTER (WHERE outcome = 'begun'),
           sum(credits), coalesce(sum(credits) FILTER (WHERE outcome = 'ok'), 0), sum(latency_ms)
      FROM public.usage_events WHERE occurred_at >= %(begin)s AND occurred_at < %(end)s
     GROUP BY tenant_id, key_id, endpoint, feature, priority
        ON CONFLICT (tenant_id, day, key_id, endpoint, feature, priority) DO UPDATE
       SET requests = d.requests + excluded.requests, ok = d.ok + excluded.ok, failed = d.failed + excluded.failed,
           unsettled = d.unsettled + excluded.unsettled, credits = d.credits + excluded.credits,
           charged = d.charged + excluded.charged, latency_ms = d.latency_ms + excluded.latency_ms
"""


def run(options: Options) -> Iterator[Figure]:
    name = database(f"{DATABASE}_rollup", Shape(tenants=TENANTS, posts=1, days=1), options)
    events = EVENTS[options.size]
    with connected_to(name):
        _fill(events)

    def ours() -> float:
        with connected_to(name):
            _empty("usage_daily", "usage_hourly", "usage_fills")
            taken = 0.0
            for hour in range(1, HOURS + 1):
                with clock.at(DAY + timedelta(hours=hour) + SETTLED_AFTER), _timed() as seconds:
                    roll_up()
                taken += seconds[0]
            _check("usage_daily", events)
            return events / taken

    def theirs() -> float:
        with bare(name):
            _empty_bare()
            taken = 0.0
            for hour in range(HOURS):
                begin = DAY + timedelta(hours=hour)
                with _timed() as seconds, connection.cursor() as cursor:
                    cursor.execute(BARE, {"day": DAY.date(), "begin": begin, "end": begin + timedelta(hours=1)})
                taken += seconds[0]
            _check("bench_daily", events)
            return events / taken

    measured = interleaved(ours, theirs, ROUNDS)
    facts = {"events": events, "tenants": TENANTS, "month_at_this_rate_s": round(100e6 / measured.value)}
    yield Figure(
        "rollup", "events_vs_sql", "1/s", measured.value, measured.baseline, measured.rounds, at_least(0.8), facts
    )


def _fill(events: int) -> None:
    with owner(), connection.cursor() as cursor:
        ensure_months("usage_events", [DAY.date()])
        cursor.execute("SELECT count(*) FROM public.usage_events")
        if cursor.fetchone()[0] != events:
            cursor.execute("TRUNCATE public.usage_events")
            cursor.execute(FILL, {"day": DAY, "events": events, "tenants": TENANTS})
        cursor.execute("VACUUM (ANALYZE) public.usage_events")


def _empty(*tables: str) -> None:
    with owner(), connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(f'public.{table}' for table in tables)}")


def _empty_bare() -> None:
    with connection.cursor() as cursor:
        cursor.execute(BARE_TABLE)
        cursor.execute("TRUNCATE public.bench_daily")


def _check(table: str, events: int) -> None:
    with owner() if table == "usage_daily" else _no_hat(), connection.cursor() as cursor:
        cursor.execute(f"SELECT sum(requests) FROM public.{table}")
        assert cursor.fetchone()[0] == events


@contextmanager
def _no_hat() -> Iterator[None]:
    yield


@contextmanager
def _timed() -> Iterator[list[float]]:
    seconds = [0.0]
    began = perf_counter()
    yield seconds
    seconds[0] = perf_counter() - began
