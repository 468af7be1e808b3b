"""Followers of an account, and whom it follows."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import force_setattr

from tikdash.tiklive.shapes.lenient import Count, Flag, Text, first_numeric_id
from tikdash.tiklive.shapes.pages import PageReader, Row, RowsRead


class Follow(Row, frozen=True, gc=False):
    """One account in a list of followers or followings; `id` is all digits.

    `aweme_count` counts posts, `favoriting_count` what the account liked, `total_favorited` the likes it got.
    Counters and flags that the row lacks are None; `following_count`, `verified` and `secret` came in 2026.
    """

    region: Text = None
    sec_uid: Text = None
    unique_id: Text = None
    nickname: Text = None
    signature: Text = None
    avatar: Text = None
    aweme_count: Count = None
    follower_count: Count = None
    following_count: Count = None
    favoriting_count: Count = None
    total_favorited: Count = None
    verified: Flag = None
    secret: Flag = None
    ins_id: Text = None
    youtube_channel_title: Text = None
    youtube_channel_id: Text = None
    twitter_name: Text = None
    twitter_id: Text = None

    def __post_init__(self) -> None:
        force_setattr(self, "id", first_numeric_id(self.id) or "")


class FollowPage(Struct, frozen=True):
    """Accounts in the upstream's order; `time` (unix seconds, kept as text) is opaque, to be echoed.

    `total` is how many there are said to be in all, `dropped` rows were unusable.
    """

    users: tuple[Follow, ...]
    time: str
    has_more: bool
    total: int | None = None
    dropped: int = 0


_FOLLOWERS = PageReader(Follow, key="followers", paging="time")
_FOLLOWINGS = PageReader(Follow, key="followings", paging="time")


def decode_followers(body: bytes) -> FollowPage:
    """A page of followers; BadPayload when there is no list of them, or no row of the list can be used."""
    return _page(_FOLLOWERS.read(body))


def decode_followings(body: bytes) -> FollowPage:
    """A page of followed accounts; BadPayload as for followers. The upstream's key is `followings`."""
    return _page(_FOLLOWINGS.read(body))


def _page(read: RowsRead[Follow]) -> FollowPage:
    return FollowPage(read.rows, read.cursor, read.has_more, read.total, read.dropped)
