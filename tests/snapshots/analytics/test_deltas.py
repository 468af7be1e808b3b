"""What changed from day to day: gaps are gaps, sums span them, small falls are noise."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from accounts.selectors import TenantRef
from snapshots.analytics.deltas import by_post_date, deltas
from tests.cast import Cast
from tests.factories import make_account, make_snapshots
from tests.snapshots.analytics.rows import captured, posted
from tests.snapshots.analytics.sent import statements_sent
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.errors import BadInput, NotFound


def test_each_day_has_its_change_since_the_day_before(acme: TenantRef) -> None:
    account = make_account()
    make_snapshots(account, [100, 110, 115, 112])
    found = deltas(account_id=account.pk, metric="follower_count", days=3)
    assert [(str(each.day), each.value, each.change, each.over_days) for each in found.days] == [
        ("2026-11-13", 110, 10, 1),
        ("2026-11-14", 115, 5, 1),
        ("2026-11-15", 112, -3, 1),
    ]
    assert (found.total, found.n, found.label, found.as_of) == (12, 3, "Followers", clock.now())


def test_the_first_day_of_all_has_no_change(acme: TenantRef) -> None:
    account = make_account()
    make_snapshots(account, [100])
    found = deltas(account_id=account.pk, metric="follower_count", days=30)
    assert [(each.value, each.change, each.over_days) for each in found.days] == [(100, None, None)]
    assert (found.total, found.n) == (None, 0)


def test_gaps_are_none_and_the_sum_spans_them(acme: TenantRef) -> None:
    account = make_account()
    captured(account, 8, 1_000)
    captured(account, 6, 1_010)
    captured(account, 5, None)
    captured(account, 4, 0, suspect={"follower_count": "zeroed"})
    captured(account, 2, 1_050)
    captured(account, 0, 1_060)
    found = deltas(account_id=account.pk, metric="follower_count", days=7)
    assert [(each.value, each.change, each.over_days, each.state) for each in found.days] == [
        (1_010, 10, 2, "ok"),
        (None, None, None, "missing"),
        (None, None, None, "zeroed"),
        (None, None, None, "missing"),
        (1_050, 40, 4, "ok"),
        (None, None, None, "missing"),
        (1_060, 10, 2, "ok"),
    ]
    assert found.total == 1_060 - 1_000


def test_a_fall_below_a_thousandth_is_noise_and_is_in_the_sum(acme: TenantRef) -> None:
    account = make_account()
    make_snapshots(account, [100_000, 99_950, 99_000, 99_001])
    found = deltas(account_id=account.pk, metric="follower_count", days=30)
    assert [(each.change, each.is_noise) for each in found.days] == [
        (None, False),
        (-50, True),
        (-950, False),
        (1, False),
    ]
    assert found.total == -999


def test_only_the_counter_that_is_asked_for_must_be_sound(acme: TenantRef) -> None:
    account = make_account()
    captured(account, 1, 100, heart_count=50)
    captured(account, 0, 110, heart_count=-1, suspect={"heart_count": "negative"})
    assert deltas(account_id=account.pk, metric="follower_count", days=2).total == 10
    hearts = deltas(account_id=account.pk, metric="heart_count", days=2)
    assert (hearts.total, hearts.days[1].state) == (None, "negative")
    assert hearts.as_of == clock.now() - timedelta(days=1), "a suspect value is not what it is as of"


def test_posts_and_views_stand_on_the_day_of_the_post(acme: TenantRef) -> None:
    account = make_account()
    posted(account, 0.1, 5)
    posted(account, 2, 1_000)
    posted(account, 2.2, 500)
    posted(account, 4, None)
    posted(account, 4, 77, deleted_at=clock.now())
    posted(account, 40, 9_999)
    found = by_post_date(tenant_id=acme.id, account_id=account.pk, days=6)
    assert [(str(each.day), each.posts, each.plays) for each in found.days] == [
        ("2026-11-10", 0, 0),
        ("2026-11-11", 1, None),
        ("2026-11-12", 0, 0),
        ("2026-11-13", 2, 1_500),
        ("2026-11-14", 0, 0),
        ("2026-11-15", 1, 5),
    ]
    assert (found.n, found.state, found.as_of) == (4, "missing", clock.now())


def test_an_account_that_was_never_read_has_no_days(acme: TenantRef) -> None:
    account = make_account()
    found = deltas(account_id=account.pk, metric="follower_count", days=30)
    assert (found.days, found.total, found.as_of) == ([], None, None)
    posts = by_post_date(tenant_id=acme.id, account_id=account.pk, days=7)
    assert (len(posts.days), posts.n, posts.as_of) == (7, 0, None)
    assert posts.days[0].day == date(2026, 11, 9)


def test_another_tenants_account_is_not_found(cast: Cast, noon: object) -> None:
    with tenant_scope(cast.rival):
        account = make_account()
        make_snapshots(account, [1, 2, 3])
    with tenant_scope(cast.acme):
        with pytest.raises(NotFound):
            deltas(account_id=account.pk, metric="follower_count", days=30)
        with pytest.raises(NotFound):
            by_post_date(tenant_id=cast.rival.id, account_id=account.pk, days=30)


@pytest.mark.parametrize("days", [0, -5, 3_661])
def test_a_range_that_makes_no_sense_is_refused(acme: TenantRef, days: int) -> None:
    for ask in (
        lambda: deltas(account_id=1, metric="follower_count", days=days),
        lambda: by_post_date(tenant_id=acme.id, account_id=1, days=days),
    ):
        with pytest.raises(BadInput, match="between 1 and 3,660 days"):
            ask()


def test_a_counter_that_does_not_exist_is_refused(acme: TenantRef) -> None:
    with pytest.raises(BadInput, match="There is no metric"):
        deltas(account_id=1, metric="tenant_id", days=30)


def test_one_statement_each(acme: TenantRef) -> None:
    account = make_account()
    make_snapshots(account, [1, 2, 3])
    assert statements_sent(lambda: deltas(account_id=account.pk, metric="heart_count", days=30)) == 1
    assert statements_sent(lambda: by_post_date(tenant_id=acme.id, account_id=account.pk, days=30)) == 1
