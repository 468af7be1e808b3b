"""A history of whole days, and which of its days say nothing about the next ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from statistics import median

#: A day is taken for an outage when it has less than this part of what is usual around it and on its weekday.
OUTAGE_BELOW = 0.2
#: Days on either side that say what is usual.
AROUND = 7
#: Other days of the same weekday that must be there before one of them can be told from a quiet weekday.
LIKE_DAYS = 2


@dataclass(frozen=True)
class DayOfUse:
    """The credits of one whole UTC day. A day that is not in a history is unknown, and not a day without use."""

    day: date
    credits: float


@dataclass(frozen=True)
class NoForecast:
    """Why nothing is foreseen, as a sentence for people."""

    reason: str


@dataclass(frozen=True)
class Range:
    """What is expected, and the bounds within which four of five outcomes should lie. Credits, never negative."""

    expected: float
    low: float
    high: float

    def plus(self, credits: float) -> Range:
        """The range moved by what is certain."""
        return Range(self.expected + credits, self.low + credits, self.high + credits)


@dataclass(frozen=True)
class Series:
    """The days that a forecast is made of, in order, and those that were left out as outages."""

    days: tuple[DayOfUse, ...]
    outages: tuple[date, ...]


def sound_series(history: Sequence[DayOfUse]) -> Series:
    """The history in order, from the first day with use on, without outages.

    Raises ValueError for a day that comes twice, or that has less than nothing.
    """
    ordered = sorted(history, key=lambda each: each.day)
    for before, after in pairwise(ordered):
        if before.day == after.day:
            raise ValueError(f"{after.day} is in the history twice.")
    if any(each.credits < 0 for each in ordered):
        raise ValueError("A day has spent less than nothing.")
    first = next((number for number, each in enumerate(ordered) if each.credits > 0), len(ordered))
    ordered = ordered[first:]
    outages = _outages(ordered)
    return Series(tuple(each for each in ordered if each.day not in outages), tuple(sorted(outages)))


def _outages(ordered: Sequence[DayOfUse]) -> set[date]:
    """Days far below both their neighbours and their own weekday.

    A weekday that is always quiet is a pattern, and a use that has ended is news: the newest days are never outages
    once they are as many as the week has.
    """
    by_weekday: dict[int, list[DayOfUse]] = defaultdict(list)
    for each in ordered:
        by_weekday[each.day.weekday()].append(each)
    low: set[date] = set()
    for each in ordered:
        like = [other.credits for other in by_weekday[each.day.weekday()] if other.day != each.day]
        near = [other.credits for other in ordered if 0 < abs((other.day - each.day).days) <= AROUND]
        if len(like) < LIKE_DAYS or len(near) < AROUND:
            continue
        if each.credits < OUTAGE_BELOW * min(median(like), median(near)):
            low.add(each.day)
    newest = [each.day for each in ordered[-AROUND:]]
    if len(newest) == AROUND and all(day in low for day in newest):
        low -= set(newest)
    return low
