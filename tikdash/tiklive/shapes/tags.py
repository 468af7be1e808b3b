"""Hashtags; the upstream calls them challenges."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import force_setattr

from tikdash.tiklive.errors import BadPayload
from tikdash.tiklive.shapes.lenient import (
    Count,
    Flag,
    Identifier,
    Text,
    first_numeric_id,
    json_object,
    lenient,
    unwrapped,
)


class Hashtag(Struct, frozen=True):
    """A hashtag with its counters; `id` is all digits, `cha_name` the tag without `#`.

    `view_count` can be beyond 32 bits; `type` is the upstream's own classification.
    """

    id: Identifier = None
    cha_name: Text = None
    desc: Text = None
    user_count: Count = None
    view_count: Count = None
    is_pgcshow: Flag = None
    is_commerce: Flag = None
    is_challenge: Flag = None
    is_strong_music: Flag = None
    type: Count = None
    cover: Text = None

    def __post_init__(self) -> None:
        force_setattr(self, "id", first_numeric_id(self.id) or "")


def decode_hashtag(body: bytes) -> Hashtag:
    """A hashtag, flat or wrapped once; BadPayload without its id, or without name and counters."""
    hashtag = lenient(Hashtag, unwrapped(json_object(body), "challenge_info", "challenge", "data"))
    if not hashtag.id:
        raise BadPayload("no hashtag id", reason="no_id")
    if not hashtag.cha_name and hashtag.user_count is None and hashtag.view_count is None:
        raise BadPayload("a hashtag with neither a name nor counters", reason="no_usable_fields")
    return hashtag
