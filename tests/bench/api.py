"""The partner API through its door against a bare DRF view with one query; daily rows in bulk against COPY.

Requests are made without a network, as for pages: both sides would pay the same for gunicorn. The product's side finds
the token, opens the scope, counts the request in Redis and makes the ETag; the bare one does none of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import Client, override_settings
from django.urls import path
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.selectors import tenant_by_slug
from accounts.services.tokens import create_token
from accounts.token_scopes import SCOPES
from snapshots.analytics.daily_rows import lines_of_days
from tests.bench.data import Shape, bare, connected_to, database, main_database, member
from tests.bench.environment import DATABASE
from tests.bench.export import _peak
from tests.bench.frame import Figure, Measure, Options, at_least, interleaved
from tests.bench.requesting import without_middleware
from tikdash import clock
from tikdash.db.scope import owner

TIMES, ROUNDS, DAYS = 40, 21, 365
ACCOUNT = "id, username, nickname, follower_count, heart_count, video_count, measured_at"
POST = "id, aweme_id, title, posted_at, play_count, digg_count, comment_count, share_count, measured_at"
QUERIES = {
    "list": f"SELECT {ACCOUNT} FROM accounts ORDER BY follower_count DESC, id DESC LIMIT 50",
    "series": "SELECT captured_on, follower_count FROM account_snapshots WHERE account_id = {account}"
    " AND captured_on > current_date - 365 ORDER BY captured_on",
    "posts": f"SELECT {POST} FROM posts WHERE account_id = {{account}} ORDER BY posted_at DESC, id DESC LIMIT 50",
}
#: The same rows, the values as they are.
RAW = """
    COPY (SELECT account_id, captured_on, follower_count, following_count, heart_count, video_count, digg_count,
                 captured_at, state, suspect FROM account_snapshots WHERE captured_on BETWEEN '{first}' AND '{last}')
      TO STDOUT
"""
MIB = 1024**2
#: Accounts of one tenant, a year each: 100,000 and a million rows.
BULK_ACCOUNTS = {"small": 274, "full": 2_740}
MANY = (
    """
    INSERT INTO accounts (tenant_id, username, tiktok_user_id, sec_uid, nickname, avatar_url, bio, verified,
                          tracked_reason, tags, state, follower_count, measured_at, tracked_since)
    SELECT t.id, 'bench.' || n, '7' || lpad(n::text, 18, '0'), '', 'Bench', '', '', false, 'own', '{bench}', 'active',
           100000, now(), now() - interval '1 year'
      FROM generate_series(1, %(accounts)s) AS n, tenants t WHERE t.slug = 'bench-1'
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
    name = main_database(options)
    with connected_to(name):
        one = member(500)
        raw = create_token(tenant=one.tenant, name="bench", scopes=sorted(SCOPES)).raw
    client = Client(headers={"host": one.host, "authorization": f"Bearer {raw}"})
    paths = {
        "list": "accounts",
        "series": f"accounts/{one.account_id}/growth?days={DAYS}&form=columns",
        "posts": f"posts?account={one.account_id}",
    }
    for what, address in paths.items():
        product = _product(name, client, f"/api/v1/{address}")
        baseline = _rate(bare, name, without_middleware(f"/bare/{what}/{one.account_id}/", __name__))
        measured = interleaved(product, baseline, ROUNDS)
        yield Figure("api", f"{what}_rps", "1/s", measured.value, measured.baseline, measured.rounds, at_least(0.6))
    yield _bulk(options)


def _product(name: str, client: Client, address: str) -> Measure:
    def ask() -> Any:
        response = client.get(address)
        assert response.status_code == 200, response.content
        return response

    measure = _rate(connected_to, name, ask)

    def unlimited() -> float:
        with override_settings(API_REQUESTS_PER_MINUTE={"pro": 10**9}):
            return measure()

    return unlimited


def _rate(connected: Callable[[str], Any], name: str, ask: Callable[[], Any]) -> Measure:
    def measure() -> float:
        with connected(name):
            began = time.perf_counter()
            for _ in range(TIMES):
                ask()
            return TIMES / (time.perf_counter() - began)

    return measure


def _bulk(options: Options) -> Figure:
    accounts = BULK_ACCOUNTS[options.size]
    name = f"{DATABASE}_bulk"

    def fill() -> None:
        with connected_to(name), owner(settings.SHARED_SCHEMA), connection.cursor() as cursor:
            for statement in MANY:
                cursor.execute(statement, {"accounts": accounts, "days": DAYS})
            cursor.execute("VACUUM (ANALYZE)")

    database(name, Shape(tenants=1, posts=accounts, days=DAYS), options, fill)
    first, last = clock.today() - timedelta(days=DAYS), clock.today()
    with connected_to(name):
        tenant = tenant_by_slug("bench-1")
    rows = accounts * DAYS

    def product() -> float:
        with connected_to(name):
            began = time.perf_counter()
            lines = lines_of_days(tenant=tenant, tags=(), first=first, last=last)
            found = sum(block.count(b"\n") for block in lines)
            taken = time.perf_counter() - began
        assert found == rows
        return rows / taken

    def baseline() -> float:
        with bare(name), connection.cursor() as cursor:
            began = time.perf_counter()
            with cursor.copy(RAW.format(first=first, last=last)) as copied:
                found = sum(bytes(block).count(b"\n") for block in copied)
            taken = time.perf_counter() - began
        assert found == rows
        return rows / taken

    product()
    before = _peak()
    measured = interleaved(product, baseline, 5)
    facts = {"rows": rows, "peak_rss_growth_mb": round((_peak() - before) / MIB, 1)}
    return Figure(
        "api", "bulk_vs_copy", "rows/s", measured.value, measured.baseline, measured.rounds, at_least(0.3), facts
    )


class Bare(APIView):
    """What DRF does for one query, and nothing else."""

    authentication_classes: Any = ()
    permission_classes: Any = ()
    renderer_classes: Any = (JSONRenderer,)

    def get(self, request: Request, what: str, account_id: int) -> Response:
        with connection.cursor() as cursor:
            cursor.execute(QUERIES[what].format(account=account_id))
            names = [column.name for column in cursor.description]
            return Response({"data": [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]})


urlpatterns = [path("bare/<slug:what>/<int:account_id>/", Bare.as_view())]
