"""A tenant's rows of one schema, table by table: which tables there are, copying them, summing them up, deleting them.

Runs in the ops role, which sees every row of both schemas; the tenant is named in every statement.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from django.db import connection, transaction

from tikdash.db.partitions import ensure_months
from tikdash.db.scope import all_tenants

TABLES = """
    SELECT c.relname::text, c.relkind = 'p',
           ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
                    AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attname),
           ARRAY(SELECT f.relname::text FROM pg_constraint k JOIN pg_class f ON f.oid = k.confrelid
                  WHERE k.conrelid = c.oid AND k.contype = 'f' AND f.oid <> c.oid
                    AND f.relnamespace = c.relnamespace)
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = %s AND c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id')
     ORDER BY c.relname
"""
PARTITION_COLUMN = """
    SELECT a.attname::text FROM pg_partitioned_table p JOIN pg_attribute a
        ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0] WHERE p.partrelid = %s::regclass
"""


class Table(NamedTuple):
    """A table of tenants' rows; `columns` are those that can be written."""

    name: str
    is_partitioned: bool
    columns: list[str]


class Sum(NamedTuple):
    """How many rows, and a sum over them that any change of any row changes."""

    rows: int
    checksum: str


def tables_in_order(schema: str) -> list[Table]:
    """All tables of tenants' rows of a schema, those that others point at first."""
    with all_tenants(schema), connection.cursor() as cursor:
        cursor.execute(TABLES, [schema])
        found = {name: (Table(name, is_partitioned, columns), set(needs)) for name, is_partitioned, columns, needs in
                 cursor.fetchall()}  # fmt: skip
    ordered: list[Table] = []
    while found:
        free = [name for name, (_table, needs) in found.items() if not needs & found.keys()]
        for name in free or list(found):
            ordered.append(found.pop(name)[0])
    return ordered


def sum_of(schema: str, table: Table, tenant_id: int) -> Sum:
    """Of one tenant's rows of a table."""
    row = f"ROW({', '.join(_quoted(table.columns))})"
    with all_tenants(schema), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*), coalesce(sum(hashtextextended({row}::text, 0)::numeric), 0)::text"
            f' FROM "{schema}"."{table.name}" WHERE tenant_id = %s',
            [tenant_id],
        )
        return Sum(*cursor.fetchone())


def copy_rows(source: str, target: str, table: Table, tenant_id: int) -> Sum:
    """Puts the tenant's rows of `source` in place of those in `target`, in one transaction; returns their sum.

    IntegrityError where another tenant has one of their keys there.
    """
    columns = ", ".join(_quoted(table.columns))
    with all_tenants(target):
        if table.is_partitioned:
            ensure_months(table.name, _months(source, table, tenant_id))
        with transaction.atomic():
            delete_rows(target, table, tenant_id)
            with connection.cursor() as cursor:
                cursor.execute(
                    f'INSERT INTO "{target}"."{table.name}" ({columns})'
                    f' SELECT {columns} FROM "{source}"."{table.name}" WHERE tenant_id = %s',
                    [tenant_id],
                )
        return sum_of(target, table, tenant_id)


def delete_rows(schema: str, table: Table, tenant_id: int) -> int:
    """Deletes one tenant's rows of a table; returns how many."""
    with all_tenants(schema), connection.cursor() as cursor:
        cursor.execute(f'DELETE FROM "{schema}"."{table.name}" WHERE tenant_id = %s', [tenant_id])
        return int(cursor.rowcount)


def _months(schema: str, table: Table, tenant_id: int) -> list[date]:
    with connection.cursor() as cursor:
        cursor.execute(PARTITION_COLUMN, [f'"{schema}"."{table.name}"'])
        column = cursor.fetchone()[0]
        cursor.execute(
            f"SELECT DISTINCT date_trunc('month', \"{column}\"::timestamp)::date"
            f' FROM "{schema}"."{table.name}" WHERE tenant_id = %s',
            [tenant_id],
        )
        return [row[0] for row in cursor.fetchall()]


def _quoted(columns: list[str]) -> list[str]:
    return [f'"{column}"' for column in columns]
