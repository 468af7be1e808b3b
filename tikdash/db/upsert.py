"""Set-based writes: one `unnest` statement a table, whatever the number of rows.

Rows travel as array literals, built here by hand: PostgreSQL's driver spends a quarter of the time of a whole page on
turning Python lists into arrays. Statements have the same text whatever the rows, so PostgreSQL plans them once a
connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from tikdash.db.scope import prepared_cursor


def _plain(values: Iterable[Any]) -> str:
    # No number, truth value or UUID is written with this word in it.
    return ",".join(map(str, values)).replace("None", "NULL")


def _texts(values: Iterable[str | None]) -> str:
    if None in (given := list(values)):
        return ",".join(["NULL" if value is None else _texts((value,)) for value in given])
    if not given:
        return ""
    # All at once, parted by what no text can hold.
    joined = "\0".join(given)  # type: ignore[arg-type]
    if "\\" in joined or '"' in joined:
        joined = joined.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + joined.replace("\0", '","') + '"'


def _moments(values: Iterable[Any]) -> str:
    return ",".join(["NULL" if value is None else f'"{value.isoformat()}"' for value in values])


_WRITERS: dict[str, Callable[[Iterable[Any]], str]] = {
    "bigint": _plain,
    "integer": _plain,
    "smallint": _plain,
    "uuid": _plain,
    "boolean": _plain,
    "text": _texts,
    "jsonb": _texts,
    "date": _moments,
    "timestamptz": _moments,
}


def array_literal(sql_type: str, values: Iterable[Any]) -> str:
    """PostgreSQL's text form of a one-dimensional array of `sql_type`; None becomes NULL.

    Text must not hold NUL characters, which PostgreSQL has no place for; the client's shapes have removed them.
    """
    return "{" + _WRITERS[sql_type](values) + "}"


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
    names, types = zip(*columns, strict=True)
    conflict = on_conflict(tuple(key), tuple(update), tuple(keep_when_null), tuple(along))
    statement = _insert(table, names, types, conflict, returning)
    literals = [
        array_literal(sql_type, column) for sql_type, column in zip(types, zip(*rows, strict=True), strict=True)
    ]
    with prepared_cursor() as cursor:
        cursor.execute(statement, literals)
        return cursor.fetchall() if returning else []


@lru_cache(maxsize=64)
def on_conflict(
    key: tuple[str, ...], update: tuple[str, ...], keep_when_null: tuple[str, ...] = (), along: tuple[str, ...] = ()
) -> str:
    """The clause of an INSERT into a table called `t` that does what `upsert` does with rows that are there already."""
    if not update:
        return f"ON CONFLICT ({', '.join(key)}) DO NOTHING"
    new = {
        name: f'coalesce(EXCLUDED."{name}", t."{name}")' if name in keep_when_null else f'EXCLUDED."{name}"'
        for name in update
    }
    written = new | {name: f'EXCLUDED."{name}"' for name in along}
    assignments = ", ".join(f'"{name}" = {value}' for name, value in written.items())
    old = ", ".join(f't."{name}"' for name in update)
    return (
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {assignments}"
        f" WHERE ({old}) IS DISTINCT FROM ({', '.join(new.values())})"
    )


@lru_cache(maxsize=64)
def _insert(table: str, names: tuple[str, ...], types: tuple[str, ...], conflict: str, returning: str) -> str:
    columns = ", ".join(f'"{name}"' for name in names)
    arrays = ", ".join(f"%s::{sql_type}[]" for sql_type in types)
    statement = f'INSERT INTO "{table}" AS t ({columns}) SELECT * FROM unnest({arrays}) {conflict}'
    return f"{statement} RETURNING {returning}" if returning else statement
