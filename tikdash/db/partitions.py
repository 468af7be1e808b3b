"""Tables partitioned by month: made by migrations, kept ahead of time, never in the way of an insert.

A DEFAULT partition takes what no month takes; rows in it are an alarm. A month is made beside the table and attached,
which does not stop readers or writers, and takes its rows out of the DEFAULT partition if there are any.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.db.migrations.operations import CreateModel

from tikdash import clock
from tikdash.db.scope import current_scope, owner

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
        cursor.execute(
            "SELECT a.attname FROM pg_partitioned_table p JOIN pg_attribute a"
            " ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0] WHERE p.partrelid = %s::regclass",
            [f'"{schema}"."{table}"'],
        )
        column = cursor.fetchone()[0]
        cursor.execute(f'CREATE TABLE "{schema}"."{name}" (LIKE "{schema}"."{table}" INCLUDING ALL)')
        cursor.execute(
            f'WITH moved AS (DELETE FROM "{schema}"."{table}_default"'
            f' WHERE "{column}" >= %s AND "{column}" < %s RETURNING *)'
            f' INSERT INTO "{schema}"."{name}" SELECT * FROM moved',
            [month, upper],
        )
        cursor.execute(
            f'ALTER TABLE "{schema}"."{table}" ATTACH PARTITION "{schema}"."{name}" FOR VALUES FROM (%s) TO (%s)',
            [month, upper],
        )
    return True
