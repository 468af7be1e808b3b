"""Among many tenants' rows every statement of the analytics finds its own by index: PostgreSQL's plans say so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.selectors import TenantRef
from snapshots.analytics import compare, deltas, engagement, timing, windows
from snapshots.models import TrackedAccount
from tests.cast import Cast, clean_up
from tests.meta.test_query_plans import ACCOUNTS, nodes
from tikdash import clock
from tikdash.db.partitions import ensure_months
from tikdash.db.scope import all_tenants, owner, tenant_scope

TENANTS, ACCOUNTS_EACH, POSTS_EACH, POSTS_OF_ACME, DAYS = 100, 10, 100, 2_000, 60
POSTS = """
    INSERT INTO posts (tenant_id, account_id, aweme_id, title, cover_url, duration_s, kind, pinned, sound_id, posted_at,
                       first_seen_at, play_count, digg_count, comment_count, share_count, collect_count, measured_at)
    SELECT a.tenant_id, a.id, (a.id * 1000 + p)::text, 'title', '', 15, 'video', false, '', now() - p * interval '11 h',
           now(), p * 31, p * 7, p * 5, p, p, now()
      FROM accounts a, generate_series(1, CASE WHEN a.tenant_id = %s THEN %s ELSE %s END) AS p
"""
SNAPSHOTS = """
    INSERT INTO account_snapshots (tenant_id, account_id, captured_on, captured_at, state, follower_count)
    SELECT a.tenant_id, a.id, %s::date - d, now(), 0, 10000 - d FROM generate_series(0, %s) AS d, accounts a
"""


@pytest.fixture(scope="module")
def crowd(_cast: Cast, django_db_blocker: Any) -> Iterator[tuple[TenantRef, list[int]]]:
    """120,000 posts and 60,000 days of a hundred tenants; gives Acme and its ten accounts."""
    today = clock.today()
    with django_db_blocker.unblock():
        clean_up()
        ensure_of: list[date] = [today - timedelta(days=back) for back in range(DAYS)]
        with all_tenants("shared"), connection.cursor() as cursor:
            ensure_months("account_snapshots", ensure_of)
            cursor.execute(ACCOUNTS, [[_cast.acme.id, *range(1_000_001, 1_000_000 + TENANTS)], ACCOUNTS_EACH])
            cursor.execute(POSTS, [_cast.acme.id, POSTS_OF_ACME, POSTS_EACH])
            cursor.execute(SNAPSHOTS, [today, DAYS - 1])
        with owner("shared"), connection.cursor() as cursor:
            cursor.execute("ANALYZE accounts, posts, account_snapshots")
        with tenant_scope(_cast.acme):
            ids = list(TrackedAccount.objects.values_list("id", flat=True))
        yield _cast.acme, ids
        clean_up()
        connection.close()


class Asked:
    """What an analytics module sends to `prepared_row`, on the way to PostgreSQL."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *modules: Any) -> None:
        self.statements: list[tuple[str, Any]] = []
        for module in modules:
            monkeypatch.setattr(module, "prepared_row", self._passing_on(module.prepared_row))

    def _passing_on(self, ask: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
        def note_and_ask(statement: str, parameters: Any) -> Any:
            self.statements.append((statement, parameters))
            return ask(statement, parameters)

        return note_and_ask

    def plans(self) -> list[dict[str, Any]]:
        found = []
        with connection.cursor() as cursor:
            for statement, parameters in self.statements:
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters)
                found.append(cursor.fetchone()[0][0]["Plan"])
        return found


@pytest.mark.parametrize(
    ("ask", "most"),
    [
        # Of ten accounts with 2,000 posts each: 310 posts, and once more for the followers of each.
        (lambda t, ids: windows.windows(tenant_id=t, account_ids=ids, followers_then=False), 600),
        (lambda t, ids: windows.windows(tenant_id=t, account_ids=ids), 2_500),
        (lambda t, ids: windows.windows(tenant_id=t, account_ids=None, followers_then=False), 600),
        (lambda t, ids: engagement.growth(tenant_id=t, account_ids=ids), 300),
        (lambda t, ids: compare.voices(tenant_id=t, account_ids=ids, days=30), 1_000),
        (lambda t, ids: compare.series_of(tenant_id=t, account_ids=ids, metric="follower_count", days=30), 700),
        (lambda t, ids: timing.best_times(tenant_id=t, account_id=ids[4], zone="Europe/Paris"), 500),
        (lambda t, ids: timing.frequency(tenant_id=t, account_id=ids[4], zone="Europe/Paris"), 500),
        (lambda t, ids: deltas.by_post_date(tenant_id=t, account_id=ids[4], days=90), 300),
        (lambda t, ids: deltas.deltas(account_id=ids[4], metric="follower_count", days=30), 150),
    ],
    ids=["windows", "with followers", "all windows", "growth", "voices", "series", "best", "weeks", "posted", "deltas"],
)
def test_a_statement_reads_its_own_rows_by_index(
    crowd: tuple[TenantRef, list[int]],
    django_db_blocker: Any,
    monkeypatch: pytest.MonkeyPatch,
    ask: Callable[[int, list[int]], Any],
    most: int,
) -> None:
    tenant, ids = crowd
    with django_db_blocker.unblock(), tenant_scope(tenant):
        asked = Asked(monkeypatch, windows, engagement, compare, timing, deltas)
        ask(tenant.id, ids)
        found = asked.plans()
    assert len(found) == 1
    scans = {node.get("Relation Name") for node in nodes(found[0]) if node["Node Type"] == "Seq Scan"}
    assert not [name for name in scans if name and name.startswith(("posts", "accounts", "account_snapshots_2"))], scans
    indexes = [node["Index Name"] for node in nodes(found[0]) if node["Node Type"] == "Index Scan"]
    assert not [name for name in indexes if name.startswith("posts_") and name != "posts_posted"], indexes
    assert found[0]["Shared Hit Blocks"] + found[0]["Shared Read Blocks"] <= most
