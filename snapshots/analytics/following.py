"""Following the tracked accounts and their posts: what changed since a marker, whatever committed in between.

Times cannot be markers: a transaction writes the time of its reading and commits later, behind a reader's back. The
marker is PostgreSQL's own: `pg_snapshot_xmin` of the statement's snapshot, the oldest transaction that was not over
when it began. Every version of a row carries the transaction that wrote it (`xmin`); what a reader could not see was
written by that transaction or a later one. So the rows at or behind the marker are all that changed, and a few that
were seen already; a copy that takes rows by their ids takes no harm. No column, no index, no price for ingest: a page
reads the tenant's rows by the index that leads with it, as the list of them does.

Transactions have 32 bits in a row. The difference to the marker is taken in 32 bits, so that the numbers may wrap; a
marker that is further back than half of them is refused, like one that lies ahead, after a restore.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from snapshots.analytics.accounts_by_key import AccountFacts

#: What went out of sight is remembered longer (`services.sights.KEPT`).
GOOD_FOR = timedelta(days=60)
MOST_TRANSACTIONS = 2**31 - 1
NOW = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
#: True of a row that was written at or behind the marker.
CHANGED = "(({row}.xmin::text::bigint - %(since)s) & 4294967295) < 2147483648"
#: The account `a` as the tenant's own role sees it, and within a token's tags.
REACHED = "a.tenant_id = %(tenant)s {tags}"
TAGGED = "AND a.tags && %(tags)s::varchar[]"
#: The marker comes with the rows, of one snapshot, and also where there are none.
ACCOUNTS = f"""
    SELECT m.mark, a.*
      FROM ({NOW} AS mark) AS m
      LEFT JOIN LATERAL (
           SELECT {{columns}} FROM accounts a
            WHERE {{reached}} AND a.id > %(after)s {{changed}}
            ORDER BY a.id LIMIT %(limit)s) AS a ON true
     ORDER BY a.id
"""
POSTS = f"""
    SELECT m.mark, p.*
      FROM ({NOW} AS mark) AS m
      LEFT JOIN LATERAL (
           SELECT {{columns}}, p.account_id, a.username, a.nickname, a.avatar_file
             FROM posts p JOIN accounts a ON a.tenant_id = %(tenant)s AND a.id = p.account_id
            WHERE p.tenant_id = %(tenant)s AND (p.account_id, p.id) > (%(after_account)s, %(after)s)
                  AND {{reached}} {{changed}}
            ORDER BY p.account_id, p.id LIMIT %(limit)s) AS p ON true
     ORDER BY p.account_id, p.id
"""
#: Also all posts of an account that came into sight.
OR_SEEN = """(
    {changed} OR p.account_id = ANY(ARRAY(
        SELECT s.account_id FROM account_sights s WHERE s.tenant_id = %(tenant)s AND s.gone_at IS NULL AND {seen})))
"""
#: Out of sight by now, whatever was said last: stopped, deleted, or without the token's tags.
GONE = """
    SELECT s.account_id, coalesce(s.gone_at, s.changed_at)
      FROM account_sights s
     WHERE s.tenant_id = %(tenant)s AND s.account_id > %(after)s AND {changed}
           AND NOT EXISTS (SELECT FROM accounts a WHERE {reached} AND a.id = s.account_id)
     ORDER BY s.account_id LIMIT %(limit)s
"""
REACH_OF_MARKER = """
    SELECT %(since)s <= pg_snapshot_xmax(pg_current_snapshot())::text::bigint
           AND pg_snapshot_xmax(pg_current_snapshot())::text::bigint - %(since)s <= %(most)s
"""


class Gone(NamedTuple):
    """An account that is not in sight any more, with all its posts."""

    account_id: int
    at: datetime


@dataclass(frozen=True)
class Followed:
    """A page of rows in the order of their keys. `mark` is a marker of before this page was read."""

    rows: list[tuple[Any, ...]]
    mark: int
    is_last: bool


def marker_now() -> int:
    """A marker: whatever is not visible at this moment lies behind it."""
    with connection.cursor() as cursor:
        cursor.execute(NOW)
        return int(cursor.fetchone()[0])


def is_good(since: int) -> bool:
    """Whether a marker can be followed: it is of this database, and not half of all transactions back."""
    if not 0 < since < 2**62:
        return False
    with connection.cursor() as cursor:
        cursor.execute(REACH_OF_MARKER, {"since": since, "most": MOST_TRANSACTIONS})
        return bool(cursor.fetchone()[0])


def gone_since(*, tenant_id: int, since: int, tags: Sequence[str], after: int, most: int) -> list[Gone]:
    """Accounts that went out of sight since the marker, behind the id `after`."""
    statement = GONE.format(changed=CHANGED.format(row="s"), reached=_reached(tags))
    parameters: dict[str, Any] = {
        "tenant": tenant_id, "since": since, "tags": list(tags), "after": after, "limit": most,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [Gone(*row) for row in cursor.fetchall()]


def accounts_since(*, tenant_id: int, since: int | None, tags: Sequence[str], after: int, most: int) -> Followed:
    """Accounts that were written since the marker (all of them without one), behind the id `after`."""
    statement = ACCOUNTS.format(
        columns=", ".join(f"a.{name}" for name in AccountFacts._fields),
        reached=_reached(tags),
        changed="" if since is None else f"AND {CHANGED.format(row='a')}",
    )
    parameters = {"tenant": tenant_id, "since": since, "tags": list(tags), "after": after, "limit": most + 1}
    return _page(statement, parameters, most)


def posts_since(
    *,
    tenant_id: int,
    since: int | None,
    tags: Sequence[str],
    after: tuple[int, int],
    most: int,
    columns: str,
) -> Followed:
    """Posts that were written since the marker, or whose account came into sight, behind (account, post)."""
    changed = OR_SEEN.format(changed=CHANGED.format(row="p"), seen=CHANGED.format(row="s"))
    statement = POSTS.format(columns=columns, reached=_reached(tags), changed="" if since is None else f"AND {changed}")
    parameters = {
        "tenant": tenant_id,
        "since": since,
        "tags": list(tags),
        "after_account": after[0],
        "after": after[1],
        "limit": most + 1,
    }
    return _page(statement, parameters, most)


def _reached(tags: Sequence[str]) -> str:
    return REACHED.format(tags=TAGGED if tags else "")


def _page(statement: str, parameters: dict[str, Any], most: int) -> Followed:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        found = cursor.fetchall()
    rows = [row[1:] for row in found if row[1] is not None]
    return Followed(rows[:most], int(found[0][0]), len(rows) <= most)
