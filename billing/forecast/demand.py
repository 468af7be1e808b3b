"""Bottom-up: what the features ask for, whoever asked in the past."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from billing.forecast.series import NoForecast
from billing.forecast.trend import Pattern

#: Up to this part bottom-up and trend are said to agree.
AGREES_WITHIN = 0.3


@dataclass(frozen=True)
class Demand:
    """One feature's calls of one endpoint: so many active tenants or accounts, each so often a day."""

    feature: str
    endpoint: str
    active: float
    calls_per_day: float
    credits_per_call: float = 1.0

    @property
    def calls(self) -> float:
        """Calls a day."""
        return self.active * self.calls_per_day

    @property
    def credits(self) -> float:
        """Credits a day."""
        return self.calls * self.credits_per_call


@dataclass(frozen=True)
class BottomUp:
    """Credits a day, in all and by feature, the most expensive first."""

    demands: tuple[Demand, ...]
    by_feature: tuple[tuple[str, float], ...]
    per_day: float

    def in_days(self, days: int) -> float:
        """Credits in so many days like these."""
        return self.per_day * days


@dataclass(frozen=True)
class Comparison:
    """Bottom-up next to the trend, credits a day each, and what to think of it."""

    bottom_up: float
    trend: float | None
    sentence: str


def bottom_up(demands: Iterable[Demand]) -> BottomUp:
    """Sums up what features ask for. Raises ValueError for negative numbers."""
    asked = tuple(demands)
    for each in asked:
        if min(each.active, each.calls_per_day, each.credits_per_call) < 0:
            raise ValueError(f"{each.feature} at {each.endpoint}: no number may be negative.")
    features: dict[str, list[float]] = defaultdict(list)
    for each in asked:
        features[each.feature].append(each.credits)
    by_feature = sorted(
        ((name, math.fsum(parts)) for name, parts in features.items()), key=lambda row: (-row[1], row[0])
    )
    return BottomUp(asked, tuple(by_feature), math.fsum(each.credits for each in asked))


def compare(planned: BottomUp, trend: Pattern | NoForecast) -> Comparison:
    """Puts both beside each other: where they differ, either the cadences or the activity are not what one believes."""
    if isinstance(trend, NoForecast):
        return Comparison(planned.per_day, None, f"There is no trend to compare with. {trend.reason}")
    usual = trend.level
    if not usual and not planned.per_day:
        return Comparison(0.0, 0.0, "Nothing is asked for, and nothing is spent.")
    if not usual:
        return Comparison(planned.per_day, 0.0, "Features ask for credits, and none are spent: is fetching paused?")
    share = planned.per_day / usual - 1
    if abs(share) <= AGREES_WITHIN:
        return Comparison(planned.per_day, usual, "What features ask for agrees with what is spent.")
    if share > 0:
        sentence = (
            f"Features ask for {share:.0%} more than is spent: answers are shared or kept, work is held back, or fewer"
            " are active than the inputs say."
        )
    else:
        sentence = (
            f"{-share:.0%} of what is spent is not in the inputs: retries, backfills, or a feature that is missing."
        )
    return Comparison(planned.per_day, usual, sentence)
