"""When an account's posts do best, and how often it posts; hours, days and weeks are those of a time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from accounts.time_zones import is_time_zone
from tikdash import clock
from tikdash.db.scope import prepared_row
from tikdash.errors import BadInput, NotFound
from tikdash.words import gettext, ngettext

DAYS = 180
#: The views of younger posts say more about their age than about their hour.
OLDER_THAN = timedelta(hours=48)
FEWEST_POSTS, FEWEST_IN_CELL, BEST = 20, 3, 3
WEEKS, MOST_WEEKS = 26, 104

#: Posts are read in the order of the index by time, here and below: otherwise PostgreSQL, which takes an account's
#: posts for few, may read all of them by another index and throw most of them away.
HOURS = """
    WITH settled AS (
        SELECT posted_at AT TIME ZONE %(zone)s::text AS local, play_count, measured_at FROM posts
         WHERE tenant_id = %(tenant)s AND account_id = %(account)s AND deleted_at IS NULL AND play_count IS NOT NULL
               AND posted_at >= %(first)s AND posted_at < %(last)s
         ORDER BY posted_at DESC, id DESC
    ), cells AS (
        SELECT extract(isodow FROM local)::int AS weekday, extract(hour FROM local)::int AS hour,
               count(*) AS n, percentile_cont(0.5) WITHIN GROUP (ORDER BY play_count) AS usual
          FROM settled GROUP BY 1, 2
    )
    SELECT (SELECT true FROM accounts WHERE tenant_id = %(tenant)s AND id = %(account)s), s.*, c.*
      FROM (SELECT count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY play_count), max(measured_at)
              FROM settled) AS s,
           (SELECT array_agg(weekday), array_agg(hour), array_agg(n), array_agg(usual) FROM cells) AS c
"""
#: A pinned post stands out of order: it says nothing about how far back the posts were read.
WEEKLY = """
    SELECT true, coalesce(a.video_count = 0, false),
           (SELECT min(posted_at) FROM posts WHERE tenant_id = %(tenant)s AND account_id = %(account)s AND NOT pinned),
           w.*
      FROM accounts a,
           (SELECT array_agg(week), array_agg(n), max(as_of)
              FROM (SELECT date_trunc('week', posted_at AT TIME ZONE %(zone)s::text)::date AS week, count(*) AS n,
                           max(measured_at) AS as_of
                      FROM (SELECT posted_at, measured_at FROM posts
                             WHERE tenant_id = %(tenant)s AND account_id = %(account)s AND deleted_at IS NULL
                                   AND posted_at >= %(first)s AND posted_at <= %(last)s
                             ORDER BY posted_at DESC, id DESC) AS posted
                     GROUP BY 1) AS weeks) AS w
     WHERE a.tenant_id = %(tenant)s AND a.id = %(account)s
"""


@dataclass(frozen=True, slots=True)
class Slot:
    """An hour of the week: weekday 1 (Monday) to 7, hour 0–23. `multiple` is the median views of its `n` posts over
    the account's median; None with fewer than three posts."""

    weekday: int
    hour: int
    n: int
    multiple: float | None


@dataclass(frozen=True, slots=True)
class BestTimes:
    """`grid` holds seven days of 24 hours; `best` up to three slots above the account's median, the best first.

    `n` posts of the last 180 days, older than 48 hours, with known views. With fewer than 20, no slot has a multiple
    and `reason` says so; it says too where no slot has enough posts or none is above the median.
    """

    zone: str
    grid: list[list[Slot]]
    best: list[Slot]
    n: int
    median: float | None
    as_of: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Week:
    """Posts in the week that begins on `monday`; None where it is not known, before the first post that was read."""

    monday: date
    posts: int | None


@dataclass(frozen=True, slots=True)
class Frequency:
    """The weeks up to the present one, which is not over yet; `n` posts in all.

    `mean` is over the weeks that are over and known from their first day; without any `reason` says so.
    """

    zone: str
    weeks: list[Week]
    mean: float | None
    n: int
    as_of: datetime | None
    reason: str


def best_times(*, tenant_id: int, account_id: int, zone: str) -> BestTimes:
    """When the account's posts get the most views, by the clock of `zone` (an IANA name), daylight saving included.

    Raises BadInput for a zone that does not exist, NotFound for an account that does not exist here.
    """
    _check_zone(zone)
    now = clock.now()
    row = _row(
        HOURS,
        {
            "tenant": tenant_id,
            "account": account_id,
            "zone": zone,
            "first": now - timedelta(days=DAYS),
            "last": now - OLDER_THAN,
        },
    )
    _, n, usual, as_of, *columns = row
    known = {(weekday, hour): (each, views) for weekday, hour, each, views in zip(*_lists(columns), strict=True)}
    enough = usual if n >= FEWEST_POSTS and usual else None
    grid = [[_slot(weekday, hour, known, enough) for hour in range(24)] for weekday in range(1, 8)]
    judged = [(slot.multiple, slot) for day in grid for slot in day if slot.multiple is not None]
    best = [slot for multiple, slot in sorted(judged, key=lambda each: (-each[0], -each[1].n)) if multiple > 1][:BEST]
    return BestTimes(zone, grid, best, n, usual, as_of, _reason(n, usual, len(judged), len(best)))


def frequency(*, tenant_id: int, account_id: int, zone: str, weeks: int = WEEKS) -> Frequency:
    """Posts a week over the last `weeks` weeks, Monday to Sunday by the clock of `zone`, without deleted posts.

    Raises BadInput for a zone that does not exist or not 1–104 weeks, NotFound for an account that does not exist here.
    """
    _check_zone(zone)
    if not 1 <= weeks <= MOST_WEEKS:
        raise BadInput(gettext("The range must be between 1 and {most_weeks} weeks.").format(most_weeks=MOST_WEEKS))
    now = clock.now()
    local = now.astimezone(ZoneInfo(zone))
    first = local.date() - timedelta(days=local.weekday(), weeks=weeks - 1)
    begin = datetime(first.year, first.month, first.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    row = _row(WEEKLY, {"tenant": tenant_id, "account": account_id, "zone": zone, "first": begin, "last": now})
    _, never_posted, oldest, *columns, as_of = row
    known = dict(zip(*_lists(columns), strict=True))
    since = first if never_posted else oldest.astimezone(ZoneInfo(zone)).date() if oldest else None
    found = [_week(first + timedelta(weeks=index), known, since) for index in range(weeks)]
    over = [week.posts for week in found[:-1] if week.posts is not None and since and week.monday >= since]
    return Frequency(
        zone,
        found,
        sum(over) / len(over) if over else None,
        sum(known.values()),
        as_of,
        "" if over else gettext("There is no full week of posts yet."),
    )


def _row(statement: str, parameters: dict[str, Any]) -> tuple[Any, ...]:
    row = prepared_row(statement, parameters)
    if row is None or row[0] is None:
        raise NotFound(gettext("There is no such account in this workspace."))
    return row


def _lists(columns: list[Any]) -> list[list[Any]]:
    return [column or [] for column in columns]


def _slot(weekday: int, hour: int, known: dict[tuple[int, int], tuple[int, float]], usual: float | None) -> Slot:
    n, views = known.get((weekday, hour), (0, 0.0))
    return Slot(weekday, hour, n, views / usual if usual and n >= FEWEST_IN_CELL else None)


def _reason(n: int, usual: float | None, judged: int, best: int) -> str:
    if n < FEWEST_POSTS:
        said = ngettext(
            "It takes {needed} posts of the last {days} days to tell; there is {n}.",
            "It takes {needed} posts of the last {days} days to tell; there are {n}.",
            n,
        )
        return said.format(needed=FEWEST_POSTS, days=DAYS, n=n)
    if not usual:
        return gettext("Most of these posts have no views.")
    if not judged:
        return gettext("No hour of the week has {fewest_in_cell} posts yet.").format(fewest_in_cell=FEWEST_IN_CELL)
    return "" if best else gettext("No hour stands out from the account's median.")


def _week(monday: date, known: dict[date, int], since: date | None) -> Week:
    if since is None or monday + timedelta(days=6) < since:
        return Week(monday, known.get(monday))
    return Week(monday, known.get(monday, 0))


def _check_zone(zone: str) -> None:
    if not is_time_zone(zone):
        raise BadInput(gettext("There is no time zone “{zone}”. Write it like Europe/Paris.").format(zone=zone[:40]))
