"""How wrong the forecast would have been, had somebody asked it on earlier days."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import fmean

from billing.forecast.series import DayOfUse, NoForecast
from billing.forecast.trend import learn


@dataclass(frozen=True)
class Backtest:
    """Over `trials` earlier days: the mean error of the sum over the horizon, as a part of what was spent; how much of
    it was always in one direction; and the part of outcomes within the bounds, which should be about 0.8."""

    horizon_days: int
    trials: int
    mean_error: float
    bias: float
    within_bounds: float

    @property
    def mean_percent(self) -> str:
        return f"{self.mean_error:.0%}"


def backtest(history: Sequence[DayOfUse], *, horizon_days: int, trials: int = 28) -> Backtest | NoForecast:
    """Foresees `horizon_days` from each of up to `trials` earlier days, the newest first, from the days before alone.

    Spans with a gap, or in which nothing was spent, are not judged.
    """
    ordered = sorted(history, key=lambda each: each.day)
    errors, hits, spent = [], 0, []
    for back in range(horizon_days, min(horizon_days + trials, len(ordered))):
        known, coming = ordered[: len(ordered) - back], ordered[len(ordered) - back :][:horizon_days]
        first, last = known[-1].day + timedelta(days=1), known[-1].day + timedelta(days=horizon_days)
        actual = math.fsum(each.credits for each in coming)
        pattern = learn(known)
        if isinstance(pattern, NoForecast) or coming[-1].day != last or not actual:
            continue
        foreseen = pattern.between(first, last)
        errors.append(foreseen.expected - actual)
        spent.append(actual)
        hits += foreseen.low <= actual <= foreseen.high
    if not errors:
        return NoForecast(f"The history is too short to judge a forecast over {horizon_days} days.")
    usual = fmean(spent)
    return Backtest(
        horizon_days,
        len(errors),
        fmean([abs(error) for error in errors]) / usual,
        fmean(errors) / usual,
        hits / len(errors),
    )
