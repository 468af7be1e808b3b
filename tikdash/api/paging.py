"""Where a list goes on: opaque keys, signed for one tenant and one list, so that nobody can make one up."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from hashlib import sha1
from typing import Any
from urllib.parse import urlencode

from django.core import signing

from tikdash.errors import BadInput

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_ROWS = 200
#: Names that do not change which rows a list has.
NOT_THE_LIST = frozenset({"cursor", "limit", "fields"})


def write(key: Any, *, tenant_id: int, of: str) -> str:
    """The opaque form of a key: JSON values, moments and days, alone or in a list."""
    return signing.Signer(salt=f"api:{tenant_id}:{of}").sign_object(_plain(key), compress=False)


def read(text: str, *, tenant_id: int, of: str, name: str = "cursor") -> Any:
    """The key. Raises BadInput for one that is not ours, of another tenant, or of another list."""
    if len(text) > 2_000:
        raise _bad(name)
    try:
        return signing.Signer(salt=f"api:{tenant_id}:{of}").unsign_object(text)
    except Exception as error:
        if isinstance(error, signing.BadSignature | ValueError | UnicodeError | TypeError):
            raise _bad(name) from None
        raise


def moment(microseconds: int) -> datetime:
    """What `write` has made of a moment."""
    return _EPOCH + timedelta(microseconds=microseconds)


def list_of(path: str, query: dict[str, Any]) -> str:
    """Names one list: its address and filters, without the place in it."""
    filters = sorted((name, str(value)) for name, value in query.items() if name not in NOT_THE_LIST)
    return path + ":" + sha1(urlencode(filters).encode(), usedforsecurity=False).hexdigest()[:12]


def _plain(key: Any) -> Any:
    if isinstance(key, list | tuple):
        return [_plain(one) for one in key]
    if isinstance(key, datetime):
        return (key - _EPOCH) // timedelta(microseconds=1)
    return key.isoformat() if isinstance(key, date) else key


def _bad(name: str) -> BadInput:
    return BadInput("This is not the place of a page of this list. Begin with its first page.", field=name)
