"""What the overview keeps of accounts: whatever may change a number on it makes another version, or another name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
import psycopg
import pytest
from django.conf import settings
from django.db import connection, transaction

from accounts.selectors import TenantRef, schemas
from snapshots.analytics.breakout import Breakout, breakouts, breakouts_among
from snapshots.analytics.digests import MOST_LIKELY, likeliest
from snapshots.analytics.kept_runs import forget_runs
from snapshots.analytics.overview import Overview, group_of, overview
from snapshots.analytics.suspects import value_id
from snapshots.ingest.upsert import flag_vanished, store_posts
from snapshots.models import AccountSnapshot, AccountVersion, Post, TrackedAccount
from snapshots.services.partitions import KEPT_FOR_A_WHILE
from snapshots.services.quality import accept_value, reject_value
from snapshots.services.removals import stop_tracking, undo_removal
from tests.cast import Cast
from tests.factories import make_account, make_post, make_snapshots
from tests.queries import statements_of
from tests.snapshots.analytics_insight.test_breakouts import DAY, fresh_post, past_posts
from tests.snapshots.test_upsert import post as given
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.redis import server

Shown = tuple[Overview, list[Breakout]]
RATES = ("er_views", "er_followers")


def shown(tenant: TenantRef, rate: str = "er_views", **group: str) -> Shown:
    """What the page shows, but for what it is made of."""
    found = overview(tenant_id=tenant.id, group=group_of(tenant_id=tenant.id, **group), rate_id=rate)
    # The version is no number of the page.
    movers = [[replace(one, member=replace(one.member, version="")) for one in each] for each in (found.up, found.down)]
    return replace(found, up=movers[0], down=movers[1], digests={}), breakouts_among(
        tenant.id, likeliest(tenant.id, found.digests)
    )


def shown_in_full(tenant: TenantRef) -> list[Shown]:
    return [shown(tenant, rate) for rate in RATES]


@pytest.fixture
def lena(acme: TenantRef) -> TrackedAccount:
    """An account that grows, whose newest post ran ahead; beside it one that stands still."""
    account = make_account("lena", follower_count=10_450)
    make_snapshots(account, [10_000, *[None] * 20, *[10_200] * 9, 10_450])
    past_posts(account)
    fresh_post(account, posted_at=clock.now() - DAY - timedelta(minutes=5))
    other = make_account("other")
    make_snapshots(other, [5_000] * 31)
    past_posts(other)
    return account


def newest(account: TrackedAccount) -> Post:
    return Post.objects.filter(account=account).latest("posted_at")


def page_is_read(account: TrackedAccount) -> None:
    store_posts(account.pk, [given(30, clock.now()), given(40, clock.now())], measured_at=clock.now())


def post_is_read_again(account: TrackedAccount) -> None:
    post = newest(account)
    row = msgspec.structs.replace(given(1, clock.now()), aweme_id=post.aweme_id, posted_at=post.posted_at)
    store_posts(account.pk, [row], measured_at=clock.now() + timedelta(minutes=1))


def post_vanishes(account: TrackedAccount) -> None:
    post = newest(account)
    assert flag_vanished(account.pk, [], post.posted_at - timedelta(minutes=1), clock.now()) == [post.aweme_id]


def post_comes_back(account: TrackedAccount) -> None:
    Post.objects.filter(account=account, deleted_at__isnull=False).update(deleted_at=None)


def post_is_deleted(account: TrackedAccount) -> None:
    newest(account).delete()


def day_is_read(account: TrackedAccount) -> None:
    AccountSnapshot.objects.filter(account=account, captured_on=clock.today()).update(follower_count=20_000)


def day_is_new(account: TrackedAccount) -> None:
    first = clock.now() - 30 * DAY
    AccountSnapshot.objects.create(
        account=account, captured_on=first.date(), captured_at=first, follower_count=9_000
    )  # fmt: skip


def first_day_goes(account: TrackedAccount) -> None:
    AccountSnapshot.objects.filter(account=account, captured_on=clock.today() - 30 * DAY).delete()


def day_is_deleted(account: TrackedAccount) -> None:
    AccountSnapshot.objects.filter(account=account, captured_on=clock.today()).delete()


def account_value_is_rejected(account: TrackedAccount) -> None:
    reject(f"account-{account.pk}-{clock.today():%Y%m%d}-follower_count")


def post_value_is_rejected(account: TrackedAccount) -> None:
    post = newest(account)
    reject(f"post-{post.pk}-{post.snapshots.get().captured_on:%Y%m%d}-play_count")  # type: ignore[attr-defined]


def doubted_value_is_accepted(account: TrackedAccount) -> None:
    name = f"account-{account.pk}-{clock.today():%Y%m%d}-follower_count"
    accept_value(value=value_id(name), reason="Seen on TikTok.", decided_by="olga@tikdash.example")


def reject(name: str) -> None:
    reject_value(value=value_id(name), reason="Not seen on TikTok.", decided_by="olga@tikdash.example")


def doubt(account: TrackedAccount) -> None:
    AccountSnapshot.objects.filter(account=account, captured_on=clock.today()).update(
        state=2, suspect={"follower_count": "spike"}
    )


EVENTS: list[tuple[Callable[[TrackedAccount], None] | None, Callable[[TrackedAccount], None]]] = [
    (None, page_is_read),
    (None, post_is_read_again),
    (None, post_vanishes),
    (post_vanishes, post_comes_back),
    (None, post_is_deleted),
    (None, day_is_read),
    (first_day_goes, day_is_new),
    (None, day_is_deleted),
    (None, account_value_is_rejected),
    (None, post_value_is_rejected),
    (doubt, doubted_value_is_accepted),
]


@pytest.mark.parametrize(("first", "event"), EVENTS, ids=[event.__name__ for _, event in EVENTS])
def test_whatever_changes_a_number_shows_at_the_next_look(
    acme: TenantRef, lena: TrackedAccount, first: Callable[[TrackedAccount], None] | None,
    event: Callable[[TrackedAccount], None],
) -> None:  # fmt: skip
    if first:
        first(lena)
    before = shown_in_full(acme)
    assert shown_in_full(acme) == before
    event(lena)
    after = shown_in_full(acme)
    assert after != before, "this changes what the page shows"
    forget_runs(acme.id)
    assert shown_in_full(acme) == after, "as if nothing had been kept"


def test_an_accounts_newest_counters_are_part_of_its_version(acme: TenantRef, lena: TrackedAccount) -> None:
    """Ingest writes its day with them; somebody who mends a row by hand does not."""
    Post.objects.filter(account=lena, posted_at__gte=clock.now() - timedelta(days=3)).delete()
    before = shown(acme, "er_followers")
    TrackedAccount.objects.filter(pk=lena.pk).update(follower_count=20_000)
    after = shown(acme, "er_followers")
    assert after != before
    forget_runs(acme.id)
    assert shown(acme, "er_followers") == after
    [version] = [each.version for each in group_of(tenant_id=acme.id).members if each.id == lena.pk]
    TrackedAccount.objects.filter(pk=lena.pk).update(video_count=0)
    assert version not in [each.version for each in group_of(tenant_id=acme.id).members]


def test_a_second_look_reads_neither_posts_of_accounts_nor_days(acme: TenantRef, lena: TrackedAccount) -> None:
    first = shown(acme)
    assert first[0].totals.posts == 1 and first[0].up and len(first[1]) == 1
    statements = statements_of(lambda: overview(tenant_id=acme.id, group=group_of(tenant_id=acme.id)))
    assert len(statements) == 1 and "account_versions" in statements[0]
    assert shown(acme) == first


def test_only_the_account_that_was_read_is_computed_anew(acme: TenantRef, lena: TrackedAccount) -> None:
    shown(acme)
    page_is_read(lena)
    [windows, _, recent] = statements_of(lambda: overview(tenant_id=acme.id, group=group_of(tenant_id=acme.id)))[1:]
    other = TrackedAccount.objects.get(username="other")
    assert str(lena.pk) in windows and str(other.pk) not in windows.partition("ANY(")[2][:80]
    assert f"{{{lena.pk}}}" in recent or f"[{lena.pk}]" in recent


@pytest.mark.parametrize("later", [timedelta(hours=20), DAY, 6 * DAY, 20 * DAY, 30 * DAY, 89 * DAY, 100 * DAY])
def test_time_alone_moves_posts_and_days_out_of_sight(
    acme: TenantRef, lena: TrackedAccount, noon: datetime, later: timedelta
) -> None:
    make_post(lena, posted_at=noon - timedelta(hours=4), play_count=500, digg_count=400)
    before = shown_in_full(acme)
    for moment in (noon + later, noon + later + timedelta(microseconds=1)):
        with clock.at(moment):
            after = shown_in_full(acme)
            forget_runs(acme.id)
            assert shown_in_full(acme) == after
    assert after != before
    # A clock that is put back does not find what is kept for later.
    assert shown_in_full(acme) == before


def test_a_post_counts_until_the_microsecond_at_which_its_week_ends(acme: TenantRef, noon: datetime) -> None:
    make_post(make_account(), posted_at=noon - 2 * DAY)
    for later, posts in ((0, 1), (5, 1), (6, 0)):
        with clock.at(noon + min(later, 5) * DAY + (later > 5) * timedelta(microseconds=1)):
            assert shown(acme)[0].totals.posts == posts


def test_the_rate_that_is_led_with_has_a_digest_of_its_own(acme: TenantRef, lena: TrackedAccount) -> None:
    rates = [shown(acme, rate)[0].totals.rate for rate in (*RATES, *RATES)]
    assert rates[0] != rates[1] and rates[:2] == rates[2:]


def test_a_stopped_account_is_in_no_number_and_back_with_all(acme: TenantRef, lena: TrackedAccount) -> None:
    before = shown(acme)
    stopped = stop_tracking(tenant=acme, account_ids=[lena.pk])
    assert shown(acme)[0].totals.accounts == 1 and shown(acme)[1] == []
    undo_removal(tenant=acme, removal_id=stopped.removal_id)
    assert shown(acme) == before


@pytest.mark.parametrize("most", [3, MOST_LIKELY, 20, 60])
def test_the_likeliest_posts_are_those_of_all_accounts_together(acme: TenantRef, most: int) -> None:
    """Also where one account has most of them, and where several are as likely."""
    for number, ahead in enumerate((14, 9, 3, 0)):
        account = make_account(f"many{number}")
        past_posts(account)
        for each in range(ahead):
            fresh_post(account, plays=6_000 + 500 * (each % 5), posted_at=clock.now() - DAY - each * timedelta(hours=5))
    for group in ({}, {"tag": "nobody"}):
        found = overview(tenant_id=acme.id, group=group_of(tenant_id=acme.id, **group))
        expected = breakouts(acme.id, list(found.digests), most=most)
        for _ in range(2):
            assert breakouts_among(acme.id, likeliest(acme.id, found.digests, most)) == expected
        assert bool(expected) == (not group)


def test_without_redis_the_page_says_the_same(
    acme: TenantRef, lena: TrackedAccount, settings: pytest.FixtureRequest
) -> None:
    kept = shown(acme)
    server().connection.flushdb()
    assert shown(acme) == kept
    settings.REDIS_URL = "redis://127.0.0.1:9/0"  # type: ignore[attr-defined]
    assert shown(acme) == kept


def test_versions_and_what_is_kept_are_the_tenants_own(cast: Cast, noon: datetime) -> None:
    for tenant, posts in ((cast.acme, 3), (cast.rival, 1), (cast.globex, 2)):
        with tenant_scope(tenant):
            account = make_account()
            for number in range(posts):
                make_post(account, posted_at=noon - timedelta(hours=30 + number))
            assert [each.account_id for each in AccountVersion.objects.all()] == [account.pk]
            assert shown(tenant)[0].totals.posts == posts
            assert shown(tenant)[0].totals.posts == posts


def test_a_statement_that_changes_no_row_makes_no_version(acme: TenantRef, lena: TrackedAccount) -> None:
    page_is_read(lena)
    before = list(AccountVersion.objects.order_by("id").values_list("id", "mark"))
    page_is_read(lena)
    assert list(AccountVersion.objects.order_by("id").values_list("id", "mark")) == before


def test_two_writers_of_one_account_do_not_wait_and_each_makes_a_version(committed_db: Cast, noon: datetime) -> None:
    acme = committed_db.acme

    def version() -> str:
        return group_of(tenant_id=acme.id).members[0].version

    with tenant_scope(acme):
        account = make_account()
        first, second = make_post(account), make_post(account)
        found = [version()]
        with psycopg.connect(settings.DATABASE_ADMIN_URL, dbname=connection.settings_dict["NAME"]) as other:
            other.execute("SET lock_timeout = '3s'")
            with transaction.atomic():
                Post.objects.filter(pk=first.pk).update(play_count=1)
                other.execute(f"UPDATE {acme.schema_name}.posts SET play_count = 2 WHERE id = %s", [second.pk])
            found.append(version())
            other.commit()
            found.append(version())
        Post.objects.filter(pk=first.pk).update(play_count=3)
        found.append(version())
        assert len(set(found)) == 4 and AccountVersion.objects.count() == 2


@pytest.mark.parametrize("slug", ["acme", "globex"])
def test_every_statement_on_posts_or_days_makes_a_version_in_every_schema(
    cast: Cast, noon: datetime, slug: str
) -> None:
    def version() -> str:
        return group_of(tenant_id=tenant.id).members[0].version

    tenant = getattr(cast, slug)
    with tenant_scope(tenant):
        account = make_account()
        seen = [version()]
        post = make_post(account)
        seen.append(version())
        Post.objects.filter(pk=post.pk).update(title="Another")
        seen.append(version())
        post.delete()
        seen.append(version())
        make_snapshots(account, [1])
        seen.append(version())
        AccountSnapshot.objects.filter(account=account).update(state=2)
        seen.append(version())
        AccountSnapshot.objects.filter(account=account).delete()
        seen.append(version())
        assert len(set(seen)) == 7, seen


def test_no_schema_lacks_a_trigger_and_none_is_off(cast: Cast) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.nspname, c.relname, count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE p.proname = 'mark_accounts' AND p.pronamespace = n.oid AND t.tgenabled = 'O'"
            " AND NOT c.relispartition GROUP BY 1, 2"
        )
        found = {(schema, table): number for schema, table, number in cursor.fetchall()}
    tables = ("account_snapshots", "posts")
    assert {"shared", cast.globex.schema_name} <= set(schemas())
    assert found == {(schema, table): 3 for schema in schemas() for table in tables}


def test_no_month_that_holds_numbers_of_the_overview_is_ever_dropped() -> None:
    """That fires no trigger."""
    assert not {"posts", "account_snapshots"} & set(KEPT_FOR_A_WHILE)
