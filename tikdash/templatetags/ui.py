"""Numbers, times, icons and small pictures for templates. Every short number carries the exact one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from html import escape
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join, json_script
from django.utils.safestring import SafeString, mark_safe

from tikdash.ui import browsers, numbers
from tikdash.ui.sparkline import sparkline_svg
from tikdash.ui.styles import NARROW_SPACE, STYLES, Style, style
from tikdash.words import N_, gettext, language, local

register = template.Library()

#: Words that pages show as they are stored, through `{% translate row.reason %}`.
SHOWN_AS_STORED = (N_("own"), N_("competitor"), N_("partner"), N_("owner"), N_("admin"), N_("member"))
#: What scripts say. They find it in the page by the English words, so that they work without it.
OF_SCRIPTS = (
    N_("on the day"),
    N_("No numbers in this range yet. The first one appears after the first reading."),
    N_("No numbers in this range yet."),
    N_("The chart could not be loaded. Load the page again; the table below has the numbers."),
    N_("This page is too old for that. Load it again and repeat."),
    N_("You only look: nothing can be changed."),
    N_("That is not here any more. Load the page again."),
    N_("That was too often. Wait a moment and try again."),
    N_("The database does not answer. Nothing is lost; try again in a moment."),
    N_("The server could not do that. Try again in a moment."),
    N_("The server cannot be reached. Look at your connection."),
    N_("The server takes too long. Try again in a moment."),
)


@register.simple_tag(takes_context=True)
def in_plan(context: Any, feature: str) -> bool:
    """Whether the workspace's plan has the feature; on a page of no workspace it has all."""
    features = getattr(getattr(context, "request", None), "plan_features", None)
    return features is None or feature in features


@register.simple_tag
def number(value: float | None) -> SafeString:
    """`1.28 M` with `1,284,000` on hover; a number that is short already stands alone; none is a dash."""
    return number_in(value, style())


def number_in(value: float | None, marks: Style) -> SafeString:
    """As `number`, for who writes many and has found out the reader's marks."""
    if value is None:
        return format_html('<span class="nil">{}<span class="vh">{}</span></span>', numbers.NONE, gettext("no number"))
    short, exact = numbers.short(value, marks), numbers.exact(value, marks)
    title = "" if short == exact else f' title="{exact}"'
    return mark_safe(f"<span{title}>{short}</span>")  # noqa: S308  (digits and their marks)


@register.simple_tag
def change(
    value: int | None,
    now: int | None = None,
    *,
    days: int | None = None,
    ratio: float | None = None,
    neutral: bool = False,
) -> SafeString:
    """`+14,204 · 30 d`, coloured by its direction against what stood before (`now - value`).

    `neutral` leaves out the colour, for counters where a fall is neither good nor bad.
    """
    if value is None:
        return format_html(
            '<span class="nil">{}<span class="vh">{}</span></span>', numbers.NONE, gettext("no change known")
        )
    base = None if now is None else now - value
    way = "flat" if neutral else numbers.direction(value, base)
    words = [numbers.signed(value)]
    if ratio is not None:
        words.append(numbers.signed_percent(ratio))
    if days is not None:
        words.append(numbers.days(days).replace(" ", NARROW_SPACE))
    return format_html('<span class="change {}">{}</span>', way, " · ".join(words))


@register.simple_tag
def when(moment: datetime | None) -> SafeString:
    """A `<time>` that reads `4 min ago` and shows the exact time, with UTC, on hover."""
    if moment is None:
        return format_html('<span class="nil">{}</span>', gettext("never"))
    return _time(moment, numbers.ago(moment, timezone.now()))


@register.simple_tag
def moment(at: datetime) -> SafeString:
    """A `<time>` that reads `21 Nov 2026, 15:03` by the reader's clock, with UTC on hover."""
    return _time(at, numbers.to_the_minute(at))


@register.simple_tag
def clock(at: datetime) -> SafeString:
    """A `<time>` that reads `15:03` by the reader's clock, with UTC on hover."""
    return _time(at, numbers.clock(at))


@register.simple_tag
def on_day(at: datetime) -> SafeString:
    """A `<time>` that reads `21 Nov 2026` by the reader's clock, with the time in UTC on hover."""
    return _time(at, numbers.day(at))


@register.simple_tag
def age(at: datetime, text: str) -> SafeString:
    """A `<time>` that reads as `text`, with the exact time on hover."""
    return _time(at, text)


def _time(at: datetime, text: str) -> SafeString:
    iso = at.astimezone(UTC).isoformat(timespec="seconds")
    # No word of a person is in it; numbers and months are as the language writes them.
    return mark_safe(f'<time datetime="{iso}" title="{escape(on_hover(at))}">{escape(text)}</time>')  # noqa: S308


def on_hover(at: datetime) -> str:
    """`21 Nov 2026, 15:03 · 21 Nov 2026, 14:03 UTC`; UTC alone where the reader's clock is no other."""
    utc = numbers.in_utc(at)
    return utc if not local(at).utcoffset() else f"{numbers.to_the_minute(at)} · {utc}"


@register.filter
def exact_utc(at: datetime | None) -> str:
    """A moment as `21 Nov 2026, 14:03 UTC`, for a title; empty for none."""
    return numbers.in_utc(at) if at else ""


@register.filter
def day(value: date | None) -> str:
    """A date, or that of a moment by the reader's clock, as `3 Mar 2026`; a dash for none."""
    return numbers.NONE if value is None else numbers.day(value)


@register.simple_tag
def icon(name: str, size: int = 20) -> SafeString:
    """A picture of the sprite, hidden from screen readers: say in words what it means beside it."""
    return _icon(_sprite(), name, size)


@lru_cache(maxsize=1)
def _sprite() -> str:
    # As long as the process lives its files have the same names, and Django looks them up at each call.
    return static("tikdash/icons.svg")


@lru_cache(maxsize=256)
def _icon(sprite: str, name: str, size: int) -> SafeString:
    # A list has a hundred of them, all of a few kinds.
    return format_html(
        '<svg class="icon" width="{size}" height="{size}" aria-hidden="true" focusable="false">'
        '<use href="{sprite}#{name}"/></svg>',
        size=size,
        sprite=sprite,
        name=name,
    )


@register.simple_tag
def words_of_scripts() -> SafeString:
    """What scripts say and how they write numbers in the reader's language, as data that the browser does not run."""
    return _words_of_scripts(language())


@lru_cache(maxsize=len(STYLES))
def _words_of_scripts(_: str) -> SafeString:
    marks = style()
    said = {text: gettext(text) for text in OF_SCRIPTS}
    written = {"decimal": marks.decimal, "group": marks.group, "units": marks.units, "months": marks.months}
    return json_script({"said": said, **written}, "words")


@register.simple_tag
def sparkline(values: Sequence[int | None] | None, label: str | None = None) -> SafeString:
    """The values of some days as a small SVG line; see `tikdash.ui.sparkline`."""
    return mark_safe(sparkline_svg(values or [], label=label))  # noqa: S308  (made of numbers; the label is escaped)


@register.simple_tag
def sort_header(sorts: Iterable[Any] | None, key: str, label: str, *, numeric: bool = False) -> SafeString:
    """The `<th>` of a column: a link when `sorts` has an entry of this key, else the plain label."""
    for sort in sorts or ():
        if _read(sort, "key") == key:
            return _header_cell(sort, name=key, label=label, numeric=numeric)
    return _header_cell(None, name=key, label=label, numeric=numeric)


@register.simple_tag
def column_header(column: Any) -> SafeString:
    """The `<th>` of a column described by key, label, url, active, direction and numeric."""
    return _header_cell(
        column,
        name=str(_read(column, "key")),
        label=str(_read(column, "label")),
        numeric=bool(_read(column, "numeric")),
    )


def _header_cell(sort: Any, *, name: str, label: str, numeric: bool) -> SafeString:
    """The header cell of a column that may be sorted, from a mapping or an object."""
    url, active = (_read(sort, "url"), bool(_read(sort, "active"))) if sort is not None else (None, False)
    descending = active and str(_read(sort, "direction") or "").lower().startswith("d")
    content = escape(label)
    if url:
        mark, to = "" if not active else "↓" if descending else "↑", escape(str(url))
        content = (
            f'<a class="sort" href="{to}" hx-get="{to}">{content}<span class="sort-mark" aria-hidden="true">{mark}'
            "</span></a>"
        )
    classes = f"col-{escape(name)}{' num' if numeric else ''}{' sorted' if active else ''}"
    order = f' aria-sort="{"descending" if descending else "ascending"}"' if active else ""
    return mark_safe(f'<th scope="col" class="{classes}" role="columnheader"{order}>{content}</th>')  # noqa: S308


@register.filter
def field(row: Any, name: str) -> Any:
    """The attribute or entry of a row by a name that the page knows only at run time; `None` if absent."""
    return _read(row, name)


@register.filter
def coded(text: str) -> SafeString:
    """A sentence with what stands between backticks as code."""
    parts = enumerate(text.split("`"))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if place % 2 else part,) for place, part in parts)
    )


@register.filter
def exact(value: int | None) -> str:
    """A number in full, `1,284,000`."""
    return numbers.exact(value)


@register.filter
def signed(value: int | None) -> str:
    """A change in full, `+14,204`."""
    return numbers.signed(value)


@register.filter
def signed_percent(ratio: float | None) -> str:
    """A ratio as `+1.12 %`."""
    return numbers.signed_percent(ratio)


@register.simple_tag
def shown(first: int | None, last: int | None, total: int | None) -> str:
    """The part of a list that a page shows: `1–50 of 142`."""
    part = f"{numbers.exact(first)}–{numbers.exact(last)}"
    return gettext("{part} of {all}").format(part=part, all=numbers.exact(total))


@register.filter
def browser_name(user_agent: str) -> str:
    """`Firefox on Windows` of a User-Agent."""
    return browsers.browser_name(user_agent)


@register.filter
def duration(seconds: int | None) -> str:
    """Seconds as `1:13`."""
    return numbers.duration(seconds)


def _read(row: Any, name: str) -> Any:
    return row.get(name) if isinstance(row, dict) else getattr(row, name, None)
