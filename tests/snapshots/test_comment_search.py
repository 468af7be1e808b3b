"""Searching comments: all words, in any script and case, of one tenant only, by index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.selectors import TenantRef
from snapshots.analytics.comments import comments
from snapshots.models import Post, TrackedAccount
from tests.cast import Cast, clean_up
from tests.factories import make_account, make_comment, make_post
from tikdash.db.scope import all_tenants, no_scope, owner, tenant_scope

TENANTS, COMMENTS_EACH, COMMENTS_OF_ACME = 1_000, 60, 3_000
#: Far less than a look at every comment of the account, let alone of all.
MOST_BUFFERS = 400
TEXTS = [
    "Love this!", "I would buy it from Northbay Coffee", "northbay is better", "100% real_coffee \\o/", "猫がかわいい",
    "مطبخ نور أفضل", "บทเรียนอร่อยมาก", "ПРИВЕТ из Алматы", "𝐂𝐨𝐟𝐟𝐞𝐞 𝐥𝐨𝐯𝐞𝐫", "ＮＯＲＴＨＢＡＹ", "चाय बहुत अच्छी है", "🥐🥐",
]  # fmt: skip
COMMENTS = """
    INSERT INTO comments (tenant_id, account_id, post_id, comment_id, text, author_id, author_username,
                          author_nickname, digg_count, reply_count, written_at, first_seen_at, measured_at)
    SELECT a.tenant_id, a.id, a.id, c::text,
           'love this number ' || c || ' ' || substr(md5(a.id::text || c), 1, 12)
               || CASE WHEN c = 40 THEN ' northbay' ELSE '' END, '', '', '', c, 0,
           now() - c * interval '1 minute', now(), now()
      FROM accounts a, generate_series(1, CASE WHEN a.tenant_id = %s THEN %s ELSE %s END) AS c
"""
ACCOUNTS = """
    INSERT INTO accounts (tenant_id, username, tiktok_user_id, sec_uid, nickname, avatar_url, bio, verified,
                          tracked_reason, tags, state, tracked_since)
    SELECT t, 'creator' || t, t::text, '', '', '', '', false, 'own', '{}', 'active', now()
      FROM unnest(%s::bigint[]) AS t
"""


@pytest.fixture
def post(acme: TenantRef, noon: datetime) -> Post:
    """A post of Acme under which people write in many scripts, the first one newest."""
    post = make_post(make_account())
    for number, text in enumerate(TEXTS):
        make_comment(post, text, written_at=noon - timedelta(minutes=number))
    return post


def found(account_id: int, words: str, **options: Any) -> list[str]:
    return [comment.text for comment in comments(account_id=account_id, words=words, **options).rows]


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ("northbay", [1, 2, 9]),
        ("NorthBay COFFEE", [1]),
        ("coffee", [1, 3, 8]),
        ("buy northbay", [1]),
        ("orthba", [1, 2, 9]),
        ("猫", [4]),
        ("かわいい", [4]),
        ("نور", [5]),
        ("อร่อย", [6]),
        ("привет", [7]),
        ("ＬＯＶＥ", [0, 8]),
        ("अच्छी", [10]),
        ("🥐", [11]),
        ("%", [3]),
        ("r_al", []),
        ("c%ffee", []),
        ("real_c", [3]),
        ("\\o", [3]),
        ("' OR true --", []),
        ("$2[1]", []),
        ("", [*range(12)]),
        ("  \t ", [*range(12)]),
        ("x " * 500, []),
    ],
)
def test_comments_that_hold_all_words_are_found_newest_first(post: Post, words: str, numbers: list[int]) -> None:
    assert found(post.account_id, words) == [TEXTS[number] for number in numbers]


def test_what_is_found_is_told_with_its_post_and_counters(post: Post, noon: datetime) -> None:
    [comment] = comments(account_id=post.account_id, words="buy").rows
    assert (comment.post_id, comment.text, comment.written_at) == (post.pk, TEXTS[1], noon - timedelta(minutes=1))
    assert comment.author_username.startswith("reader") and comment.digg_count is not None


def test_no_more_than_asked_for_are_found(post: Post) -> None:
    assert found(post.account_id, "northbay", most=2) == [TEXTS[1], TEXTS[2]]


def test_only_the_account_asked_for_is_searched(post: Post) -> None:
    other = make_post(make_account())
    make_comment(other, "northbay here, too")
    assert found(other.account_id, "northbay") == ["northbay here, too"]


def test_nobody_finds_another_tenants_comments(cast: Cast, post: Post) -> None:
    with tenant_scope(cast.rival):
        assert found(post.account_id, "northbay") == []
        assert ids_by_function(post.account_id) == []
    with tenant_scope(cast.acme):
        assert len(ids_by_function(post.account_id)) == 3


def test_without_a_tenant_the_function_finds_nothing_or_may_not_be_called(cast: Cast, post: Post) -> None:
    for scope in (owner("shared"), no_scope()):
        with scope:
            assert ids_by_function(post.account_id, schema="shared.") == []
    with all_tenants("shared"), pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        ids_by_function(post.account_id)


def test_the_function_is_the_owners_with_a_fixed_path_and_not_for_everybody(cast: Cast) -> None:
    with owner("shared"), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_userbyid(p.proowner)::text, p.prosecdef, p.proconfig::text, p.proacl::text FROM pg_proc p"
            " WHERE p.oid = 'shared.search_comments'::regproc"
        )
        owned_by, is_definer, config, rights = cursor.fetchone()
    assert (owned_by, is_definer) == ("tikdash_owner", True)
    assert "search_path=shared, pg_temp" in config
    assert re.findall(r"[{,](\w*)=X", rights) == ["tikdash_owner", "tikdash"]


def test_a_tenant_with_a_schema_of_its_own_searches_there(cast: Cast, post: Post, noon: datetime) -> None:
    with tenant_scope(cast.globex):
        theirs = make_post(make_account())
        make_comment(theirs, "northbay at globex")
        assert found(theirs.account_id, "northbay") == ["northbay at globex"]


def ids_by_function(account_id: int, schema: str = "") -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {schema}search_comments(%s, 'northbay', 50)", [account_id])
        return [row[0] for row in cursor.fetchall()]


@pytest.fixture(scope="module")
def crowd(_cast: Cast, django_db_blocker: Any) -> Iterator[tuple[TenantRef, int]]:
    """A thousand tenants' comments in the shared schema; gives Acme and its account, which has by far the most."""
    ids = [_cast.acme.id, *range(1_000_001, 1_000_000 + TENANTS)]
    with django_db_blocker.unblock():
        clean_up()
        with all_tenants("shared"), connection.cursor() as cursor:
            cursor.execute(ACCOUNTS, [ids])
            cursor.execute(COMMENTS, [_cast.acme.id, COMMENTS_OF_ACME, COMMENTS_EACH])
        with owner("shared"), connection.cursor() as cursor:
            cursor.execute("SELECT gin_clean_pending_list('comments_words')")
            cursor.execute("ANALYZE accounts, comments")
        with tenant_scope(_cast.acme):
            account = TrackedAccount.objects.get()
        yield _cast.acme, account.pk
        clean_up()
        connection.close()


def test_among_a_thousand_tenants_a_search_uses_its_index(crowd: tuple[TenantRef, int], django_db_blocker: Any) -> None:
    acme, account_id = crowd
    with django_db_blocker.unblock(), tenant_scope(acme), transaction.atomic():
        assert [text.split()[3] for text in found(account_id, "northbay")] == ["40"]
        with connection.cursor() as cursor:
            # Scans of this transaction so far: a function's own plan is not in its caller's.
            cursor.execute(
                "SELECT pg_stat_get_xact_numscans('comments_words'::regclass),"
                " pg_stat_get_xact_numscans('comments'::regclass)"
            )
            assert cursor.fetchone() == (1, 0), "by the index of words, and never through the whole table"


@pytest.mark.parametrize(("words", "many"), [("northbay", 1), ("number 2999", 1), ("love", 25), ("猫", 0), ("nu", 25)])
def test_among_a_thousand_tenants_a_search_reads_little(
    crowd: tuple[TenantRef, int], django_db_blocker: Any, words: str, many: int
) -> None:
    acme, account_id = crowd
    with django_db_blocker.unblock(), tenant_scope(acme), connection.cursor() as cursor:
        assert len(found(account_id, words)) == many
        cursor.execute(
            "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT search_comments(%s, %s, 50)", [account_id, words]
        )
        plan = cursor.fetchone()[0][0]["Plan"]
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] <= MOST_BUFFERS
