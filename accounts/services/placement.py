"""Where tenants' rows are: making shards, their schemas and their tables."""

from __future__ import annotations

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction

from accounts.models import Shard
from tikdash.db.partitions import make_all_ahead
from tikdash.db.rls import grant_tables
from tikdash.db.scope import owner


def make_shard(*, schema_name: str, kind: str) -> Shard:
    """The shard with that schema, made with all its tables if it does not exist; harmless to repeat.

    The row comes last: a start that was killed half-way leaves a schema that the next call completes, never a shard
    without tables.
    """
    make_schema(schema_name)
    with owner():
        shard, _ = Shard.objects.get_or_create(schema_name=schema_name, defaults={"kind": kind})
    return shard


def make_schema(schema_name: str) -> None:
    """The schema with the tables of the tenant app, brought up to date, and their months ahead."""
    with owner(), connection.cursor() as cursor:
        cursor.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema_name}"')
    call_command("migrate_schemas", schema_name=schema_name, tenant=True, interactive=False, verbosity=0)
    make_all_ahead(schema_name, settings.PARTITIONS_AHEAD_MONTHS)


def give_rights(schema_name: str) -> None:
    """The rights of the log-in role and the ops role in one schema, after its migrations."""
    with owner(schema_name), transaction.atomic():
        grant_tables(connection, schema_name)
