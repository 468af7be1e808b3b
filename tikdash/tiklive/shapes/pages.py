"""Reading a page: a list of rows with the cursor for the next one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct, field

from tikdash.tiklive.errors import BadPayload
from tikdash.tiklive.shapes.lenient import (
    NOT_STRICT,
    Count,
    Identifier,
    echoed,
    flag,
    int64,
    json_object,
    lenient,
    refuse_control_characters,
)


class Row(Struct, frozen=True, gc=False):
    """A row of a list; subclasses leave an empty `id` when the row is of no use."""

    id: Identifier = None


R = TypeVar("R", bound=Row)


class RowsRead(Struct, Generic[R], frozen=True, gc=False):
    """The usable rows of a page, what to echo for the next one, and how many rows were of no use."""

    rows: tuple[R, ...]
    cursor: str
    has_more: bool
    total: int | None
    dropped: int


class PageReader(Generic[R]):
    """Reads pages whose rows stand under `key` and whose cursor is called `paging`."""

    def __init__(self, row: type[R], *, key: str, paging: str) -> None:
        self._row, self._key, self._paging = row, key, paging
        body = msgspec.defstruct(
            f"_{key.title()}Body",
            [
                ("rows", tuple[row, ...], field(name=key)),  # type: ignore[valid-type]
                ("cursor", str | int | None, field(name=paging, default=None)),
                ("has_more", bool | int | None, field(name="hasMore", default=None)),
                ("total", Count, None),
            ],
            frozen=True,
        )
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(body)

    def read(self, body: bytes) -> RowsRead[R]:
        """BadPayload when there is no list of rows, or when no row of the list can be used."""
        try:
            refuse_control_characters(body)
            page = self._decoder.decode(body)
            found: Iterable[R] = page.rows
            sent, cursor, has_more, total = len(page.rows), page.cursor, bool(page.has_more), page.total
        except NOT_STRICT:
            content = json_object(body)
            rows = content.get(self._key)
            if not isinstance(rows, list):
                raise BadPayload(f"no list of {self._key}", reason="wrong_shape") from None
            found = [lenient(self._row, row) for row in rows if isinstance(row, dict)]
            sent, cursor, has_more = len(rows), content.get(self._paging), bool(flag(content.get("hasMore")))
            total = int64(content.get("total"))
        usable = tuple([row for row in found if row.id])
        if sent and not usable:
            # An empty page would say that all of them are gone.
            raise BadPayload(f"none of {sent} rows has an id", reason="no_usable_rows")
        return RowsRead(usable, echoed(cursor), has_more, total, sent - len(usable))
