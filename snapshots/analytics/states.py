"""How far the newest reading of a row can be trusted, for lists that show the newest sound counters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import orjson

from snapshots.analytics.metrics import ACCOUNT_COLUMNS, POST_COLUMNS
from snapshots.models.fields import DataState
from tikdash.db.scope import prepared_cursor

#: By the key of the daily rows; days on both sides, so that other months stay closed.
ODD = """
    SELECT {id}, captured_on, state, suspect::text FROM {table}
     WHERE {id} = ANY(%s::bigint[]) AND captured_on BETWEEN %s::date AND %s::date AND suspect IS NOT NULL
"""
TABLES = {"account": ("account_snapshots", "account_id"), "post": ("post_snapshots", "post_id")}
#: Of accounts and of posts: one column is likes given there and likes here.
NAMES_OF = {
    "account": {column: metric for metric, column in ACCOUNT_COLUMNS.items()},
    "post": {column: metric for metric, column in POST_COLUMNS.items()},
}


@dataclass(frozen=True)
class Trust:
    """`state` is the worst of the newest reading's counters; `suspect` has the odd ones by metric. Odd values are kept
    aside: what a row shows is the newest sound value."""

    state: str
    suspect: dict[str, str]


OK, NEVER = Trust("ok", {}), Trust("never", {})


def trust_of(kind: Literal["account", "post"], read_at: Mapping[int, datetime | None]) -> dict[int, Trust]:
    """How far the readings made at these moments can be trusted, by id. One statement; none without any reading."""
    days = {pk: at.astimezone(UTC).date() for pk, at in read_at.items() if at is not None}
    found = {pk: OK if pk in days else NEVER for pk in read_at}
    if not days:
        return found
    table, column = TABLES[kind]
    with prepared_cursor(binary=True) as cursor:
        cursor.execute(ODD.format(table=table, id=column), [list(days), min(days.values()), max(days.values())])
        for pk, day, state, suspect in cursor.fetchall():
            if days[pk] == day:
                found[pk] = trust(kind, state, suspect)
    return found


def trust(kind: Literal["account", "post"], state: int, suspect: str | None) -> Trust:
    """The same of one daily row."""
    if not suspect and state == DataState.OK:
        return OK
    odd = orjson.loads(suspect) if suspect else {}
    return Trust(str(DataState(state).label), {NAMES_OF[kind].get(name, name): why for name, why in odd.items()})
