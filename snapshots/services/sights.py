"""Keeps down which accounts went out of sight, or came into it, for copies that follow by `updated_since`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db import connection

from accounts.selectors import schemas
from snapshots.models import AccountSight
from tikdash import clock
from tikdash.db.scope import all_tenants

#: Longer than any marker is good (`analytics.following.GOOD_FOR`).
KEPT = timedelta(days=90)
#: Always a new version of the row: its transaction is what a copy goes by.
SAY = """
    INSERT INTO account_sights AS s (account_id, gone_at, changed_at)
    SELECT id, %(gone)s::timestamptz, %(now)s::timestamptz FROM {which} ORDER BY id
        ON CONFLICT (tenant_id, account_id) DO UPDATE SET gone_at = EXCLUDED.gone_at, changed_at = EXCLUDED.changed_at
"""
#: Whoever is gone is hidden already; whoever is named as seen may never have been here.
GIVEN, THERE = "unnest(%(ids)s::bigint[]) AS id", "accounts WHERE id = ANY(%(ids)s::bigint[])"
#: Of all tenants of a shard, in the ops role; `{which}` is a condition on the account `t`.
SAY_OF = """
    INSERT INTO account_sights AS s (tenant_id, account_id, gone_at, changed_at)
    SELECT t.tenant_id, t.id, {gone}, now() FROM accounts t WHERE {which} ORDER BY t.id
        ON CONFLICT (tenant_id, account_id) DO UPDATE SET gone_at = EXCLUDED.gone_at, changed_at = EXCLUDED.changed_at
"""


def say_gone(account_ids: Sequence[int]) -> None:
    """These accounts of the present scope's tenant are not tracked any more. Runs in the caller's transaction."""
    _say(account_ids, gone=True)


def say_seen(account_ids: Sequence[int]) -> None:
    """These are there, and may be new to somebody, with all they have."""
    _say(account_ids, gone=False)


def _say(account_ids: Sequence[int], *, gone: bool) -> None:
    now = clock.now()
    if account_ids:
        with connection.cursor() as cursor:
            statement = SAY.format(which=GIVEN if gone else THERE)
            cursor.execute(statement, {"ids": list(account_ids), "gone": now if gone else None, "now": now})


def forget_old_sights() -> int:
    """Deletes what no marker reaches back to, of all tenants; returns how many rows."""
    deleted = 0
    for schema in schemas():
        with all_tenants(schema):
            deleted += AccountSight.objects.filter(changed_at__lt=clock.now() - KEPT).delete()[0]
    return deleted
