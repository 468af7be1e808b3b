"""How accounts do: all metrics that are made of their posts, and the growth of their followers. Two statements."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from snapshots.analytics.metrics import OF_POSTS, Value, compute_all, follower_growth, is_noise
from snapshots.analytics.metrics.values import MISSING, OK, ROUNDED
from snapshots.analytics.windows import MOST_ACCOUNTS, Window, windows
from tikdash import clock
from tikdash.db.scope import prepared_row
from tikdash.errors import BadInput
from tikdash.words import N_, gettext

#: Days over which followers are compared; the first stands among the values.
GROWTH_DAYS = (30, 90, 365)
#: Where the day itself has no sound value, one at most so many days before is taken.
WITHIN_DAYS = 14
#: What needs the followers at the time of posting.
BY_FOLLOWERS_THEN = frozenset({"er_followers", "er_followers_median"})
NOT_READ = N_("The posts of this account have not been read yet.")

#: The newest sound day at or before each end of the ranges. The days are bounded on both sides, so that one or two
#: partitions are looked into for each.
ENDS = """
    SELECT array_agg(a.id), array_agg(d.back), array_agg(s.captured_on), array_agg(s.captured_at),
           array_agg(s.follower_count), array_agg(coalesce(s.suspect ->> 'follower_count', '') = 'rounded')
      FROM accounts a CROSS JOIN unnest(%(days)s::int[]) AS d(back) CROSS JOIN LATERAL (
           SELECT captured_on, captured_at, follower_count, suspect
             FROM account_snapshots
            WHERE account_id = a.id AND follower_count IS NOT NULL
                  AND captured_on BETWEEN %(today)s::date - d.back - %(within)s::int AND %(today)s::date - d.back
                  AND coalesce(suspect ->> 'follower_count', 'rounded') = 'rounded'
            ORDER BY captured_on DESC LIMIT 1) AS s
     WHERE {wanted}
"""
OF_IDS = "a.tenant_id = %(tenant)s AND a.id = ANY(%(ids)s::bigint[])"


@dataclass(frozen=True, slots=True)
class End:
    """The followers of an account on the sound day at or before one end of a range."""

    day: date
    at: datetime
    followers: int
    rounded: bool


@dataclass(frozen=True, slots=True)
class Growth:
    """The change of followers over `days` days by capture date: from the sound day `start_on` to `end_on`.

    The days are the nearest ones at or before the ends of the range. `is_noise` marks a fall of less than 0.1 %, which
    gets no arrow.
    """

    days: int
    value: Value
    change: int | None = None
    start_on: date | None = None
    end_on: date | None = None
    is_noise: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """An account's metrics by id, `follower_growth` being that of 30 days, and the growth over 30, 90 and 365 days.

    `days` and `posts` say how long the window was that the posts are of, and how many there were.
    """

    account_id: int
    values: dict[str, Value]
    growth: dict[int, Growth]
    posts: int
    days: float


def summary(
    *, tenant_id: int, account_ids: Sequence[int], metric_ids: Collection[str] = tuple(OF_POSTS)
) -> dict[int, Summary]:
    """The metrics of each of these accounts; those that do not exist, or are another tenant's, are not among the keys.

    A list of many accounts names the few metrics that it shows: `er_followers…` alone, which need the followers at the
    time of posting, take as long as all others. Raises BadInput for more than 500 ids and for metrics that are not
    made of posts.
    """
    then = not BY_FOLLOWERS_THEN.isdisjoint(metric_ids)
    found = windows(tenant_id=tenant_id, account_ids=account_ids, followers_then=then)
    growths = growth(tenant_id=tenant_id, account_ids=account_ids)
    return {
        account_id: _summary(window, growths.get(account_id, {}), metric_ids) for account_id, window in found.items()
    }


def rates(*, tenant_id: int, account_ids: Sequence[int], metric_id: str) -> dict[int, Value]:
    """One metric of each of these accounts, for a column of a list: one statement. Raises BadInput as `summary`."""
    then = metric_id in BY_FOLLOWERS_THEN
    found = windows(tenant_id=tenant_id, account_ids=account_ids, followers_then=then) if account_ids else {}
    return {account_id: values_of(window, [metric_id])[metric_id] for account_id, window in found.items()}


def values_of(window: Window, metric_ids: Iterable[str] = tuple(OF_POSTS)) -> dict[str, Value]:
    """These metrics of the window's posts, by id. Raises BadInput for one that is not made of posts."""
    found = compute_all(
        window.posts, followers=window.followers, days=window.days, as_of=window.as_of, metric_ids=metric_ids
    )
    if window.posts_read:
        return found
    return {key: replace(value, value=None, reason=gettext(NOT_READ), state=MISSING) for key, value in found.items()}


def growth(*, tenant_id: int, account_ids: Sequence[int]) -> dict[int, dict[int, Growth]]:
    """The growth of followers by account and days. Raises BadInput for more than 500 ids."""
    if len(account_ids) > MOST_ACCOUNTS:
        raise BadInput(gettext("At most {most_accounts} accounts at a time.").format(most_accounts=MOST_ACCOUNTS))
    return read_growth(OF_IDS, {"tenant": tenant_id, "ids": list(account_ids)})


def read_growth(wanted: str, parameters: dict[str, Any]) -> dict[int, dict[int, Growth]]:
    """The growth of the accounts `a` for which the condition `wanted` holds; accounts without any sound day are left
    out."""
    row = prepared_row(
        ENDS.format(wanted=wanted),
        {**parameters, "days": [0, *GROWTH_DAYS], "today": clock.today(), "within": WITHIN_DAYS},
    )
    ends: dict[int, dict[int, End]] = {}
    for account_id, back, *end in zip(*(column or [] for column in row or ()), strict=True):
        ends.setdefault(account_id, {})[back] = End(*end)
    return {
        account_id: {days: _growth(days, each.get(days), each.get(0)) for days in GROWTH_DAYS}
        for account_id, each in ends.items()
    }


def _summary(window: Window, growths: dict[int, Growth], metric_ids: Iterable[str]) -> Summary:
    values = values_of(window, metric_ids)
    growths = growths or {days: _growth(days, None, None) for days in GROWTH_DAYS}
    values["follower_growth"] = growths[GROWTH_DAYS[0]].value
    return Summary(window.account_id, values, growths, len(window.posts), window.days)


def _growth(days: int, start: End | None, end: End | None) -> Growth:
    if start is None or end is None:
        value = follower_growth(
            start.followers if start else None, end.followers if end else None, as_of=end.at if end else None
        )
        return Growth(days, value)
    state = ROUNDED if start.rounded or end.rounded else OK
    value = follower_growth(start.followers, end.followers, state=state, as_of=end.at)
    change = end.followers - start.followers
    return Growth(days, value, change, start.day, end.day, is_noise(change, start.followers))
