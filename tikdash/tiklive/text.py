"""Text and JSON as the upstream really sends them: broken surrogates, NUL characters, numbers beyond 64 bits."""

from __future__ import annotations

import json
import re
from typing import Any

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_LONGEST_SAFE_INT = 19


def clean_text(text: str) -> str:
    """`text` without NUL and the other control characters (tab and line ends stay), lone surrogates as U+FFFD.

    PostgreSQL refuses NUL, UTF-8 cannot carry a lone surrogate, and XLSX forbids the rest.
    """
    return _LONE_SURROGATE.sub("\ufffd", _CONTROL.sub("", text))


def may_need_cleaning(body: bytes) -> bool:
    """Whether a JSON body that a strict parser accepted can hold control characters.

    JSON allows them only as escapes, so three searches over the bytes spare a look at every text. Lone surrogates
    need no search: the strict parser refuses them.
    """
    return b"\\u00" in body and (b"\\u000" in body or b"\\u001" in body) or b"\\b" in body or b"\\f" in body


def loads_tolerant(body: bytes) -> Any:
    """The JSON value of `body`, forgiving what the strict parser refuses; ValueError when it is not JSON at all.

    Accepts a byte order mark, invalid UTF-8 and lone surrogates (left for `clean_text`), raw control characters and
    NaN (read as None). Floats and integers too long for 64 bits come as their own text, so that a cursor can be
    echoed digit by digit. Texts are not cleaned here.
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
