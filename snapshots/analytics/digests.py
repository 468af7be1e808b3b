"""What the overview needs of each account, kept in Redis until a post or a day of that account is written again.

An agency's 500 accounts have half a million posts, of which a look at the overview needs a few numbers an account.
Whatever writes posts or days makes another version of their account in the same transaction (`AccountVersion`), so a
digest that has its account's version is of the rows as they are. Time moves posts across borders without a version:
a digest says until when it is good, and where it is cheaper keeps the moments themselves. It holds no words.
Without Redis, or after it was emptied, all are made anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from heapq import nlargest
from typing import Any

import msgspec
from django.db import connection

from snapshots.analytics.breakout import (
    DEFAULT_DAYS,
    LIKELY,
    MOST_LOOKED_AT,
    ROUGH,
    THESE_ACCOUNTS,
    USUAL_PLAYS,
)
from snapshots.analytics.curves import FEWEST_PLAYS
from snapshots.analytics.engagement import BY_FOLLOWERS_THEN, GROWTH_DAYS, Growth, growth, values_of
from snapshots.analytics.kept_runs import keep, known
from snapshots.analytics.metrics import Metric
from snapshots.analytics.windows import EPOCH, IN_US, NEWEST_DAYS, SETTLED_AFTER, Window, windows
from tikdash import clock

POST_DAYS = 7
#: Of the posts that may have run ahead an account keeps so many. Where more of one account are among the likeliest of
#: all, that account is asked again.
MOST_LIKELY = 8
US = timedelta(microseconds=1)

#: Moments are made of those rows only that are left: that costs more than finding them.
RECENT = f"""
    SELECT a.id, week.*, best.*
      FROM ({THESE_ACCOUNTS}) a
     CROSS JOIN LATERAL ({USUAL_PLAYS}) usual
     CROSS JOIN LATERAL (
           SELECT array_agg({IN_US.format("t.posted_at")}) FILTER (WHERE t.deleted_at IS NULL),
                  {IN_US.format("min(t.posted_at) FILTER (WHERE t.posted_at >= %(yesterday)s)")}
             FROM posts t
            WHERE t.tenant_id = %(tenant)s AND t.account_id = a.id AND t.posted_at >= %(week)s) AS week
     CROSS JOIN LATERAL (
           SELECT array_agg(rough), array_agg(id), array_agg({IN_US.format("posted_at")})
             FROM (SELECT t.id, t.posted_at, {ROUGH} AS rough
                     FROM posts t
                    WHERE t.tenant_id = %(tenant)s AND t.account_id = a.id AND t.posted_at >= %(since)s
                          AND t.play_count >= {FEWEST_PLAYS} AND usual.plays IS NOT NULL AND {ROUGH} >= 1
                    ORDER BY rough DESC, t.id DESC LIMIT {MOST_LIKELY + 1}) AS likely) AS best
"""
MORE_LIKELY = f"SELECT likely.rough, likely.id FROM ({LIKELY.format(accounts=THESE_ACCOUNTS)}) AS likely"


class Digest(msgspec.Struct, array_like=True, frozen=True):
    """An account as the overview shows it, from `made_us` until before `good_until_us`; moments are microseconds.

    `posted_us` is when the posts of the seven days before `made_us` were made that are not gone. `rate` is one of the
    headline rates; `change` and `ratio` are the growth over 30 days. `likely` are the likeliest posts to have run
    ahead, each with how likely, its id and when it was made; `rest` is how likely the best of the others is.
    """

    made_us: int
    good_until_us: int
    posted_us: list[int]
    rate: float | None
    rate_as_of: datetime | None
    change: int | None
    ratio: float | None
    is_noise: bool
    likely: list[tuple[float, int, int]]
    rest: float | None

    def posts_since(self, moment_us: int) -> int:
        """How many posts were made since a moment of the last seven days."""
        return sum(each >= moment_us for each in self.posted_us)


def digests(*, tenant_id: int, versions: Mapping[int, str], rate: Metric) -> dict[int, Digest]:
    """The digest of each account, by its version as it was read before. None, two or three statements."""
    now = clock.now()
    now_us = in_us(now)
    # Another formula, or another shape, is another name.
    names = {account_id: f"digest:1:{rate.id}:{rate.version}:{account_id}" for account_id in versions}
    kept = known(tenant_id, {names[account_id]: version for account_id, version in versions.items()}, Digest)
    found: dict[int, Digest] = {}
    for account_id, name in names.items():
        digest = kept.get(name)
        if digest is not None and digest.made_us <= now_us < digest.good_until_us:
            found[account_id] = digest
    missing = [account_id for account_id in versions if account_id not in found]
    if missing:
        made = _made(tenant_id, missing, rate, now)
        keep(tenant_id, {names[account_id]: (versions[account_id], digest) for account_id, digest in made.items()})
        found |= made
    return found


def likeliest(tenant_id: int, of: Mapping[int, Digest], most: int = MOST_LOOKED_AT) -> list[int]:
    """The posts of these accounts that `breakouts` would look at: no statement, or one for accounts that have more of
    them than they keep."""
    now = clock.now()
    since = now - timedelta(days=DEFAULT_DAYS)
    since_us = in_us(since)
    pool = {account_id: _still(digest.likely, since_us) for account_id, digest in of.items()}
    best = _best(pool.values(), most)
    # Whoever left out one that would be among the best shows all of them.
    least = best[-1][0] if len(best) == most else 0.0
    unsure = [account_id for account_id, each in of.items() if each.rest is not None and each.rest >= least]
    if unsure:
        certain = (each for account_id, each in pool.items() if account_id not in set(unsure))
        best = _best([*certain, _more_likely(tenant_id, unsure, now, since, most)], most)
    return [post_id for _, post_id in best]


def in_us(moment: datetime) -> int:
    """A moment in microseconds."""
    return (moment - EPOCH) // US


def _still(likely: Iterable[tuple[float, int, int]], since_us: int) -> list[tuple[float, int]]:
    return [(rough, post_id) for rough, post_id, posted_us in likely if posted_us >= since_us]


def _best(pools: Iterable[Sequence[tuple[float, int]]], most: int) -> list[tuple[float, int]]:
    return nlargest(most, (each for pool in pools for each in pool))


def _more_likely(
    tenant_id: int, account_ids: Sequence[int], now: datetime, since: datetime, most: int
) -> list[tuple[float, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            MORE_LIKELY,
            {
                "tenant": tenant_id,
                "accounts": list(account_ids),
                "since": since,
                "yesterday": now - SETTLED_AFTER,
                "most": most,
            },
        )
        return list(cursor.fetchall())


def _made(tenant_id: int, account_ids: Sequence[int], rate: Metric, now: datetime) -> dict[int, Digest]:
    found = windows(
        tenant_id=tenant_id, account_ids=account_ids, followers_then=rate.id in BY_FOLLOWERS_THEN
    )  # fmt: skip
    growths = growth(tenant_id=tenant_id, account_ids=account_ids)
    return {
        account_id: _digest(rate, now, found.get(account_id), growths.get(account_id, {}).get(GROWTH_DAYS[0]), *recent)
        for account_id, *recent in _recent(tenant_id, account_ids, now)
    }


def _recent(tenant_id: int, account_ids: Sequence[int], now: datetime) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            RECENT,
            {
                "tenant": tenant_id,
                "accounts": list(account_ids),
                "since": now - timedelta(days=DEFAULT_DAYS),
                "week": now - timedelta(days=POST_DAYS),
                "yesterday": now - SETTLED_AFTER,
            },
        )
        return list(cursor.fetchall())


def _digest(
    rate: Metric,
    now: datetime,
    window: Window | None,
    grown: Growth | None,
    posted_us: list[int] | None,
    youngest_us: int | None,
    rough: list[float] | None,
    ids: list[int] | None,
    likely_us: list[int] | None,
) -> Digest:
    # Growth is by days. A post is settled when it is older than a day, and leaves the window when older than 90.
    borders = [in_us(datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC))]
    if youngest_us is not None:
        borders.append(youngest_us + SETTLED_AFTER // US + 1)
    if window is not None and window.posted_us:
        borders.append(window.posted_us[-1] + timedelta(days=NEWEST_DAYS) // US + 1)
    value = values_of(window, [rate.id])[rate.id] if window is not None else None
    likely = sorted(zip(rough or (), ids or (), likely_us or (), strict=True), reverse=True)
    return Digest(
        made_us=in_us(now),
        good_until_us=min(borders),
        posted_us=posted_us or [],
        rate=value.value if value else None,
        rate_as_of=value.as_of if value else None,
        change=grown.change if grown else None,
        ratio=grown.value.value if grown else None,
        is_noise=grown.is_noise if grown else False,
        likely=likely[:MOST_LIKELY],
        rest=likely[MOST_LIKELY][0] if len(likely) > MOST_LIKELY else None,
    )
