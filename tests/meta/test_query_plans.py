"""With 1,000 tenants and a million posts the lists use their indexes: PostgreSQL's own plans say so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.selectors import TenantRef
from snapshots.analytics.accounts import accounts_page
from snapshots.analytics.all_posts import COLUMNS as ALL_COLUMNS
from snapshots.analytics.all_posts import PostFilter, find_posts
from snapshots.analytics.posts import COLUMNS, posts_page
from snapshots.scheduling.dispatch import claim
from snapshots.selectors import count_of_accounts, refresh_state
from tests.cast import Cast, clean_up
from tikdash.db.scope import all_tenants, owner, tenant_scope

TENANTS, ACCOUNTS_EACH, POSTS_EACH, POSTS_OF_ACME = 1_000, 10, 95, 5_000
#: An index that is read in order and stops early costs far less than this; reading a tenant's whole table far more.
MOST_BUFFERS = 400
#: Twenty-five posts, each with the row of its account, which must not be a stopped one.
MOST_BUFFERS_OF_PAGE = 100

ACCOUNTS = """
    INSERT INTO accounts (tenant_id, username, tiktok_user_id, sec_uid, nickname, avatar_url, bio, verified,
                          tracked_reason, tags, state, follower_count, measured_at, tracked_since)
    SELECT t, 'creator' || a, (t * 1000 + a)::text, '', 'Creator', '', '', false, 'own', '{}', 'active',
           (t * 7919 + a * 104729) %% 1000000, now(), now()
      FROM unnest(%s::bigint[]) AS t, generate_series(1, %s) AS a
"""
POSTS = """
    INSERT INTO posts (tenant_id, account_id, aweme_id, title, cover_url, duration_s, kind, pinned, sound_id, posted_at,
                       first_seen_at, play_count, digg_count, comment_count, share_count, collect_count, measured_at)
    SELECT a.tenant_id, a.id, (a.id * 1000 + p)::text, 'title', '', 15, 'video', false, '', now() - p * interval '7 h',
           now(), (a.id * p * 31) %% 1000003, (a.id * p * 37) %% 100003, (a.id * p * 41) %% 10007, p %% 97, p %% 89,
           now()
      FROM accounts a, generate_series(1, CASE WHEN a.tenant_id = %s THEN %s ELSE %s END) AS p
"""
JOBS = """
    INSERT INTO fetch_jobs (tenant_id, account_id, kind, queue, priority, cadence_s, offset_s, next_due_at, cursor,
                            params, attempts, state, error_code, error, created_at)
    SELECT tenant_id, id, kind, 'pro', 0, 3600, 0, now() + (id %% 3600 - 20) * interval '1 s', '', '{}', 0, 'active',
           '', '', now()
      FROM accounts, unnest(ARRAY['profile', 'posts']) AS kind
"""


@pytest.fixture(scope="module")
def crowd(_cast: Cast, django_db_blocker: Any) -> Iterator[TenantRef]:
    """A million posts of a thousand tenants in the shared schema; gives one tenant in the middle."""
    ids = [_cast.acme.id, *range(1_000_001, 1_000_000 + TENANTS)]
    with django_db_blocker.unblock():
        clean_up()
        # In the middle of the long statement autovacuum would find a table without rows, and every foreign key would
        # go through an index of the wrong columns from then on.
        with owner("shared"), connection.cursor() as cursor:
            cursor.execute("ALTER TABLE posts SET (autovacuum_enabled = off)")
        with all_tenants("shared"), connection.cursor() as cursor:
            cursor.execute(ACCOUNTS, [ids, ACCOUNTS_EACH])
            cursor.execute(POSTS, [_cast.acme.id, POSTS_OF_ACME, POSTS_EACH])
            cursor.execute(JOBS, [])
        with owner("shared"), connection.cursor() as cursor:
            cursor.execute("ALTER TABLE posts RESET (autovacuum_enabled)")
        _analyse()
        yield _cast.acme
        clean_up()
        connection.close()


def _analyse() -> None:
    with owner("shared"), connection.cursor() as cursor:
        # Tests commit without waiting for the log, and until it is written VACUUM takes no row for visible to all: this
        # commit waits, for those before it, too.
        cursor.execute("SET synchronous_commit TO on")
        cursor.execute("SELECT pg_current_xact_id()")
        cursor.execute("RESET synchronous_commit")
        # As autovacuum leaves them: a count need not look into the table for every row.
        cursor.execute("VACUUM (ANALYZE) accounts, posts, fetch_jobs")


@contextmanager
def plans() -> Iterator[list[dict[str, Any]]]:
    """The plans of all statements of the block that read, run again in the same scope."""
    found: list[dict[str, Any]] = []
    with CaptureQueriesContext(connection) as captured:
        yield found
    for query in captured.captured_queries:
        if re.match(r"\s*(SELECT|WITH)", query["sql"]):
            with connection.cursor() as cursor:
                cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + query["sql"].replace("%", "%%"), [])
                found.append(cursor.fetchone()[0][0]["Plan"])


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def assert_by_index(found: list[dict[str, Any]], most: int = MOST_BUFFERS) -> None:
    assert found
    for plan in found:
        scans = [(n["Node Type"], n.get("Relation Name")) for n in nodes(plan) if n["Node Type"] == "Seq Scan"]
        big = [scan for scan in scans if scan[1] in {"posts", "accounts", "fetch_jobs"}]
        assert not big, big
        assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] <= most, plan


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("way", ["", "-"], ids=["rising", "falling"])
def test_a_page_of_posts_reads_one_index_in_order(
    crowd: TenantRef, django_db_blocker: Any, column: str, way: str
) -> None:
    with django_db_blocker.unblock(), tenant_scope(crowd):
        account = accounts_page().rows[3]
        first = posts_page(tenant_id=crowd.id, account_id=account.id, handle="x", sort=way + column)
        with plans() as found:
            posts_page(
                tenant_id=crowd.id, account_id=account.id, handle="x", sort=way + column, after=first.next_key or ""
            )
        assert_by_index(found)
        page = found[0]
        assert "Sort" not in {node["Node Type"] for node in nodes(page)}, "sorted by hand in place of by index"


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("way", ["", "-"], ids=["rising", "falling"])
def test_a_page_far_down_begins_where_the_page_before_it_ended(
    crowd: TenantRef, django_db_blocker: Any, column: str, way: str
) -> None:
    with django_db_blocker.unblock(), tenant_scope(crowd):
        account = accounts_page().rows[3]
        last = posts_page(tenant_id=crowd.id, account_id=account.id, handle="x", sort=_turned(way) + column)
        with plans() as found:
            page = posts_page(
                tenant_id=crowd.id, account_id=account.id, handle="x", sort=way + column, after=last.next_key or ""
            )
    assert len(page.rows) == len(last.rows) - 1, "what is left are the rows of the last page"
    plan = found[0]
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] <= MOST_BUFFERS_OF_PAGE, plan
    assert _removed(plan) == 0, plan


@pytest.mark.parametrize("column", ALL_COLUMNS)
@pytest.mark.parametrize("way", ["", "-"], ids=["rising", "falling"])
def test_a_page_of_all_posts_reads_little_of_each_account(
    crowd: TenantRef, django_db_blocker: Any, column: str, way: str
) -> None:
    with django_db_blocker.unblock(), tenant_scope(crowd):
        last = find_posts(tenant_id=crowd.id, sort=_turned(way) + column)
        for after in ("", last.next_key or ""):
            with plans() as found:
                assert find_posts(tenant_id=crowd.id, sort=way + column, after=after).rows
            # Where many posts are equal a page may take all of one account.
            assert_by_index(found, most=700)
            assert all(_removed(plan) == 0 for plan in found)


def test_a_rare_value_is_found_by_the_index_of_its_metric(crowd: TenantRef, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock(), tenant_scope(crowd):
        most = max(row.post.plays or 0 for row in find_posts(tenant_id=crowd.id, sort="-plays").rows)
        with plans() as found:
            rows = find_posts(tenant_id=crowd.id, wanted=PostFilter(least={"plays": most})).rows
        assert [row.post.plays for row in rows] == [most] * len(rows) and rows
        assert_by_index(found)


def _turned(way: str) -> str:
    return "" if way else "-"


def _removed(plan: dict[str, Any]) -> int:
    """Rows of posts that were read and left out."""
    return sum(node.get("Rows Removed by Filter", 0) for node in nodes(plan) if node.get("Relation Name") == "posts")


@pytest.mark.parametrize("sort", ["-followers", "handle", "-hearts"])
def test_the_list_of_accounts_uses_its_indexes(crowd: TenantRef, django_db_blocker: Any, sort: str) -> None:
    with django_db_blocker.unblock(), tenant_scope(crowd), plans() as found:
        accounts_page(sort=sort)
        count_of_accounts()
        refresh_state(1)
    with django_db_blocker.unblock():
        assert_by_index(found)


def test_a_claim_reads_what_is_due_and_no_more(crowd: TenantRef, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        with CaptureQueriesContext(connection) as captured:
            claimed = claim("shared", {"pro": 50})
        assert len(claimed) == 50
        statement = captured.captured_queries[-1]["sql"]
        with all_tenants("shared"), connection.cursor() as cursor:
            cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement.replace("%", "%%"), [])
            plan = cursor.fetchone()[0][0]["Plan"]
    assert_by_index([plan], most=4_000)
