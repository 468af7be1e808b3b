"""The metrics of real rows: the printed values of the test account, with as-of, n and state."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.selectors import TenantRef
from snapshots.analytics.engagement import NOT_READ, growth, summary
from snapshots.analytics.metrics import METRICS, OF_POSTS
from snapshots.models import Post
from tests.cast import Cast
from tests.factories import make_account
from tests.snapshots.analytics.rows import captured, make_test_account, posted
from tests.snapshots.analytics.sent import statements_sent
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.errors import BadInput
from tikdash.ui import numbers


def shown(number: float | int | None, unit: str) -> str:
    return (numbers.percent(number) if unit == "%" else numbers.exact(number)).replace(numbers.NARROW_SPACE, " ")


def test_the_test_account_has_the_printed_values(acme: TenantRef) -> None:
    account = make_test_account()
    found = summary(tenant_id=acme.id, account_ids=[account.pk])[account.pk]
    printed = {
        "er_views": "6.16 %",
        "er_views_mean": "7.63 %",
        "er_views_median": "7.50 %",
        "er_views_saves": "6.37 %",
        "er_followers": "8.39 %",
        "er_followers_median": "1.30 %",
        "like_rate": "5.08 %",
        "views_mean": "13,625",
        "views_median": "1,750",
        "views_per_follower": "0.175",
        "consistency": "–",
        "follower_growth": "0.00 %",
    }
    assert {key: shown(found.values[key].value, METRICS[key].unit) for key in printed} == printed
    assert found.values["comments_per_1k_likes"].value == pytest.approx(1000 * 245 / 2770)
    assert found.values["shares_per_1k_likes"].value == pytest.approx(1000 * 340 / 2770)
    assert found.values["posts_per_week"].value == pytest.approx(4 / (89 / 7))
    assert found.values["consistency"].reason == "Only 4 posts to go by; it takes at least 5."
    assert all(found.values[key].n == 4 and found.values[key].as_of == clock.now() for key in OF_POSTS)


def test_a_number_is_as_old_as_the_newest_post_in_it(acme: TenantRef) -> None:
    account = make_test_account()
    Post.objects.update(measured_at=clock.now() - timedelta(hours=30))
    found = summary(tenant_id=acme.id, account_ids=[account.pk])[account.pk]
    assert found.values["er_views"].as_of == clock.now() - timedelta(hours=30)
    assert found.values["follower_growth"].as_of == clock.now()


def test_posts_from_before_the_account_was_tracked_have_no_rate_by_followers(acme: TenantRef) -> None:
    account = make_account(follower_count=10_000)
    captured(account, 3, 10_000)
    posted(account, 2, 1000, 80, 10, 10, 0)
    posted(account, 50, 1000, 80, 10, 10, 0)
    found = summary(tenant_id=acme.id, account_ids=[account.pk])[account.pk].values
    assert (found["er_followers"].value, found["er_followers"].n, found["er_followers"].state) == (0.01, 1, "missing")
    assert (found["er_views"].n, found["er_views"].state) == (2, "ok")


def test_an_account_whose_posts_were_not_read_has_reasons_in_place_of_numbers(acme: TenantRef) -> None:
    account = make_account()
    found = summary(tenant_id=acme.id, account_ids=[account.pk])[account.pk]
    assert {found.values[key].value for key in OF_POSTS} == {None}
    assert {found.values[key].reason for key in OF_POSTS} == {NOT_READ}
    assert found.growth[30].value.reason == "The followers are not known at both ends of this time."


def test_an_account_that_rests_posts_zero_times_a_week(acme: TenantRef) -> None:
    account = make_account()
    posted(account, 150)
    values = summary(tenant_id=acme.id, account_ids=[account.pk])[account.pk].values
    assert values["posts_per_week"].value == 0
    assert (values["er_views"].value, values["er_views"].reason) == (None, "There is no post to go by yet.")


def test_growth_is_from_the_sound_day_at_or_before_the_start(acme: TenantRef) -> None:
    account = make_account(follower_count=10_450)
    for days, followers in ((0, 10_450), (29, 10_200), (33, 10_000), (90, 5_000), (364, 1)):
        captured(account, days, followers)
    captured(account, 30, 0, suspect={"follower_count": "zeroed"})
    captured(account, 31, None)
    found = growth(tenant_id=acme.id, account_ids=[account.pk])[account.pk]
    month, quarter, year = found[30], found[90], found[365]
    today = clock.today()
    assert shown(month.value.value, "%") == "4.50 %"
    assert (month.change, month.start_on, month.end_on) == (450, today - timedelta(days=33), today)
    assert (quarter.change, quarter.value.value) == (5_450, 1.09)
    assert (year.value.value, year.change) == (None, None), "the account was not read a year ago"
    assert year.value.reason


def test_a_fall_below_a_thousandth_is_noise_and_stays_a_change(acme: TenantRef) -> None:
    account = make_account()
    captured(account, 30, 100_000)
    captured(account, 0, 99_901)
    found = growth(tenant_id=acme.id, account_ids=[account.pk])[account.pk][30]
    assert (found.change, found.is_noise) == (-99, True)


def test_growth_between_rounded_values_says_so(acme: TenantRef) -> None:
    account = make_account()
    captured(account, 30, 207_851)
    captured(account, 0, 210_000, suspect={"follower_count": "rounded"})
    assert growth(tenant_id=acme.id, account_ids=[account.pk])[account.pk][30].value.state == "rounded"


@pytest.mark.parametrize("metric_ids", [("er_views",), ("views_median", "er_followers"), ()])
def test_a_list_gets_the_metrics_that_it_shows(acme: TenantRef, metric_ids: tuple[str, ...]) -> None:
    account = make_test_account()
    everything = summary(tenant_id=acme.id, account_ids=[account.pk])[account.pk].values
    found = summary(tenant_id=acme.id, account_ids=[account.pk], metric_ids=metric_ids)[account.pk].values
    assert found == {key: everything[key] for key in (*metric_ids, "follower_growth")}


def test_a_metric_that_is_not_made_of_posts_is_refused(acme: TenantRef) -> None:
    account = make_test_account()
    with pytest.raises(BadInput, match="not made of a window of posts"):
        summary(tenant_id=acme.id, account_ids=[account.pk], metric_ids=["bot_share"])


def test_another_tenants_account_has_no_summary(cast: Cast, noon: object) -> None:
    with tenant_scope(cast.rival):
        account = make_test_account()
    with tenant_scope(cast.acme):
        assert summary(tenant_id=cast.acme.id, account_ids=[account.pk]) == {}
        assert growth(tenant_id=cast.rival.id, account_ids=[account.pk]) == {}


def test_two_statements_whatever_the_accounts(acme: TenantRef) -> None:
    ids = [make_test_account().pk for _ in range(4)]
    assert set(summary(tenant_id=acme.id, account_ids=ids)) == set(ids)
    assert statements_sent(lambda: summary(tenant_id=acme.id, account_ids=ids)) == 2


def test_growth_of_more_than_500_accounts_is_refused(acme: TenantRef) -> None:
    with pytest.raises(BadInput, match="At most 500"):
        growth(tenant_id=acme.id, account_ids=range(501))
