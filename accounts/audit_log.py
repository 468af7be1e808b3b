"""Reading a tenant's audit log, the newest entry first. Frozen values come out, never QuerySets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts.audit_events import AREAS, EVENTS, sentence_of
from accounts.models import AuditEntry, Membership
from tikdash.errors import BadInput

PAGE = 50
AT_ONCE = 1_000
KIND = AuditEntry.ActorKind
#: Who, where it is no member: what a filter's value means.
OTHERS = {"token": [KIND.TOKEN], "staff": [KIND.STAFF, KIND.COMMAND], "automatic": [KIND.TASK, KIND.SYSTEM]}


@dataclass(frozen=True)
class Wanted:
    """Which entries: of one part of the product, of one member (an id) or of others (a key of `OTHERS`), from one day
    to another, both included, UTC."""

    area: str = ""
    who: str = ""
    since: date | None = None
    until: date | None = None

    def __post_init__(self) -> None:
        if self.area and self.area not in AREAS:
            raise BadInput(_("Choose a part of the product from the list."), field="area")
        if self.who and self.who not in OTHERS and not (self.who.isascii() and self.who.isdecimal()):
            raise BadInput(_("Choose a person from the list."), field="who")
        if self.since and self.until and self.since > self.until:
            raise BadInput(_("The first day lies after the last one."), field="to")


@dataclass(frozen=True)
class Change:
    """One fact of an entry, before and after; None where there was none."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Entry:
    """One thing that was done. `who` is a name that a tenant may read: staff is not named to it."""

    id: UUID
    at: datetime
    event: str
    area: str
    sentence: str
    who: str
    who_kind: str
    as_whom: str
    target_kind: str
    target_id: str
    target: str
    reason: str
    request_id: str
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    @property
    def changes(self) -> list[Change]:
        names = dict.fromkeys([*self.before, *self.after])
        return [Change(name, _plain(self.before.get(name)), _plain(self.after.get(name))) for name in names]


@dataclass(frozen=True)
class Page:
    """Some entries and the key of what comes behind them; None at the end."""

    entries: list[Entry]
    next_key: str | None


def find_entries(wanted: Wanted, *, after: str = "", most: int = PAGE) -> Page:
    """The next entries behind the key `after`, of the tenant of the present scope. Raises BadInput for a bad key."""
    rows = list(_behind(_filtered(wanted), after)[: most + 1])
    shown = rows[:most]
    return Page([_entry(row) for row in shown], _key(shown[-1]) if len(rows) > most else None)


def all_entries(wanted: Wanted, *, most: int) -> Iterator[Entry]:
    """Up to `most` entries, some at a time, so that memory stays flat."""
    key, left = "", most
    while left > 0:
        page = find_entries(wanted, after=key, most=min(AT_ONCE, left))
        yield from page.entries
        left -= len(page.entries)
        if page.next_key is None:
            return
        key = page.next_key


def people_of(tenant_id: int) -> list[tuple[int, str]]:
    """Members, by e-mail address."""
    return list(
        Membership.objects.filter(tenant_id=tenant_id).order_by("user__email").values_list("user_id", "user__email")
    )


def _filtered(wanted: Wanted) -> QuerySet[AuditEntry]:
    rows = AuditEntry.objects.order_by("-occurred_at", "-id")
    if wanted.area:
        rows = rows.filter(event__in=[event.name for event in EVENTS.values() if event.area == wanted.area])
    if wanted.who in OTHERS:
        rows = rows.filter(actor_kind__in=OTHERS[wanted.who])
    elif wanted.who:
        rows = rows.filter(actor_kind=KIND.USER, actor_id=min(int(wanted.who), 2**62))
    if wanted.since:
        rows = rows.filter(occurred_at__gte=_midnight(wanted.since))
    if wanted.until:
        rows = rows.filter(occurred_at__lt=_midnight(wanted.until) + timedelta(days=1))
    return rows


def _behind(rows: QuerySet[AuditEntry], key: str) -> QuerySet[AuditEntry]:
    if not key:
        return rows
    try:
        micros, _sep, text = key.partition("-")
        at, entry_id = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(micros)), UUID(text)
    except (ValueError, OverflowError):
        raise BadInput(_("This page of the log does not exist. Begin at its first page."), field="after") from None
    # The first term bounds the index, the second leaves out what stood before within the same instant.
    return rows.filter(Q(occurred_at__lte=at) & (Q(occurred_at__lt=at) | Q(id__lt=entry_id)))


def _key(row: AuditEntry) -> str:
    return f"{(row.occurred_at - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)}-{row.id}"


def _entry(row: AuditEntry) -> Entry:
    before, after = row.before or {}, row.after or {}
    return Entry(
        id=row.id,
        at=row.occurred_at,
        event=row.event,
        area=row.event.partition(".")[0],
        sentence=sentence_of(row.event, row.target_label, before, after),
        who=_who(row),
        who_kind=row.actor_kind,
        as_whom=row.as_user_label,
        target_kind=row.target_kind,
        target_id=row.target_id,
        target=row.target_label,
        reason=row.reason,
        request_id=row.request_id,
        before=before,
        after=after,
    )


def _who(row: AuditEntry) -> str:
    if row.actor_kind in (KIND.STAFF, KIND.COMMAND):
        return _("Tikdash staff")
    if row.actor_kind in (KIND.TASK, KIND.SYSTEM):
        return _("Automatic")
    return row.actor_label


def _plain(value: Any) -> Any:
    """A fact as a person reads it."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return orjson.dumps(value).decode() if isinstance(value, dict) else value


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
