"""How the partitioned tables of all schemas are: months ahead, rows that no month took, bytes. Read from the catalogue,
so that a table that somebody adds is among them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.db import connection
from prometheus_client.metrics_core import GaugeMetricFamily

from tikdash import clock
from tikdash.db.partitions import first_of_month
from tikdash.db.scope import owner
from tikdash.words import counted

CHILDREN = """
    SELECT n.nspname, p.relname, c.relname, pg_total_relation_size(c.oid), pg_relation_size(c.oid)
      FROM pg_partitioned_table t
      JOIN pg_class p ON p.oid = t.partrelid
      JOIN pg_namespace n ON n.oid = p.relnamespace
      JOIN pg_inherits i ON i.inhparent = p.oid
      JOIN pg_class c ON c.oid = i.inhrelid
     ORDER BY 1, 2, 3
"""
MONTH = re.compile(r".*_(\d{4})_(\d{2})")


@dataclass(frozen=True)
class PartitionedTable:
    """`months_ahead` counts the months without a gap behind this one, -1 where this one is missing, None where none has
    been made yet: a new schema gets them within hours, or with its first row.

    `bytes` is the whole table with its indexes, `bytes_this_month` and `bytes_last_month` two of its partitions: what
    the table grows by in a month.
    """

    schema: str
    table: str
    rows_in_default: int
    months_ahead: int | None
    bytes: int
    bytes_this_month: int
    bytes_last_month: int

    @property
    def name(self) -> str:
        return f"{self.schema}.{self.table}"


def partitioned_tables() -> list[PartitionedTable]:
    """Every partitioned table of every schema, by schema and name."""
    months: dict[tuple[str, str], dict[date, int]] = defaultdict(dict)
    in_all: dict[tuple[str, str], int] = defaultdict(int)
    in_default: dict[tuple[str, str], int] = {}
    with owner(), connection.cursor() as cursor:
        cursor.execute(CHILDREN)
        for schema, table, child, size, heap_size in cursor.fetchall():
            key = (schema, table)
            in_all[key] += size
            if made := MONTH.fullmatch(child):
                months[key][date(int(made[1]), int(made[2]), 1)] = size
            # A DEFAULT partition that never held a row has no bytes: nothing to count, in thousands of schemas.
            elif child == f"{table}_default" and heap_size:
                cursor.execute(f'SELECT count(*) FROM "{schema}"."{child}"')
                in_default[key] = cursor.fetchone()[0]
    this, last = first_of_month(clock.today()), first_of_month(clock.today(), -1)
    return [
        PartitionedTable(
            schema=key[0],
            table=key[1],
            rows_in_default=in_default.get(key, 0),
            months_ahead=_months_ahead(months[key], this),
            bytes=size,
            bytes_this_month=months[key].get(this, 0),
            bytes_last_month=months[key].get(last, 0),
        )
        for key, size in in_all.items()
    ]


def faults_of_partitions(ahead: int) -> list[str]:
    """What would sooner or later fill a DEFAULT partition: one sentence a fault, empty when all is well.

    `ahead` is how many months should be there; a task makes the last of them within hours of a month's beginning, so
    that one less is no fault.
    """
    faults = []
    for table in partitioned_tables():
        if table.rows_in_default:
            faults.append(
                f"{table.name}_default holds {counted(table.rows_in_default, 'row')}: a month's partition is missing."
            )
        if table.months_ahead is not None and table.months_ahead < ahead - 1:
            there = (
                f"{counted(table.months_ahead, 'month')} ahead" if table.months_ahead >= 0 else "not even this month"
            )
            faults.append(f"{table.name} has {there}, and should have {ahead}. Does beat run?")
    return faults


def partitions() -> Iterator[GaugeMetricFamily]:
    """Rows in DEFAULT partitions over all schemas, and the fewest months that a schema has ahead, for every table."""
    rows: dict[str, int] = defaultdict(int)
    ahead: dict[str, int] = {}
    for each in partitioned_tables():
        rows[each.table] += each.rows_in_default
        if each.months_ahead is not None:
            ahead[each.table] = min(each.months_ahead, ahead.get(each.table, each.months_ahead))
    in_default = GaugeMetricFamily(
        "tikdash_rows_in_default", "Rows that no month's partition took; anything but 0 is a fault.", labels=["table"]
    )
    months = GaugeMetricFamily(
        "tikdash_months_ahead", "Months whose partitions are made, behind the present one.", labels=["table"]
    )
    for table, number in rows.items():
        in_default.add_metric([table], number)
        if table in ahead:
            months.add_metric([table], ahead[table])
    yield from (in_default, months)


def _months_ahead(months: dict[date, int], this: date) -> int | None:
    if not months:
        return None
    later = 0
    while first_of_month(this, later) in months:
        later += 1
    return later - 1
