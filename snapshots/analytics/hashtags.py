"""Hashtags of posts: use, trend, uplift, who was first, and what TikTok says about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from snapshots.analytics.topics import MOST_TOPICS, ROWS_A_PAGE, Kind, Order, PostIds, Use, page_of_ids, uses
from tikdash.db.scope import current_tenant_id

MOST_BUBBLES = 40

HASHTAG = Kind(
    table="hashtags",
    topic="l.hashtag_id",
    link="JOIN post_hashtags l ON l.post_id = w.id",
    facts=("name", "cha_name", "view_count", "user_count", "measured_at"),
    adopters="""
        SELECT post_id AS id FROM post_hashtags WHERE tenant_id = %(tenant)s AND hashtag_id = u.topic""",
)
#: By the id of the post, as both indexes have it; an account's own few links are sorted.
POSTS = """
    SELECT post_id FROM post_hashtags
     WHERE tenant_id = %(tenant)s AND hashtag_id = %(hashtag)s AND post_id < %(after)s {of_account}
     ORDER BY post_id DESC LIMIT %(limit)s
"""


@dataclass(frozen=True)
class HashtagRow:
    """A hashtag with its use. `view_count` and `user_count` are TikTok's own, read at `counted_at`; None if unknown."""

    id: int
    name: str
    shown: str
    use: Use
    view_count: int | None
    user_count: int | None
    counted_at: datetime | None


@dataclass(frozen=True)
class Bubble:
    """A hashtag as an area: `size` is its views over those of the largest, from 0 to 1."""

    id: int
    shown: str
    views: int
    posts: int
    size: float
    uplift: float | None


def hashtags(
    tenant_id: int, account_ids: Sequence[int] | None = None, *, order: Order = "posts", most: int = MOST_TOPICS
) -> list[HashtagRow]:
    """The hashtags of the accounts' posts of the last 90 days, of all accounts without ids; at most 50.

    Raises BadInput for an order that does not exist.
    """
    return [_row(use) for use in uses(HASHTAG, tenant_id, account_ids, order, most)]


def bubbles(account_id: int) -> list[Bubble]:
    """The account's hashtags with the most views in the last 90 days, at most 40; those without views are left out."""
    rows = hashtags(current_tenant_id() or 0, [account_id], order="views", most=MOST_BUBBLES)
    seen = [(row, row.use.views) for row in rows if row.use.views]
    most = max((views for _, views in seen), default=1)
    return [Bubble(row.id, row.shown, views, row.use.posts, views / most, row.use.uplift.value) for row, views in seen]


def posts_with(
    tenant_id: int, hashtag_id: int, account_id: int | None = None, *, after: str = "", most: int = ROWS_A_PAGE
) -> PostIds:
    """Posts with the hashtag, behind the key `after`, of one account or of all. Raises BadInput for a bad key."""
    statement = POSTS.format(of_account="" if account_id is None else "AND account_id = %(account)s")
    return page_of_ids(statement, {"tenant": tenant_id, "hashtag": hashtag_id, "account": account_id}, after, most)


def _row(use: Use) -> HashtagRow:
    name, cha_name, view_count, user_count, measured_at = use.facts
    return HashtagRow(use.topic_id, name, cha_name or name, use, view_count, user_count, measured_at)
