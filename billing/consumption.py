"""In which order credits are used up: the plan's of each month, packs and grants. Pure: numbers in, numbers out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

#: Where the plan's own credits of a month stand among the grants: what has less is used first.
PLAN_PRIORITY = 100


@dataclass(frozen=True)
class Source:
    """Credits that may be used from `starts_on` to the day before `expires_on` (None: for ever).

    `id` is None for the credits that a plan gives for a month.
    """

    id: int | None
    credits: int
    priority: int
    starts_on: date
    expires_on: date | None

    def holds_on(self, day: date) -> bool:
        return self.starts_on <= day and (self.expires_on is None or day < self.expires_on)


@dataclass(frozen=True)
class Used:
    """What became of a source by the end of the last day: `used`, `left` (usable today), `expired` unused."""

    source: Source
    used: int
    used_this_month: int
    left: int
    expired: int


@dataclass(frozen=True)
class Consumption:
    """What became of all sources, in the order in which they are used, and what no source has covered."""

    sources: tuple[Used, ...]
    uncovered: int

    @property
    def left(self) -> int:
        """What can still be used today."""
        return sum(each.left for each in self.sources)

    def of_grants(self) -> list[Used]:
        """Without the plan's own credits."""
        return [each for each in self.sources if each.source.id is not None]


def order_of(source: Source) -> tuple[int, date, date, int]:
    """Priority, then what expires sooner, then what is older."""
    return source.priority, source.expires_on or date.max, source.starts_on, source.id or 0


def consume(sources: Sequence[Source], spent: Mapping[date, int], today: date) -> Consumption:
    """Spends each day's credits on the sources that hold on it, in their order, up to and with `today`.

    A day with a negative sum (a correction) gives nothing back to a source: it covers what later days spend first.
    """
    ordered = sorted(sources, key=order_of)
    left = [source.credits for source in ordered]
    this_month = [0] * len(ordered)
    uncovered = credit = 0
    for day in sorted(spent):
        if day > today:
            continue
        wanted = spent[day] - credit
        credit = max(0, -wanted)
        for place, source in enumerate(ordered):
            if wanted <= 0:
                break
            if source.holds_on(day):
                taken = min(left[place], wanted)
                left[place] -= taken
                wanted -= taken
                if (day.year, day.month) == (today.year, today.month):
                    this_month[place] += taken
        uncovered += max(0, wanted)
    return Consumption(tuple(_used(*each, today) for each in zip(ordered, left, this_month, strict=True)), uncovered)


def days_left(balance: int, last_days: Iterable[int]) -> float | None:
    """For how many days a balance lasts at the mean of the last days; None where nothing was spent."""
    days = list(last_days)
    mean = sum(days) / len(days) if days else 0
    return None if mean <= 0 else balance / mean


def _used(source: Source, left: int, this_month: int, today: date) -> Used:
    usable = left if source.holds_on(today) else 0
    over = source.expires_on is not None and source.expires_on <= today
    return Used(source, source.credits - left, this_month, usable, left if over else 0)
