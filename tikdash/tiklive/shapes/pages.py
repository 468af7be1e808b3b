"""Reading a page: a list of rows with the cursor for the next one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, Self, TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

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

    @classmethod
    def finish(cls, rows: Sequence[Self]) -> None:
        """What is left to do for rows after decoding; for a whole page at once, because by the row it takes longer."""


class _Envelope(Struct, frozen=True, gc=False):
    """The names by which `error_for` tells an error from data; where one of them is there, it has to have its look."""

    message: Raw | UnsetType = UNSET
    status: Raw | UnsetType = UNSET
    code: Raw | UnsetType = UNSET
    msg: Raw | UnsetType = UNSET

    @property
    def is_data(self) -> bool:
        return self.message is UNSET and self.status is UNSET and self.code is UNSET and self.msg is UNSET


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
            bases=(_Envelope,),
            kw_only=True,
            frozen=True,
        )
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(body)

    def read(self, body: bytes) -> RowsRead[R]:
        """BadPayload when there is no list of rows, or when no row of the list can be used."""
        page = self._strict(body)
        read = self._lenient(json_object(body)) if page is None else self._rows_read(page)
        if read.dropped and not read.rows:
            # An empty page would say that all of them are gone.
            raise BadPayload(f"none of {read.dropped} rows has an id", reason="no_usable_rows")
        return read

    def read_plain(self, body: bytes) -> RowsRead[R] | None:
        """What `read` gives for a body that `error_for` takes for data, found in one pass; None where in doubt."""
        page = self._strict(body)
        if page is None or not page.is_data:
            return None
        read = self._rows_read(page)
        return read if read.rows or not read.dropped else None

    def _strict(self, body: bytes) -> Any:
        try:
            refuse_control_characters(body)
            return self._decoder.decode(body)
        except NOT_STRICT:
            return None

    def _lenient(self, content: dict[str, Any]) -> RowsRead[R]:
        rows = content.get(self._key)
        if not isinstance(rows, list):
            raise BadPayload(f"no list of {self._key}", reason="wrong_shape")
        found = [lenient(self._row, row) for row in rows if isinstance(row, dict)]
        more, total = bool(flag(content.get("hasMore"))), int64(content.get("total"))
        return self._usable(found, len(rows), content.get(self._paging), more, total)

    def _rows_read(self, page: Any) -> RowsRead[R]:
        return self._usable(page.rows, len(page.rows), page.cursor, bool(page.has_more), page.total)

    def _usable(self, found: Sequence[R], sent: int, cursor: object, has_more: bool, total: int | None) -> RowsRead[R]:
        self._row.finish(found)
        rows = tuple([row for row in found if row.id])
        return RowsRead(rows, echoed(cursor), has_more, total, sent - len(rows))
