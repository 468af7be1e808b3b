"""The newest posts of many accounts, for metrics that are made of posts: one statement, whatever the accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from snapshots.analytics.metrics import PostNumbers
from tikdash import clock
from tikdash.db.scope import prepared_row
from tikdash.errors import BadInput
from tikdash.words import gettext

MOST_ACCOUNTS = 500
NEWEST_POSTS = 30
NEWEST_DAYS = 90
MOST_POSTS, MOST_DAYS = 200, 366
#: Younger posts still gain most of their views.
SETTLED_AFTER = timedelta(hours=24)
#: The followers at the time of posting are those of the last sound day at most so many days before.
FOLLOWERS_WITHIN_DAYS = 7

OF_TENANT = """
    SELECT id, tenant_id, follower_count, video_count, measured_at FROM accounts
     WHERE tenant_id = %(tenant)s ORDER BY follower_count DESC, id DESC LIMIT %(most_accounts)s
"""
OF_IDS = """
    SELECT id, tenant_id, follower_count, video_count, measured_at FROM accounts
     WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s::bigint[])
"""
FOLLOWERS_THEN = """
    (SELECT s.follower_count FROM account_snapshots s
      WHERE s.account_id = p.account_id AND s.follower_count IS NOT NULL
            AND s.captured_on BETWEEN (p.posted_at AT TIME ZONE 'UTC')::date - %(within)s::int
                                  AND (p.posted_at AT TIME ZONE 'UTC')::date
            AND coalesce(s.suspect ->> 'follower_count', 'rounded') = 'rounded'
      ORDER BY s.captured_on DESC LIMIT 1)
"""
#: Times travel as whole microseconds: making an object of each takes as long as all the rest.
IN_US = "(extract(epoch FROM {}) * 1000000)::bigint"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Everything in one row of arrays: the driver makes no object a row. One post more than asked for is read, so that it
#: is known over how many days they are spread.
WINDOWS = """
    WITH wanted AS MATERIALIZED ({wanted}),
    found AS (
        SELECT p.*
          FROM wanted w CROSS JOIN LATERAL (
               SELECT p.account_id, p.id, p.posted_at, p.measured_at, p.play_count, p.digg_count, p.comment_count,
                      p.share_count, p.collect_count, {followers} AS followers
                 FROM posts p
                WHERE p.tenant_id = w.tenant_id AND p.account_id = w.id AND p.deleted_at IS NULL
                      AND p.posted_at >= %(first)s AND p.posted_at < %(last)s
                ORDER BY p.posted_at DESC, p.id DESC
                LIMIT %(most)s) AS p
    )
    SELECT a.*, p.*
      FROM (SELECT array_agg(id), array_agg(tenant_id), array_agg(follower_count), array_agg(measured_at),
                   array_agg(coalesce(video_count = 0, false) OR EXISTS (
                       SELECT FROM posts p WHERE p.tenant_id = wanted.tenant_id AND p.account_id = wanted.id))
              FROM wanted) AS a,
           (SELECT array_agg(account_id), array_agg({posted_us}), array_agg({measured_us}), array_agg(play_count),
                   array_agg(digg_count), array_agg(comment_count), array_agg(share_count), array_agg(collect_count),
                   array_agg(followers)
              FROM (SELECT * FROM found ORDER BY account_id, posted_at DESC, id DESC) AS found) AS p
"""


@dataclass(frozen=True, slots=True)
class Window:
    """An account's newest posts that are settled and not deleted, the newest first; the lists have one length.

    `days` is how long the window is: what was asked for without the last 24 hours, or less where the number of posts
    ended it. `followers` are the newest sound ones, read at `followers_at`; `as_of` is when the newest of the posts was
    measured, None without posts. `posts_read` is False until posts of the account have been read at all.
    """

    account_id: int
    tenant_id: int
    posts: list[PostNumbers]
    posted_us: list[int]
    days: float
    followers: int | None
    followers_at: datetime | None
    as_of: datetime | None
    posts_read: bool

    @property
    def posted_at(self) -> list[datetime]:
        """When the posts were made."""
        return [_moment(us) for us in self.posted_us]


def windows(
    *,
    tenant_id: int,
    account_ids: Sequence[int] | None,
    posts: int = NEWEST_POSTS,
    days: int = NEWEST_DAYS,
    followers_then: bool = True,
) -> dict[int, Window]:
    """The window of each of these accounts: its newest `posts` posts of the last `days` days, older than 24 hours.

    Without ids those of the tenant's 500 largest accounts. Accounts that do not exist, or are another tenant's, are not
    among the keys. `followers_then` adds to each post its account's followers when it was posted; without them the page
    of 500 accounts is read in half of the time. Raises BadInput for more than 500 ids and for sizes beyond reason.
    """
    _check(account_ids, posts, days)
    parameters: dict[str, Any] = {"tenant": tenant_id}
    if account_ids is None:
        return read_windows(OF_TENANT, parameters | {"most_accounts": MOST_ACCOUNTS}, posts, days, followers_then)
    return read_windows(OF_IDS, parameters | {"ids": list(account_ids)}, posts, days, followers_then)


def read_windows(
    wanted: str, parameters: Mapping[str, Any], posts: int, days: int, followers_then: bool
) -> dict[int, Window]:
    """The windows of the accounts that the statement `wanted` gives, with the columns of `OF_TENANT`."""
    now = clock.now()
    first, last = now - timedelta(days=days), now - SETTLED_AFTER
    row = prepared_row(
        WINDOWS.format(
            wanted=wanted,
            followers=FOLLOWERS_THEN if followers_then else "NULL::bigint",
            posted_us=IN_US.format("posted_at"),
            measured_us=IN_US.format("measured_at"),
        ),
        {**parameters, "first": first, "last": last, "most": posts + 1}
        | ({"within": FOLLOWERS_WITHIN_DAYS} if followers_then else {}),
    )
    if row is None or row[0] is None:
        return {}
    columns = [column or [] for column in row[5:]]
    places = _places(columns[0])
    found = {}
    for account in zip(*row[:5], strict=True):
        begin, end = places.get(account[0], (0, 0))
        found[account[0]] = _window(account, columns, begin, end, posts, first, last)
    return found


def _check(account_ids: Sequence[int] | None, posts: int, days: int) -> None:
    if account_ids is not None and len(account_ids) > MOST_ACCOUNTS:
        raise BadInput(gettext("At most {most_accounts} accounts at a time.").format(most_accounts=MOST_ACCOUNTS))
    if not 1 <= posts <= MOST_POSTS:
        raise BadInput(gettext("The number of posts must be between 1 and {most_posts}.").format(most_posts=MOST_POSTS))
    if not 2 <= days <= MOST_DAYS:
        raise BadInput(gettext("The range must be between 2 and {most_days} days.").format(most_days=MOST_DAYS))


def _places(account_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Where the rows of each account begin and end; those of one account stand together."""
    places: dict[int, tuple[int, int]] = {}
    begin = 0
    for index, account_id in enumerate(account_ids):
        if account_id != account_ids[begin]:
            places[account_ids[begin]] = (begin, index)
            begin = index
    if account_ids:
        places[account_ids[begin]] = (begin, len(account_ids))
    return places


def _window(
    account: tuple[Any, ...], columns: Sequence[Any], begin: int, end: int, most: int, first: datetime, last: datetime
) -> Window:
    account_id, tenant_id, followers, followers_at, posts_read = account
    _, posted_us, measured_us, *numbers = columns
    if end - begin > most:
        # The window begins right after the post before.
        end = begin + most
        first = _moment(posted_us[end])
    return Window(
        account_id=account_id,
        tenant_id=tenant_id,
        posts=[PostNumbers(*row) for row in zip(*(column[begin:end] for column in numbers), strict=True)],
        posted_us=posted_us[begin:end],
        days=(last - first) / timedelta(days=1),
        followers=followers,
        followers_at=followers_at,
        as_of=_moment(max(measured_us[begin:end])) if end > begin else None,
        posts_read=posts_read,
    )


def _moment(us: int) -> datetime:
    return EPOCH + timedelta(microseconds=us)
