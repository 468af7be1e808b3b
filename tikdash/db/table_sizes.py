"""How many rows and bytes each table has, over all schemas and partitions, as the catalogue says."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from tikdash.db.scope import owner

#: A partition counts for its parent; system tables, and those of schemas that are not ours, do not count at all.
SIZES = """
    SELECT coalesce(parent.relname, c.relname)::text AS name,
           sum(greatest(c.reltuples, 0))::bigint, sum(pg_total_relation_size(c.oid))::bigint
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
      LEFT JOIN pg_class parent ON parent.oid = i.inhparent
     WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%%'
     GROUP BY 1
     ORDER BY 3 DESC, 1
"""


@dataclass(frozen=True)
class TableSize:
    """`rows` are PostgreSQL's estimate, as fresh as the last analyze; `bytes` include indexes."""

    name: str
    rows: int
    bytes: int

    @property
    def bytes_per_row(self) -> float | None:
        return self.bytes / self.rows if self.rows else None


def table_sizes() -> list[TableSize]:
    """Every table, the largest first."""
    with owner(), connection.cursor() as cursor:
        cursor.execute(SIZES, [])
        return [TableSize(*row) for row in cursor.fetchall()]
