"""Where tenants' rows are: making shards, their schemas and their tables."""

from __future__ import annotations

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction

from accounts.models import Shard
from tikdash.db.backend.base import PUBLIC_SCHEMA
from tikdash.db.guard import guard_tables
from tikdash.db.partitions import make_all_ahead
from tikdash.db.rls import grant_tables
from tikdash.db.scope import owner

#: Ids that a schema may give: 68 billion; with 131,000 schemas JavaScript still counts them exactly.
IDS_OF_A_SHARD = 2**36
#: Those that begin elsewhere: of a schema that is new, or of a table that a migration has added since.
IDENTITIES = """
    SELECT c.relname, a.attname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = c.oid
      JOIN pg_depend d ON d.refobjid = c.oid AND d.refobjsubid = a.attnum AND d.deptype = 'i'
       AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
      JOIN pg_sequence s ON s.seqrelid = d.objid
     WHERE s.seqstart <> %s AND n.nspname = %s
       AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attidentity <> ''
       AND EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = c.oid AND t.attname = 'tenant_id')
"""


def make_shard(*, schema_name: str, kind: str) -> Shard:
    """The shard with that schema, made with all its tables if it does not exist; harmless to repeat.

    The row comes last: a start that was killed half-way leaves a schema that the next call completes, never a shard
    without tables.
    """
    make_schema(schema_name)
    with owner():
        shard, is_new = Shard.objects.get_or_create(schema_name=schema_name, defaults={"kind": kind})
        if is_new and kind == Shard.Kind.DEDICATED:
            spread_ids(schema_name, shard.pk * IDS_OF_A_SHARD)
    return shard


def spread_ids(schema_name: str, first: int) -> None:
    """Has the ids of all tables of a schema begin behind `first`, so that no two schemas give the same ones: a tenant
    keeps its ids, and the addresses with them, wherever its rows are moved. Harmless to repeat."""
    with owner(schema_name), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(IDENTITIES, [first + 1, schema_name])
        for table, column in cursor.fetchall():
            cursor.execute(
                f'ALTER TABLE "{schema_name}"."{table}" ALTER COLUMN "{column}" SET START WITH {first + 1} RESTART'
            )


def make_schema(schema_name: str) -> None:
    """The schema with the tables of the tenant app, brought up to date, and their months ahead."""
    with owner(), connection.cursor() as cursor:
        cursor.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema_name}"')
    call_command("migrate_schemas", schema_name=schema_name, tenant=True, interactive=False, verbosity=0)
    make_all_ahead(schema_name, settings.PARTITIONS_AHEAD_MONTHS)


def give_rights(schema_name: str) -> None:
    """After the migrations of a schema: the rights of the log-in role and the ops role, the guard of its tables, and
    ids that no other schema gives."""
    with owner(schema_name), transaction.atomic():
        guard_tables(connection, schema_name)
        grant_tables(connection, schema_name)
    if (shard := _dedicated(schema_name)) is not None:
        spread_ids(schema_name, shard.pk * IDS_OF_A_SHARD)


def _dedicated(schema_name: str) -> Shard | None:
    """None for `public` and shared schemas, and for a schema that is being made: its shard comes last."""
    if schema_name == PUBLIC_SCHEMA:
        return None
    with owner():
        return Shard.objects.filter(schema_name=schema_name, kind=Shard.Kind.DEDICATED).first()
