"""Secrets of this process, kept out of whatever leaves it: log lines, error reports, pages for operators.

Nobody has to know where a secret may turn up: who receives one calls `hide`, and every way out calls `redacted`.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import OrderedDict
from typing import Any
from urllib.parse import quote

PLACEHOLDER = "[key]"
#: Shorter ones would tear ordinary words out of every line.
SHORTEST = 8
MOST = 1_000

_lock = threading.Lock()
#: Secret → how it may be written; the one that was seen last stands at the end.
_known: OrderedDict[str, frozenset[str]] = OrderedDict()
#: All ways of writing, the longest first: what is left of a long secret after a short one was cut out would show.
_forms: tuple[str, ...] = ()
_forms_as_bytes: tuple[bytes, ...] = ()


def hide(secret: str) -> bool:
    """Remembers `secret`; from now on `redacted` puts `[key]` in its place. The newest 1,000 are remembered.

    False for one of fewer than 8 characters, which cannot be told from ordinary text: it stays visible, and the log
    says so once.
    """
    # A copy that is a plain text: `Secret` of the client shows itself to nobody, not even to `quote`.
    plain = "".join(secret)
    with _lock:
        if plain in _known:
            _known.move_to_end(plain)
            return bool(_known[plain])
        hidden = len(plain) >= SHORTEST
        _known[plain] = _ways_to_write(plain) if hidden else frozenset()
        if len(_known) > MOST:
            _known.popitem(last=False)
        _prepare()
    if plain and not hidden:
        logging.getLogger(__name__).warning(
            "A secret of %d characters is too short to be kept out of logs and error reports; it needs %d.",
            len(plain),
            SHORTEST,
        )
    return hidden


def redacted(text: str) -> str:
    """`text` with `[key]` in place of every secret, also of url-quoted and JSON-escaped ones."""
    # One search a secret: with 1,000 of them a line takes 50 µs, where one pattern of all takes up to 200 µs, and
    # has to be compiled anew for every secret.
    for form in _forms:
        if form in text:
            text = text.replace(form, PLACEHOLDER)
    return text


def redacted_value(value: Any) -> Any:
    """A copy of `value` with `redacted` texts and bytes, in dicts (their keys, too), lists, tuples and sets.

    Anything else is returned as it is: an object shows what its `repr` shows.
    """
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, bytes):
        return _redacted_bytes(value)
    if isinstance(value, dict):
        return {redacted_value(key): redacted_value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [redacted_value(item) for item in value]
    if isinstance(value, tuple):
        return tuple(redacted_value(item) for item in value)
    if isinstance(value, set | frozenset):
        return type(value)(redacted_value(item) for item in value)
    return value


def _redacted_bytes(value: bytes) -> bytes:
    for form in _forms_as_bytes:
        if form in value:
            value = value.replace(form, PLACEHOLDER.encode())
    return value


def _prepare() -> None:
    """Both tuples anew; readers see the old ones or the new ones, and need no lock."""
    global _forms, _forms_as_bytes
    every = {form for forms in _known.values() for form in forms}
    _forms = tuple(sorted(every, key=lambda form: (-len(form), form)))
    _forms_as_bytes = tuple(form.encode("utf-8", "surrogatepass") for form in _forms)


def _ways_to_write(secret: str) -> frozenset[str]:
    forms = {secret}
    # Twice: a line of JSON may hold an answer that was JSON itself.
    for _ in range(2):
        forms |= {json.dumps(form, ensure_ascii=ascii_only)[1:-1] for form in forms for ascii_only in (True, False)}
        forms |= {repr(form)[1:-1] for form in forms}
    readable = secret.encode("utf-8", "replace")
    return frozenset(forms | {quote(readable), quote(readable, safe="")})
