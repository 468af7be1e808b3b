"""Among many tenants each function reads what it needs by index: PostgreSQL's own plans say so."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.selectors import TenantRef
from snapshots.analytics.attention import attention
from snapshots.analytics.audience import audience
from snapshots.analytics.breakout import breakouts, curve
from snapshots.analytics.comments import comments, tones
from snapshots.analytics.hashtags import hashtags, posts_with
from snapshots.analytics.history import history
from snapshots.analytics.sounds import posts_with as posts_with_sounds
from snapshots.analytics.sounds import sounds
from snapshots.analytics.stories import stories
from snapshots.models import Hashtag, Post
from tests.cast import Cast, clean_up
from tests.meta.test_query_plans import ACCOUNTS, JOBS, nodes, plans
from tikdash import clock
from tikdash.db.partitions import ensure_months
from tikdash.db.scope import all_tenants, owner, tenant_scope

TENANTS, ACCOUNTS_EACH, POSTS_EACH = 150, 10, 40
BIG = {"posts", "post_hashtags", "comments", "fetch_jobs", "sounds"}

POSTS = """
    INSERT INTO posts (tenant_id, account_id, aweme_id, title, cover_url, duration_s, kind, pinned, sound_id, posted_at,
                       first_seen_at, play_count, digg_count, comment_count, share_count, collect_count, measured_at)
    SELECT a.tenant_id, a.id, (a.id * 1000 + p)::text, 'title', '', 15, 'video', false, ((a.id + p) %% 900)::text,
           now() - p * interval '13 h', now(), 1000 + (a.id * p * 31) %% 9973, 100, 10, 5, 3, now()
      FROM generate_series(1, %s) AS p CROSS JOIN accounts a ORDER BY p, a.id
"""
SNAPSHOTS = """
    INSERT INTO post_snapshots (tenant_id, post_id, captured_on, captured_at, state, play_count)
    SELECT p.tenant_id, p.id, (p.posted_at + n * interval '1 day')::date, p.posted_at + n * interval '1 day', 0,
           p.play_count * n / 5
      FROM generate_series(1, 5) AS n CROSS JOIN posts p
     WHERE p.posted_at + n * interval '1 day' < now() ORDER BY n, p.id
"""
SOUNDS = """
    INSERT INTO sounds (tenant_id, music_id, title, author, first_seen_at)
    SELECT t, n::text, 'Sound', 'Author ' || n, now() FROM unnest(%s::bigint[]) AS t, generate_series(0, 100) AS n
"""
HASHTAGS = """
    INSERT INTO hashtags (tenant_id, name, cha_name, challenge_id, first_seen_at)
    SELECT t, 'tag' || n, 'tag' || n, '', now() FROM unnest(%s::bigint[]) AS t, generate_series(0, 19) AS n
"""
LINKS = """
    INSERT INTO post_hashtags (tenant_id, account_id, post_id, hashtag_id, occurrences)
    SELECT p.tenant_id, p.account_id, p.id, h.id, 1
      FROM posts p JOIN hashtags h ON h.tenant_id = p.tenant_id AND h.name = 'tag' || p.id %% 20
"""
COMMENTS = """
    INSERT INTO comments (tenant_id, account_id, post_id, comment_id, text, author_id, author_username, author_nickname,
                          digg_count, written_at, first_seen_at, measured_at)
    SELECT tenant_id, account_id, id, '1', 'love this', '', '', '', id %% 100, posted_at, now(), now() FROM posts
"""


@pytest.fixture(scope="module")
def crowd(_cast: Cast, django_db_blocker: Any) -> Iterator[TenantRef]:
    """Sixty thousand posts of 150 tenants in the shared schema; gives one tenant among them."""
    ids = [_cast.acme.id, *range(1_000_001, 1_000_000 + TENANTS)]
    with django_db_blocker.unblock():
        clean_up()
        with owner("shared"):
            ensure_months("post_snapshots", [clock.today() - timedelta(days=days) for days in (0, 30)])
        with all_tenants("shared"), connection.cursor() as cursor:
            for statement, parameters in (
                (ACCOUNTS, [ids, ACCOUNTS_EACH]),
                (POSTS, [POSTS_EACH]),
                (SNAPSHOTS, []),
                (SOUNDS, [ids]),
                (HASHTAGS, [ids]),
                (LINKS, []),
                (COMMENTS, []),
                (JOBS, []),
            ):
                cursor.execute(statement, parameters)
        with owner("shared"), connection.cursor() as cursor:
            cursor.execute(
                "ANALYZE accounts, posts, post_snapshots, post_hashtags, hashtags, sounds, comments, fetch_jobs"
            )
        yield _cast.acme
        clean_up()
        connection.close()


def _account() -> int:
    return Post.objects.order_by("id").values_list("account_id", flat=True)[3]


def _post() -> int:
    return Post.objects.filter(account_id=_account()).order_by("-posted_at").values_list("id", flat=True)[2]


def _tag() -> int:
    return Hashtag.objects.values_list("id", flat=True)[0]


#: What is called with the tenant, and how many blocks it may read in one statement.
CALLS: dict[str, tuple[Callable[[TenantRef], object], int]] = {
    "breakouts": (lambda tenant: breakouts(tenant.id), 8_000),
    "breakouts of an account": (lambda tenant: breakouts(tenant.id, [_account()]), 1_700),
    "curve": (lambda tenant: curve(_post()), 500),
    "hashtags": (lambda tenant: hashtags(tenant.id), 7_000),
    "hashtags of an account": (lambda tenant: hashtags(tenant.id, [_account()]), 2_400),
    "posts with a hashtag": (lambda tenant: posts_with(tenant.id, _tag()), 50),
    "sounds": (lambda tenant: sounds(tenant.id), 4_500),
    "posts with sounds": (lambda tenant: posts_with_sounds(tenant.id, ["5", "6"]), 50),
    "audience": (lambda tenant: audience(_account()), 50),
    "comments": (lambda tenant: comments(account_id=_account()), 60),
    "liked comments": (lambda tenant: comments(account_id=_account(), order="liked"), 60),
    "comments of a post": (lambda tenant: comments(post_id=_post(), words="love"), 60),
    "tones": (lambda tenant: tones(account_id=_account()), 100),
    "stories": (lambda tenant: stories(_account()), 50),
    "attention": (lambda tenant: attention(tenant.id), 1_000),
    "history": (lambda tenant: history(_account()), 1_700),
}


@pytest.mark.parametrize("name", CALLS)
def test_only_the_tenants_rows_are_read(crowd: TenantRef, django_db_blocker: Any, name: str) -> None:
    call, most = CALLS[name]
    with django_db_blocker.unblock(), tenant_scope(crowd):
        with plans() as found:
            call(crowd)
    assert found
    for plan in found:
        read = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        scans = {node["Relation Name"] for node in nodes(plan) if node["Node Type"] == "Seq Scan"}
        assert not {re.sub(r"_\d{4}_\d{2}$", "", scan) for scan in scans} & BIG, scans
        assert not {scan for scan in scans if scan in _months_with_rows()}, scans
        assert read <= most, (read, plan)


def _months_with_rows() -> set[str]:
    today = clock.today()
    return {f"post_snapshots_{today - timedelta(days=days):%Y_%m}" for days in (0, 15)}
