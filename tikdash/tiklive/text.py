"""Text and JSON as they really come: broken surrogates, NUL characters, numbers beyond 64 bits."""

from __future__ import annotations

import json
import re
from typing import Any

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_ESCAPED_CONTROL = re.compile(rb"\\(?:u00[01]|[bf])")
_LONGEST_SAFE_INT = 19
_HIDDEN = "[key]"


class Secret(str):
    """A text that shows itself to nobody: printing, formatting and `repr` all give a placeholder.

    Error reporters print the local variables of every frame; with a plain string the key would be among them.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return _HIDDEN

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return _HIDDEN


def clean_text(text: str) -> str:
    """`text` without NUL and other control characters but tab and line ends; lone surrogates as U+FFFD.

    PostgreSQL refuses NUL, UTF-8 cannot carry a lone surrogate, and XLSX forbids the rest.
    """
    return _LONE_SURROGATE.sub("\ufffd", _CONTROL.sub("", text))


def may_need_cleaning(body: bytes) -> bool:
    """Whether a JSON body that a strict parser accepted can hold control characters.

    JSON allows them only as escapes, so one search over the bytes spare a look at every text. Lone
    surrogates need no search: the strict parser refuses them.
    """
    return _ESCAPED_CONTROL.search(body) is not None


def loads_tolerant(body: bytes) -> Any:
    """The JSON value of `body`, forgiving what the strict parser refuses; ValueError when it is no JSON.

    Accepts a byte order mark, invalid UTF-8 and lone surrogates (left for `clean_text`), raw control
    characters and NaN (read as None). Floats and integers too long for 64 bits come as their own text, so
    that a cursor can be echoed digit by digit. Texts are not cleaned here.
    """
    try:
        return json.loads(
            body.decode("utf-8-sig", "replace"),
            strict=False,
            parse_int=_int_or_text,
            parse_float=str,
            parse_constant=lambda _: None,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _int_or_text(digits: str) -> int | str:
    return int(digits) if len(digits) <= _LONGEST_SAFE_INT else digits
