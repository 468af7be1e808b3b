"""A change far outside of what is usual is kept aside, until the next reading says the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshots.ingest.normalise import CUMULATIVE
from snapshots.ingest.quality import (
    ACCOUNT_JUMP,
    POST_JUMP,
    Judgement,
    Jump,
    Measured,
    agrees,
    doubts,
    judge,
    judge_with_past,
    robust_z,
)

NOON = datetime(2026, 11, 15, 12, tzinfo=UTC)
TABLE = [14, 18, 11, 16, 15, 13, 17]
STEADY = [10_000, 10_014, 10_032, 10_043, 10_059, 10_074, 10_087, 10_104]


def days(
    values: Sequence[int | None], suspect: dict[int, str] | None = None, name: str = "follower_count"
) -> list[Measured]:
    """One row a day that ends yesterday; `suspect` by place."""
    rows = []
    for place, value in enumerate(values):
        at = NOON - timedelta(days=len(values) - place)
        state = (suspect or {}).get(place)
        rows.append(Measured(at.date(), at, {name: value}, {name: state} if state else {}))
    return rows


def look(
    value: int,
    before: int,
    past: Sequence[Measured],
    *,
    name: str = "follower_count",
    jump: Jump = ACCOUNT_JUMP,
    at: datetime = NOON,
) -> Judgement:
    values, previous = {name: value}, {name: before}
    first = judge(values, previous, CUMULATIVE)
    if not doubts(values, previous, first, jump):
        return first
    return judge_with_past(values, previous, first, jump=jump, past=past, at=at)


def state(verdict: Judgement, name: str = "follower_count") -> str:
    return verdict.suspect.get(name, "ok")


def test_the_value_of_the_table_of_metrics() -> None:
    assert round(robust_z(240, TABLE), 1) == 75.9


def test_where_most_changes_are_equal_the_mean_deviation_takes_the_place_of_the_median() -> None:
    assert robust_z(240, [0, 0, 0, 0, 0, 0, 7]) == pytest.approx(240 / 1.2533)
    assert robust_z(240, [5] * 7) == 235
    assert robust_z(5, [5] * 7) == 0


@given(st.integers(-(2**63), 2**63 - 1), st.lists(st.integers(-(2**63), 2**63 - 1), min_size=7, max_size=28))
def test_no_change_of_64_bits_breaks_the_arithmetic(delta: int, deltas: list[int]) -> None:
    assert robust_z(delta, deltas) >= 0


def test_a_change_far_outside_of_four_weeks_is_a_spike_and_stays_out() -> None:
    verdict = look(10_344, 10_104, days(STEADY))
    assert (state(verdict), verdict.state, verdict.sound) == ("spike", 6, {})
    assert state(look(9_700, 10_104, days(STEADY))) == "spike"
    assert state(look(10_160, 10_104, days(STEADY))) == "ok", "not large in itself"


def test_fewer_than_seven_changes_say_nothing() -> None:
    assert state(look(90_001, 10_104, days(STEADY[1:]))) == "ok"


def test_a_gap_of_days_is_one_change_a_day() -> None:
    ten_days_ago = [
        Measured(row.day - timedelta(days=9), row.at - timedelta(days=9), row.values, {}) for row in days(STEADY)
    ]
    assert state(look(10_104 + 10 * 16, 10_104, ten_days_ago)) == "ok"
    assert state(look(10_104 + 10 * 240, 10_104, ten_days_ago)) == "spike"


def test_suspect_days_are_no_base_for_what_is_usual() -> None:
    past = days([*STEADY[:4], 90_000, *STEADY[4:]], {4: "spike"})
    assert state(look(10_344, 10_104, past)) == "spike"


@pytest.mark.parametrize("next_value", [10_344, 10_360, 10_224, 10_580])
def test_the_next_value_that_agrees_makes_both_sound(next_value: int) -> None:
    past = days([*STEADY, 10_344], {8: "spike"})
    verdict = look(next_value, 10_104, past)
    assert (verdict.suspect, verdict.sound) == ({}, {"follower_count": next_value})
    assert verdict.cleared == [(past[-1].day, "follower_count")]


def test_a_value_that_is_believed_by_itself_backs_the_one_before_too() -> None:
    past = days([*STEADY[2:], 10_344], {6: "spike"})
    verdict = look(10_360, 10_104, past)
    assert (verdict.suspect, verdict.cleared) == ({}, [(past[-1].day, "follower_count")])


def test_a_value_that_comes_back_leaves_the_spike_suspect() -> None:
    verdict = look(10_120, 10_104, days([*STEADY, 10_344], {8: "spike"}))
    assert (verdict.suspect, verdict.cleared) == ({}, [])


def test_another_wild_value_does_not_back_the_first_one() -> None:
    verdict = look(90_000, 10_104, days([*STEADY, 10_344], {8: "spike"}))
    assert (state(verdict), verdict.cleared) == ("spike", [])


def test_the_same_answer_once_more_backs_nothing() -> None:
    past = days([*STEADY, 10_344], {8: "spike"})
    verdict = look(10_344, 10_104, past, at=past[-1].at)
    assert (state(verdict), verdict.cleared) == ("spike", [])
    assert state(look(10_344, 10_104, past, at=past[-1].at + timedelta(minutes=9))) == "spike"
    assert state(look(10_344, 10_104, past, at=past[-1].at + timedelta(minutes=10))) == "ok"


def test_a_surge_that_was_backed_may_go_on() -> None:
    assert state(look(12_900, 11_600, days([*STEADY, 11_600]))) == "ok", "no larger than the day before"
    assert state(look(19_000, 11_600, days([*STEADY, 11_600]))) == "spike"
    assert state(look(10_400, 11_600, days([*STEADY, 11_600]))) == "spike", "a fall is no part of a rise"


def test_a_real_loss_of_plays_clears_with_the_next_reading() -> None:
    past = days([1_000_000, 500_000], {1: "regressed"}, "play_count")
    verdict = look(501_000, 1_000_000, past, name="play_count", jump=POST_JUMP)
    assert (verdict.suspect, verdict.sound) == ({}, {"play_count": 501_000})
    assert verdict.cleared == [(past[-1].day, "play_count")]
    assert state(look(501_000, 1_000_000, past[:1], name="play_count", jump=POST_JUMP), "play_count") == "regressed"


def test_zeros_must_go_on_for_three_days() -> None:
    past = days([5_000, 0, 0], {1: "zeroed", 2: "zeroed"})
    assert state(look(0, 5_000, past)) == "zeroed"
    verdict = look(0, 5_000, past, at=NOON + timedelta(days=1))
    assert (verdict.suspect, verdict.sound) == ({}, {"follower_count": 0})
    assert [day for day, _ in verdict.cleared] == [past[2].day, past[1].day]
    good_between = days([5_000, 0, 5_001, 0], {1: "zeroed", 3: "zeroed"})
    assert state(look(0, 5_001, good_between, at=NOON + timedelta(days=1))) == "zeroed"


def test_a_few_followers_left_do_not_back_zeros() -> None:
    past = days([*STEADY, 0, 0, 0, 0], dict.fromkeys(range(8, 12), "zeroed"))
    assert look(300, 10_104, past).cleared == []


def test_days_without_a_value_neither_back_nor_break() -> None:
    past = days([*STEADY, 10_344, None, -5], {8: "spike", 9: "missing", 10: "negative"})
    verdict = look(10_350, 10_104, past)
    assert verdict.suspect == {} and [day for day, _ in verdict.cleared] == [past[8].day]


def test_what_is_below_zero_never_clears() -> None:
    past = days([*STEADY, -977_433_948, -977_433_948], {8: "negative", 9: "negative"})
    assert state(look(-977_433_948, 10_104, past)) == "negative"


def test_what_was_rejected_stays_so_for_as_long_as_the_upstream_repeats_it() -> None:
    past = days([*STEADY, 10_344], {8: "rejected"})
    verdict = look(10_344, 10_104, past)
    assert (state(verdict), verdict.state, verdict.cleared) == ("rejected", 7, [])
    assert state(look(10_344, 10_104, past, at=past[-1].at)) == "rejected", "also when the same answer is stored again"
    assert state(look(10_120, 10_104, past)) == "ok"


def test_a_post_that_does_well_is_shown_and_one_that_leaps_tenfold_is_looked_at() -> None:
    past = days([20_000 + place * 100 for place in range(9)], name="play_count")
    for value, expected in ((150_000, "ok"), (207_999, "ok"), (208_001, "spike"), (2**63 - 1, "spike")):
        verdict = look(value, 20_800, past, name="play_count", jump=POST_JUMP)
        assert state(verdict, "play_count") == expected, value


def test_agreement_keeps_half_of_the_way_and_goes_it_once_more_at_most() -> None:
    found = [value for value in range(8_000, 20_001, 500) if agrees(value, 14_000, 10_000)]
    assert (found[0], found[-1]) == (12_000, 18_000)
    found = [value for value in range(0, 12_001, 500) if agrees(value, 6_000, 10_000)]
    assert (found[0], found[-1]) == (2_000, 8_000)
