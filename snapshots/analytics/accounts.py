"""An account's newest numbers and what changed: header, tiles, list with sparklines. Set-based; no query per row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

import orjson
from django.db import connection
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import OrderBy

from snapshots.analytics.growth import COUNTERS
from snapshots.models import TrackedAccount
from snapshots.picture_names import address_of
from tikdash import clock
from tikdash.db.scope import prepared_row
from tikdash.errors import BadInput, NotFound
from tikdash.tiklive.text import clean_text
from tikdash.ui import numbers
from tikdash.words import N_, gettext

SPARKLINE_DAYS = 30
ROWS_A_PAGE = 50
#: Order of the list by the name in the address; the id makes it total.
SORTS = {
    "handle": (N_("Account"), "username"),
    "followers": (N_("Followers"), "follower_count"),
    "hearts": (N_("Hearts"), "heart_count"),
    "videos": (N_("Videos"), "video_count"),
    "as_of": (N_("Read"), "measured_at"),
}
DEFAULT_SORT = "-followers"
STATE_TEXT = {
    "active": "",
    "paused": N_("paused"),
    "private": N_("private on TikTok"),
    "not_found": N_("not found on TikTok"),
}

SPARKLINES = """
    SELECT account_id,
           array_agg((captured_on - %(first)s::date)::int ORDER BY captured_on),
           array_agg(CASE WHEN coalesce(suspect ->> 'follower_count', 'rounded') = 'rounded' THEN follower_count END
                     ORDER BY captured_on)
      FROM account_snapshots
     WHERE account_id = ANY(%(ids)s) AND captured_on >= %(first)s
     GROUP BY account_id
"""
#: All that the head of a page needs in one row, its last days in arrays: every statement more is a way to the server.
HEAD = f"""
    SELECT a.username, a.nickname, a.avatar_file, a.verified, a.bio, a.tracked_reason, a.tags, a.state, a.tracked_since,
           a.measured_at, ARRAY[{", ".join(f"a.{name}" for name in COUNTERS)}],
           ARRAY(SELECT h.username FROM account_handles h WHERE h.tenant_id = a.tenant_id AND h.account_id = a.id
                  ORDER BY h.replaced_at DESC),
           days.*
      FROM accounts a,
           (SELECT array_agg(captured_on ORDER BY captured_on), array_agg(suspect::text ORDER BY captured_on),
                   {", ".join(f"array_agg({name} ORDER BY captured_on)" for name in COUNTERS)}
              FROM account_snapshots
             WHERE account_id = %(id)s AND captured_on BETWEEN %(first)s AND %(last)s) AS days
     WHERE a.id = %(id)s
"""
NEWEST_SUSPECT = """
    SELECT suspect::text FROM account_snapshots WHERE account_id = %s ORDER BY captured_on DESC LIMIT 1
"""
MOST_NOTES = 5


@dataclass(frozen=True)
class Freshness:
    """How old a number is: `fresh` within twice its cadence, `stale` within a week, then `old`."""

    level: Literal["fresh", "stale", "old", "never"]
    text: str


@dataclass(frozen=True)
class AccountRow:
    """One line of the list; changes are over 30 days or since the first reading within them."""

    id: int
    handle: str
    nickname: str
    avatar_url: str
    verified: bool
    reason: str
    tags: list[str]
    state: str
    state_text: str
    followers: int | None
    hearts: int | None
    videos: int | None
    change_30d: int | None
    change_pct_30d: float | None
    sparkline: list[int | None]
    as_of: datetime | None
    freshness: Freshness


@dataclass(frozen=True)
class AccountsPage:
    rows: list[AccountRow]
    total: int
    number: int
    pages: int

    @property
    def first(self) -> int:
        return (self.number - 1) * ROWS_A_PAGE + 1 if self.rows else 0

    @property
    def last(self) -> int:
        return (self.number - 1) * ROWS_A_PAGE + len(self.rows)


@dataclass(frozen=True)
class AccountHeader:
    """What stands above everything on an account's page."""

    id: int
    handle: str
    nickname: str
    avatar_url: str
    verified: bool
    bio: str
    reason: str
    tags: list[str]
    state: str
    state_text: str
    tracked_since: datetime
    former_handles: list[str]
    as_of: datetime | None
    freshness: Freshness

    @property
    def tiktok_url(self) -> str:
        return f"https://www.tiktok.com/@{self.handle}"


@dataclass(frozen=True)
class Tile:
    """One counter with its change since `change_days` days ago; `note` says why it is odd."""

    label: str
    value: int | None
    change: int | None
    change_days: int | None
    state: str
    note: str
    neutral: bool = False


@dataclass(frozen=True)
class Note:
    level: str
    text: str


def accounts_page(*, text: str = "", reason: str = "", sort: str = DEFAULT_SORT, number: int = 1) -> AccountsPage:
    """One page of the tracked accounts, filtered by a part of handle, former handle, name or a whole tag.

    Raises BadInput for a sort that does not exist.
    """
    found = filtered_accounts(text, reason)
    total = found.count()
    pages = max(1, -(-total // ROWS_A_PAGE))
    number = min(max(number, 1), pages)
    begin = (number - 1) * ROWS_A_PAGE
    accounts = list(found.order_by(*_order(sort))[begin : begin + ROWS_A_PAGE])
    sparklines = _sparklines([account.pk for account in accounts])
    rows = [_row(account, sparklines.get(account.pk, [])) for account in accounts]
    return AccountsPage(rows, total, number, pages)


@dataclass(frozen=True)
class Head:
    """The head of an account's page: who it is, its five counters with their changes, what was kept aside."""

    account: AccountHeader
    tiles: list[Tile]
    notes: list[Note]


def head(account_id: int, days: int = SPARKLINE_DAYS) -> Head:
    """Changes are over `days` days, or since the first reading within them; one statement. Raises NotFound, also for an
    account of another tenant."""
    today = clock.today()
    first = today - timedelta(days=days)
    row = prepared_row(HEAD, {"id": account_id, "first": first, "last": today})
    if row is None:
        raise NotFound(gettext("There is no such account in this workspace."))
    handle, nickname, avatar, verified, bio, reason, tags, state, since, as_of, now, former, read_on, odd, *counters = (
        row
    )
    account = AccountHeader(
        id=account_id,
        handle=handle,
        nickname=nickname,
        avatar_url=address_of(avatar),
        verified=verified,
        bio=bio,
        reason=reason,
        tags=tags,
        state=state,
        state_text=gettext(STATE_TEXT[state]),
        tracked_since=since,
        former_handles=former,
        as_of=as_of,
        freshness=freshness(as_of),
    )
    read_on = read_on or []
    suspects = [orjson.loads(text) if text else {} for text in odd or []]
    if suspects:
        last = suspects[-1]
    else:
        found = prepared_row(NEWEST_SUSPECT, [account_id])
        last = orjson.loads(found[0]) if found and found[0] else {}
    columns = dict(zip(COUNTERS, counters, strict=True))
    tiles = [
        _tile(name, value, _first_sound(name, read_on, columns[name] or [], suspects, today), last.get(name), today)
        for name, value in zip(COUNTERS, now, strict=True)
    ]
    return Head(account, tiles, _notes(read_on, columns, suspects))


def header(account_id: int) -> AccountHeader:
    """Raises NotFound, also for an account of another tenant."""
    return head(account_id).account


def tiles(account_id: int, days: int = SPARKLINE_DAYS) -> list[Tile]:
    """The five counters with their change over `days` days, or since the first reading within them."""
    return head(account_id, days).tiles


def notes(account_id: int) -> list[Note]:
    """What the reader should know about the numbers of the last 30 days: odd values that were kept aside."""
    return head(account_id).notes


def _first_sound(
    name: str, read_on: list[date], values: list[int | None], suspects: list[dict[str, str]], today: date
) -> tuple[int, date] | None:
    """The first sound value of a counter with its day; today's is no earlier one."""
    for day, value, suspect in zip(read_on, values, suspects, strict=True):
        if value is not None and day < today and suspect.get(name, "rounded") == "rounded":
            return value, day
    return None


def _notes(read_on: list[date], columns: dict[str, list[int | None]], suspects: list[dict[str, str]]) -> list[Note]:
    odd = [
        _note(read_on[place], name, columns[name][place])
        for place in range(len(read_on) - 1, -1, -1)
        for name, why in suspects[place].items()
        if why != "rounded"
    ]
    return odd[:MOST_NOTES]


def get_account(account_id: int) -> TrackedAccount:
    """Raises NotFound, also for an account of another tenant."""
    account = TrackedAccount.objects.filter(pk=account_id).first()
    if account is None:
        raise NotFound(gettext("There is no such account in this workspace."))
    return account


def freshness(as_of: datetime | None, expected_s: int = 86_400) -> Freshness:
    """How old a reading of `as_of` is, for numbers read every `expected_s` seconds."""
    if as_of is None:
        return Freshness("never", gettext("not read yet"))
    now = clock.now()
    age = (now - as_of).total_seconds()
    level: Literal["fresh", "stale", "old"] = (
        "fresh" if age < 2 * expected_s else "stale" if age < 7 * 86_400 else "old"
    )
    return Freshness(level, numbers.ago(as_of, now))


def filtered_accounts(text: str, reason: str) -> QuerySet[TrackedAccount]:
    """The accounts that a filter leaves, in no order. Raises BadInput for a reason that does not exist."""
    found = TrackedAccount.objects.all()
    if reason:
        if reason not in TrackedAccount.Reason.values:
            raise BadInput(
                gettext("There is no reason “{reason}”. Choose own, competitor or partner.").format(reason=reason[:20])
            )
        found = found.filter(tracked_reason=reason)
    if text := clean_text(text).strip().lstrip("@"):
        found = found.filter(
            Q(username__icontains=text)
            | Q(nickname__icontains=text)
            | Q(tags__contains=[text])
            | Q(pk__in=TrackedAccount.objects.filter(former_handles__username__icontains=text).values("pk"))
        )
    return found


def _order(sort: str) -> list[OrderBy | str]:
    name = sort.removeprefix("-")
    if name not in SORTS:
        raise BadInput(
            gettext("The list cannot be sorted by “{name}”. Choose one of: {choices}.").format(
                name=name[:40], choices=", ".join(SORTS)
            )
        )
    field = F(SORTS[name][1])
    if sort.startswith("-"):
        return [field.desc(nulls_last=True), "-id"]
    return [field.asc(nulls_first=True), "id"]


def order_of(sort: str) -> str:
    """The same order in SQL, of `accounts a`. Raises BadInput for a sort that does not exist."""
    _order(sort)
    column = SORTS[sort.removeprefix("-")][1]
    return f"a.{column} DESC NULLS LAST, a.id DESC" if sort.startswith("-") else f"a.{column} ASC NULLS FIRST, a.id"


def ids_of(text: str, reason: str, most: int) -> list[int]:
    """The ids of the accounts that a filter leaves, at most `most` of them."""
    return list(filtered_accounts(text, reason).order_by("id").values_list("pk", flat=True)[:most])


def _sparklines(account_ids: list[int]) -> dict[int, list[int | None]]:
    first = clock.today() - timedelta(days=SPARKLINE_DAYS - 1)
    with connection.cursor() as cursor:
        cursor.execute(SPARKLINES, {"ids": account_ids, "first": first})
        found = cursor.fetchall()
    lines = {}
    for account_id, places, values in found:
        line: list[int | None] = [None] * SPARKLINE_DAYS
        for place, value in zip(places, values, strict=True):
            line[place] = value
        lines[account_id] = line
    return lines


def _row(account: TrackedAccount, line: list[int | None]) -> AccountRow:
    known = [value for value in line if value is not None]
    change = known[-1] - known[0] if len(known) > 1 else None
    return AccountRow(
        id=account.pk,
        handle=account.username,
        nickname=account.nickname,
        avatar_url=address_of(account.avatar_file),
        verified=account.verified,
        reason=account.tracked_reason,
        tags=account.tags,
        state=account.state,
        state_text=gettext(STATE_TEXT[account.state]),
        followers=account.follower_count,
        hearts=account.heart_count,
        videos=account.video_count,
        change_30d=change,
        change_pct_30d=change / known[0] if change is not None and known[0] else None,
        sparkline=line,
        as_of=account.measured_at,
        freshness=freshness(account.measured_at),
    )


#: What a tile says of the state of its last reading.
KEPT_ASIDE = {
    "missing": N_("last reading missing, kept aside"),
    "zeroed": N_("last reading zeroed, kept aside"),
    "negative": N_("last reading negative, kept aside"),
    "regressed": N_("last reading regressed, kept aside"),
    "spike": N_("last reading a spike, kept aside"),
    "rejected": N_("last reading rejected, kept aside"),
}


def _tile(name: str, value: int | None, base: tuple[int, date] | None, odd: str | None, today: date) -> Tile:
    change = value - base[0] if base and value is not None else None
    note = ""
    if odd == "rounded":
        note = gettext("rounded upstream")
    elif odd:
        note = gettext(KEPT_ASIDE[odd])
    return Tile(
        label=gettext(COUNTERS[name]),
        value=value,
        change=change,
        change_days=(today - base[1]).days if base else None,
        state=odd or "ok",
        note=note,
        neutral=name in {"following_count", "digg_count"},
    )


def _note(day: date, counter: str, value: int | None) -> Note:
    said = gettext("nothing") if value is None else numbers.exact(value)
    return Note(
        "warn",
        gettext("{day}: {counter} reported as {value}. Kept aside, not in charts.").format(
            day=numbers.day_and_month(day), counter=gettext(COUNTERS[counter]).lower(), value=said
        ),
    )
