"""The second sheet: what each column means, by the registry of metrics, and of when the numbers are."""

from __future__ import annotations

from snapshots.exports.sheet import Column, Sheet
from tikdash.ui.cells import harmless
from tikdash.words import N_, gettext

#: Names and words of filters, as the sheets write them; JSON has them as they are.
FACTS = (
    N_("list"), N_("as of"), N_("search"), N_("reason"), N_("sorted by"), N_("wanted"), N_("days"), N_("words"),
    N_("number"), N_("scale"), N_("accounts"), N_("tag"), N_("time zone"), N_("posts"), N_("posts a week"),
    N_("remark"), N_("all"), N_("nothing has been read yet"),
)  # fmt: skip
HEADINGS = ("column", "label", "metric", "version", "name", "formula", "denominator", "window", "unit", "note")
UNITS = {"id": "text", "text": "text", "number": "count", "fraction": "fraction", "date": "date", "time": "UTC"}


def definitions(sheet: Sheet) -> list[tuple[str, ...]]:
    """A row a column of the sheet, in the order of HEADINGS."""
    return [tuple(map(harmless, described(column))) for column in sheet.columns]


def facts(sheet: Sheet) -> list[tuple[str, str]]:
    """What holds for the whole sheet: its title, of when it is, and its filters."""
    return [(gettext(name), harmless(gettext(value))) for name, value in facts_of(sheet)]


def facts_of(sheet: Sheet) -> list[tuple[str, str]]:
    """The same with texts as they are, for what is no spreadsheet."""
    as_of = f"{sheet.as_of:%Y-%m-%dT%H:%M:%SZ}" if sheet.as_of else "nothing has been read yet"
    return [("list", sheet.title), ("as of", as_of), *sheet.filters]


def described(column: Column) -> tuple[str, ...]:
    """What one column means, in the order of HEADINGS, with texts as they are."""
    metric = column.definition
    if metric is None:
        return (column.key, gettext(column.label), "", "", "", "", "", "", UNITS[column.kind], gettext(column.note))
    unit = "fraction" if metric.unit == "%" else metric.unit
    return (
        column.key,
        gettext(column.label),
        metric.id,
        str(metric.version),
        gettext(metric.name),
        gettext(metric.formula),
        gettext(metric.denominator),
        gettext(metric.window),
        unit,
        gettext(column.note),
    )
