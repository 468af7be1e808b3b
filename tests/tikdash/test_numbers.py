"""Numbers in words: what a person reads in a tile, a table and on hover."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tikdash.ui.numbers import Number, ago, direction, duration, exact, percent, short, signed, signed_percent
from tikdash.ui.sparkline import sparkline_svg

NOW = datetime(2026, 11, 21, 14, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "–"),
        (0, "0"),
        (7, "7"),
        (912, "912"),
        (999, "999"),
        (1_000, "1.00 K"),
        (1_234, "1.23 K"),
        (9_994, "9.99 K"),
        (9_995, "10.0 K"),
        (48_200, "48.2 K"),
        (99_950, "100 K"),
        (999_499, "999 K"),
        (999_500, "1.00 M"),
        (1_284_000, "1.28 M"),
        (31_900_000, "31.9 M"),
        (999_500_000, "1.00 B"),
        (2_147_483_648, "2.15 B"),
        (9_223_372_036_854_775_807, "9,223,372,037 B"),
        (-977_433_948, "−977 M"),
        (-12, "−12"),
        (4.7, "4.70"),
        (4.0, "4"),
        (999.96, "1.00 K"),
        (-0.0, "0"),
        (-0.001, "0.00"),
        (Decimal("48200.4"), "48.2 K"),
        (float("nan"), "–"),
        (float("inf"), "–"),
    ],
)
def test_short_keeps_three_digits(value: Number | None, words: str) -> None:
    assert short(value) == words.replace(" ", "\u202f")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "–"),
        (1_284_000, "1,284,000"),
        (-977_433_948, "−977,433,948"),
        (0, "0"),
        (6.5, "6.5"),
        (1e21, "1,000,000,000,000,000,000,000"),
    ],
)
def test_exact_names_every_digit(value: Number | None, words: str) -> None:
    assert exact(value) == words


@pytest.mark.parametrize(("value", "words"), [(14_204, "+14,204"), (-14_204, "−14,204"), (0, "0"), (None, "–")])
def test_signed_says_which_way(value: int | None, words: str) -> None:
    assert signed(value) == words


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (0.0616, "6.16 %"),
        (0, "0.00 %"),
        (0.00001, "0.00 %"),
        (-0.00001, "0.00 %"),
        (0.09995, "10.0 %"),
        (0.175, "17.5 %"),
        (1.0, "100 %"),
        (12.345, "1,235 %"),
        (-0.0112, "−1.12 %"),
        (None, "–"),
    ],
)
def test_percent_is_of_a_ratio(ratio: float | None, words: str) -> None:
    assert percent(ratio) == words.replace(" ", "\u202f")


@pytest.mark.parametrize(
    ("ratio", "words"),
    [(0.0112, "+1.12 %"), (-0.0112, "−1.12 %"), (0.0, "0.00 %"), (0.00001, "0.00 %"), (None, "–")],
)
def test_signed_percent_has_no_sign_where_nothing_shows(ratio: float | None, words: str) -> None:
    assert signed_percent(ratio) == words.replace(" ", "\u202f")


@pytest.mark.parametrize(
    ("change", "base", "way"),
    [
        (1, 1_000_000, "up"),
        (0, 1_000_000, "flat"),
        (None, 1_000_000, "flat"),
        (-999, 1_000_000, "flat"),
        (-1_000, 1_000_000, "down"),
        (-1, 10, "down"),
        (-1, 0, "down"),
        (-1, None, "down"),
    ],
)
def test_a_fall_below_a_thousandth_is_flat(change: int | None, base: int | None, way: str) -> None:
    assert direction(change, base) == way


@pytest.mark.parametrize(
    ("past", "words"),
    [
        (timedelta(), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=-59), "just now"),
        (timedelta(minutes=4, seconds=30), "4 min ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago"),
        (timedelta(hours=3), "3 h ago"),
        (timedelta(days=2, hours=5), "2 d ago"),
        (timedelta(days=59, hours=23), "59 d ago"),
        (timedelta(days=60), "22 Sep 2026"),
        (timedelta(minutes=-4), "in 4 min"),
    ],
)
def test_ago_counts_in_the_largest_unit(past: timedelta, words: str) -> None:
    assert ago(NOW - past, NOW) == words


def test_ago_of_nothing_is_a_dash() -> None:
    assert ago(None, NOW) == "–"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0:00"), (9, "0:09"), (73, "1:13"), (3_661, "1:01:01"), (None, "–"), (-1, "–")],
)
def test_duration_reads_as_on_a_player(seconds: int | None, words: str) -> None:
    assert duration(seconds) == words


def test_sparkline_draws_a_gap_as_a_dashed_bridge() -> None:
    svg = sparkline_svg([1, 2, None, 4, 5])
    assert svg.count("stroke-dasharray") == 1
    assert 'aria-label="5 days, from 1 to 5, 1 without a number"' in svg
    assert "style=" not in svg


@pytest.mark.parametrize(
    ("values", "words"),
    [([], "0 days, no numbers"), ([None, None], "2 days, no numbers"), ([7], "1 day, from 7 to 7")],
)
def test_sparkline_of_little_is_still_a_picture(values: list[int | None], words: str) -> None:
    assert f'aria-label="{words}"' in sparkline_svg(values)


def test_sparkline_label_cannot_break_out_of_its_attribute() -> None:
    assert "<script>" not in sparkline_svg([1], label='"><script>')


@given(st.integers(-(2**63), 2**63 - 1) | st.sampled_from([995, 999, 9_994, 9_995, 99_949, 99_950, 999_499, 999_500]))
@example(999_500_000_000)
def test_whole_numbers_read_the_same_without_decimals(value: int) -> None:
    assert short(value) == short(Decimal(value))
    assert signed(value) == signed(Decimal(value))
    assert exact(value) == exact(Decimal(value))


@given(st.integers(-(2**53) + 1, 2**53 - 1) | st.sampled_from([3_997, 3_998, 39_979, 39_980, 1, 2, 3, 3_999, 4_001]))
@example(-2)
def test_quartiles_read_the_same_without_decimals(quarters: int) -> None:
    value = quarters / 4
    assert short(value) == short(Decimal(str(value)))


@given(st.floats(-1e20, 1e20) | st.floats(-1e7, 1e7))
@example(0.0)
@example(-0.0)
@example(0.0001)
@example(1e-05)
@example(2.0**53)
@example(1e16)
def test_what_a_float_is_exactly_reads_the_same_without_decimals(value: float) -> None:
    assert exact(value) == exact(Decimal(str(value)))
    assert short(value) == short(Decimal(str(value)))
