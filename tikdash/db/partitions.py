"""Tables partitioned by month: made by migrations, kept ahead of time, never in the way of an insert.

A DEFAULT partition takes what no month takes; rows in it are an alarm. A month is made beside the table and attached,
which does not stop readers or writers, and takes its rows out of the DEFAULT partition if there are any.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import psycopg.errors
import structlog
from django.db import OperationalError, connection, transaction
from django.db.migrations.operations import CreateModel

from tikdash import clock
from tikdash.db.scope import current_scope, owner

log = structlog.get_logger(__name__)

#: Dropping a month locks its table for a moment. Who waits for that lock stands in front of everybody who comes after.
LONGEST_WAIT_FOR_LOCK = "2s"
TABLES = """
    SELECT c.relname FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid
     WHERE c.relnamespace = %s::regnamespace ORDER BY c.relname
"""
PARTITIONS = """
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = %s::regclass ORDER BY c.relname
"""

_known: set[tuple[str, str, str, date]] = set()
_known_lock = threading.Lock()


def first_of_month(day: date, months_later: int = 0) -> date:
    """The first day of the month that lies `months_later` after the one of `day`."""
    month = day.year * 12 + day.month - 1 + months_later
    return date(month // 12, month % 12 + 1, 1)


def partition_name(table: str, month: date) -> str:
    return f"{table}_{month:%Y_%m}"


class CreatePartitionedModel(CreateModel):
    """Migration operation: CreateModel whose table is partitioned by month of `partition_column`, with its DEFAULT."""

    def __init__(self, *args: Any, partition_column: str, **kwargs: Any) -> None:
        self.partition_column = partition_column
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        name, args, kwargs = super().deconstruct()
        return name, args, kwargs | {"partition_column": self.partition_column}

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        table = model._meta.db_table
        create, params = schema_editor.table_sql(model)
        schema_editor.execute(f'{create} PARTITION BY RANGE ("{self.partition_column}")', params or None)
        schema_editor.execute(f'CREATE TABLE "{table}_default" PARTITION OF "{table}" DEFAULT')
        schema_editor.deferred_sql.extend(schema_editor._model_indexes_sql(model))


def ensure_months(table: str, days: Iterable[date]) -> list[str]:
    """Makes the partitions of `table`, in the schema of the present scope, that `days` need; returns the new names.

    Cheap when they exist: what this process has once seen is not looked up again. Inside of a transaction the
    partitions are part of it.
    """
    schema = current_scope().schema
    database = str(connection.settings_dict["NAME"])
    needed = {(database, schema, table, first_of_month(day)) for day in days}
    with _known_lock:
        missing = sorted(needed - _known, key=lambda key: key[3])
    made = []
    for key in missing:
        with owner(schema), transaction.atomic():
            if _make_month(schema, table, key[3]):
                made.append(partition_name(table, key[3]))
    if missing and not connection.in_atomic_block:
        with _known_lock:
            _known.update(missing)
    return made


def make_ahead(table: str, months: int) -> list[str]:
    """This month's partition of `table` and those of the next `months` months."""
    today = clock.today()
    return ensure_months(table, [first_of_month(today, later) for later in range(months + 1)])


def make_all_ahead(schema: str, months: int) -> list[str]:
    """This month and the next `months` months of every partitioned table of a schema; returns the new names."""
    made = []
    with owner(schema):
        with connection.cursor() as cursor:
            cursor.execute(TABLES, [schema])
            tables = [row[0] for row in cursor.fetchall()]
        for table in tables:
            # The schema may have been made anew since this process has seen its months.
            forget(schema, table)
            made += make_ahead(table, months)
    return made


def drop_months(table: str, before: date) -> list[str]:
    """Drops the months of `table`, in the schema of the present scope, whose rows are all older than `before` (a UTC
    day); returns the names of the dropped partitions.

    A month that holds a single day from `before` on stays whole. Rows in the DEFAULT partition that are older go too:
    no later run would find them. A month whose table is busy is left for the next run. A process that has known a
    dropped month sends a late row to the DEFAULT partition; this one makes the month anew.
    """
    schema = current_scope().schema
    with owner(schema):
        dropped = [name for name, month in _months_of(schema, table) if _is_over(month, before)]
        dropped = [name for name in dropped if _drop_month(schema, table, name)]
        _delete_from_default(schema, table, before)
    return dropped


def forget(schema: str, table: str) -> None:
    """Has this process look up again which months of a table there are."""
    with _known_lock:
        _known.difference_update({key for key in _known if key[1:3] == (schema, table)})


def rows_in_default(table: str) -> int:
    """How many rows no month took; anything but 0 is an alarm."""
    with owner(current_scope().schema), connection.cursor() as cursor:
        cursor.execute(f'SELECT count(*) FROM "{table}_default"')
        return int(cursor.fetchone()[0])


def _make_month(schema: str, table: str, month: date) -> bool:
    name, upper = partition_name(table, month), first_of_month(month, 1)
    with connection.cursor() as cursor:
        # One maker at a time: two workers may meet the new month in the same second.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{schema}.{table}"])
        cursor.execute("SELECT to_regclass(%s)", [f'"{schema}"."{name}"'])
        if cursor.fetchone()[0] is not None:
            return False
        column, sql_type = _partition_column(cursor, schema, table)
        bounds = [_bound(month, sql_type), _bound(upper, sql_type)]
        cursor.execute(f'CREATE TABLE "{schema}"."{name}" (LIKE "{schema}"."{table}" INCLUDING ALL)')
        cursor.execute(
            f'WITH moved AS (DELETE FROM "{schema}"."{table}_default"'
            f' WHERE "{column}" >= %s AND "{column}" < %s RETURNING *)'
            f' INSERT INTO "{schema}"."{name}" SELECT * FROM moved',
            bounds,
        )
        cursor.execute(
            f'ALTER TABLE "{schema}"."{table}" ATTACH PARTITION "{schema}"."{name}" FOR VALUES FROM (%s) TO (%s)',
            bounds,
        )
    return True


def _months_of(schema: str, table: str) -> list[tuple[str, date]]:
    """The months of a table that `_make_month` has made: name and first day."""
    made = re.compile(re.escape(table) + r"_(\d{4})_(\d{2})")
    with connection.cursor() as cursor:
        cursor.execute(PARTITIONS, [f'"{schema}"."{table}"'])
        found = [made.fullmatch(row[0]) for row in cursor.fetchall()]
    return [(each[0], date(int(each[1]), int(each[2]), 1)) for each in found if each]


def _is_over(month: date, before: date) -> bool:
    return first_of_month(month, 1) <= before


def _drop_month(schema: str, table: str, name: str) -> bool:
    """False where somebody else holds the table for longer than the others could wait."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LONGEST_WAIT_FOR_LOCK])
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{schema}.{table}"])
            # One transaction: a detached table that is left behind would stand in the way of the same month made anew.
            cursor.execute(f'ALTER TABLE "{schema}"."{table}" DETACH PARTITION "{schema}"."{name}"')
            cursor.execute(f'DROP TABLE "{schema}"."{name}"')
    except OperationalError as error:
        if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
            raise
        log.warning("partition_busy", schema=schema, partition=name)
        return False
    forget(schema, table)
    return True


def _delete_from_default(schema: str, table: str, before: date) -> None:
    with connection.cursor() as cursor:
        column, sql_type = _partition_column(cursor, schema, table)
        cursor.execute(f'DELETE FROM "{schema}"."{table}_default" WHERE "{column}" < %s', [_bound(before, sql_type)])


def _partition_column(cursor: Any, schema: str, table: str) -> tuple[str, str]:
    """Name and SQL type of the column by which a table is partitioned."""
    cursor.execute(
        "SELECT a.attname, format_type(a.atttypid, NULL) FROM pg_partitioned_table p JOIN pg_attribute a"
        " ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0] WHERE p.partrelid = %s::regclass",
        [f'"{schema}"."{table}"'],
    )
    name, sql_type = cursor.fetchone()
    return str(name), str(sql_type)


def _bound(day: date, sql_type: str) -> date | datetime:
    """The beginning of a UTC day as a value of a column; a bare day would begin where the session's time zone says."""
    return day if sql_type == "date" else datetime(day.year, day.month, day.day, tzinfo=UTC)
