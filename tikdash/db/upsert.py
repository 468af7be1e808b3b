"""Set-based writes: one `unnest` statement a table, whatever the number of rows.

Rows travel as array literals, built here by hand: PostgreSQL's driver spends a quarter of the time of a whole page on
turning Python lists into arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection


def _number(value: Any) -> str:
    return str(value)


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _moment(value: date | datetime) -> str:
    return f'"{value.isoformat()}"'


def _boolean(value: bool) -> str:
    return "t" if value else "f"


_WRITERS: dict[str, Callable[[Any], str]] = {
    "bigint": _number,
    "integer": _number,
    "smallint": _number,
    "text": _quoted,
    "jsonb": _quoted,
    "uuid": _number,
    "date": _moment,
    "timestamptz": _moment,
    "boolean": _boolean,
}


def array_literal(sql_type: str, values: Iterable[Any]) -> str:
    """PostgreSQL's text form of a one-dimensional array of `sql_type`; None becomes NULL.

    Text must not hold NUL characters, which PostgreSQL has no place for; the client's shapes have removed them.
    """
    write = _WRITERS[sql_type]
    return "{" + ",".join(["NULL" if value is None else write(value) for value in values]) + "}"


def upsert(
    table: str,
    columns: Sequence[tuple[str, str]],
    rows: Sequence[Sequence[Any]],
    *,
    key: Sequence[str],
    update: Sequence[str],
    keep_when_null: Sequence[str] = (),
    along: Sequence[str] = (),
    returning: str = "",
) -> list[tuple[Any, ...]]:
    """Inserts `rows` into `table` or updates the rows that have the same `key`; a row that would not change is left.

    `columns` are (name, SQL type) in the order of the values of a row. Of two rows with one key the caller must send
    one. `keep_when_null` names columns whose old value survives a NULL; `along` names columns that are written with
    the others and are no reason to write by themselves. Returns the rows of `returning`: rows that were left alone are
    not among them.
    """
    if not rows:
        return []
    names = ", ".join(f'"{name}"' for name, _ in columns)
    arrays = ", ".join(f"%s::{sql_type}[]" for _, sql_type in columns)
    new = {
        name: f'coalesce(EXCLUDED."{name}", t."{name}")' if name in keep_when_null else f'EXCLUDED."{name}"'
        for name in update
    }
    on_conflict = "NOTHING"
    if update:
        written = new | {name: f'EXCLUDED."{name}"' for name in along}
        assignments = ", ".join(f'"{name}" = {value}' for name, value in written.items())
        old = ", ".join(f't."{name}"' for name in update)
        on_conflict = f"UPDATE SET {assignments} WHERE ({old}) IS DISTINCT FROM ({', '.join(new.values())})"
    statement = (
        f'INSERT INTO "{table}" AS t ({names}) SELECT * FROM unnest({arrays})'
        f" ON CONFLICT ({', '.join(key)}) DO {on_conflict}"
    )
    if returning:
        statement += f" RETURNING {returning}"
    literals = [
        array_literal(sql_type, column) for (_, sql_type), column in zip(columns, zip(*rows, strict=True), strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute(statement, literals)
        return cursor.fetchall() if returning else []
