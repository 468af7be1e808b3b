"""Migrations run forward and back, and stop at no schema that is missing."""

from __future__ import annotations

from io import StringIO

from django.core.management import call_command
from django.db import connection

from accounts.models import Shard
from accounts.services.placement import make_schema
from tests.cast import Cast
from tikdash.db.rls import faults_of_tables, tables_of
from tikdash.db.scope import all_tenants, owner


def test_the_tenant_app_migrates_back_to_nothing_and_forward_again(committed_db: Cast) -> None:
    make_schema("there_and_back")
    try:
        with all_tenants("there_and_back"):
            before = tables_of(connection, "there_and_back")
        call_command("migrate_schemas", "snapshots", "zero", schema_name="there_and_back", tenant=True, verbosity=0)
        with all_tenants("there_and_back"):
            left = {table["name"] for table in tables_of(connection, "there_and_back")}
        assert left == {"django_migrations"}
        make_schema("there_and_back")
        with all_tenants("there_and_back"):
            assert tables_of(connection, "there_and_back") == before
            assert faults_of_tables(connection, "there_and_back") == []
    finally:
        with owner(), connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA there_and_back CASCADE")


def test_a_shard_whose_schema_is_missing_stops_no_other(committed_db: Cast) -> None:
    with owner():
        Shard.objects.create(schema_name="lost_schema", kind="dedicated")
    said = StringIO()
    try:
        call_command("migrate_schemas", verbosity=0, stderr=said)
    finally:
        with owner():
            Shard.objects.filter(schema_name="lost_schema").delete()
    assert "“lost_schema” is missing" in said.getvalue()
    with owner(), connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('public.posts'), to_regclass('shared.posts') IS NOT NULL")
        assert cursor.fetchone() == (None, True)
