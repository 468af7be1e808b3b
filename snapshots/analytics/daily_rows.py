"""Daily rows as they are kept, sound or not: of one account, of one post, and of all accounts as NDJSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from django.db import connection, transaction

from snapshots.analytics.following import CHANGED
from snapshots.analytics.metrics import ACCOUNT_COLUMNS, POST_COLUMNS
from snapshots.models.fields import DataState
from tikdash.db.scope import TenantLike, tenant_scope

DAYS_OF_ACCOUNT = f"""
    SELECT captured_on, captured_at, state, suspect::text, {", ".join(ACCOUNT_COLUMNS.values())}
      FROM account_snapshots
     WHERE account_id = %(id)s AND captured_on BETWEEN %(first)s AND %(last)s AND captured_on < %(before)s
     ORDER BY captured_on DESC LIMIT %(limit)s
"""
DAYS_OF_POST = f"""
    SELECT captured_on, captured_at, state, suspect::text, {", ".join(POST_COLUMNS.values())}
      FROM post_snapshots
     WHERE post_id = %(id)s AND captured_on BETWEEN %(first)s AND %(last)s
     ORDER BY captured_on
"""
_STATES = " ".join(f"WHEN {state.value} THEN '{state.label}'" for state in DataState)
_ODD = ", ".join(f"('{column}', '{metric}')" for metric, column in ACCOUNT_COLUMNS.items())
_NUMBERS = " || ".join(
    f"""',"{metric}":' || coalesce(s.{column}::text, 'null')""" for metric, column in ACCOUNT_COLUMNS.items()
)
#: A line is put together of numbers, days and our own words: nothing in it needs escaping, in JSON or in COPY's text.
#: In no order, so that nothing is sorted.
LINE = f"""
    '{{{{"account_id":' || s.account_id || ',"date":"' || s.captured_on || '"' || {_NUMBERS}
    || ',"as_of":"' || to_char(s.captured_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    || '","state":"' || (CASE s.state {_STATES} END) || '","suspect":'
    || CASE WHEN s.suspect IS NULL THEN '{{{{}}}}' ELSE (
           SELECT coalesce(
                      '{{{{' || string_agg('"' || n.metric || '":"' || (s.suspect ->> n.name) || '"', ',') || '}}}}',
                      '{{{{}}}}')
             FROM (VALUES {_ODD}) AS n(name, metric) WHERE s.suspect ? n.name) END || '}}}}'
"""
LINES = f"""
    COPY (
        SELECT {LINE}
          FROM account_snapshots s
         WHERE s.captured_on BETWEEN %s AND %s
               AND s.account_id = ANY(ARRAY(SELECT a.id FROM accounts a WHERE a.tenant_id = %s {{tags}}))
               {{changed}}
    ) TO STDOUT
"""
OR_SEEN = """
    AND ({changed} OR s.account_id = ANY(ARRAY(
         SELECT v.account_id FROM account_sights v WHERE v.tenant_id = %s AND v.gone_at IS NULL AND {seen})))
"""
#: So much is handed on at once.
BLOCK = 64 * 1024


def days_of_account(account_id: int, *, first: date, last: date, before: date, most: int) -> list[tuple[Any, ...]]:
    """The account's days in a range, the newest first, before a day: day, moment, state, suspect, counters."""
    with connection.cursor() as cursor:
        cursor.execute(
            DAYS_OF_ACCOUNT, {"id": account_id, "first": first, "last": last, "before": before, "limit": most}
        )
        return list(cursor.fetchall())


def days_of_post(post_id: int, *, first: date, last: date) -> list[tuple[Any, ...]]:
    """The post's days in a range, the oldest first: day, moment, state, suspect, counters."""
    with connection.cursor() as cursor:
        cursor.execute(DAYS_OF_POST, {"id": post_id, "first": first, "last": last})
        return list(cursor.fetchall())


def lines_of_days(
    *, tenant: TenantLike, tags: Sequence[str], first: date, last: date, since: int | None = None
) -> Iterator[bytes]:
    """The daily rows of all accounts as NDJSON, in no order, some at a time; since a marker the changed ones only.

    It opens the tenant's scope itself: whoever reads it has left the request's. One statement, one snapshot; memory
    holds a block.
    """
    changed, parameters = "", [first, last, tenant.id]
    if tags:
        parameters.append(list(tags))
    if since is not None:
        now, seen = (CHANGED.format(row=row).replace("%(since)s", "%s") for row in ("s", "v"))
        changed = OR_SEEN.format(changed=now, seen=seen)
        parameters += [since, tenant.id, since]
    statement = LINES.format(tags="AND a.tags && %s::varchar[]" if tags else "", changed=changed)
    with tenant_scope(tenant), transaction.atomic(), connection.cursor() as cursor:
        block = bytearray()
        with cursor.copy(statement, parameters) as rows:
            for row in rows:
                block += row
                if len(block) >= BLOCK:
                    yield bytes(block)
                    block.clear()
        if block:
            yield bytes(block)
