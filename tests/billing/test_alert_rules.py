"""When spending is worth a word: pure rules."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from billing.alert_rules import CRITICAL, NOTICE, WARNING, of_month, unusual
from billing.forecast.month import paced


def found(used: int, day: int, *, budget: int = 1_000, hour: int = 12) -> dict[str, str]:
    """Rules and levels for a month of 30 days that goes on at its pace."""
    now = datetime(2026, 11, day, hour, tzinfo=UTC)
    return {one.rule: one.level for one in of_month(used=used, budget=budget, foreseen=paced(used, now), now=now)}


def warned(used: int, day: int) -> bool:
    return any(level != NOTICE for level in found(used, day).values())


def test_a_tenth_on_day_2_warns_where_80_percent_on_day_28_does_not() -> None:
    assert found(100, 2) == {"forecast": WARNING}
    assert found(800, 28) == {"budget_70": NOTICE}
    assert warned(100, 2) and not warned(800, 28)


@pytest.mark.parametrize(
    ("used", "day", "rules"),
    [
        (699, 24, {}),
        (700, 24, {"budget_70": NOTICE}),
        (700, 15, {"budget_70": WARNING, "forecast": WARNING}),
        (749, 20, {"budget_70": WARNING, "forecast": WARNING}),
        (750, 20, {"budget_70": WARNING, "budget_75_by_20": WARNING, "forecast": WARNING}),
        (750, 23, {"budget_70": NOTICE}),
        (751, 23, {"budget_70": WARNING, "forecast": WARNING}),
        (899, 28, {"budget_70": NOTICE}),
        (900, 29, {"budget_70": NOTICE, "budget_90": CRITICAL}),
        (0, 1, {}),
        (1_200, 30, {"budget_70": WARNING, "budget_90": CRITICAL, "forecast": WARNING}),
    ],
)
def test_thresholds_hold_at_their_very_border(used: int, day: int, rules: dict[str, str]) -> None:
    assert found(used, day) == rules


def test_the_sentence_says_how_much_of_what_on_which_day() -> None:
    now = datetime(2026, 11, 10, tzinfo=UTC)
    [forecast] = of_month(used=500, budget=1_000, foreseen=1_612, now=now, whose="Key “shared”: ")
    assert forecast.sentence == (
        "Key “shared”: At this rate the month ends at 1,612 credits, 61% beyond its budget: 500 of 1,000 credits of"
        " this month are used (50%) on day 10 of 30."
    )


def test_twice_yesterdays_calls_by_this_hour_names_the_endpoint_that_has_most_of_the_rest() -> None:
    odd = unusual({"post-detail": 900, "user-posts": 320}, {"post-detail": 200, "user-posts": 300}, 14)
    assert odd is not None
    assert odd.sentence == "Twice yesterday's calls by this hour (1,220 against 500), mostly /post-detail/."
    assert unusual({"post-detail": 999}, {"post-detail": 500}, 14) is None
    assert unusual({"post-detail": 99}, {"post-detail": 1}, 14) is None, "a handful is nothing unusual"
    assert unusual({"post-detail": 5_000}, {}, 14) is None, "the first day has no yesterday"
