"""How an account's counters move: trend, weekly wave, noise and breakouts, each in closed form.

A value at any moment costs a few arithmetic operations, so a benchmark may jump a year without a replay.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .cast import DAY
from .chance import number
from .creators import Creator

YEAR = 365.25 * DAY
REFERENCE_AT = 1_788_220_800
"""2026-09-01, when `Creator.followers` is met. A constant, or a stored history would not go on."""

CURVE_SHAPES = {
    "takeoff": (3.6, 0.55, 0.0),
    "rising": (1.5, 0.7, 0.0),
    "steady": (0.75, 0.0, 0.0),
    "plateau": (1.6, -3.2, 0.0),
    "declining": (1.6, -3.2, 0.22),
}
"""Steepness a year, years from the reference to the middle of the S-curve, loss a year."""


@dataclass(frozen=True, slots=True)
class Surge:
    """A breakout as the account feels it: from `at` on, followers and hearts come within a few days."""

    at: float
    followers: float
    hearts: float


def follower_trend(creator: Creator, at: float) -> float:
    """Followers at a moment without waves, noise or breakouts."""
    return _curve(creator, at, CURVE_SHAPES[creator.curve][2])


def followers_at(creator: Creator, at: float, surges: tuple[Surge, ...]) -> int:
    """Followers at a moment; mostly growing, with small honest losses on a plateau."""
    trend = follower_trend(creator, at)
    rate = follower_trend(creator, at + DAY / 2) - follower_trend(creator, at - DAY / 2)
    amplitude = 0.18 * abs(rate) + 0.06 * math.sqrt(trend)
    gained = sum(surge.followers * _arrived(at - surge.at) for surge in surges if surge.at < at)
    return max(
        0,
        int(trend + 0.55 * rate * _wave(creator, at) + amplitude * _noise(creator, "followers", at) + gained),
    )


def follower_arrivals(creator: Creator, at: float) -> float:
    """Followers ever won on trend; unlike the followers of a moment it never falls."""
    return _curve(creator, at, 0.0)


def hearts_at(creator: Creator, at: float, surges: tuple[Surge, ...]) -> int:
    """Hearts received over all posts; never falls, because likes of deleted posts stay counted."""
    total = _heart_trend(creator, at)
    rate = _heart_trend(creator, at + DAY / 2) - _heart_trend(creator, at - DAY / 2)
    gained = sum(surge.hearts * _arrived(at - surge.at) for surge in surges if surge.at < at)
    return max(0, int(total + 0.4 * rate * _wave(creator, at) + 0.12 * rate * _noise(creator, "hearts", at) + gained))


def following_at(creator: Creator, at: float) -> int:
    """Accounts followed; drifts both ways."""
    return max(
        0,
        int(creator.following * (1 + 0.04 * (at - REFERENCE_AT) / YEAR) + 2 * _noise(creator, "following", at)),
    )


def diggs_at(creator: Creator, at: float) -> int:
    """Likes the account has given; never falls."""
    return int(creator.diggs_per_day * max(0.0, at - creator.joined_at) / DAY)


def _curve(creator: Creator, at: float, loss: float) -> float:
    age = at - creator.joined_at
    if age <= 0:
        return 0.0
    years = (at - REFERENCE_AT) / YEAR
    steepness, middle, _ = CURVE_SHAPES[creator.curve]
    steepness *= creator.pace
    size = creator.followers * (1 + math.exp(steepness * middle)) / (1 + math.exp(-steepness * (years - middle)))
    decay = math.exp(-loss * math.log1p(math.exp(4 * (years + 0.6))) / 4) if loss else 1.0
    return size * decay * -math.expm1(-age / (120 * DAY))


def _heart_trend(creator: Creator, at: float) -> float:
    age = max(0.0, at - creator.joined_at) / YEAR
    per_follower = creator.reach * creator.digg_rate * creator.posts_per_week * 90
    return _curve(creator, at, 0.0) * (2 + per_follower) * age / (age + 3)


def _arrived(age: float) -> float:
    return -math.expm1(-age / (3.5 * DAY))


def _wave(creator: Creator, at: float) -> float:
    """A weekly swing in days of trend; its slope is within 1 a day: a factor below 1 never turns growth."""
    return 7 / math.tau * math.sin(math.tau * (at / DAY + creator.best_hour) / 7)


def _noise(creator: Creator, name: str, at: float) -> float:
    """A broken line through one draw from [-1, 1) a day."""
    day, within = divmod(at / DAY, 1)
    before = number(creator.seed, name, creator.id, int(day)) / 2**63 - 1
    after = number(creator.seed, name, creator.id, int(day) + 1) / 2**63 - 1
    return before + (after - before) * within
