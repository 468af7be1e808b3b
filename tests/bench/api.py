"""The partner API against a bare DRF view with one query; daily rows in bulk against COPY.

Both sides behind a gunicorn as in the Procfile, one asked at a time, by a few connections that stay open. The
product's side finds the token, opens the scope, counts the request in Redis, makes the ETag and writes a line of the
log; the bare one does none of it. The client takes its share of the same cores, from both sides alike.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.client import HTTPConnection
from typing import Any

from django.conf import settings
from django.db import connection

from accounts.selectors import tenant_by_slug
from accounts.services.tokens import create_token
from accounts.token_scopes import SCOPES
from billing.models import Plan
from snapshots.models import TrackedAccount
from tests.bench.data import Shape, bare, connected_to, database
from tests.bench.environment import DATABASE
from tests.bench.frame import Figure, Options, at_least, interleaved
from tests.bench.serving import Web, web
from tikdash import clock
from tikdash.db.scope import owner, tenant_scope

#: Connections that ask at the same time, and how often each asks in a round.
AT_ONCE, TIMES, ROUNDS = 4, 50, 11
DAYS, POSTS, UNLIMITED = 365, 500, 10**9
#: Accounts of one tenant, a year each: 100,000 and a million rows.
ACCOUNTS = {"small": 274, "full": 2_740}
#: The same rows, the values as they are.
RAW = """
    COPY (SELECT account_id, captured_on, follower_count, following_count, heart_count, video_count, digg_count,
                 captured_at, state, suspect FROM account_snapshots WHERE captured_on BETWEEN '{first}' AND '{last}')
      TO STDOUT
"""
FILL = (
    """
    INSERT INTO accounts (tenant_id, username, tiktok_user_id, sec_uid, nickname, avatar_url, bio, verified,
                          tracked_reason, tags, state, follower_count, following_count, heart_count, video_count,
                          digg_count, measured_at, tracked_since)
    SELECT t.id, 'bench.' || n, '7' || lpad(n::text, 18, '0'), '', 'Bench', '', 'Bakes bread, mostly.', false, 'own',
           '{bench}', 'active', 100000 + n, 100, 2500000, 500, 900, now(), now() - interval '1 year'
      FROM generate_series(1, %(accounts)s) AS n, tenants t WHERE t.slug = 'bench-1'
    """,
    """
    INSERT INTO posts (tenant_id, account_id, aweme_id, title, cover_url, duration_s, kind, pinned, sound_id, posted_at,
                       first_seen_at, play_count, digg_count, comment_count, share_count, collect_count, measured_at)
    SELECT a.tenant_id, a.id, '7' || lpad(a.id::text, 8, '0') || lpad(n::text, 10, '0'), 'Loaf number ' || n, '', 30,
           'video', false, '', now() - (%(posts)s - n) * interval '6 hours', now(), 1000 + n * 7919 %% 100003,
           100 + n * 104729 %% 10007, 10 + n %% 97, n %% 53, n %% 31, now()
      FROM generate_series(1, %(posts)s::bigint) AS n CROSS JOIN (SELECT * FROM accounts ORDER BY id LIMIT 50) a
     ORDER BY n, a.id
    """,
    """
    INSERT INTO account_snapshots (tenant_id, account_id, captured_on, captured_at, state, suspect, follower_count,
                                   following_count, heart_count, video_count, digg_count)
    SELECT a.tenant_id, a.id, day, day + interval '4 hours', 0, NULL, 90000 + a.id, 100, 2400000, 80, 900
      FROM (SELECT current_date - n AS day FROM generate_series(0, %(days)s - 1) AS n) AS d CROSS JOIN accounts a
     ORDER BY day, a.id
    """,
)


def run(options: Options) -> Iterator[Figure]:
    accounts = ACCOUNTS[options.size]
    name = f"{DATABASE}_api"

    def fill() -> None:
        with connected_to(name), owner(settings.SHARED_SCHEMA), connection.cursor() as cursor:
            for statement in FILL:
                cursor.execute(statement, {"accounts": accounts, "days": DAYS, "posts": POSTS})
            cursor.execute("VACUUM (ANALYZE)")

    database(name, Shape(tenants=10, posts=accounts, days=DAYS), options, fill)
    with connected_to(name):
        Plan.objects.update(api_requests_per_minute=UNLIMITED)
        tenant = tenant_by_slug("bench-1")
        raw = create_token(tenant=tenant, name=f"bench {time.time_ns()}", scopes=sorted(SCOPES)).raw
        with tenant_scope(tenant):
            account = TrackedAccount.objects.earliest("id").pk
    addresses = {
        "list": "accounts",
        "series": f"accounts/{account}/growth?days={DAYS}&form=columns",
        "posts": f"posts?account={account}",
    }
    with (
        web(name, log="api-web.log", LOG_LEVEL="INFO", LOG_JSON="1") as served,
        web(
            name, log="api-bare.log", application="tests.bench.bare_wsgi", ready=f"/list/{tenant.id}/{account}/",
            DJANGO_SETTINGS_MODULE="tests.bench.bare_settings",
        ) as plain,
    ):  # fmt: skip
        for what, address in addresses.items():
            product = _Asker(served, f"/api/v1/{address}", raw)
            baseline = _Asker(plain, f"/{what}/{tenant.id}/{account}/")
            measured = interleaved(product.rate, baseline.rate, ROUNDS)
            yield Figure(
                "api", f"{what}_rps", "1/s", measured.value, measured.baseline, measured.rounds, at_least(0.6),
                {
                    "p50_ms": product.quantile(0.5), "p95_ms": product.quantile(0.95),
                    "bare_p95_ms": baseline.quantile(0.95), "bytes": product.size, "bare_bytes": baseline.size,
                },
            )  # fmt: skip
        yield _bulk(served, raw, name, accounts * DAYS)


class _Asker:
    """A few connections that ask for the same address, each as soon as it has its answer."""

    def __init__(self, served: Web, address: str, token: str = "") -> None:
        self._address = address
        self._headers = {"Host": settings.BASE_DOMAIN} | ({"Authorization": f"Bearer {token}"} if token else {})
        self._served, self._taken = served, list[float]()
        self.size = 0

    def rate(self) -> float:
        """Answers a second."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            began = time.perf_counter()
            asked = [pool.submit(self._ask) for _ in range(AT_ONCE)]
            taken = [each for one in asked for each in one.result()]
            seconds = time.perf_counter() - began
        self._taken += taken
        return len(taken) / seconds

    def quantile(self, part: float) -> float:
        """So many of all answers came within, ms."""
        return round(sorted(self._taken)[int(part * len(self._taken))] * 1_000, 2)

    def _ask(self) -> list[float]:
        taken = []
        line = HTTPConnection("127.0.0.1", self._served.port, timeout=30)
        for _ in range(TIMES):
            began = time.perf_counter()
            line.request("GET", self._address, headers=self._headers)
            answer = line.getresponse()
            body = answer.read()
            taken.append(time.perf_counter() - began)
            assert answer.status == 200, body[:400]
            self.size = len(body)
        line.close()
        return taken


def _bulk(served: Web, raw: str, name: str, rows: int) -> Figure:
    first, last = clock.today() - timedelta(days=DAYS), clock.today()
    headers = {"Host": settings.BASE_DOMAIN, "Authorization": f"Bearer {raw}"}

    def product() -> float:
        line = HTTPConnection("127.0.0.1", served.port, timeout=120)
        began = time.perf_counter()
        line.request("GET", f"/api/v1/snapshots?from={first}&to={last}", headers=headers)
        answer = line.getresponse()
        assert answer.status == 200
        found = 0
        while block := answer.read(262_144):
            found += block.count(b"\n")
        taken = time.perf_counter() - began
        line.close()
        assert found == rows, (found, rows)
        return rows / taken

    def baseline() -> float:
        with bare(name), connection.cursor() as cursor:
            began = time.perf_counter()
            with cursor.copy(RAW.format(first=first, last=last)) as copied:
                found = sum(bytes(block).count(b"\n") for block in copied)
            taken = time.perf_counter() - began
        assert found == rows
        return rows / taken

    before = served.peak_kb()
    measured = interleaved(product, baseline, 5)
    facts: dict[str, Any] = {"rows": rows, "peak_rss_growth_mb": round((served.peak_kb() - before) / 1_024, 1)}
    return Figure(
        "api", "bulk_vs_copy", "rows/s", measured.value, measured.baseline, measured.rounds, at_least(0.3), facts
    )
