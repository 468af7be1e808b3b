"""The tracked accounts as rows of plain values, paged by key: for programs that read all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import QuerySet

from snapshots.analytics.accounts import DEFAULT_SORT, SORTS, filtered_accounts, order_of
from snapshots.analytics.states import Trust, trust_of
from snapshots.models import TrackedAccount
from tikdash.db.scope import prepared_cursor
from tikdash.errors import BadInput, NotFound

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class AccountFacts(NamedTuple):
    """What is known of an account; counters are the newest sound ones, read at `measured_at`."""

    id: int
    username: str
    nickname: str
    tiktok_user_id: str
    verified: bool
    bio: str
    tracked_reason: str
    tags: list[str]
    state: str
    tracked_since: datetime
    measured_at: datetime | None
    follower_count: int | None
    following_count: int | None
    heart_count: int | None
    video_count: int | None
    digg_count: int | None


#: Written out, not by the ORM, which takes as long to write it as PostgreSQL does to find a page.
PAGE = (
    f"SELECT {', '.join(f'a.{name}' for name in AccountFacts._fields)} FROM accounts a"
    " WHERE {conditions} ORDER BY {order} LIMIT %(most)s::int"
)
#: Of the columns that are sorted by; the others are whole numbers.
TYPES = {"username": "varchar", "measured_at": "timestamptz"}


@dataclass(frozen=True)
class AccountsByKey:
    """One page; `next_key` is what `after` takes to go on, None at the end."""

    rows: list[AccountFacts]
    trust: dict[int, Trust]
    next_key: list[Any] | None


def within(tags: Sequence[str]) -> QuerySet[TrackedAccount]:
    """The accounts that have one of these tags; all without tags."""
    return TrackedAccount.objects.filter(tags__overlap=list(tags)) if tags else TrackedAccount.objects.all()


def accounts_by_key(
    *,
    text: str = "",
    reason: str = "",
    tag: str = "",
    status: str = "",
    tags: Sequence[str] = (),
    sort: str = DEFAULT_SORT,
    after: Sequence[Any] | None = None,
    most: int = 50,
) -> AccountsByKey:
    """The accounts that the filters leave, of those that have one of `tags`. Raises BadInput for a sort."""
    if sort.removeprefix("-") not in SORTS:
        raise BadInput(f"Choose one of: {', '.join(SORTS)}, with or without “-”.", field="sort")
    column = SORTS[sort.removeprefix("-")][1]
    conditions: list[str] = []
    parameters: dict[str, Any] = {
        "reason": reason, "tags": list(tags), "tag": [tag], "status": status, "most": most + 1,
    }  # fmt: skip
    if text:
        conditions.append("a.id = ANY(%(ids)s::bigint[])")
        parameters["ids"] = list(filtered_accounts(text, "").values_list("pk", flat=True))
    if reason:
        conditions.append("a.tracked_reason = %(reason)s")
    if tags:
        conditions.append("a.tags && %(tags)s::varchar[]")
    if tag:
        conditions.append("a.tags @> %(tag)s::varchar[]")
    if status:
        conditions.append("a.state = %(status)s")
    if after is not None:
        conditions.append(_behind(column, sort.startswith("-"), *after, parameters=parameters))
    with prepared_cursor(binary=True) as cursor:
        cursor.execute(PAGE.format(conditions=" AND ".join(conditions) or "true", order=order_of(sort)), parameters)
        rows = [AccountFacts(*row) for row in cursor.fetchall()]
    shown = rows[:most]
    next_key = [getattr(shown[-1], column), shown[-1].id] if len(rows) > most else None
    return AccountsByKey(shown, trust_of("account", {row.id: row.measured_at for row in shown}), next_key)


def account_facts(account_id: int, tags: Sequence[str] = ()) -> tuple[AccountFacts, Trust]:
    """One account. Raises NotFound, also for one of another tenant or without any of `tags`."""
    row = within(tags).filter(pk=account_id).values_list(*AccountFacts._fields).first()
    if row is None:
        raise NotFound("There is no such account in this workspace.")
    facts = AccountFacts(*row)
    return facts, trust_of("account", {facts.id: facts.measured_at})[facts.id]


def _behind(column: str, falling: bool, value: Any, last_id: int, *, parameters: dict[str, Any]) -> str:
    """The rows behind one with this value; a value that is not known stands below all others."""
    if column == "measured_at" and value is not None:
        value = _EPOCH + timedelta(microseconds=value)
    parameters |= {"value": value, "last_id": last_id}
    way = "<" if falling else ">"
    if value is None:
        same = f"(a.{column} IS NULL AND a.id {way} %(last_id)s::bigint)"
        return same if falling else f"({same} OR a.{column} IS NOT NULL)"
    behind = f"(a.{column}, a.id) {way} (%(value)s::{TYPES.get(column, 'bigint')}, %(last_id)s::bigint)"
    return f"({behind} OR a.{column} IS NULL)" if falling else behind
