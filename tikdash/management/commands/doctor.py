from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, connection

from accounts.key_list import faults_of_master_keys
from accounts.selectors import schemas
from accounts.services.left_out import lost_peppers
from billing.operations import faults_of_operations
from tikdash.db.backend.base import PUBLIC_SCHEMA
from tikdash.db.errors import MissingSchema
from tikdash.db.partition_health import PartitionedTable, faults_of_partitions, partitioned_tables
from tikdash.db.rls import faults_of_tables
from tikdash.db.roles import faults_of_log_in
from tikdash.db.scope import all_tenants
from tikdash.health import redis_answers, why_database_is_silent
from tikdash.management.commands._base import TikdashCommand
from tikdash.words import counted


class Command(TikdashCommand):
    help = "Looks for what is wrong with servers, roles, schemas, row-level security, partitions, queues and workers."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--tables", action="store_true", help="also print how the partitioned tables grow")

    def run(self, *, tables: bool = False, **options: Any) -> tuple[str, Any]:
        try:
            faults = self._database()
        except DatabaseError:
            faults = [f"PostgreSQL does not answer: {why_database_is_silent()}. Check DATABASE_URL and that it runs."]
        if not redis_answers():
            faults.append("Redis does not answer. Check REDIS_URL and that the server runs.")
        if faults:
            raise CommandError("\n".join(faults))
        text, data = "Everything is sound.", {"faults": []}  # type: str, dict[str, Any]
        if tables:
            found = partitioned_tables()
            text, data = "\n".join([text, *map(_line, found)]), data | {"tables": [vars(table) for table in found]}
        return text, data

    def _database(self) -> list[str]:
        faults = [f"DATABASE_URL must not be used: {fault}. Run `manage.py init_db`." for fault in faults_of_log_in()]
        if faults:
            return faults
        faults += faults_of_tables(connection, PUBLIC_SCHEMA)
        faults += faults_of_master_keys()
        faults += [
            f"The pepper “{pepper}” is missing in TOKEN_PEPPERS: who is left out is fetched again. Put it back."
            for pepper in sorted(lost_peppers())
        ]
        faults += faults_of_partitions(settings.PARTITIONS_AHEAD_MONTHS)
        faults += faults_of_operations()
        for schema in schemas():
            try:
                faults += self._shard(schema)
            except MissingSchema:
                faults.append(
                    f"The schema “{schema}” of a shard is missing. Restore it from a backup, or, if it never held rows,"
                    f" run `manage.py make_schema {schema}`."
                )
        return faults

    def _shard(self, schema: str) -> list[str]:
        with all_tenants(schema):
            return faults_of_tables(connection, schema)


def _line(table: PartitionedTable) -> str:
    parts = (table.bytes, table.bytes_this_month, table.bytes_last_month)
    size, this, last = (f"{part / 2**20:,.1f} MB" for part in parts)
    ahead = counted(table.months_ahead or 0, "month")
    return f"{table.name}: {size}, this month {this}, last month {last}, {ahead} ahead."
