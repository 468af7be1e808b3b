"""Rows of the day into a table that is full against one that is empty, and the size of an account's row."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice

from django.db import connection

from accounts.selectors import TenantRef, tenant_by_slug
from snapshots.ingest.normalise import ACCOUNT_COUNTERS, POST_COUNTERS
from tests.bench.byhand import POSTS
from tests.bench.data import Shape, connected_to, database
from tests.bench.environment import DATABASE
from tests.bench.frame import Figure, Measure, Options, at_least, at_most, interleaved
from tikdash import clock
from tikdash.db.partitions import ensure_months, first_of_month, partition_name
from tikdash.db.scope import owner, tenant_scope
from tikdash.db.upsert import upsert

#: Posts with a row for each day of the year before today: 5 M and 100 M rows.
POSTS_KEPT = {"small": 13_700, "full": 274_000}
YEAR = 365
ACCOUNTS, MONTH = 20_000, 28
PAGES, ROUNDS = 25, 15
SEED = 11

FILL = f"""
    INSERT INTO post_snapshots (tenant_id, post_id, captured_on, captured_at, state, {", ".join(POST_COUNTERS)})
    SELECT %(tenant)s, n, %(day)s, %(day)s::timestamp AT TIME ZONE 'UTC' + interval '3 hours', 0,
           1000000 + n * 7919 %% 1000003, 90000 + n %% 10007, 1000 + n %% 997, 100 + n %% 53, 50 + n %% 31
      FROM generate_series(1, %(posts)s::bigint) AS n
"""
FILL_ACCOUNTS = f"""
    INSERT INTO account_snapshots (tenant_id, account_id, captured_on, captured_at, state,
                                   {", ".join(ACCOUNT_COUNTERS)})
    SELECT 1 + n %% 100, n, %(day)s, %(day)s::timestamp AT TIME ZONE 'UTC' + interval '3 hours', 0,
           1000000 + n, 100 + n %% 97, 25000000 + n, 800 + n %% 101, 900
      FROM generate_series(1, %(accounts)s) AS n
"""
SIZE = "SELECT pg_total_relation_size(%s::regclass)"
COLUMNS = [
    ("post_id", "bigint"),
    ("captured_on", "date"),
    ("captured_at", "timestamptz"),
    ("state", "smallint"),
    *((name, "bigint") for name in POST_COUNTERS),
]


def run(options: Options) -> Iterator[Figure]:
    kept = POSTS_KEPT[options.size]
    full, empty = (_filled(f"{DATABASE}_rows_{rows}", posts, options) for rows, posts in (("full", kept), ("none", 0)))
    measured = interleaved(_insert(full, kept), _insert(empty, kept), ROUNDS)
    yield Figure(
        "storage", "insert_100m_vs_empty", "1/s", measured.value, measured.baseline, ROUNDS, at_least(0.7),
        {"rows": kept * YEAR},
    )  # fmt: skip
    yield Figure("storage", "bytes_snapshot", "B", _bytes_of_account_row(empty), None, 1, at_most(200))


def _filled(name: str, posts: int, options: Options) -> str:
    """A database in which so many posts have a row for each day of the last year, written day after day."""
    database(name, Shape(tenants=1, posts=0, days=1), options)
    days = [clock.today() - timedelta(days=ago) for ago in range(YEAR, 0, -1)]
    with connected_to(name), owner("shared"), connection.cursor() as cursor:
        ensure_months("post_snapshots", [*days, clock.today()])
        cursor.execute(
            "SELECT count(*) FROM (SELECT FROM post_snapshots WHERE captured_on = %s LIMIT 1) AS one", [days[-1]]
        )
        if posts and not cursor.fetchone()[0]:
            began = time.monotonic()
            for day in days:
                cursor.execute(FILL, {"tenant": _tenant().id, "day": day, "posts": posts})
            cursor.execute("VACUUM (ANALYZE) post_snapshots")
            print(f"{name}: {posts * YEAR:,} rows in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return name


def _tenant() -> TenantRef:
    return tenant_by_slug("bench-1")


def _insert(name: str, posts: int) -> Measure:
    """Rows a second of today, by pages of posts that lie together, in any order; each page once."""
    with connected_to(name), owner("shared"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM post_snapshots WHERE captured_on >= %s", [clock.today()])
    pages = list(range(posts // POSTS))
    random.Random(SEED).shuffle(pages)
    ahead = iter(pages)

    def measure() -> float:
        day, at = clock.today(), clock.now()
        with connected_to(name), tenant_scope(_tenant()):
            began = time.perf_counter()
            for page in islice(ahead, PAGES):
                rows = [(page * POSTS + n, day, at, 0, 10_000, 900, 80, 7, None) for n in range(1, POSTS + 1)]
                upsert("post_snapshots", COLUMNS, rows, key=["post_id", "captured_on"], update=POST_COUNTERS)
            return PAGES * POSTS / (time.perf_counter() - began)

    return measure


def _bytes_of_account_row(name: str) -> float:
    """Table, indexes and everything, by row, of a month of accounts that are measured once a day."""
    month = first_of_month(clock.today(), -1)
    partition = partition_name("account_snapshots", month)
    with connected_to(name), owner("shared"), connection.cursor() as cursor:
        ensure_months("account_snapshots", [month])
        cursor.execute(f"TRUNCATE {partition}")
        for number in range(MONTH):
            cursor.execute(FILL_ACCOUNTS, {"day": month + timedelta(days=number), "accounts": ACCOUNTS})
        cursor.execute(SIZE, [partition])
        return float(cursor.fetchone()[0]) / (ACCOUNTS * MONTH)
