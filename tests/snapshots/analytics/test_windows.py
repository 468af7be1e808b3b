"""The newest posts of many accounts in one statement: settled ones, not deleted, each with the followers of its day."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.selectors import TenantRef
from snapshots.analytics.metrics import PostNumbers
from snapshots.analytics.windows import windows
from tests.cast import Cast
from tests.factories import make_account
from tests.snapshots.analytics.rows import captured, days_ago, make_test_account, posted
from tests.snapshots.analytics.sent import statements_sent
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.errors import BadInput


def test_a_window_holds_the_newest_posts_first_with_all_their_numbers(acme: TenantRef) -> None:
    account = make_test_account()
    window = windows(tenant_id=acme.id, account_ids=[account.pk])[account.pk]
    assert window.posts == [
        PostNumbers(1000, 80, 10, 5, 5, 10_000),
        PostNumbers(2000, 100, 20, 20, 10, 10_000),
        PostNumbers(1500, 90, 15, 15, 0, 10_000),
        PostNumbers(50_000, 2500, 200, 300, 100, 10_000),
    ]
    assert window.posted_at == [days_ago(2), days_ago(5), days_ago(9), days_ago(20)]
    assert (window.followers, window.as_of, window.posts_read) == (10_000, clock.now(), True)


def test_young_old_and_deleted_posts_are_not_in_it(acme: TenantRef) -> None:
    account = make_account()
    for days in (0.5, 0.99, 1.01, 89.9, 90.1):
        posted(account, days)
    posted(account, 10, deleted_at=clock.now())
    window = windows(tenant_id=acme.id, account_ids=[account.pk])[account.pk]
    assert window.posted_at == [days_ago(1.01), days_ago(89.9)]
    assert window.days == pytest.approx(89)


def test_where_the_number_of_posts_ends_a_window_it_is_as_long_as_they_took(acme: TenantRef) -> None:
    account = make_account()
    for days in range(2, 42):
        posted(account, days)
    window = windows(tenant_id=acme.id, account_ids=[account.pk], posts=28)[account.pk]
    assert (len(window.posts), window.posted_at[-1]) == (28, days_ago(29))
    assert window.days == pytest.approx(29), "from the post before the window until 24 h ago"


def test_the_followers_of_a_post_are_those_of_the_last_sound_day_of_the_week_before(acme: TenantRef) -> None:
    account = make_account()
    for days in (3, 8, 20, 40):
        posted(account, days)
    captured(account, 3, -977, suspect={"follower_count": "negative"})
    captured(account, 5, 9_900, suspect={"follower_count": "rounded"})
    captured(account, 8, 9_000, suspect={"heart_count": "negative"})
    captured(account, 28, 8_000)
    captured(account, 39, 7_000)
    window = windows(tenant_id=acme.id, account_ids=[account.pk])[account.pk]
    assert [post.followers for post in window.posts] == [9_900, 9_000, None, None]
    without = windows(tenant_id=acme.id, account_ids=[account.pk], followers_then=False)[account.pk]
    assert [post.followers for post in without.posts] == [None] * 4
    assert without.posts[0][:5] == window.posts[0][:5]


def test_an_account_without_posts_has_an_empty_window_that_says_whether_they_were_read(acme: TenantRef) -> None:
    unread, empty, old = make_account(), make_account(video_count=0), make_account()
    unknown = make_account(video_count=None, follower_count=None, measured_at=None)
    posted(old, 200)
    found = windows(tenant_id=acme.id, account_ids=[unread.pk, empty.pk, old.pk, unknown.pk])
    assert [found[each.pk].posts_read for each in (unread, empty, old, unknown)] == [False, True, True, False]
    assert all(window.posts == [] and window.as_of is None for window in found.values())
    assert found[unknown.pk].followers is None


def test_posts_of_several_accounts_are_not_mixed_up(acme: TenantRef) -> None:
    accounts = [make_account() for _ in range(5)]
    for place, account in enumerate(accounts):
        for days in range(2, 2 + place):
            posted(account, days, place * 100 + days)
    found = windows(tenant_id=acme.id, account_ids=[account.pk for account in reversed(accounts)])
    assert [[post.plays for post in found[account.pk].posts] for account in accounts] == [
        [place * 100 + days for days in range(2, 2 + place)] for place in range(5)
    ]


def test_without_ids_all_accounts_of_the_tenant_are_read(acme: TenantRef) -> None:
    ids = {make_account().pk for _ in range(3)}
    assert set(windows(tenant_id=acme.id, account_ids=None)) == ids


def test_another_tenants_account_is_not_among_them(cast: Cast, noon: object) -> None:
    with tenant_scope(cast.rival):
        account = make_test_account()
    with tenant_scope(cast.acme):
        assert windows(tenant_id=cast.acme.id, account_ids=[account.pk]) == {}
        assert windows(tenant_id=cast.rival.id, account_ids=[account.pk]) == {}
        assert windows(tenant_id=cast.acme.id, account_ids=[]) == {}


def test_one_statement_reads_them_all(acme: TenantRef) -> None:
    ids = [make_test_account().pk for _ in range(6)]
    assert statements_sent(lambda: windows(tenant_id=acme.id, account_ids=ids)) == 1


@pytest.mark.parametrize(("posts", "days"), [(0, 90), (201, 90), (30, 1), (30, 367)])
def test_sizes_beyond_reason_are_refused(acme: TenantRef, posts: int, days: int) -> None:
    with pytest.raises(BadInput, match="must be between"):
        windows(tenant_id=acme.id, account_ids=[1], posts=posts, days=days)


def test_more_than_500_accounts_are_refused(acme: TenantRef) -> None:
    with pytest.raises(BadInput, match="At most 500 accounts"):
        windows(tenant_id=acme.id, account_ids=range(501))


def test_a_post_that_was_made_exactly_24_hours_ago_is_not_settled_yet(acme: TenantRef) -> None:
    account = make_account()
    posted(account, 1)
    assert windows(tenant_id=acme.id, account_ids=[account.pk])[account.pk].posts == []
    with clock.at(clock.now() + timedelta(seconds=1)):
        assert len(windows(tenant_id=acme.id, account_ids=[account.pk])[account.pk].posts) == 1
