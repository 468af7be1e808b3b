"""Hashtags in titles, in every script. Pure: no Django, no database.

A tag is what follows a `#` up to the first character that no word holds: letters, combining marks and digits of all
scripts, the underscore, emoji, and a few joiners between two of these. Tags may be glued (`#a#b`), also to a word.
A tag of digits only is one, because TikTok gives such tags pages of their own (#2026); one of underscores only is not.
The space without width ends a tag: it is what the space bar of Khmer and Burmese keyboards types.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple
from unicodedata import category, normalize

LONGEST_HASHTAG = 100
MOST_HASHTAGS = 60

#: Full-width, half-width and mathematical characters, and the letterlike ones that fill the gaps of the latter: other
#: looks of plain ones. Other compatibility forms are how a language is written (Thai ำ, Korean ㅋ, Armenian և).
_OTHER_LOOKS = re.compile("[\u2100-\u214f\ufe5f\uff01-\uffee\U0001d400-\U0001d7ff]+")
#: Invisible characters that say how a text runs, not what it says.
_INVISIBLE = dict.fromkeys(
    map(ord, "\u00ad\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff")
)
#: Whether an emoji is shown in colours, and which of its forms a character of Han or Mongolian has.
_SELECTORS = dict.fromkeys([*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), *range(0x180B, 0x180E), 0x180F])
_DOTTED_I = re.compile("i\u0307+")
#: Without width, inside of a word only: joiners of scripts and emoji.
_JOINERS = "\u200c\u200d"
#: Inside of a word only, and one at a time: the dots of Catalan, Chinese and Japanese names, the dot between the
#: syllables of Tibetan, and what stands for an apostrophe in Hebrew.
_DOTS = "\u00b7\u30fb\u0f0b\u05f3\u05f4"
#: Letters by their category, and nothing to see.
_BLANKS = frozenset("\u115f\u1160\u3164\uffa0")
#: Blocks of emoji. By place, because Python's tables are older than the newest emoji.
_PICTURES = ((0x2300, 0x23FF), (0x2600, 0x27BF), (0x2B00, 0x2BFF), (0x1F000, 0x1FAFF))
_BRACKETS = frozenset({"Ps", "Pe"})
#: In them the flags of England, Scotland and Wales are spelt.
_TAG_LETTERS = (0xE0020, 0xE007F)


class Use(NamedTuple):
    """How a title writes a tag the first time, without #, and how many times it has it in any way of writing."""

    shown: str
    occurrences: int


def hashtags_in(title: str) -> dict[str, int]:
    """The folded hashtags of a title in their order, with how many times each occurs; at most `MOST_HASHTAGS`."""
    return {name: use.occurrences for name, use in uses_in(title).items()}


def uses_in(title: str) -> dict[str, Use]:
    """As `hashtags_in`, with the form in which the title shows each tag, in plain letters."""
    found: dict[str, Use] = {}
    for shown in _written_in(title):
        name = fold(shown)
        known = found.get(name)
        if known is not None:
            found[name] = Use(known.shown, known.occurrences + 1)
        elif len(found) < MOST_HASHTAGS:
            found[name] = Use(_cut(shown), 1)
    return found


def fold(tag: str) -> str:
    """The form in which equal tags are equal: NFKC, case folded, without selectors; at most 100 characters.

    The dotted capital I becomes a plain i, so that #İstanbul is #istanbul; the dotless ı stays a letter of its own.
    """
    if tag.isascii():
        return _cut(tag.lower())
    # Decomposed at first, because marks fold by themselves, and what they fold to is composed anew.
    folded = normalize("NFD", tag.translate(_SELECTORS)).casefold()
    folded = normalize("NFKD", normalize("NFKD", folded).casefold())
    return _cut(normalize("NFKC", _DOTTED_I.sub("i", folded)))


def asked_as(shown: str) -> str:
    """The form in which TikTok is asked for a tag: lower case, but not folded, as #straße is not #strasse there."""
    return _DOTTED_I.sub("i", shown.lower())


def _written_in(title: str) -> Iterator[str]:
    """The tags as they are written, one after the other."""
    if not title.isascii():
        title = normalize("NFC", _OTHER_LOOKS.sub(lambda found: normalize("NFKC", found[0]), title))
        title = title.translate(_INVISIBLE)
    for piece in title.split("#")[1:]:
        if tag := _leading_tag(piece.lstrip(_JOINERS)):
            yield tag


def _leading_tag(piece: str) -> str:
    """The tag that `piece` begins with, or nothing. A mark cannot begin one: in the keycap #️⃣ the # is a picture."""
    end, solid = 0, False
    for place, character in enumerate(piece):
        kind = _kind(character)
        if kind == "other" or (place == 0 and kind in {"mark", "vowel", "dot"}) or (kind == "dot" and end != place):
            break
        if kind not in {"joiner", "dot"}:
            end = place + 1
            solid = solid or kind in {"solid", "vowel"}
    return piece[:end] if solid else ""


@lru_cache(maxsize=8192)
def _kind(character: str) -> str:
    """`solid` (letter, digit, emoji), `line` (the underscore), `mark`, `joiner`, `dot`, or `other`, which ends a tag.

    It is that of the compatibility form, so that what is folded still is a tag; a letter that begins with a mark there
    is a `vowel` (Thai ำ, Lao ຳ).
    """
    kinds = [_kind_of_plain(plain) for plain in normalize("NFKC", character)]
    if "other" in kinds:
        return "other"
    return "vowel" if kinds[0] == "mark" and "solid" in kinds else kinds[0]


def _kind_of_plain(character: str) -> str:
    if character == "_":
        return "line"
    if character in _JOINERS:
        return "joiner"
    if character in _DOTS:
        return "dot"
    group, code = category(character), ord(character)
    if group[0] == "M" or _TAG_LETTERS[0] <= code <= _TAG_LETTERS[1]:
        return "mark"
    if group[0] in "LN":
        return "other" if character in _BLANKS else "solid"
    pictured = any(first <= code <= last for first, last in _PICTURES)
    return "solid" if pictured and group not in _BRACKETS else "other"


def _cut(tag: str) -> str:
    return tag[:LONGEST_HASHTAG].rstrip(_JOINERS + _DOTS)
