"""Where a month will end."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from billing.forecast.series import DayOfUse, NoForecast, Range
from billing.forecast.trend import learn


@dataclass(frozen=True)
class MonthForecast:
    """A UTC month in the middle of which somebody asks. `days_left` counts the days after today.

    `method` is `trend`, or `pace` where the history is too short for one: then the bounds are wide, and say so.
    """

    first: date
    today: date
    spent: float
    total: Range
    days_left: int
    method: str

    def share_of(self, budget: float) -> Range:
        """What the month will have used of a budget, as parts of it. Raises ValueError for no budget."""
        if budget <= 0:
            raise ValueError("A budget is more than nothing.")
        return Range(self.total.expected / budget, self.total.low / budget, self.total.high / budget)


def days_of_month(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def month_end(
    history: Sequence[DayOfUse], *, now: datetime, spent_today: float, spent_this_month: float
) -> MonthForecast | NoForecast:
    """The month's total as it looks at `now`. `history` are whole days before today, of earlier months too;
    `spent_this_month` includes today.

    What is left of today counts as the part of a usual day that is still to come. Without a pattern the month goes on
    at its own pace, once a whole day of it is behind us.
    """
    moment = now.astimezone(UTC)
    today = moment.date()
    first, last = today.replace(day=1), today.replace(day=days_of_month(today))
    left = (last - today).days
    still = 1 - _gone(moment)
    pattern = learn([each for each in history if each.day < today])
    if isinstance(pattern, NoForecast):
        return _at_its_own_pace(moment, first, left, spent_this_month, pattern)
    # A day that began busier than usual has had more of its work already.
    usual = pattern.on(today)
    rest = max(usual * still, 0.0) if spent_today < usual else max(usual - spent_today, 0.0)
    days = (last - today).days + still
    expected = rest + sum(pattern.on(today + timedelta(days=each)) for each in range(1, left + 1))
    total = pattern.around(expected, days, (last - pattern.last_day).days).plus(spent_this_month)
    return MonthForecast(first, today, spent_this_month, total, left, "trend")


def paced(spent: float, now: datetime) -> float:
    """What a month comes to at the pace so far: a tenth on its second day is more than all, 80 % on the 28th is not.

    Never less than what is spent, and the first day counts as a whole one, or every month would begin with an alarm.
    """
    moment = now.astimezone(UTC)
    gone = max(1.0, (moment.day - 1) + _gone(moment))
    return max(spent, spent * days_of_month(moment.date()) / gone)


def _at_its_own_pace(
    moment: datetime, first: date, left: int, spent: float, why_no_trend: NoForecast
) -> MonthForecast | NoForecast:
    gone = (moment.day - 1) + _gone(moment)
    if gone < 1 or spent <= 0:
        return why_no_trend
    total = paced(spent, moment)
    # Nobody knows how alike days are: from where it stands to twice the pace.
    return MonthForecast(
        first,
        moment.date(),
        spent,
        Range(total, spent + (total - spent) / 2, spent + 2 * (total - spent)),
        left,
        "pace",
    )


def _gone(moment: datetime) -> float:
    """The part of the UTC day that is over."""
    midnight = datetime.combine(moment.date(), time(), UTC)
    return (moment - midnight) / timedelta(days=1)
