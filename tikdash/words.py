"""Words for people, in the language and by the clock of the one who reads them.

Everything may import this: it knows neither Django nor files. Where Django runs, `tikdash.apps` gives it Django's
catalogues and time zone; elsewhere, in the simulator or in a pure test, words stay as they are written: English, UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple


class Reader(NamedTuple):
    """Who translates, and what the reader's language and local time are."""

    gettext: Callable[[str], str]
    ngettext: Callable[[str, str, int], str]
    pgettext: Callable[[str, str], str]
    language: Callable[[], str | None]
    local: Callable[[datetime], datetime]


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


_reader = Reader(
    gettext=lambda text: text,
    ngettext=lambda one, many, n: one if n == 1 else many,
    pgettext=lambda context, text: text,
    language=lambda: None,
    local=_in_utc,
)


def read_by(reader: Reader) -> None:
    """Says who reads, once, when the process starts."""
    global _reader
    _reader = reader


def N_(text: str) -> str:  # noqa: N802  (the name that tools look for)
    """Marks a text that is translated later, where it is shown."""
    return text


def gettext(text: str) -> str:
    """The text in the reader's language. Put values in behind it: `gettext("{n} of {all}").format(…)`."""
    # The empty text is the header of a catalogue.
    return _reader.gettext(text) if text else ""


def ngettext(one: str, many: str, n: int) -> str:
    """The text for `n` things, with `{n}` still to be filled in."""
    return _reader.ngettext(one, many, n)


def counted(n: int, thing: str) -> str:
    """`1 job` or `2,000 jobs`, for texts that are not translated: operators', commands', logs'."""
    return f"{n:,} {thing if n == 1 else thing + 's'}"


def pgettext(context: str, text: str) -> str:
    """As `gettext`, for a word that means different things in different places."""
    return _reader.pgettext(context, text)


def language() -> str:
    """The code of the reader's language."""
    return _reader.language() or "en"


def local(moment: datetime) -> datetime:
    """A moment by the reader's clock."""
    return _reader.local(moment)
