"""Intervals, uplift and curves: numbers in, numbers out."""

from __future__ import annotations

import random
from statistics import mean, median, stdev

import pytest

from snapshots.analytics.curves import AGES, DAY, HOUR, PostCurve, plays_at, run_of, usual_at
from snapshots.analytics.intervals import wilson
from snapshots.analytics.uplift import _middles, uplift


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(34, 200, 12.4, 22.8), (17, 100, 10.9, 25.5), (2, 10, 5.7, 51.0), (0, 50, 0.0, 7.1), (50, 50, 92.9, 100.0)],
)
def test_wilson_gives_the_printed_values(k: int, n: int, low: float, high: float) -> None:
    assert tuple(round(each * 100, 1) for each in wilson(k, n)) == (low, high)


@pytest.mark.parametrize(("k", "n"), [(0, 0), (3, 2), (-1, 5)])
def test_wilson_refuses_what_is_no_share(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="is no share"):
        wilson(k, n)


WITH = [2_100, 2_500, 2_800, 3_300, 9_000]
WITHOUT = [900, 1_400, 1_800, 1_900, 2_600, 4_000]


def test_uplift_gives_the_printed_value_within_its_interval() -> None:
    found = uplift(WITH, WITHOUT)
    assert found.value is not None and found.low is not None and found.high is not None
    assert (median(WITH), median(WITHOUT), round(found.value, 2)) == (2_800, 1_850, 0.51)
    assert (found.n_with, found.n_without, found.reason) == (5, 6, "")
    assert found.low < 0 < found.value < found.high, "five posts against six prove little"


def test_the_same_posts_in_any_order_have_the_same_interval() -> None:
    assert uplift(WITH, WITHOUT) == uplift(WITH[::-1], WITHOUT[::-1])


def test_the_interval_is_that_of_drawing_whole_resamples() -> None:
    chance = random.Random(5)
    ours = [chance.lognormvariate(8.4, 0.6) for _ in range(40)]
    others = [chance.lognormvariate(8.0, 0.6) for _ in range(61)]
    drawn = sorted(
        median(chance.choices(ours, k=len(ours))) / median(chance.choices(others, k=len(others))) - 1
        for _ in range(4_000)
    )
    found = uplift(ours, others)
    assert found.low == pytest.approx(drawn[100], abs=0.08)
    assert found.high == pytest.approx(drawn[-101], abs=0.12)


@pytest.mark.parametrize("n", [4, 5, 12, 41])
def test_the_middle_of_a_resample_is_drawn_as_often_as_by_drawing_all_of_it(n: int) -> None:
    chance = random.Random(3)
    drawn = [median(chance.choices(range(n), k=n)) for _ in range(20_000)]
    middles = [(i + j) / 2 for i, j in _middles(n, "with")]
    assert mean(middles) == pytest.approx(mean(drawn), abs=n * 0.015)
    assert stdev(middles) == pytest.approx(stdev(drawn), rel=0.1)


@pytest.mark.parametrize(
    ("with_", "without", "reason"),
    [
        ([1, 2], [1, 2, 3], "Needs at least 3 posts with it and 3 without; there are 2 and 3."),
        ([1, 2, 3], [], "Needs at least 3 posts with it and 3 without; there are 3 and 0."),
        ([1, 2, 3], [0, 0, 0, 8], "The posts without it have no views to compare with."),
    ],
)
def test_uplift_says_why_it_says_nothing(with_: list[float], without: list[float], reason: str) -> None:
    found = uplift(with_, without)
    assert (found.value, found.low, found.high, found.reason) == (None, None, None, reason)


@pytest.mark.parametrize(
    ("age", "plays"),
    [
        (1.7, 170.0),
        (1.5, None),
        (2.0, 200.0),
        (3.5, 230.0),
        (2.9, None),
        (0.8, 100.0),
        (0.79, None),
        (5.3, 240.0),
        (5.4, None),
    ],
)
def test_plays_are_interpolated_between_readings_and_known_near_one_only(age: float, plays: float | None) -> None:
    curve = PostCurve([1 * DAY, 2 * DAY, 4 * DAY], [100, 200, 240])
    assert plays_at(curve, age * DAY) == (None if plays is None else pytest.approx(plays))


def test_far_from_any_reading_nothing_is_known_although_there_are_readings_on_both_sides() -> None:
    assert plays_at(PostCurve([HOUR, 30 * DAY], [10, 9_000]), 3 * DAY) is None
    assert plays_at(PostCurve([], []), DAY) is None


def references(n: int, plays: int = 1_000) -> list[PostCurve]:
    """Posts that have `plays` after a day and half as many more after two."""
    return [PostCurve([DAY, 2 * DAY], [plays, plays * 3 // 2]) for _ in range(n)]


@pytest.mark.parametrize(
    ("plays", "level"), [(2_999, 0), (3_000, 3), (4_999, 3), (5_000, 5), (10_000, 10), (24_999, 10), (25_000, 25)]
)
def test_a_post_carries_the_highest_level_that_it_has_passed(plays: int, level: int) -> None:
    run = run_of(PostCurve([DAY], [plays]), references(8))
    assert run.level == level
    assert run.newest is not None and (run.newest.usual, run.newest.n) == (1_000, 8)


def test_a_post_that_was_ahead_at_first_keeps_its_level() -> None:
    run = run_of(PostCurve([DAY, 2 * DAY], [5_200, 5_300]), references(9))
    assert run.level == 5 and run.best is not None and run.best.age == DAY
    assert run.newest is not None and run.newest.multiple == pytest.approx(5_300 / 1_500)


def test_where_a_post_stands_now_counts_at_any_age() -> None:
    old = [PostCurve([4 * DAY, 6 * DAY], [1_000, 3_000]) for _ in range(8)]
    run = run_of(PostCurve([5 * DAY], [20_000]), old)
    assert run.newest is not None and (run.newest.usual, run.level) == (2_000, 10)


def test_seven_references_are_too_few_and_999_plays_too_quiet() -> None:
    assert run_of(PostCurve([DAY], [50_000]), references(7)).best is None
    assert run_of(PostCurve([DAY], [999]), references(8, plays=10)).level == 0
    assert run_of(PostCurve([DAY], [1_000]), references(8, plays=10)).level == 25


def test_posts_without_plays_are_no_measure() -> None:
    assert run_of(PostCurve([DAY], [50_000]), references(20, plays=0)).best is None


def test_a_post_is_compared_at_its_own_age_not_with_what_others_have_in_the_end() -> None:
    old = [PostCurve([DAY, 30 * DAY], [1_000, 100_000]) for _ in range(8)]
    assert run_of(PostCurve([DAY], [4_000]), old).level == 3
    assert run_of(PostCurve([30 * DAY], [250_000]), old).level == 0


def test_the_usual_curve_has_quartiles_where_eight_posts_tell() -> None:
    curves = [PostCurve([HOUR, DAY], [each, each * 10]) for each in range(100, 1_000, 100)]
    usual = {each.age: each for each in (usual_at(curves, age) for age in AGES)}
    assert (usual[DAY].low, usual[DAY].median, usual[DAY].high, usual[DAY].n) == (3_000, 5_000, 7_000, 9)
    assert (usual[7 * DAY].median, usual[7 * DAY].n) == (None, 0)
