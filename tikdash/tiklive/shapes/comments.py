"""Comments on a post."""

from __future__ import annotations

import re

from msgspec import Struct
from msgspec.structs import force_setattr

from tikdash.tiklive.shapes.lenient import Count, Flag, IdText, Text, first_numeric_id
from tikdash.tiklive.shapes.pages import PageReader, Row

# The article calls comment ids alphanumeric, the samples are digits only.
_COMMENT_ID = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)


class Commenter(Struct, frozen=True, gc=False):
    """Who wrote a comment. The upstream sends every counter of this person as 0, so there are none here."""

    id: IdText = None
    sec_uid: Text = None
    unique_id: Text = None
    nickname: Text = None
    avatar: Text = None
    region: Text = None
    verified: Flag = None


class Comment(Row, frozen=True, gc=False):
    """One comment; `id` is text, not always digits. `create_time` is unix seconds UTC.

    `reply_total` is None in replies, `video_id` nearly always.
    """

    video_id: IdText = None
    text: Text = None
    create_time: Count = None
    digg_count: Count = None
    reply_total: Count = None
    status: Count = None
    user: Commenter | None = None

    def __post_init__(self) -> None:
        force_setattr(self, "id", _comment_id(self.id))


class CommentPage(Struct, frozen=True):
    """Comments in the upstream's order; `total` is what the post is said to have, `dropped` rows were unusable."""

    comments: tuple[Comment, ...]
    cursor: str
    has_more: bool
    total: int | None = None
    dropped: int = 0


_PAGE = PageReader(Comment, key="comments", paging="cursor")


def decode_comment_page(body: bytes) -> CommentPage:
    """A page of comments; BadPayload when there is no list of them, or no row of the list can be used."""
    page = _PAGE.read(body)
    return CommentPage(page.rows, page.cursor, page.has_more, page.total, page.dropped)


def _comment_id(value: object) -> str:
    if isinstance(value, str):
        return value if _COMMENT_ID.fullmatch(value) else ""
    return first_numeric_id(value) or ""
