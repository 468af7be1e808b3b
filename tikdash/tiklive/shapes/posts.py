"""Posts: rows of every list of videos, and the flat post of `/post-detail/`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import msgspec
from msgspec import Struct
from msgspec.structs import force_setattr

from tikdash.tiklive.errors import BadPayload
from tikdash.tiklive.shapes.lenient import (
    NOT_STRICT,
    Count,
    Duration,
    Flag,
    Identifier,
    IdText,
    Text,
    Texts,
    are_numeric_ids,
    first_numeric_id,
    int64,
    json_object,
    lenient,
    refuse_control_characters,
)
from tikdash.tiklive.shapes.pages import PageReader, Row, RowsRead


class Author(Struct, frozen=True, gc=False):
    """Who posted; old rows lack the id."""

    id: IdText = None
    unique_id: Text = None
    nickname: Text = None


class MusicInfo(Struct, frozen=True, gc=False):
    """The sound of a post; `duration` in seconds. All texts may be empty: a post may have no usable sound."""

    id: IdText = None
    title: Text = None
    author: Text = None
    original: Flag = None
    duration: Duration = None


class Post(Row, frozen=True, gc=False):
    """One row of a list of posts.

    `id` is the first of `video_id`, `id` and `aweme_id` that is all digits (`aweme_id` may name a file).
    `create_time` is unix seconds UTC, `duration` seconds (0 for photos). A counter that the row lacks is
    None. The fields stand in the upstream's order, in which they are found fastest; what nobody reads is left out.
    """

    video_id: Identifier = None
    aweme_id: Identifier = None
    region: Text = None
    title: Text = None
    cover: Text = None
    duration: Count = None
    music_info: MusicInfo | None = None
    create_time: Count = None
    is_ad: Flag = None
    author: Author | None = None
    images: Texts = None
    play_count: Count = None
    digg_count: Count = None
    comment_count: Count = None
    share_count: Count = None
    download_count: Count = None
    collect_count: Count = None
    is_top: Count = None

    @classmethod
    def finish(cls, rows: Sequence[Self]) -> None:
        """Resolves the ids, and lengths of sounds that came as texts (a documented variation)."""
        ids: list[Any] = [row.video_id for row in rows]
        if not are_numeric_ids(ids):
            ids = [first_numeric_id(row.video_id, row.id, row.aweme_id) or "" for row in rows]
        for row, post_id in zip(rows, ids, strict=True):
            force_setattr(row, "id", post_id)
            music = row.music_info
            if music is not None and type(music.duration) is str:
                force_setattr(music, "duration", int64(music.duration))

    @property
    def is_photo(self) -> bool:
        """Whether it is a photo post; then `play` addresses are sound files and the duration is 0."""
        return bool(self.images)

    @property
    def is_pinned(self) -> bool:
        """Whether it stands first on the profile whatever its age."""
        return bool(self.is_top)


class PostPage(Struct, frozen=True):
    """Posts in the upstream's order; `cursor` is opaque, to be echoed; `dropped` rows were unusable."""

    videos: tuple[Post, ...]
    cursor: str
    has_more: bool
    dropped: int = 0


class PostDetail(Post, frozen=True, gc=False):
    """A post with the addresses of its video, which are signed and expire; sizes in bytes, 0 for photo posts.

    `id` is empty where the upstream left it out: one of four recorded answers has none.
    """

    play: Text = None
    wmplay: Text = None
    hdplay: Text = None
    size: Count = None
    wm_size: Count = None
    hd_size: Count = None


_PAGES = PageReader(Post, key="videos", paging="cursor")
_DETAIL_DECODER = msgspec.json.Decoder(PostDetail)


def decode_post_page(body: bytes) -> PostPage:
    """A page of posts; BadPayload when there is no list of them, or no row of the list can be used."""
    return _page(_PAGES.read(body))


def plain_post_page(body: bytes) -> PostPage | None:
    """The same page in a single pass, or None for a body that could be anything else than a page without flaws."""
    read = _PAGES.read_plain(body)
    return None if read is None else _page(read)


def decode_post_detail(body: bytes) -> PostDetail:
    """One post; BadPayload when it has neither an id nor plays, which says nothing about a deletion."""
    try:
        refuse_control_characters(body)
        post = _DETAIL_DECODER.decode(body)
    except NOT_STRICT:
        post = lenient(PostDetail, json_object(body))
    PostDetail.finish([post])
    if not post.id and post.play_count is None:
        raise BadPayload("a post with neither an id nor plays", reason="no_usable_fields")
    return post


def _page(read: RowsRead[Post]) -> PostPage:
    return PostPage(read.rows, read.cursor, read.has_more, read.dropped)
