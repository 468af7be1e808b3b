"""What the form over all posts says, as a filter; what cannot be used gets a sentence beside its field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from snapshots.analytics.all_posts import (
    COLUMNS,
    DEFAULT_SORT,
    MEASURED,
    MOST_SEARCHED_ACCOUNTS,
    PostFilter,
)
from snapshots.handles import clean_handle
from snapshots.ingest.hashtags import fold
from snapshots.models import Post, TrackedAccount
from snapshots.selectors import account_id_of, count_of_accounts
from tikdash.errors import BadInput, NotFound
from tikdash.tiklive.text import clean_text
from tikdash.ui import numbers
from tikdash.ui.styles import NARROW_SPACE
from tikdash.words import N_, gettext

TEXTS = {"q": 100, "hashtag": 100, "sound": 32, "artist": 100, "mentions": 100, "account": 400, "tag": 40}
CHOICES = {"reason": TrackedAccount.Reason.values, "kind": Post.Kind.values}
DAYS = ("from", "to")
LEAST = {f"min_{key}": key for key in MEASURED}
#: Every name of the address, in the order in which links write it.
NAMES = (*TEXTS, *CHOICES, *DAYS, *LEAST, "columns", "sort", "after")
SHOWN_AT_FIRST = ("posted_at", "plays", "er", "diggs", "comments", "shares")
MOST_ACCOUNTS = 20
EARLIEST = date(2014, 1, 1)
LABELS = {
    "q": N_("title has"),
    "hashtag": N_("hashtag"),
    "sound": N_("sound"),
    "artist": N_("sound by"),
    "mentions": N_("comments mention"),
    "account": N_("account"),
    "tag": N_("tag"),
    "reason": N_("reason"),
    "kind": N_("kind"),
    "from": N_("from"),
    "to": N_("to"),
}


@dataclass
class FilterForm:
    """The form as it was sent: `values` by name, cleaned but for what is wrong, and `errors` by name.

    `wanted` is None while there are errors; `columns` are shown in this order.
    """

    values: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    wanted: PostFilter | None = None
    columns: list[str] = field(default_factory=lambda: list(SHOWN_AT_FIRST))

    @property
    def sort(self) -> str:
        return self.values.get("sort") or DEFAULT_SORT

    @property
    def is_filtered(self) -> bool:
        return any(self.values.get(name) for name in NAMES if name not in {"sort", "after", "columns"})

    def address(self, path: str, **changes: str) -> str:
        """The address of the same list with some names changed; an empty text takes one away. It begins anew."""
        values = {name: value for name, value in self.values.items() if name != "after"} | changes
        query = {name: values[name] for name in NAMES if values.get(name)}
        return f"{path}?{urlencode(query)}" if query else path

    def chips(self, path: str) -> list[dict[str, str]]:
        """What is set, in words, each with the address without it."""
        set_ = [name for name in NAMES if self.values.get(name) and (name in LABELS or name in LEAST)]
        return [
            {"name": name, "text": _words(name, self.values[name]), "url": self.address(path, **{name: ""})}
            for name in set_
        ]


def read_form(query: Mapping[str, Any]) -> FilterForm:
    """The form of a query string. Asks the database only for the accounts that are named in it."""
    values = {name: clean_text(str(query.get(name, "")))[:500].strip() for name in NAMES}
    chosen = query.getlist("columns") if hasattr(query, "getlist") else [values["columns"]]
    form = FilterForm(values)
    reader = _Reader(form)
    reader.read_names(query)
    reader.read_columns([clean_text(key).strip() for part in chosen for key in part.split(",")])
    wanted = reader.read()
    form.wanted = None if form.errors else wanted
    return form


class _Reader:
    def __init__(self, form: FilterForm) -> None:
        self.form, self.values = form, form.values

    def fail(self, name: str, sentence: str) -> None:
        self.form.errors.setdefault(name, sentence)

    def read_names(self, query: Mapping[str, Any]) -> None:
        for name in query:
            if name.startswith("min_") and name not in LEAST:
                known = ", ".join(LEAST.values())
                self.fail(
                    "metrics",
                    gettext("There is no metric “{name}”. Choose one of: {known}.").format(
                        name=clean_text(name)[4:44], known=known
                    ),
                )
        if self.form.sort.removeprefix("-") not in COLUMNS:
            self.fail(
                "sort",
                gettext("Posts cannot be sorted by “{sort}”. Choose one of: {choices}.").format(
                    sort=self.form.sort[:40], choices=", ".join(COLUMNS)
                ),
            )

    def read_columns(self, chosen: list[str]) -> None:
        unknown = [key for key in chosen if key and key not in COLUMNS]
        if unknown:
            self.fail(
                "columns",
                gettext("There is no column “{unknown}”. Choose some of: {choices}.").format(
                    unknown=unknown[0][:40], choices=", ".join(COLUMNS)
                ),
            )
            return
        shown = [key for key in COLUMNS if key in chosen] or list(SHOWN_AT_FIRST)
        self.values["columns"] = "" if set(shown) == set(SHOWN_AT_FIRST) else ",".join(shown)
        first = [key for key in SHOWN_AT_FIRST if key in shown]
        self.form.columns = [*first, *(key for key in shown if key not in first)]

    def read(self) -> PostFilter:
        texts = {name: self.read_text(name, longest) for name, longest in TEXTS.items()}
        choices = {name: self.read_choice(name) for name in CHOICES}
        since, until = self.read_days()
        accounts = self.read_accounts(texts["account"])
        if texts["mentions"] and accounts is None and not (texts["tag"] or choices["reason"]):
            self.check_searchable()
        return PostFilter(
            text=texts["q"],
            hashtag=fold(texts["hashtag"].lstrip("#")) if texts["hashtag"] else "",
            sound=self.read_sound(texts["sound"]),
            artist=texts["artist"],
            mentions=texts["mentions"],
            since=since,
            until=until,
            account_ids=accounts,
            reason=choices["reason"],
            tag=texts["tag"],
            kind=choices["kind"],
            least={key: value for name, key in LEAST.items() if (value := self.read_least(name, key)) is not None},
        )

    def read_text(self, name: str, longest: int) -> str:
        value = self.values[name]
        if len(value) > longest:
            self.fail(name, gettext("That is too long: at most {longest} characters.").format(longest=longest))
        return value

    def read_choice(self, name: str) -> str:
        value = self.values[name]
        if value and value not in CHOICES[name]:
            self.fail(
                name,
                gettext("There is no {name} “{value}”. Choose one of: {choices}.").format(
                    name=name, value=value[:20], choices=", ".join(CHOICES[name])
                ),
            )
        return value

    def read_sound(self, value: str) -> str:
        if value and not (value.isascii() and value.isdecimal()):
            self.fail(
                "sound", gettext("A sound is named by TikTok’s number of it. To look for an artist, use “sound by”.")
            )
        return value

    def read_days(self) -> tuple[date | None, date | None]:
        since, until = (self.read_day(name) for name in DAYS)
        if since and until and since > until:
            self.fail("from", gettext("The first day is after the last one."))
        return since, until

    def read_day(self, name: str) -> date | None:
        value = self.values[name]
        if not value:
            return None
        try:
            day = date.fromisoformat(value)
        except ValueError:
            self.fail(name, gettext("Write the day as year, month and day, for example 2026-11-21."))
            return None
        if not EARLIEST <= day <= date(2100, 1, 1):
            self.fail(name, gettext("TikTok has no posts of that day: choose one after 2014."))
            return None
        return day

    def read_accounts(self, value: str) -> tuple[int, ...] | None:
        handles = [part for part in value.replace(",", " ").split() if part]
        if not handles:
            return None
        if len(handles) > MOST_ACCOUNTS:
            self.fail(
                "account",
                gettext("At most {most_accounts} accounts; for more of them, use a tag.").format(
                    most_accounts=MOST_ACCOUNTS
                ),
            )
            return None
        try:
            return tuple(account_id_of(clean_handle(handle)) for handle in handles)
        except (BadInput, NotFound) as error:
            self.fail("account", str(error))
            return None

    def check_searchable(self) -> None:
        if count_of_accounts() > MOST_SEARCHED_ACCOUNTS:
            self.fail(
                "mentions",
                gettext(
                    "Comments of at most {most_searched_accounts} accounts can be searched at once: choose "
                    "accounts, a reason or a tag, too."
                ).format(most_searched_accounts=MOST_SEARCHED_ACCOUNTS),
            )

    def read_least(self, name: str, key: str) -> float | None:
        value = _plain_number(self.values[name], is_share=key == "er")
        if not value:
            return None
        try:
            number = float(value)
            fits = 0 <= number < 1e15 and (key == "er" or number == int(number))
        except (ValueError, OverflowError):
            fits = False
        if not fits:
            example = (
                gettext("a share in per cent, for example 6.5")
                if key == "er"
                else gettext("a whole number, for example 10000")
            )
            self.fail(name, gettext("Write {example}.").format(example=example))
            return None
        # Links say it in one way, whatever the language in which it was typed.
        self.values[name] = value
        if key == "er":
            return number / 100
        return int(number)


_GROUPED = re.compile(r"\d{1,3}([.,])\d{3}(\1\d{3})*")


def _plain_number(text: str, *, is_share: bool) -> str:
    """What a person typed as Python reads it: `6,5 %` as `6.5`, `80,000`, `80.000` and `80 000` as `80000`."""
    text = "".join(text.split()).removesuffix("%")
    if is_share:
        return text.replace(",", ".")
    return re.sub("[.,]", "", text) if _GROUPED.fullmatch(text) else text


def least_shown(value: str) -> str:
    """A least value as the reader writes it; what is no number stays as it was typed."""
    try:
        return numbers.exact(Decimal(value)) if value else ""
    except InvalidOperation:
        return value


def _words(name: str, value: str) -> str:
    if name in LEAST:
        label = gettext(COLUMNS[LEAST[name]].label)
        return f"{label} ≥ {least_shown(value)}{NARROW_SPACE + '%' if LEAST[name] == 'er' else ''}"
    return (
        f"{gettext(LABELS[name])} {'#' if name == 'hashtag' else ''}{value.lstrip('#') if name == 'hashtag' else value}"
    )
