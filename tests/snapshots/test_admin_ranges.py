"""Lists of the admin by time: ranges that end, served by an index where the table is large."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from snapshots.admin import ranges
from tests.cast import Cast
from tests.factories import make_account, make_post
from tests.queries import statements_of
from tests.snapshots.conftest import browser_of
from tikdash.db.scope import all_tenants, owner, tenant_scope

ACCOUNTS, POSTS = "/admin/snapshots/trackedaccount/", "/admin/snapshots/post/"
#: Accounts with posts back to three years ago, one a day.
MANY_ACCOUNTS = """
    INSERT INTO accounts (tenant_id, username, tiktok_user_id, sec_uid, nickname, avatar_url, bio, verified,
                          tracked_reason, tags, state, tracked_since)
    SELECT %s, 'many' || n, (6800000000000000000 + n)::text, '', '', '', '', false, 'own', '{}', 'active', now()
      FROM generate_series(1, 20) AS n
"""
MANY_POSTS = """
    INSERT INTO posts (tenant_id, account_id, aweme_id, title, cover_url, duration_s, kind, pinned, sound_id, posted_at,
                       first_seen_at, measured_at)
    SELECT tenant_id, id, (7500000000000000000 + n)::text, '', '', 15, 'video', false, '',
           %s - make_interval(days => n), now(), now()
      FROM accounts, generate_series(1, 1000) AS n WHERE username LIKE 'many%%'
"""


@pytest.fixture
def olga(cast: Cast, noon: datetime) -> Client:
    return browser_of(cast.olga, "localhost")


def shown(client: Client, path: str, column: str, **query: str) -> list[Any]:
    answer = client.get(path, query)
    assert answer.status_code == 200, answer.get("Location")
    return sorted(getattr(row, column) for row in answer.context["cl"].result_list)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("1d", ["a"]), ("7d", ["a", "b"]), ("30d", ["a", "b", "c"]), ("2026-11", ["a", "b"]), ("2026-10", ["c"]),
        ("2024-03", ["d"]), ("2024-04", []), ("", ["a", "b", "c", "d", "e"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("parameter", "column"), [("tracked", "tracked_since"), ("measured", "measured_at")])
def test_accounts_by_time(
    cast: Cast, olga: Client, noon: datetime, parameter: str, column: str, value: str, found: list[str]
) -> None:
    times = {
        "a": noon - timedelta(hours=23), "b": noon - timedelta(days=6), "c": noon - timedelta(days=29),
        "d": datetime(2024, 3, 31, 23, 59, 59, tzinfo=UTC), "e": datetime(2020, 1, 1, tzinfo=UTC),
    }  # fmt: skip
    with tenant_scope(cast.acme):
        for name, moment in times.items():
            make_account(name, **{column: moment})
    assert shown(olga, ACCOUNTS, "username", **{parameter: value} if value else {}) == found


def test_accounts_that_were_never_read(cast: Cast, olga: Client) -> None:
    with tenant_scope(cast.acme):
        make_account("read")
        make_account("new", measured_at=None)
    assert shown(olga, ACCOUNTS, "username", measured="never") == ["new"]


def test_posts_by_time_of_all_tenants_and_of_one(cast: Cast, olga: Client, noon: datetime) -> None:
    for tenant in (cast.acme, cast.rival):
        with tenant_scope(tenant):
            account = make_account(f"of.{tenant.slug}")
            for days in (0, 3, 20, 100):
                make_post(account, title=f"{tenant.slug} {days}", posted_at=noon - timedelta(days=days, hours=1))
    assert shown(olga, POSTS, "title", posted="1d") == ["acme 0", "rival 0"]
    assert shown(olga, POSTS, "title", posted="7d", tenant="acme") == ["acme 0", "acme 3"]
    assert shown(olga, POSTS, "title", posted="30d", q="of.rival") == ["rival 0", "rival 20", "rival 3"]
    assert shown(olga, POSTS, "title", posted="2026-08") == ["acme 100", "rival 100"]


def test_of_very_many_the_newest_are_listed(
    cast: Cast, olga: Client, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranges, "MOST_POSTS", 3)
    for number, tenant in enumerate((cast.acme, cast.rival)):
        with tenant_scope(tenant):
            account = make_account(f"of.{tenant.slug}")
            for hours in range(4):
                make_post(account, title=f"{hours * 2 + number}", posted_at=noon - timedelta(hours=hours * 2 + number))
    assert shown(olga, POSTS, "title", posted="7d") == ["0", "1", "2"]


@pytest.mark.parametrize(
    "value", ["x", "2026-13", "9999-12", "0000-01", "2026-11-27", "d\0", "٢٠٢٦-١١", "-1d", "never"]
)
def test_what_is_no_range_finds_nothing_and_breaks_nothing(
    cast: Cast, olga: Client, noon: datetime, value: str
) -> None:
    with tenant_scope(cast.acme):
        make_post(make_account("here", tracked_since=noon), posted_at=noon)
    assert shown(olga, POSTS, "title", posted=value) == []
    assert shown(olga, ACCOUNTS, "username", tracked=value) == []


def test_the_filter_names_the_month_of_an_address(olga: Client) -> None:
    page = olga.get(POSTS, {"posted": "2023-02"}).content.decode()
    assert "February 2023" in page and "November 2026" in page and "last 24 h" in page


def test_posts_by_time_are_read_through_the_index_of_their_accounts(cast: Cast, olga: Client, noon: datetime) -> None:
    with tenant_scope(cast.acme), connection.cursor() as cursor:
        cursor.execute(MANY_ACCOUNTS, [cast.acme.id])
        cursor.execute(MANY_POSTS, [noon])
    with owner("shared"), connection.cursor() as cursor:
        cursor.execute("ANALYZE posts, accounts")
    with all_tenants("shared"), connection.cursor() as cursor:
        facts = {"begin": noon - timedelta(days=7), "end": noon, "slug": "", "most": 50}
        cursor.execute(f"EXPLAIN {ranges.POSTED}", facts)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "posts_posted" in plan and "Seq Scan on posts" not in plan, plan
    asked = statements_of(lambda: olga.get(POSTS, {"posted": "7d"}))
    assert not [sql for sql in asked if '"posts"."posted_at" >=' in sql], "the list itself asks by ids"
