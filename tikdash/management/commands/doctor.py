from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError, connection

from accounts.selectors import schemas
from snapshots.services.partitions import PARTITIONED
from tikdash.db.backend.base import PUBLIC_SCHEMA
from tikdash.db.errors import MissingSchema
from tikdash.db.partitions import rows_in_default
from tikdash.db.rls import faults_of_tables
from tikdash.db.roles import faults_of_log_in
from tikdash.db.scope import all_tenants, owner
from tikdash.health import redis_answers, why_database_is_silent
from tikdash.management.commands._base import TikdashCommand


class Command(TikdashCommand):
    help = "Looks for what is wrong with servers, roles, schemas, row-level security and partitions."

    def run(self, **options: Any) -> tuple[str, Any]:
        try:
            faults = self._database()
        except DatabaseError:
            faults = [f"PostgreSQL does not answer: {why_database_is_silent()}. Check DATABASE_URL and that it runs."]
        if not redis_answers():
            faults.append("Redis does not answer. Check REDIS_URL and that the server runs.")
        if faults:
            raise CommandError("\n".join(faults))
        return "Everything is sound.", {"faults": []}

    def _database(self) -> list[str]:
        faults = [f"DATABASE_URL must not be used: {fault}. Run `manage.py init_db`." for fault in faults_of_log_in()]
        if faults:
            return faults
        faults += faults_of_tables(connection, PUBLIC_SCHEMA)
        with owner():
            if rows := rows_in_default("usage_events"):
                faults.append(f"usage_events_default holds {rows} row(s): a month's partition is missing.")
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
            faults = faults_of_tables(connection, schema)
            for table in PARTITIONED:
                if rows := rows_in_default(table):
                    faults.append(f"{schema}.{table}_default holds {rows} row(s): a month's partition is missing.")
        return faults
