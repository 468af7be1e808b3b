"""When an attempt is repeated within its call, over all statuses and errors."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tikdash.tiklive import errors
from tikdash.tiklive.errors import TikLiveError
from tikdash.tiklive.retry import may_help, wait_before_next

CHANCE = random.Random(3)


def wait(error: TikLiveError, attempts: int = 1, most: int = 3) -> float | None:
    return wait_before_next(error, attempts=attempts, most=most, patience_s=2, chance=CHANCE)


@pytest.mark.parametrize("status", range(300, 600))
def test_only_429_time_outs_and_5xx_are_repeated(status: int) -> None:
    error = errors.error_for("userid", status, {}, b"<html>")
    assert error is not None
    assert may_help(error) == (status in (408, 429) or status >= 500 or (status < 400))


@pytest.mark.parametrize(
    "body", [b'{"message":"Api-Key is not available"}', b'{"status":"error","message":"Not found"}']
)
def test_refusals_that_come_as_200_are_not_repeated(body: bytes) -> None:
    error = errors.error_for("userid", 200, {}, body)
    assert error is not None and not may_help(error)


@pytest.mark.parametrize(
    ("reason", "repeated"),
    [
        ("not_json", True),
        ("truncated", True),
        ("empty_object", True),
        ("wrong_shape", False),
        ("no_stats", False),
        ("too_large", False),
    ],
)
def test_broken_bodies_are_repeated_and_unusable_ones_are_not_paid_for_twice(reason: str, repeated: bool) -> None:
    assert may_help(errors.BadPayload(reason=reason)) is repeated


def test_what_was_not_admitted_is_left_to_the_job() -> None:
    for kind in (errors.TooBusy, errors.BreakerOpen, errors.LimiterGone, errors.FlightLost, errors.BudgetReached):
        assert wait(kind(retry_after=0.1)) is None


def test_the_wait_doubles_and_half_of_it_is_chance() -> None:
    for attempts, longest in ((1, 0.5), (2, 1.0)):
        waits = [wait(errors.UpstreamDown(), attempts) or 0 for _ in range(200)]
        assert longest / 2 <= min(waits) < 0.55 * longest
        assert 0.95 * longest < max(waits) <= longest


def test_after_three_attempts_there_is_no_other() -> None:
    assert wait(errors.UpstreamDown(), 2) is not None
    assert wait(errors.UpstreamDown(), 3) is None
    assert wait(errors.UpstreamDown(), 1, most=1) is None


@given(st.floats(0, 10))
def test_retry_after_is_never_cut_short(retry_after: float) -> None:
    found = wait(errors.RateLimited(retry_after=retry_after))
    assert (found is None) if retry_after > 2 else (found is not None and found >= retry_after)
