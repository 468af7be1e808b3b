"""Walking a list page by page, by `cursor` or by `time`: within caps, and saying in the end why it stopped.

Pure: pages come from a callable that the caller brings.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

R = TypeVar("R")


class Stop(StrEnum):
    """Why a walk ended. The first four end the list itself, the others are caps of the caller."""

    END = "end"
    EMPTY_PAGE = "empty_page"
    REPEATED_CURSOR = "repeated_cursor"
    NO_CURSOR = "no_cursor"
    PAGE_CAP = "page_cap"
    ITEM_CAP = "item_cap"
    CREDIT_CAP = "credit_cap"


@dataclass(frozen=True, slots=True)
class Caps:
    """How far a walk may go; None is no cap. Pages always have one: a cursor may never end."""

    pages: int
    items: int | None = None
    credits: int | None = None

    def __post_init__(self) -> None:
        if self.pages < 0 or (self.items or 0) < 0 or (self.credits or 0) < 0:
            raise ValueError("caps must not be negative")


@dataclass(frozen=True)
class Page(Generic[R]):
    """Rows, the opaque value to echo for the next page, and what this page cost in credits.

    `total` is how many rows the whole list is said to have, where the upstream says so.
    """

    rows: Sequence[R]
    cursor: str
    has_more: bool
    credits: int = 1
    dropped: int = 0
    total: int | None = None


class Walk(Iterator[R]):
    """The rows of all pages, each id once, in the upstream's order; pages are fetched as they are needed.

    `fetch` gets the cursor of a page, `identify` the id of a row, `price` is what a page will cost at most. While it
    goes on and afterwards: `pages`, `items`, `duplicates`, `dropped` and `credits` of the pages read so far, `total` as
    the newest page says it, `stopped` (None before the end, also when `fetch` raised), and `cursor`, from which a later
    walk reads what this one did not.
    """

    def __init__(
        self,
        fetch: Callable[[str], Page[R]],
        *,
        identify: Callable[[R], Hashable],
        caps: Caps,
        start: str = "0",
        price: int = 1,
    ) -> None:
        self.caps = caps
        self.cursor = start
        self.stopped: Stop | None = None
        self.total: int | None = None
        self.pages = self.items = self.duplicates = self.dropped = self.credits = 0
        self._fetch, self._identify, self._price = fetch, identify, price
        self._seen: set[Hashable] = set()
        self._cursors = {start}
        self._batches = self._walk()
        self._rows = (row for batch in self._batches for row in batch)

    def __next__(self) -> R:
        return next(self._rows)

    def batches(self) -> Iterator[Sequence[R]]:
        """The new rows of each page; for those who store a page at a time. A batch may be empty."""
        return self._batches

    def _walk(self) -> Iterator[Sequence[R]]:
        stop = self._cap_reached()
        while stop is None:
            page = self._fetch(self.cursor)
            self.pages += 1
            self.credits += page.credits
            self.dropped += page.dropped
            self.total = self.total if page.total is None else page.total
            new = self._new_rows(page)
            given = new if self.caps.items is None else new[: self.caps.items - self.items]
            self.items += len(given)
            # A page of which something is left is read again by a later walk.
            stop = Stop.ITEM_CAP if len(given) < len(new) else self._end_after(page) or self._cap_reached()
            # Given before the reason shows: who stops in between has not seen the end.
            yield given
        self.stopped = stop

    def _new_rows(self, page: Page[R]) -> Sequence[R]:
        new = []
        for row in page.rows:
            row_id = self._identify(row)
            if row_id in self._seen:
                self.duplicates += 1
                continue
            self._seen.add(row_id)
            new.append(row)
        return new

    def _end_after(self, page: Page[R]) -> Stop | None:
        """Why nothing comes after `page`; otherwise steps to its cursor."""
        # The order is that of trust: the last page keeps a cursor beside a false hasMore.
        if not page.has_more:
            return Stop.END
        if not page.rows:
            return Stop.EMPTY_PAGE
        if not page.cursor:
            return Stop.NO_CURSOR
        if page.cursor in self._cursors:
            return Stop.REPEATED_CURSOR
        self._cursors.add(page.cursor)
        self.cursor = page.cursor
        return None

    def _cap_reached(self) -> Stop | None:
        caps = self.caps
        if caps.items is not None and self.items >= caps.items:
            return Stop.ITEM_CAP
        if self.pages >= caps.pages:
            return Stop.PAGE_CAP
        if caps.credits is not None and self.credits + self._price > caps.credits:
            return Stop.CREDIT_CAP
        return None
