"""Sounds; the upstream calls them music."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from msgspec.structs import force_setattr

from tikdash.tiklive.errors import BadPayload
from tikdash.tiklive.shapes.lenient import (
    Count,
    Duration,
    Flag,
    Identifier,
    Text,
    first_numeric_id,
    flag,
    json_object,
    lenient,
    unwrapped,
)


class Sound(Struct, frozen=True):
    """A sound; `id` is all digits, `duration` in seconds, `play` and `cover` are addresses that expire.

    `original` says that a user made it: `author` is then who uploaded it, not an artist. `video_count` is None where
    the upstream does not say, and every text may be empty.
    """

    id: Identifier = None
    title: Text = None
    author: Text = None
    album: Text = None
    play: Text = None
    cover: Text = None
    original: Flag = None
    duration: Duration = None
    video_count: Count = None

    def __post_init__(self) -> None:
        force_setattr(self, "id", first_numeric_id(self.id) or "")


def decode_sound(body: bytes) -> Sound:
    """A sound, flat or wrapped once; BadPayload without its id, or with nothing but its id."""
    content = unwrapped(json_object(body), "music_info", "music", "data")
    sound = lenient(Sound, content | {"original": _original(content)})
    if not sound.id:
        raise BadPayload("no sound id", reason="no_id")
    if all(value is None for value in (sound.title, sound.author, sound.play, sound.duration, sound.video_count)):
        raise BadPayload("a sound with nothing but an id", reason="no_usable_fields")
    return sound


def _original(content: dict[str, Any]) -> bool | None:
    told = flag(content.get("original"))
    return flag(content.get("is_original")) if told is None else told
