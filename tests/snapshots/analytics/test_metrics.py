"""Every metric gives the value that the definitions print, and none where there is nothing to say."""

from __future__ import annotations

import pytest

from snapshots.analytics import audience
from snapshots.analytics import uplift as uplift_module
from snapshots.analytics.metrics import (
    HEADLINES,
    METRICS,
    OF_POSTS,
    PostNumbers,
    Value,
    bot_share,
    compute,
    compute_all,
    er_followers_post,
    er_views_post,
    follow_ratio,
    follower_growth,
    headline,
    is_noise,
    metric,
    outlier,
    share_of_voice,
    uplift,
    velocity,
)
from snapshots.analytics.metrics.registry import ACCOUNT_COLUMNS, POST_COLUMNS
from tikdash.errors import BadInput
from tikdash.ui import numbers

F = 10_000
A = PostNumbers(1000, 80, 10, 5, 5, F)
B = PostNumbers(2000, 100, 20, 20, 10, F)
C = PostNumbers(1500, 90, 15, 15, 0, F)
D = PostNumbers(50_000, 2500, 200, 300, 100, F)
POSTS = [A, B, C, D]


def percent(value: Value) -> str:
    assert isinstance(value.value, float), value
    return numbers.percent(value.value).replace(numbers.NARROW_SPACE, " ")


@pytest.mark.parametrize(
    ("metric_id", "shown"),
    [
        ("er_views", "6.16 %"),
        ("er_views_mean", "7.63 %"),
        ("er_views_median", "7.50 %"),
        ("er_views_saves", "6.37 %"),
        ("er_followers", "8.39 %"),
        ("er_followers_median", "1.30 %"),
        ("like_rate", "5.08 %"),
    ],
)
def test_rates_of_the_test_account(metric_id: str, shown: str) -> None:
    value = compute(metric_id, POSTS, followers=F)
    assert (percent(value), value.n, value.reason, value.state) == (shown, 4, "", "ok")


@pytest.mark.parametrize(
    ("metric_id", "expected"),
    [("views_mean", 13_625), ("views_median", 1750), ("posts_per_week", 1.0), ("views_per_follower", 0.175)],
)
def test_numbers_of_the_test_account(metric_id: str, expected: float) -> None:
    assert compute(metric_id, POSTS, followers=F, days=28).value == expected


@pytest.mark.parametrize(("post", "shown"), [(A, "9.50 %"), (B, "7.00 %"), (C, "8.00 %"), (D, "6.00 %")])
def test_rate_by_views_of_one_post(post: PostNumbers, shown: str) -> None:
    assert percent(er_views_post(post)) == shown


@pytest.mark.parametrize(("post", "shown"), [(A, "0.95 %"), (B, "1.40 %"), (C, "1.20 %"), (D, "30.0 %")])
def test_rate_by_followers_of_one_post(post: PostNumbers, shown: str) -> None:
    assert percent(er_followers_post(post)) == shown


@pytest.mark.parametrize(("metric_id", "expected"), [("comments_per_1k_likes", 80), ("shares_per_1k_likes", 120)])
def test_comments_and_shares_per_thousand_likes(metric_id: str, expected: int) -> None:
    assert compute(metric_id, [D]).value == expected


def test_a_post_is_measured_against_the_median_of_the_others() -> None:
    value = outlier(D, [A, B, C])
    assert value.value is not None
    assert (round(value.value, 1), value.n) == (33.3, 3)


def test_growth_of_followers() -> None:
    assert percent(follower_growth(10_000, 10_450)) == "4.50 %"


def test_views_an_hour() -> None:
    assert velocity(40_000, 52_000, 24).value == 500


def test_share_of_voice() -> None:
    assert percent(share_of_voice(120_000, 500_000, 9)) == "24.0 %"


@pytest.mark.parametrize(
    ("bots", "n", "low", "high"), [(34, 200, "12.4", "22.8"), (17, 100, "10.9", "25.5"), (2, 10, "5.7", "51.0")]
)
def test_share_of_bots_comes_with_its_interval(bots: int, n: int, low: str, high: str) -> None:
    value = bot_share(bots, n)
    assert value.low is not None and value.high is not None
    assert (value.value, value.n, f"{value.low:.1%}", f"{value.high:.1%}") == (bots / n, n, f"{low}%", f"{high}%")


def test_uplift_comes_with_an_interval_that_is_the_same_every_time() -> None:
    with_it, without = [2000, 2500, 2800, 3000, 9000], [1500, 1600, 1800, 1900, 2000, 2400]
    value = uplift(with_it, without)
    assert value.value is not None and value.low is not None and value.high is not None
    assert (f"{value.value:+.0%}", value.n) == ("+51%", 5)
    assert value.low < value.value < value.high
    assert uplift(with_it[::-1], without) == value


def test_how_even_views_are_is_their_deviation_over_their_mean() -> None:
    even = [PostNumbers(views, 1, 1, 1, 1) for views in (90, 110, 90, 110, 100)]
    assert compute("consistency", even).value == pytest.approx(0.1)
    assert compute("consistency", [PostNumbers(70, 1, 1, 1, 1)] * 5).value == 0.0


def test_followers_per_followed_account() -> None:
    assert follow_ratio(10_000, 100).value == 100


# --- too little to tell ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric_id", sorted(OF_POSTS))
def test_one_post_less_than_needed_gives_a_reason_and_no_zero(metric_id: str) -> None:
    needed = METRICS[metric_id].at_least
    assert compute(metric_id, [D] * needed, followers=F, days=28).value is not None
    if needed:
        value = compute(metric_id, [D] * (needed - 1), followers=F, days=28)
        assert value.value is None and value.reason.endswith("."), value


@pytest.mark.parametrize("metric_id", sorted(set(OF_POSTS) - {"posts_per_week", "er_followers", "er_followers_median"}))
def test_posts_that_nobody_saw_give_a_reason_and_no_zero(metric_id: str) -> None:
    value = compute(metric_id, [PostNumbers(0, 0, 0, 0, 0)] * 6, followers=F)
    if metric_id in ("views_mean", "views_median", "views_per_follower"):
        assert value.value == 0, "these are true zeros"
    else:
        assert (value.value, bool(value.reason)) == (None, True)


@pytest.mark.parametrize("metric_id", sorted(OF_POSTS))
def test_no_metric_fails_on_posts_of_which_nothing_is_known(metric_id: str) -> None:
    value = compute(metric_id, [PostNumbers(None, None, None, None, None)] * 6)
    assert value.value is None and value.reason


def test_a_post_with_an_unknown_counter_is_left_out_and_that_is_said() -> None:
    found = compute_all([*POSTS, PostNumbers(900, None, 5, 5, 5, F)], followers=F, days=28)
    assert (found["er_views"].value, found["er_views"].n, found["er_views"].state) == (
        compute("er_views", POSTS).value,
        4,
        "missing",
    )
    assert (found["views_median"].value, found["views_median"].n, found["views_median"].state) == (1500, 5, "ok")


def test_too_few_posts_with_known_views_are_told_from_too_few_posts() -> None:
    unknown = PostNumbers(None, 1, 1, 1, 1)
    assert compute("views_median", [A, B]).reason == "Only 2 posts to go by; it takes at least 3."
    assert compute("views_median", [A]).reason == "Only 1 post to go by; it takes at least 3."
    assert compute("views_median", []).reason == "There is no post to go by yet."
    assert compute("views_median", [A, B, unknown]).reason == (
        "The numbers of only 2 of 3 posts are known; it takes at least 3."
    )


@pytest.mark.parametrize(
    "value",
    [
        er_views_post(PostNumbers(0, 0, 0, 0, 0)),
        er_followers_post(PostNumbers(10, 1, 1, 1, 1, None)),
        outlier(D, [A, B]),
        outlier(PostNumbers(None, 1, 1, 1, 1), [A, B, C]),
        outlier(D, [PostNumbers(0, 0, 0, 0, 0)] * 3),
        follower_growth(0, 10),
        follower_growth(None, 10),
        follow_ratio(10, 0),
        follow_ratio(None, 10),
        velocity(1, 2, 0),
        velocity(None, 2, 1),
        share_of_voice(0, 0, 0),
        share_of_voice(None, 10, 0),
        bot_share(0, 0),
        uplift([1, 2], [1, 2, 3]),
        uplift([1, 2, 3], [0, 0, 0]),
        compute("views_per_follower", POSTS, followers=0),
        compute("views_per_follower", POSTS, followers=None),
        compute("posts_per_week", POSTS, days=0),
    ],
    ids=lambda value: value.reason,
)
def test_what_cannot_be_divided_is_none_with_a_sentence(value: Value) -> None:
    assert value.value is None and value.reason.endswith(".")


def test_no_post_in_a_window_that_was_read_is_a_true_zero() -> None:
    assert compute("posts_per_week", [], days=90).value == 0


@pytest.mark.parametrize(("change", "noise"), [(-9, True), (-10, False), (-11, False), (0, False), (5, False)])
def test_a_fall_below_a_thousandth_is_noise(change: int, noise: bool) -> None:
    assert is_noise(change, 10_000) is noise


# --- registry --------------------------------------------------------------------------------------------------------


def test_the_registry_holds_every_metric_of_the_definitions() -> None:
    defined = (
        "er_views_post er_views er_views_mean er_views_median er_views_saves er_followers_post er_followers"
        " er_followers_median like_rate views_mean views_median posts_per_week follower_growth views_per_follower"
        " outlier velocity bot_share follow_ratio share_of_voice uplift comments_per_1k_likes shares_per_1k_likes"
        " consistency"
    )
    assert set(METRICS) == {*defined.split(), *ACCOUNT_COLUMNS, *POST_COLUMNS}


@pytest.mark.parametrize("metric_id", METRICS)
def test_every_metric_says_what_it_is(metric_id: str) -> None:
    found = METRICS[metric_id]
    assert found.id == metric_id and found.name and found.short and found.formula and found.window
    assert found.denominator or metric_id in (*ACCOUNT_COLUMNS, *POST_COLUMNS)
    assert found.version == 1


def test_the_registry_says_the_minimums_that_other_modules_keep() -> None:
    assert METRICS["bot_share"].at_least == audience.FEWEST_ROWS
    assert METRICS["uplift"].at_least == uplift_module.FEWEST


@pytest.mark.parametrize("metric_id", OF_POSTS)
def test_a_value_carries_the_id_and_version_of_its_metric(metric_id: str) -> None:
    value = compute(metric_id, POSTS, followers=F, days=28)
    assert (value.metric_id, value.version, value.metric) == (metric_id, METRICS[metric_id].version, METRICS[metric_id])


def test_a_tenant_may_choose_another_headline_rate_but_not_any_number() -> None:
    assert headline().id == "er_views"
    assert {headline(metric_id).id for metric_id in HEADLINES} == set(HEADLINES)
    with pytest.raises(BadInput, match="cannot be the headline rate"):
        headline("views_mean")


@pytest.mark.parametrize("metric_id", ["", "er_viws", "x" * 500])
def test_an_unknown_metric_is_refused(metric_id: str) -> None:
    for ask in (metric, lambda name: compute(name, POSTS)):
        with pytest.raises(BadInput, match="There is no metric") as refused:
            ask(metric_id)
        assert len(str(refused.value)) < 800


def test_a_metric_that_is_not_made_of_posts_is_refused() -> None:
    with pytest.raises(BadInput, match="not made of a window of posts"):
        compute("follower_growth", POSTS)
