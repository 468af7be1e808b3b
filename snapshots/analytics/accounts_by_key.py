"""The tracked accounts as rows of plain values, paged by key: for programs that read all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import F, Q, QuerySet

from snapshots.analytics.accounts import DEFAULT_SORT, SORTS, filtered_accounts
from snapshots.analytics.states import Trust, trust_of
from snapshots.models import TrackedAccount
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
    """The accounts that the filters leave, of those that have one of `tags`. Two statements. Raises BadInput."""
    if sort.removeprefix("-") not in SORTS:
        raise BadInput(f"Choose one of: {', '.join(SORTS)}, with or without “-”.", field="sort")
    found = filtered_accounts(text, reason)
    if tags:
        found = found.filter(tags__overlap=list(tags))
    if tag:
        found = found.filter(tags__contains=[tag])
    if status:
        found = found.filter(state=status)
    column, falling = SORTS[sort.removeprefix("-")][1], sort.startswith("-")
    if after is not None:
        found = found.filter(_behind(column, falling, *after))
    field = F(column)
    order = [field.desc(nulls_last=True), F("id").desc()] if falling else [field.asc(nulls_first=True), F("id").asc()]
    rows = [AccountFacts(*row) for row in found.order_by(*order).values_list(*AccountFacts._fields)[: most + 1]]
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


def _behind(column: str, falling: bool, value: Any, last_id: int) -> Q:
    """The rows behind one with this value; a value that is not known stands below all others."""
    if column == "measured_at" and value is not None:
        value = _EPOCH + timedelta(microseconds=value)
    same = Q(**{column: value}) if value is not None else Q(**{f"{column}__isnull": True})
    if falling:
        if value is None:
            return same & Q(id__lt=last_id)
        return Q(**{f"{column}__lt": value}) | (same & Q(id__lt=last_id)) | Q(**{f"{column}__isnull": True})
    if value is None:
        return (same & Q(id__gt=last_id)) | Q(**{f"{column}__isnull": False})
    return Q(**{f"{column}__gt": value}) | (same & Q(id__gt=last_id))
