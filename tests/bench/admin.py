"""Operators' pages on the whole fleet's data: the front page with nothing kept, and the large lists with searches.

`full` is 10,000 tenants with 100,000 accounts, their jobs, and 10 M posts; it is compared with a hundredth of that.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.test import Client

from accounts.models import User
from tests.bench.admin_budgets import pages_beyond_budget
from tests.bench.data import Shape, connected_to, database
from tests.bench.environment import DATABASE
from tests.bench.frame import Figure, Options, at_most, interleaved
from tests.bench.loading import TITLES, Loader
from tests.cast import give_app, sign_in_whole
from tikdash import clock
from tikdash.db.partitions import ensure_months
from tikdash.db.scope import owner

#: Of eight requests the slowest but one is taken, and of five such figures the median.
ROUNDS, TIMES = 5, 8
MOST_MS, MOST_GROWTH = 300, 1.5
ACCOUNTS_EACH = 10


@dataclass(frozen=True)
class Size:
    """How many tenants there are, of ten accounts each, and how many posts an account has."""

    tenants: int
    posts: int


SIZES = {"full": Size(10_000, 100), "small": Size(1_000, 25)}
HUNDREDTH = {"full": Size(100, 100), "small": Size(10, 25)}

ACCOUNTS = """
    INSERT INTO accounts (tenant_id, username, tiktok_user_id, sec_uid, nickname, avatar_url, bio, verified,
                          tracked_reason, tags, state, follower_count, following_count, heart_count, video_count,
                          digg_count, measured_at, tracked_since)
    SELECT id, 'creator.' || id || '.' || n, '7' || lpad((id * 100 + n)::text, 18, '0'),
           'MS4wLjAB' || md5(id || '.' || n),
           'Creator', '', 'Bakes bread.', false, 'own', '{bench}', 'active', 10000 + id, 100, 2500000, 100, 900, now(),
           now() - interval '1 year'
      FROM tenants, generate_series(1, %(each)s) AS n WHERE slug LIKE 'bench-%%'
"""
#: One of two hundred accounts has dead jobs; of one of fifty all are overdue: more than a page shows at any size.
JOBS = """
    INSERT INTO fetch_jobs (tenant_id, account_id, kind, queue, priority, cadence_s, offset_s, next_due_at, cursor,
                            params, attempts, state, error_code, error, created_at, succeeded_at)
    SELECT tenant_id, id, kind, 'pro', 0, 86400, 0,
           now() + CASE WHEN id %% 50 = 0 THEN -(1200 + id %% 5000) ELSE id %% 86400 END * interval '1 second',
           '', '{}', 0,
           CASE WHEN id %% 200 = 0 THEN 'dead' ELSE 'active' END,
           CASE WHEN id %% 200 = 0 THEN (ARRAY['upstream_down', 'bad_payload'])[1 + id %% 2] ELSE '' END,
           '', now() - interval '1 year', now() - interval '5 hours'
      FROM accounts, unnest(ARRAY['profile', 'posts', 'early', 'comments', 'pictures']) AS kind
"""
POSTS = """
    INSERT INTO posts (tenant_id, account_id, aweme_id, title, cover_url, duration_s, kind, pinned, sound_id, posted_at,
                       first_seen_at, play_count, digg_count, comment_count, share_count, collect_count, measured_at)
    SELECT a.tenant_id, a.id, '7' || lpad(a.id::text, 8, '0') || lpad(n::text, 10, '0'), 'Loaf number ' || n, '', 30,
           'video', false, '', now() - n * interval '6 hours', now(), 1000 + n, 100, 10, 5, 3, now()
      FROM generate_series(1, %(posts)s::bigint) AS n CROSS JOIN accounts a ORDER BY n, a.id
"""
USAGE = """
    INSERT INTO usage_events (id, occurred_at, tenant_id, key_id, endpoint, feature, priority, outcome, http_status,
                              credits, attempts, latency_ms)
    SELECT gen_random_uuid(), now() - n * interval '1 second' / 3, 1 + n %% %(tenants)s, 'shared', 'userinfo',
           'profile', 'pro', CASE WHEN n %% 40 = 0 THEN 'rate_limited' ELSE 'ok' END, 200, 1, 1, 100 + n %% 900
      FROM generate_series(%(usage)s, 1, -1) AS n
"""
HOURS = """
    INSERT INTO usage_hourly (hour, endpoint, requests, credits)
    SELECT date_trunc('hour', now()) - n * interval '1 hour', endpoint, 1000, 1000
      FROM generate_series(0, 1400) AS n, unnest(ARRAY['userinfo', 'user-posts', 'comments', 'post-detail']) AS endpoint
"""
SAMPLES = """
    INSERT INTO queue_samples (sampled_at, queue, waiting, oldest_s, in_flight, ended_per_s, threads)
    SELECT now() - n * interval '1 minute', queue, n %% 97, n %% 60, 5, 2, 20
      FROM generate_series(0, 20000) AS n, unnest(ARRAY['interactive', 'pro', 'free', 'backfill']) AS queue
"""


def addresses(size: Size) -> dict[str, str]:
    """Pages by name; searches are for what is there."""
    last = f"creator.{size.tenants}."
    lists = "/admin/snapshots"
    return {
        "front": "/admin/",
        "tenants": "/admin/accounts/tenant/",
        "tenants_search": f"/admin/accounts/tenant/?q=bench-{size.tenants}",
        "tenant": "/admin/accounts/tenant/7/change/",
        "account": f"{lists}/trackedaccount/7/change/",
        "accounts": f"{lists}/trackedaccount/",
        "accounts_search": f"{lists}/trackedaccount/?q={last}",
        "accounts_by_followers": f"{lists}/trackedaccount/?o=-5",
        "accounts_by_measured": f"{lists}/trackedaccount/?o=-6",
        "posts": f"{lists}/post/",
        "posts_far_down": f"{lists}/post/?p={min(10_000, size.tenants * ACCOUNTS_EACH * size.posts) // 50}",
        "posts_pinned": f"{lists}/post/?tenant=bench-{size.tenants}&pinned__exact=1",
        "posts_of_account": f"{lists}/post/?q={last}1",
        "posts_by_id": f"{lists}/post/?q=7{7:08d}{3:010d}",
        "jobs": f"{lists}/fetchjob/",
        "jobs_overdue": f"{lists}/fetchjob/?stands=overdue",
        "jobs_dead": f"{lists}/fetchjob/dead/",
        "jobs_of_kind": f"{lists}/fetchjob/?kind__exact=sound",
        "usage": "/admin/billing/usagerecordrow/",
        "usage_429": "/admin/billing/usagerecordrow/?outcome=rate_limited&since=15",
    }


def run(options: Options) -> Iterator[Figure]:
    size, small = SIZES[options.size], HUNDREDTH[options.size]
    full, hundredth = _database(size, options), _database(small, options)
    facts = {"tenants": size.tenants, "accounts": size.tenants * ACCOUNTS_EACH,
             "posts": size.tenants * ACCOUNTS_EACH * size.posts}  # fmt: skip
    pages = {
        name: (_Page(full, path), _Page(hundredth, addresses(small)[name])) for name, path in addresses(size).items()
    }
    figures = []
    for name, (ours, theirs) in pages.items():
        measured = interleaved(ours.p95_ms, theirs.p95_ms, ROUNDS)
        figure = Figure("admin", f"{name}_full_vs_hundredth", "ms", measured.value, measured.baseline, ROUNDS,
                        at_most(MOST_GROWTH), facts)  # fmt: skip
        figures.append(figure)
        yield figure
    worst = max(figures, key=lambda figure: figure.value)
    yield Figure(
        "admin", "worst_ms", "ms", worst.value, None, ROUNDS, at_most(MOST_MS), facts | {"page": worst.metric}
    )  # fmt: skip
    yield from pages_beyond_budget(full, facts)


@dataclass
class _Page:
    """A page in one database, as staff sees it; the front page with nothing kept of its tiles."""

    database: str
    path: str

    def __post_init__(self) -> None:
        with connected_to(self.database):
            self.client = Client(headers={"host": "localhost"})
            user = User.objects.filter(email="ops@bench.example").first()
            if user is None:
                user = User.objects.create_superuser("ops@bench.example", "!bench")
                give_app(user)
            sign_in_whole(self.client, user, "allauth.account.auth_backends.AuthenticationBackend")
            self._ask()

    def p95_ms(self) -> float:
        found = []
        with connected_to(self.database):
            for _ in range(TIMES):
                cache.clear()
                began = time.perf_counter()
                self._ask()
                found.append(1_000 * (time.perf_counter() - began))
        return sorted(found)[int(0.95 * len(found)) - 1]

    def _ask(self) -> None:
        answer = self.client.get(self.path)
        assert answer.status_code == 200, (self.path, answer.status_code)


def _database(size: Size, options: Options) -> str:
    name = f"{DATABASE}_admin_{size.tenants}"
    return database(name, Shape(size.tenants, size.posts, 1), options, fill=lambda: _fill(name, size))


def _fill(name: str, size: Size) -> None:
    values: dict[str, Any] = {
        "each": ACCOUNTS_EACH, "posts": size.posts, "tenants": size.tenants, "usage": max(1_000, size.tenants * 40),
    }  # fmt: skip
    with connected_to(name), owner("shared"), connection.cursor() as cursor:
        for statement in (ACCOUNTS, "ANALYZE accounts", JOBS):
            cursor.execute(statement, values)
    loader = Loader(name)
    with loader.connected() as admin, loader.without_indexes(admin, ("posts", "post_titles")):
        admin.execute(POSTS, values)  # type: ignore[call-overload]
        admin.execute(TITLES)
    with connected_to(name), owner("public"), connection.cursor() as cursor:
        ensure_months("usage_events", [clock.today()])
        for statement in (USAGE, HOURS, SAMPLES):
            cursor.execute(statement, values)
    with connected_to(name), owner("shared"), connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
