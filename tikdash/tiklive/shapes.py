"""The upstream's answers as typed values, decoded from bytes; facts and variations are in upstream-api.md §3.

A strict typed decode comes first, for speed. Only when it refuses the body, or the body may hold control
characters, each row is read field by field: what cannot be used in a field becomes None there, never a
zero.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from typing import Annotated, Any, TypeVar, get_args

import msgspec
from msgspec import Meta, Struct, field
from msgspec.structs import force_setattr

from tikdash.tiklive.errors import BadPayload
from tikdash.tiklive.text import clean_text, loads_tolerant, may_need_cleaning

__all__ = [
    "Author",
    "MusicInfo",
    "Post",
    "PostPage",
    "User",
    "UserId",
    "UserInfo",
    "UserStats",
    "clean_text",
    "decode_post_page",
    "decode_userid",
    "decode_userinfo",
]

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_INT64_MAX_TEXT = str(_INT64_MAX)
_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,19}\s*", re.ASCII)
_NOT_STRICT = (ValueError, RecursionError)

Count = Annotated[int, Meta(ge=_INT64_MIN, le=_INT64_MAX)] | None
Duration = Annotated[int, Meta(ge=_INT64_MIN, le=_INT64_MAX)] | str | None
Text = str | None
IdText = Annotated[str, Meta(description="an id as sent, usually digits")] | None
Texts = tuple[str, ...] | None
Flag = bool | None
Identifier = str | int | None
S = TypeVar("S", bound=Struct)


class UserId(Struct, frozen=True):
    """A user's numeric id, as digits."""

    id: str


class User(Struct, frozen=True):
    """The profile part of a userinfo. `id` is all digits; avatars are signed addresses that expire."""

    id: Identifier = None
    unique_id: Text = field(name="uniqueId", default=None)
    nickname: Text = None
    signature: Text = None
    avatar_thumb: Text = field(name="avatarThumb", default=None)
    avatar_medium: Text = field(name="avatarMedium", default=None)
    avatar_larger: Text = field(name="avatarLarger", default=None)
    verified: Flag = None
    sec_uid: Text = field(name="secUid", default=None)
    secret: Flag = None
    private_account: Flag = field(name="privateAccount", default=None)
    ins_id: Text = None
    twitter_id: Text = None
    youtube_channel_id: Text = None
    youtube_channel_title: Text = None

    def __post_init__(self) -> None:
        force_setattr(self, "id", first_numeric_id(self.id) or "")

    @property
    def is_private(self) -> bool:
        """Whether the owner hides the posts."""
        return bool(self.private_account or self.secret)


class UserStats(Struct, frozen=True, rename="camel"):
    """The counters of a userinfo; None where the upstream did not say. May be negative: judged later."""

    follower_count: Count = None
    following_count: Count = None
    heart_count: Count = None
    video_count: Count = None
    digg_count: Count = None


class UserInfo(Struct, frozen=True):
    """A profile with its counters, of which at least one is known."""

    user: User
    stats: UserStats


class Author(Struct, frozen=True, gc=False):
    """Who posted; old rows lack the id."""

    id: IdText = None
    unique_id: Text = None
    nickname: Text = None
    avatar: Text = None


class MusicInfo(Struct, frozen=True, gc=False):
    """The sound of a post; `duration` in seconds. All texts may be empty: a post may have no usable sound."""

    id: IdText = None
    title: Text = None
    author: Text = None
    album: Text = None
    cover: Text = None
    original: Flag = None
    duration: Duration = None

    def __post_init__(self) -> None:
        # A documented variation, so it must not push a page off the fast path.
        if type(self.duration) is str:
            force_setattr(self, "duration", _int64(self.duration))


class Post(Struct, frozen=True, gc=False):
    """One row of a list of posts.

    `id` is the first of `video_id`, `id` and `aweme_id` that is all digits (`aweme_id` may name a file).
    `create_time` is unix seconds UTC, `duration` seconds (0 for photos). A counter that the row lacks is
    None.
    """

    id: Identifier = None
    video_id: Identifier = None
    aweme_id: Identifier = None
    region: Text = None
    title: Text = None
    cover: Text = None
    origin_cover: Text = None
    duration: Count = None
    music: Text = None
    music_info: MusicInfo | None = None
    play_count: Count = None
    digg_count: Count = None
    comment_count: Count = None
    share_count: Count = None
    download_count: Count = None
    collect_count: Count = None
    create_time: Count = None
    author: Author | None = None
    images: Texts = None
    is_top: Count = None
    is_ad: Flag = None

    def __post_init__(self) -> None:
        force_setattr(self, "id", first_numeric_id(self.video_id, self.id, self.aweme_id) or "")

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


class _Counters(UserStats, frozen=True, rename="camel"):
    """Counters wherever they stand: beside the user, in `user.stats`, or flat in the user."""

    heart: Count = None
    stats: _Counters | None = None


class _UserBody(Struct, frozen=True):
    user: User


class _CountersBody(Struct, frozen=True):
    user: _Counters | None = None
    stats: _Counters | None = None


class _PageBody(Struct, frozen=True):
    videos: tuple[Post, ...]
    cursor: str | int | None = None
    has_more: bool | int | None = field(name="hasMore", default=None)


_USER_DECODER = msgspec.json.Decoder(_UserBody)
_COUNTERS_DECODER = msgspec.json.Decoder(_CountersBody)
_PAGE_DECODER = msgspec.json.Decoder(_PageBody)


def decode_userid(body: bytes) -> UserId:
    """The id in a `/userid/` answer; BadPayload when there is none."""
    user_id = first_numeric_id(_object(body).get("id"))
    if user_id is None:
        raise BadPayload("no user id", reason="no_user_id")
    return UserId(user_id)


def decode_userinfo(body: bytes) -> UserInfo:
    """A profile with its counters; BadPayload when the user id or every counter is missing."""
    try:
        _refuse_control_characters(body)
        user = _USER_DECODER.decode(body).user
        counters = _COUNTERS_DECODER.decode(body)
    except _NOT_STRICT:
        content = _object(body)
        if not isinstance(content.get("user"), dict):
            raise BadPayload("no user object", reason="wrong_shape") from None
        user, counters = _lenient(User, content["user"]), _lenient(_CountersBody, content)
    if not user.id:
        raise BadPayload("no user id", reason="no_user_id")
    return UserInfo(user, _merge_counters(counters))


def decode_post_page(body: bytes) -> PostPage:
    """A page of posts; BadPayload when there is no list of them, or no row of the list can be used."""
    try:
        _refuse_control_characters(body)
        page = _PAGE_DECODER.decode(body)
        rows: Iterable[Post] = page.videos
        sent, cursor, has_more = len(page.videos), page.cursor, bool(page.has_more)
    except _NOT_STRICT:
        content = _object(body)
        videos = content.get("videos")
        if not isinstance(videos, list):
            raise BadPayload("no list of videos", reason="wrong_shape") from None
        rows = [_lenient(Post, row) for row in videos if isinstance(row, dict)]
        sent, cursor, has_more = len(videos), content.get("cursor"), bool(_flag(content.get("hasMore")))
    posts = tuple([post for post in rows if post.id])
    if sent and not posts:
        # An empty page would say "all posts are gone".
        raise BadPayload(f"none of {sent} rows has an id", reason="no_usable_rows")
    return PostPage(posts, _cursor(cursor), has_more, sent - len(posts))


def first_numeric_id(*values: object) -> str | None:
    """The first value that is all digits and fits 64 bits, as text; None when none does."""
    for value in values:
        if type(value) is int:
            value = str(value)
        if isinstance(value, str) and value.isascii() and value.isdigit() and _fits_int64(value):
            return value
    return None


def _fits_int64(digits: str) -> bool:
    # Digits of one length compare as texts as they do as numbers, and a page has many.
    return len(digits) < 19 or (len(digits) == 19 and digits <= _INT64_MAX_TEXT)


def _merge_counters(body: _CountersBody) -> UserStats:
    places = (body.stats, body.user.stats if body.user else None, body.user)
    found = [place for place in places if place is not None]
    hearts = [place.heart if place.heart_count is None else place.heart_count for place in found]
    stats = UserStats(
        follower_count=_first(place.follower_count for place in found),
        following_count=_first(place.following_count for place in found),
        heart_count=_first(hearts),
        video_count=_first(place.video_count for place in found),
        digg_count=_first(place.digg_count for place in found),
    )
    if stats == UserStats():
        raise BadPayload("no counters beside or inside the user", reason="no_stats")
    return stats


def _first(values: Iterable[int | None]) -> int | None:
    return next((value for value in values if value is not None), None)


def _refuse_control_characters(body: bytes) -> None:
    if may_need_cleaning(body):
        raise ValueError("may hold control characters")


def _object(body: bytes) -> dict[str, Any]:
    try:
        content = loads_tolerant(body)
    except ValueError as error:
        raise BadPayload(str(error), reason="not_json") from None
    if not isinstance(content, dict):
        raise BadPayload(f"a JSON {type(content).__name__} in place of an object", reason="wrong_shape")
    return content


def _lenient(shape: type[S], content: Mapping[str, Any]) -> S:
    """`shape` from a JSON object, field by field; what a field cannot hold becomes None."""
    return shape(**{name: coerce(content.get(key)) for name, key, coerce in _coercers(shape)})


@cache
def _coercers(shape: type[Struct]) -> tuple[tuple[str, str, Callable[[Any], Any]], ...]:
    return tuple((f.name, f.encode_name, _coercer(f.type)) for f in msgspec.structs.fields(shape))


def _coercer(annotation: Any) -> Callable[[Any], Any]:
    if annotation in _COERCERS:
        return _COERCERS[annotation]
    shape = next(part for part in (annotation, *get_args(annotation)) if isinstance(part, type))
    return partial(_nested, shape)


def _nested(shape: type[S], value: object) -> S | None:
    return _lenient(shape, value) if isinstance(value, dict) else None


def _int64(value: object) -> int | None:
    if isinstance(value, str):
        if not _INTEGER.fullmatch(value):
            return None
        value = int(value)
    return value if type(value) is int and _INT64_MIN <= value <= _INT64_MAX else None


def _text(value: object) -> str | None:
    return clean_text(value) if isinstance(value, str) else None


def _id_text(value: object) -> str | None:
    return first_numeric_id(value) if type(value) is int else _text(value)


def _texts(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list):
        return None
    return tuple(clean_text(item) for item in value if isinstance(item, str))


def _flag(value: object) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "1": True, "false": False, "0": False}.get(value.strip().lower())
    return bool(value) if isinstance(value, bool | int) else None


def _identifier(value: object) -> str | int | None:
    return value if isinstance(value, str) or type(value) is int else None


def _cursor(value: object) -> str:
    if isinstance(value, str):
        return clean_text(value)
    return str(value) if type(value) is int else ""


_COERCERS: dict[Any, Callable[[Any], Any]] = {
    Count: _int64,
    Duration: _int64,
    Text: _text,
    IdText: _id_text,
    Texts: _texts,
    Flag: _flag,
    Identifier: _identifier,
}
