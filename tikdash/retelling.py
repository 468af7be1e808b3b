"""Sentences that were stored are told again in the reader's language.

Workers write what went wrong into rows, in the language of the code, because nobody reads yet: who will, and in which
language, is known only when a page shows it. The catalogue has the sentence, or the one that it was made from.
"""

from __future__ import annotations

import re
from functools import lru_cache

from django.utils.translation import trans_real

from tikdash import words
from tikdash.ui.styles import marked
from tikdash.words import gettext

_VALUE = re.compile(r"\{([A-Za-z_]\w*)\}")
_NUMBER = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?|\d+\.\d+")
#: A text with fewer letters of its own would fit on anything.
_FEWEST_LETTERS, _MOST_VALUES = 8, 4
#: Between two sentences.
_ENDS = re.compile(r"(?<=\.) (?=[A-Z])")


def retold(text: str) -> str:
    """A stored sentence in the reader's language; what the catalogue does not know stays as it is."""
    if not text or words.language().startswith("en"):
        return text
    return _retold(text, words.language())


@lru_cache(maxsize=4_096)
def _retold(text: str, language: str) -> str:
    return _sentence(text, language) or " ".join(_sentence(part, language) or part for part in _ENDS.split(text))


def _sentence(text: str, language: str) -> str:
    """One sentence; empty where the catalogue does not have it."""
    known = gettext(text)
    if known != text:
        return known
    for pieces, pattern, template in _patterns(language):
        if _stand_in_order(pieces, text) and (found := pattern.fullmatch(text)):
            return template.format(**{name: _value(value) for name, value in found.groupdict().items()})
    return ""


def _value(text: str) -> str:
    return marked(text) if _NUMBER.fullmatch(text) else gettext(text)


def _stand_in_order(pieces: tuple[str, ...], text: str) -> bool:
    """A look that costs little: patterns with several values take long to find out that they do not fit."""
    place = 0
    for piece in pieces:
        place = text.find(piece, place)
        if place < 0:
            return False
        place += len(piece)
    return True


@lru_cache(maxsize=8)
def _patterns(language: str) -> list[tuple[tuple[str, ...], re.Pattern[str], str]]:
    """What sentences with values look like: their own words, a pattern, and the translation; wordy ones first."""
    found: dict[str, tuple[int, tuple[str, ...], re.Pattern[str], str]] = {}
    # Django gives catalogues to its own pages for scripts in the same way; there is no public one.
    catalogue = trans_real.translation(language)._catalog  # type: ignore[attr-defined]
    for key, said in catalogue.items():
        message = key[0] if isinstance(key, tuple) else key
        message = message.split("\x04")[-1]
        pieces = _VALUE.split(message)[::2]
        letters = sum(map(len, pieces))
        # Catalogues of libraries are in it, too, some with values of other kinds.
        whole = set(_VALUE.findall(message)) == set(_VALUE.findall(str(said))) and "{" not in _VALUE.sub("", str(said))
        if 1 < len(pieces) <= _MOST_VALUES + 1 and letters >= _FEWEST_LETTERS and whole:
            found[message] = letters, tuple(pieces), re.compile(_pattern(message), re.DOTALL), str(said)
    return [each[1:] for each in sorted(found.values(), key=lambda each: -each[0])]


def _pattern(message: str) -> str:
    parts, seen = [], set[str]()
    for place, part in enumerate(_VALUE.split(message)):
        if place % 2 == 0:
            parts.append(re.escape(part))
        elif part in seen:
            parts.append(f"(?P={part})")
        else:
            seen.add(part)
            parts.append(f"(?P<{part}>.+?)")
    return "".join(parts)
