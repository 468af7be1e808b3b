"""Growth of an account's counters by day of capture. A day whose value is missing or suspect is a gap, not a number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from tikdash import clock
from tikdash.db.scope import prepared_row
from tikdash.errors import BadInput, NotFound
from tikdash.words import N_, gettext

#: The counters of an account that can be drawn, with their names for people.
COUNTERS = {
    "follower_count": N_("Followers"),
    "heart_count": N_("Hearts"),
    "video_count": N_("Videos"),
    "following_count": N_("Following"),
    "digg_count": N_("Likes given"),
}

#: Two arrays in one row: the driver makes no object per day, and the encoder none either. The last day is named so that
#: the partitions of the months ahead, and the default one, need not be looked into.
SERIES = """
    SELECT (SELECT true FROM accounts WHERE id = %(account)s),
           coalesce(array_agg(captured_on - %(first)s::date), '{{}}'), coalesce(array_agg(value), '{{}}')
      FROM (SELECT captured_on,
                   CASE WHEN suspect IS NULL OR coalesce(suspect ->> '{metric}', 'rounded') = 'rounded'
                        THEN {metric} END AS value
              FROM account_snapshots
             WHERE account_id = %(account)s AND captured_on BETWEEN %(first)s AND %(last)s
             ORDER BY captured_on) AS days
"""


@dataclass(frozen=True)
class Series:
    """One counter on consecutive UTC days, from the first measured day of the range to the last; None is a gap."""

    metric: str
    label: str
    days: int
    dates: list[str]
    values: list[int | None]


@dataclass(frozen=True)
class DayOfSeries:
    """One line of the series as a table: `change` is against the last day that has a value."""

    date: date
    value: int | None
    change: int | None


def series(account_id: int, metric: str, days: int) -> Series:
    """The counter `metric` of an account in the last `days` days, today included.

    Raises BadInput for a metric that does not exist or a range that is not 1–3,660 days, NotFound for an account that
    does not exist, or is another tenant's.
    """
    if metric not in COUNTERS:
        raise BadInput(
            gettext("There is no metric “{metric}”. Choose one of: {choices}.").format(
                metric=metric[:40], choices=", ".join(COUNTERS)
            )
        )
    if not 1 <= days <= 3660:
        raise BadInput(gettext("The range must be between 1 and 3,660 days."))
    today = clock.today()
    first = today - timedelta(days=days - 1)
    row = prepared_row(SERIES.format(metric=metric), {"account": account_id, "first": first, "last": today})
    is_there, days_later, values = row or (None, [], [])
    if not is_there:
        raise NotFound(gettext("There is no such account in this workspace."))
    dates, values = _day_by_day(first, days_later, values)
    return Series(metric, gettext(COUNTERS[metric]), days, dates, values)


def as_table(shown: Series) -> list[DayOfSeries]:
    """The series day by day, the newest first."""
    rows: list[DayOfSeries] = []
    previous: int | None = None
    for day, value in zip(shown.dates, shown.values, strict=True):
        change = None if value is None or previous is None else value - previous
        rows.append(DayOfSeries(date.fromisoformat(day), value, change))
        previous = previous if value is None else value
    return rows[::-1]


def _day_by_day(first: date, days_later: list[int], values: list[int | None]) -> tuple[list[str], list[int | None]]:
    """Every day from the first that has a row to the last; `days_later` counts from `first`."""
    if not days_later:
        return [], []
    begin, length = days_later[0], days_later[-1] - days_later[0] + 1
    if length != len(days_later):
        known = dict(zip(days_later, values, strict=True))
        values = [known.get(begin + index) for index in range(length)]
    return list(_texts(first + timedelta(days=begin), length)), values


@lru_cache(maxsize=64)
def _texts(first: date, length: int) -> tuple[str, ...]:
    # All charts of a day ask for the same few ranges.
    return tuple((first + timedelta(days=index)).isoformat() for index in range(length))
