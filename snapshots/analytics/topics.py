"""What posts have in common, a hashtag or a sound: how much it is used, by whom first, and whether it goes with views.

The window are posts of the last 90 days by post date; views count of posts older than a day. Of many accounts only the
newest posts of each are looked at, so that a page costs the same for 5 accounts and for 500.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Literal

from django.db import connection

from snapshots.analytics.uplift import Uplift, uplift
from tikdash import clock
from tikdash.errors import BadInput
from tikdash.words import gettext

Order = Literal["posts", "views", "rising", "uplift"]
WINDOW = timedelta(days=90)
SETTLED = timedelta(days=1)
TREND = timedelta(days=14)
#: Rising: at least so many uses in the last 14 days, and so many times those of the 14 days before.
FEWEST_RISING, RISES_BY = 3, 1.5
MOST_TOPICS = 50
ROWS_A_PAGE = 25
#: Of something that more posts use than this, nobody is called the first.
MOST_ADOPTED = 200

#: `{topic}` is the id of what posts share, `{link}` joins it to the posts `w` of the window.
USES = """
    WITH account AS MATERIALIZED ({accounts}),
    posts_of_window AS MATERIALIZED (
        SELECT p.id, p.account_id, p.posted_at, p.sound_id, p.measured_at,
               CASE WHEN p.posted_at < %(settled)s THEN p.play_count END AS plays
          FROM account a
         CROSS JOIN LATERAL (
               SELECT id, account_id, posted_at, sound_id, measured_at, play_count FROM posts
                WHERE tenant_id = %(tenant)s AND account_id = a.id AND posted_at >= %(since)s AND deleted_at IS NULL
                ORDER BY posted_at DESC
                LIMIT (SELECT least(500, greatest(30, 6000 / greatest(count(*), 1))) FROM account)) p
    ), used AS MATERIALIZED (
        SELECT {topic} AS topic, count(*) AS posts, sum(w.plays) AS views, max(w.measured_at) AS as_of,
               count(*) FILTER (WHERE w.posted_at >= %(late)s) AS late,
               count(*) FILTER (WHERE w.posted_at < %(late)s AND w.posted_at >= %(early)s) AS early,
               count(DISTINCT w.account_id) AS accounts, array_agg(w.id) AS ids,
               row_number() OVER (ORDER BY {order}, {topic} DESC) AS place
          FROM posts_of_window w {link}
         GROUP BY 1
         ORDER BY place
         LIMIT %(most)s
    )
    SELECT CASE WHEN u.place = 1 THEN (
               SELECT ARRAY[array_agg(id), array_agg(account_id), array_agg(plays)]
                 FROM posts_of_window WHERE plays IS NOT NULL) END,
           u.topic, u.posts, u.views, u.as_of, u.late, u.early, u.accounts, u.ids,
           first.account_id, first.username, first.posted_at, {facts}
      FROM used u JOIN {table} t ON t.id = u.topic
      LEFT JOIN LATERAL (
           SELECT p.account_id, a.username, p.posted_at
             FROM (SELECT array_agg(id) AS ids FROM ({adopters} LIMIT {limit}) few) users
             JOIN posts p ON p.id = ANY(users.ids) JOIN accounts a ON a.id = p.account_id
            WHERE cardinality(users.ids) < {limit}
            ORDER BY p.posted_at, p.id LIMIT 1) first ON true
     ORDER BY u.place
"""
ORDERS = {
    "posts": "count(*) DESC",
    "views": "sum(w.plays) DESC NULLS LAST",
    "rising": "count(*) FILTER (WHERE w.posted_at >= %(late)s)"
    " - count(*) FILTER (WHERE w.posted_at < %(late)s AND w.posted_at >= %(early)s) DESC",
    "uplift": "count(*) DESC",
}
TENANTS_ACCOUNTS = "SELECT id FROM accounts WHERE tenant_id = %(tenant)s"
THESE_ACCOUNTS = "SELECT id FROM unnest(%(accounts)s::bigint[]) AS id"


@dataclass(frozen=True)
class Kind:
    """Where a kind of topic is kept: see `USES`. `facts` are columns of its table, `adopters` ids of its posts."""

    table: str
    topic: str
    link: str
    facts: tuple[str, ...]
    adopters: str


@dataclass(frozen=True)
class FirstUse:
    """Who of the workspace's accounts used something first, and when."""

    account_id: int
    handle: str
    at: datetime


@dataclass(frozen=True)
class Use:
    """How the posts of the window use one topic, by UTC days of posting.

    `views` is their sum and `median_views` their median, over the `n_views` posts that are a day old; None without one.
    `uplift` compares with the posts of the same accounts without it, each by its account's own median. `first` is None
    where the post that was first is not known, or more than 200 posts use it.
    """

    topic_id: int
    posts: int
    views: int | None
    median_views: float | None
    n_views: int
    accounts: int
    uplift: Uplift
    uses_14d: int
    uses_14d_before: int
    first: FirstUse | None
    as_of: datetime
    facts: tuple[Any, ...]

    @property
    def rising(self) -> bool:
        """Whether it is used clearly more in the last 14 days than in the 14 before."""
        return self.uses_14d >= FEWEST_RISING and self.uses_14d >= RISES_BY * self.uses_14d_before


@dataclass(frozen=True)
class PostIds:
    """Ids of posts, the last stored first; `next_key` is what `after` takes to go on, None at the end."""

    ids: list[int]
    next_key: str | None


def uses(kind: Kind, tenant_id: int, account_ids: Sequence[int] | None, order: Order, most: int) -> list[Use]:
    """The topics of the accounts' posts, of all accounts without ids; at most `most` (≤ 50), in one statement.

    By uplift means: the most used ones, those with a sure uplift first. Raises BadInput for an order that is not one.
    """
    if order not in ORDERS:
        raise BadInput(
            gettext("This list cannot be sorted by “{order}”. Choose one of: {choices}.").format(
                order=order[:40], choices=", ".join(ORDERS)
            )
        )
    now = clock.now()
    statement = USES.format(
        accounts=TENANTS_ACCOUNTS if account_ids is None else THESE_ACCOUNTS,
        topic=kind.topic,
        link=kind.link,
        order=ORDERS[order],
        facts=", ".join(f"t.{name}" for name in kind.facts),
        table=kind.table,
        adopters=kind.adopters,
        limit=MOST_ADOPTED + 1,
    )
    parameters: dict[str, Any] = {
        "tenant": tenant_id,
        "accounts": list(account_ids or ()),
        "since": now - WINDOW,
        "settled": now - SETTLED,
        "late": now - TREND,
        "early": now - 2 * TREND,
        "most": min(most, MOST_TOPICS),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows = cursor.fetchall()
    if not rows:
        return []
    settled = _Settled(rows[0][0])
    found = [_use(row[1:], settled) for row in rows]
    return sorted(found, key=_by_uplift) if order == "uplift" else found


def page_of_ids(statement: str, parameters: dict[str, Any], after: str, most: int = ROWS_A_PAGE) -> PostIds:
    """The ids that `statement` finds below `%(after)s`, `%(limit)s` of them. Raises BadInput for a key that is none."""
    if after and not (after.isascii() and after.isdecimal() and int(after) < 2**63):
        raise BadInput(gettext("This page of the list does not exist. Start again from the first page."))
    last = int(after) if after else 2**63 - 1
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters | {"after": last, "limit": most + 1})
        ids = [row[0] for row in cursor.fetchall()]
    return PostIds(ids[:most], str(ids[most - 1]) if len(ids) > most else None)


class _Settled:
    """The posts of the window that are a day old: plays and plays over the account's median, by account and post."""

    def __init__(self, arrays: list[list[int]]) -> None:
        ids, accounts, plays = arrays if arrays and arrays[0] else ([], [], [])
        of_account: dict[int, dict[int, int]] = {}
        for post, account, views in zip(ids, accounts, plays, strict=True):
            of_account.setdefault(account, {})[post] = views
        self.account_of = dict(zip(ids, accounts, strict=True))
        self.plays = dict(zip(ids, plays, strict=True))
        self.shares: dict[int, dict[int, float]] = {}
        for account, posts in of_account.items():
            usual = median(posts.values()) or 1
            self.shares[account] = {post: views / usual for post, views in posts.items()}


def _use(row: tuple[Any, ...], settled: _Settled) -> Use:
    topic, posts, views, as_of, late, early, n_accounts, ids, first_account, first_handle, first_at, *facts = row
    users = {post for post in ids if post in settled.plays}
    accounts = {settled.account_of[post] for post in users}
    with_ = [settled.shares[settled.account_of[post]][post] for post in users]
    without = [share for account in accounts for post, share in settled.shares[account].items() if post not in users]
    return Use(
        topic_id=topic,
        posts=posts,
        views=None if views is None else int(views),
        median_views=median(settled.plays[post] for post in users) if users else None,
        n_views=len(users),
        accounts=n_accounts,
        uplift=uplift(with_, without),
        uses_14d=late,
        uses_14d_before=early,
        first=FirstUse(first_account, first_handle, first_at) if first_account is not None else None,
        as_of=as_of,
        facts=tuple(facts),
    )


def _by_uplift(use: Use) -> tuple[bool, float, int]:
    """Where the whole interval is above nothing, first; then by value; what has none comes last."""
    low, value = use.uplift.low, use.uplift.value
    return low is None or low <= 0, -(value if value is not None else float("-inf")), -use.posts
