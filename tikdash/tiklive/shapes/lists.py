"""Playlists and collections. No answer is recorded anywhere, so nothing is promised but an id."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from tikdash.tiklive.errors import BadPayload
from tikdash.tiklive.shapes.lenient import first_numeric_id, int64, json_object, unwrapped
from tikdash.tiklive.text import clean_text

Detail = str | int | bool


class Playlist(Struct, frozen=True):
    """A playlist or a collection; `id` is all digits.

    `details` are the texts, whole numbers of 64 bits and truth values that came beside it, under the upstream's
    names: none of them can be relied on.
    """

    id: str
    details: dict[str, Detail]


def decode_playlist(body: bytes) -> Playlist:
    """A playlist, flat or wrapped once; BadPayload without an id."""
    return _list(body, "playlist", "mix_id")


def decode_collection(body: bytes) -> Playlist:
    """A collection, flat or wrapped once; BadPayload without an id."""
    return _list(body, "collection")


def _list(body: bytes, kind: str, *more_names: str) -> Playlist:
    names = ("id", f"{kind}_id", *more_names)
    content = json_object(body)
    if first_numeric_id(*(content.get(name) for name in names)) is None:
        content = unwrapped(content, f"{kind}_info", kind, "data")
    list_id = first_numeric_id(*(content.get(name) for name in names))
    if list_id is None:
        raise BadPayload(f"no {kind} id", reason="no_id")
    details = {clean_text(name): _detail(value) for name, value in content.items() if name not in names}
    return Playlist(list_id, {name: value for name, value in details.items() if value is not None})


def _detail(value: Any) -> Detail | None:
    if isinstance(value, bool):
        return value
    return clean_text(value) if isinstance(value, str) else int64(value)
