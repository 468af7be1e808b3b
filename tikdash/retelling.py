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

_VALUE = re.compile(r"\{(\w+)\}")
_NUMBER = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?|\d+\.\d+")
#: A text with fewer letters of its own would fit on anything.
_FEWEST_LETTERS = 8
_DEEPEST = 3


def retold(text: str) -> str:
    """A stored sentence in the reader's language; what the catalogue does not know stays as it is."""
    if not text or words.language().startswith("en"):
        return text
    return _retold(text, words.language())


@lru_cache(maxsize=4_096)
def _retold(text: str, language: str, depth: int = 0) -> str:
    known = gettext(text)
    if known != text or depth > _DEEPEST:
        return known
    for pattern, template in _patterns(language):
        if found := pattern.fullmatch(text):
            values = {name: _value(value, language, depth) for name, value in found.groupdict().items()}
            return template.format(**values)
    # Two sentences, one behind the other.
    first, dot, rest = text.partition(". ")
    if dot and rest:
        return f"{_retold(first + '.', language, depth + 1)} {_retold(rest, language, depth + 1)}"
    return text


def _value(text: str, language: str, depth: int) -> str:
    return marked(text) if _NUMBER.fullmatch(text) else _retold(text, language, depth + 1)


@lru_cache(maxsize=8)
def _patterns(language: str) -> list[tuple[re.Pattern[str], str]]:
    """What sentences with values look like, with their translation; those that say most by themselves first."""
    found: dict[str, tuple[int, re.Pattern[str], str]] = {}
    # Django gives catalogues to its own pages for scripts in the same way; there is no public one.
    catalogue = trans_real.translation(language)._catalog  # type: ignore[attr-defined]
    for key, said in catalogue.items():
        message = key[0] if isinstance(key, tuple) else key
        message = message.split("\x04")[-1]
        letters = len(_VALUE.sub("", message))
        if _VALUE.search(message) and letters >= _FEWEST_LETTERS and said:
            found[message] = letters, re.compile(_pattern(message), re.DOTALL), said
    return [(pattern, said) for _, pattern, said in sorted(found.values(), key=lambda each: -each[0])]


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
