"""The same for many accounts at once: tags, pause, resume, refresh. One statement or two, however many they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from accounts.selectors import TenantRef
from accounts.services.auditing import record
from accounts.services.pausing import refuse_while_paused
from snapshots.models import TrackedAccount
from snapshots.services.accounts import INTERACTIVE_PRIORITY, MOST_TAGS, clean_tags
from snapshots.services.holding import PAUSED, hold_jobs, release_jobs
from snapshots.services.removals import handles_of, many
from snapshots.services.sights import say_seen
from tikdash import clock
from tikdash.errors import BadInput
from tikdash.plans import limits_of
from tikdash.words import gettext

#: A refresh reads the profile and at least one page of posts.
CREDITS_OF_REFRESH = 2

ADD_TAGS = """
    UPDATE accounts a SET tags = a.tags || more.tags
      FROM (SELECT b.id, array_agg(t.tag ORDER BY t.place)::varchar(40)[] AS tags
              FROM accounts b, unnest(%(tags)s::text[]) WITH ORDINALITY AS t(tag, place)
             WHERE b.id = ANY(%(ids)s::bigint[]) AND t.tag <> ALL(b.tags)
             GROUP BY b.id) AS more
     WHERE a.id = more.id AND cardinality(a.tags) + cardinality(more.tags) <= %(most)s
"""
REMOVE_TAGS = """
    UPDATE accounts SET tags = ARRAY(SELECT tag FROM unnest(tags) WITH ORDINALITY AS t(tag, place)
                                      WHERE tag <> ALL(%(tags)s::text[]) ORDER BY place)
     WHERE id = ANY(%(ids)s::bigint[]) AND tags && %(tags)s::varchar(40)[]
"""
TOO_MANY_TAGS = """
    SELECT count(*) FROM accounts
     WHERE id = ANY(%(ids)s::bigint[]) AND NOT tags @> %(tags)s::varchar(40)[]
"""
PAUSE = """
    UPDATE accounts SET state = 'paused' WHERE id = ANY(%(ids)s::bigint[]) AND state <> 'paused' RETURNING id
"""
#: Whether it is private, or gone, the next reading says.
RESUME = """
    UPDATE accounts SET state = 'active' WHERE id = ANY(%(ids)s::bigint[]) AND state = 'paused' RETURNING id
"""
MAY_REFRESH = """
    SELECT j.account_id, a.state = 'paused' AS paused,
           j.requested_at IS NULL OR j.requested_at <= %(before)s AS may
      FROM fetch_jobs j JOIN accounts a ON a.id = j.account_id
     WHERE j.account_id = ANY(%(ids)s::bigint[]) AND j.kind = 'profile'
"""
#: In their own queue: hundreds of accounts must not stand before a person who waits for one.
REFRESH = """
    UPDATE fetch_jobs
       SET requested_at = %(now)s, next_due_at = %(now)s, queue = %(queue)s, priority = %(priority)s,
           attempts = CASE WHEN state = 'dead' THEN 0 ELSE attempts END, state = 'active'
     WHERE account_id = ANY(%(ids)s::bigint[]) AND kind IN ('profile', 'posts') AND state IN ('active', 'dead')
"""


@dataclass(frozen=True)
class Refreshable:
    """Which of the chosen accounts may be refreshed now, and how many may not: asked for lately, or paused."""

    ids: list[int]
    too_soon: int
    paused: int

    @property
    def credits(self) -> int:
        """About what it costs."""
        return CREDITS_OF_REFRESH * len(self.ids)


def some_tags(text: str) -> list[str]:
    """The tags that a person typed. Raises BadInput for none, too many or too long ones."""
    tags = clean_tags(text)
    if not tags:
        raise BadInput(gettext("Type a tag, or several with commas between them."))
    return tags


def count_tracked(account_ids: Sequence[int]) -> int:
    """How many of these are accounts of the tenant of the present scope."""
    return TrackedAccount.objects.filter(pk__in=account_ids).count()


def add_tags(*, account_ids: Sequence[int], tags: Sequence[str]) -> tuple[int, int]:
    """How many accounts got tags that they did not have, and how many have no room for them. Twice: nothing changes."""
    parameters: dict[str, Any] = {"ids": list(account_ids), "tags": list(tags), "most": MOST_TAGS}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(ADD_TAGS, parameters)
        changed = int(cursor.rowcount)
        if changed:
            say_seen(account_ids)
            record("account.tagged", after={"count": changed, "tags": list(tags), "accounts": list(account_ids)})
        cursor.execute(TOO_MANY_TAGS, parameters)
        return changed, int(cursor.fetchone()[0])


def remove_tags(*, account_ids: Sequence[int], tags: Sequence[str]) -> int:
    """How many accounts had one of these tags, and have none of them now."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(REMOVE_TAGS, {"ids": list(account_ids), "tags": list(tags)})
        changed = int(cursor.rowcount)
        if changed:
            say_seen(account_ids)
            record("account.untagged", after={"count": changed, "tags": list(tags), "accounts": list(account_ids)})
    return changed


def pause_accounts(*, account_ids: Sequence[int]) -> int:
    """Nothing of these accounts is fetched from now on; returns how many were not paused before."""
    with transaction.atomic():
        changed = _ids(PAUSE, account_ids)
        hold_jobs(changed, PAUSED)
        _record("account.paused", changed)
    return len(changed)


def resume_accounts(*, account_ids: Sequence[int]) -> int:
    """What is due of these accounts is fetched again; returns how many were paused before."""
    with transaction.atomic():
        changed = _ids(RESUME, account_ids)
        release_jobs(changed, PAUSED)
        _record("account.resumed", changed)
    return len(changed)


def refreshable(account_ids: Sequence[int]) -> Refreshable:
    """Which of these accounts may be refreshed now; each may every REFRESH_EVERY_S."""
    before = clock.now() - timedelta(seconds=settings.REFRESH_EVERY_S)
    with connection.cursor() as cursor:
        cursor.execute(MAY_REFRESH, {"ids": list(account_ids), "before": before})
        found = cursor.fetchall()
    return Refreshable(
        [account_id for account_id, paused, may in found if may and not paused],
        sum(not may and not paused for _, paused, may in found),
        sum(paused for _, paused, _ in found),
    )


def refresh_accounts(*, tenant: TenantRef, account_ids: Sequence[int]) -> Refreshable:
    """Makes profile and posts of those accounts due that may be refreshed; returns which. Twice: none the second time.

    Raises FetchingPaused where nothing is fetched for the tenant at present.
    """
    refuse_while_paused(tenant)
    with transaction.atomic():
        found = refreshable(account_ids)
        parameters: dict[str, Any] = {
            "ids": found.ids,
            "now": clock.now(),
            "queue": limits_of(tenant).queue,
            "priority": INTERACTIVE_PRIORITY,
        }
        with connection.cursor() as cursor:
            cursor.execute(REFRESH, parameters)
        if found.ids:
            record("account.refreshed", after={"count": len(found.ids), "accounts": found.ids})
    return found


def _record(event: str, account_ids: list[int]) -> None:
    if account_ids:
        target = many(account_ids, list(handles_of(account_ids).values()))
        record(event, target=target, after={"count": len(account_ids), "accounts": account_ids})


def _ids(statement: str, account_ids: Sequence[int]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"ids": list(account_ids)})
        return [row[0] for row in cursor.fetchall()]
