"""How languages write numbers and dates: marks, units and months. A language of the settings has a row here."""

from __future__ import annotations

from typing import Final, NamedTuple

from tikdash import words

NARROW_SPACE: Final = "\u202f"


class Style(NamedTuple):
    """The marks of one language; `units` stand for thousand, million and milliard, `first` is the first of a month."""

    decimal: str
    group: str
    units: tuple[str, str, str]
    months: tuple[str, ...]
    first: str


STYLES: Final = {
    "en": Style(
        decimal=".",
        group=",",
        units=("K", "M", "B"),
        months=("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
        first="1",
    ),
    "fr": Style(
        decimal=",",
        group=NARROW_SPACE,
        units=("k", "M", "Md"),
        months=("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."),
        first="1er",
    ),
}


def style() -> Style:
    """The reader's."""
    return STYLES.get(words.language().split("-")[0], STYLES["en"])


def marked(number: str, marks: Style | None = None) -> str:
    """A number as Python writes it, `1,284.5`, with the reader's marks."""
    marks = marks or style()
    if marks.decimal == "." and marks.group == ",":
        return number
    return number.replace(",", "\0").replace(".", marks.decimal).replace("\0", marks.group)
