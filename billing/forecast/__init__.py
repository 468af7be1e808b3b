"""What will be spent: from what is planned (`demand`), from what was spent (`trend`), to the month's end (`month`) and
until the credits are used up (`packs`); and how wrong that was before (`backtest`). Pure: numbers in, numbers out.

Where nothing sound can be said the answer is a `NoForecast` with the reason, never a guess.
"""

from __future__ import annotations

from billing.forecast.backtest import Backtest, backtest
from billing.forecast.demand import BottomUp, Comparison, Demand, bottom_up, compare
from billing.forecast.month import MonthForecast, month_end, paced
from billing.forecast.packs import Emptying, Offer, Recommendation, buffer_for, empties, recommend
from billing.forecast.series import DayOfUse, NoForecast, Range
from billing.forecast.trend import Pattern, learn

__all__ = [
    "Backtest",
    "BottomUp",
    "Comparison",
    "DayOfUse",
    "Demand",
    "Emptying",
    "MonthForecast",
    "NoForecast",
    "Offer",
    "Pattern",
    "Range",
    "Recommendation",
    "backtest",
    "bottom_up",
    "buffer_for",
    "compare",
    "empties",
    "learn",
    "month_end",
    "paced",
    "recommend",
]
