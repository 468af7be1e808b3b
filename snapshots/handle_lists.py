"""Lists of handles as people paste and upload them. Pure."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass

from tikdash.errors import BadInput
from tikdash.words import N_, gettext

MOST_ROWS, MOST_BYTES = 500, 1_000_000
HANDLE_NAMES = frozenset({"handle", "handles", "username", "account", "tiktok", "profile"})
REASON_NAMES, TAG_NAMES = frozenset({"reason"}), frozenset({"tags", "tag"})
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_ARCHIVES = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
NOT_TEXT = N_("This is not a text file. Save the list as CSV (UTF-8), then send that.")


@dataclass(frozen=True)
class ListedRow:
    """One row: its line in the list, and what stands there; `reason` and `tags` are empty where nothing does."""

    line: int
    handle: str
    reason: str = ""
    tags: str = ""


def decode_list(content: bytes) -> str:
    """The text of an uploaded file: UTF-8, or UTF-16 with its mark. Raises BadInput for anything else."""
    if len(content) > MOST_BYTES:
        raise BadInput(gettext("This file is larger than 1 MB. A list has at most 500 handles."))
    if content.startswith(_ARCHIVES):
        raise BadInput(gettext("This is a spreadsheet, not CSV. Save it as CSV (UTF-8), then send that."))
    try:
        text = content.decode("utf-16") if content.startswith(_UTF_16) else content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(gettext("This file is not in UTF-8. Save it as “CSV UTF-8”, then send that.")) from None
    if "\0" in text:
        raise BadInput(gettext(NOT_TEXT))
    return text


def read_list(text: str) -> list[ListedRow]:
    """The rows of a list: one handle a line, or CSV with commas, semicolons or tabs: handle, reason, tags.

    A header is optional; with one, columns may stand in any order, and others are passed over. Raises BadInput for a
    list that is empty, too long, or no CSV; reading stops there.
    """
    rows: list[ListedRow] = []
    places = {"handle": 0, "reason": 1, "tags": 2}
    for number, (line, cells) in enumerate(_lines(text)):
        if number == 0 and (found := _header(cells)):
            places = found
            continue
        if len(rows) == MOST_ROWS:
            raise BadInput(
                gettext(
                    "The list has more than {most_rows} handles. Split it, and send one part after the other."
                ).format(most_rows=MOST_ROWS)
            )
        given = {name: cells[place].strip() for name, place in places.items() if place < len(cells)}
        rows.append(ListedRow(line, given.get("handle", ""), given.get("reason", ""), given.get("tags", "")))
    if not rows:
        raise BadInput(gettext("The list is empty. Paste handles, one a line, or choose a CSV file."))
    return rows


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Lines that hold something, with their numbers."""
    lines = text.lstrip("\ufeff").splitlines()
    first = next((line for line in lines if line.strip()), "")
    separator = max(",;\t", key=first.count)
    reader = csv.reader(lines, delimiter=separator)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, cells
    except csv.Error:
        raise BadInput(
            gettext("Line {line_num} cannot be read as CSV. Look at its quotes.").format(line_num=reader.line_num)
        ) from None


def _header(cells: list[str]) -> dict[str, int] | None:
    """Where handle, reason and tags stand, if these cells are a header."""
    places: dict[str, int] = {}
    for place, cell in enumerate(cells):
        word = cell.strip().lower()
        for name, words in (("handle", HANDLE_NAMES), ("reason", REASON_NAMES), ("tags", TAG_NAMES)):
            if word in words:
                places.setdefault(name, place)
    return places if "handle" in places else None
