"""Profiles: an account's header and counters, and the id behind a handle."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct, field
from msgspec.structs import force_setattr

from tikdash.tiklive.errors import BadPayload
from tikdash.tiklive.shapes.lenient import (
    NOT_STRICT,
    Count,
    Flag,
    Identifier,
    Text,
    first_numeric_id,
    json_object,
    lenient,
    refuse_control_characters,
)


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


class _Counters(UserStats, frozen=True, rename="camel"):
    """Counters wherever they stand: beside the user, in `user.stats`, or flat in the user."""

    heart: Count = None
    stats: _Counters | None = None


class _UserBody(Struct, frozen=True):
    user: User


class _CountersBody(Struct, frozen=True):
    user: _Counters | None = None
    stats: _Counters | None = None


_USER_DECODER = msgspec.json.Decoder(_UserBody)
_COUNTERS_DECODER = msgspec.json.Decoder(_CountersBody)


def decode_userid(body: bytes) -> UserId:
    """The id in a `/userid/` answer; BadPayload when there is none."""
    user_id = first_numeric_id(json_object(body).get("id"))
    if user_id is None:
        raise BadPayload("no user id", reason="no_user_id")
    return UserId(user_id)


def decode_userinfo(body: bytes) -> UserInfo:
    """A profile with its counters; BadPayload when the user id or every counter is missing."""
    try:
        refuse_control_characters(body)
        user = _USER_DECODER.decode(body).user
        counters = _COUNTERS_DECODER.decode(body)
    except NOT_STRICT:
        content = json_object(body)
        if not isinstance(content.get("user"), dict):
            raise BadPayload("no user object", reason="wrong_shape") from None
        user, counters = lenient(User, content["user"]), lenient(_CountersBody, content)
    if not user.id:
        raise BadPayload("no user id", reason="no_user_id")
    return UserInfo(user, _merge_counters(counters))


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
