"""Parameters as the upstream wants them, from what people and programs give; BadInput says what to change."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tikdash.errors import BadInput
from tikdash.tiklive.endpoints import Endpoint
from tikdash.tiklive.shapes import first_numeric_id
from tikdash.tiklive.text import clean_text

_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,9}", re.ASCII)
_LONGEST_TEXT = 2_000
_PUBLISH_TIMES = ("0", "1", "7", "30", "90", "180")


def cleaned(endpoint: Endpoint[Any], params: Mapping[str, object]) -> dict[str, object]:
    """`params` in the form the upstream takes; `count` is brought into the endpoint's range.

    ValueError when the endpoint lacks or does not know a name: that is a mistake of a program. BadInput when a value
    cannot be asked for.
    """
    endpoint.check(params)
    values: dict[str, object] = {}
    for name, value in params.items():
        text = clean_text(str(value)).strip()
        values[name] = _count(endpoint, text) if name == "count" else _CLEANERS[name](text)
    return values


def _count(endpoint: Endpoint[Any], text: str) -> int:
    if not _WHOLE_NUMBER.fullmatch(text):
        raise BadInput("count must be a whole number.")
    wanted = max(int(text), 1)
    return min(wanted, endpoint.page_size_max or wanted)


def _handle(text: str) -> str:
    handle = text.lstrip("@").strip()
    if not handle:
        raise BadInput("Please give a TikTok handle.")
    return handle


def _tag(text: str) -> str:
    tag = text.lstrip("#").strip()
    if not tag:
        raise BadInput("Please give a hashtag.")
    return tag


def _numeric(sentence: str) -> Callable[[str], str]:
    def clean(text: str) -> str:
        if first_numeric_id(text) is None:
            raise BadInput(sentence)
        return text

    return clean


def _address(text: str) -> str:
    # The sibling also takes short links and bare ids, so the form is left to the upstream.
    if not text or any(character.isspace() for character in text) or len(text) > _LONGEST_TEXT:
        raise BadInput("Please give the address of a TikTok post.")
    return text


def _keyword(text: str) -> str:
    if not text or len(text) > _LONGEST_TEXT:
        raise BadInput("Please give words to search for.")
    return text


def _region(text: str) -> str:
    if not (len(text) == 2 and text.isascii() and text.isalpha()):
        raise BadInput("A region is a country code of two letters, such as US.")
    return text.upper()


def _publish_time(text: str) -> str:
    if text not in _PUBLISH_TIMES:
        raise BadInput(f"publish_time must be one of {', '.join(_PUBLISH_TIMES)} (days; 0 is all).")
    return text


def _echoed(text: str) -> str:
    if not text:
        raise BadInput("A cursor is 0 or what the last page gave.")
    return text


_CLEANERS: dict[str, Callable[[str], str]] = {
    "username": _handle,
    "userid": _numeric("An account is found by its numeric TikTok id."),
    "url": _address,
    "name": _tag,
    "id": _numeric("A hashtag is found by its numeric id."),
    "challenge_id": _numeric("The posts of a hashtag are found by its numeric id."),
    "music_id": _numeric("A sound is found by its numeric id."),
    "playlist_id": _numeric("A playlist is found by its numeric id."),
    "collection_id": _numeric("A collection is found by its numeric id."),
    "keyword": _keyword,
    "region": _region,
    "publish_time": _publish_time,
    # What orders by date is 2 to one client and 3 to the sibling, so only the form is checked.
    "sort_by": _numeric("sort_by must be a whole number."),
    "cursor": _echoed,
    "time": _echoed,
}
