"""The catalogue is walked: what would show one tenant another's rows is found, also when somebody adds it later."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.conf import settings
from django.core.checks import run_checks
from django.db import connection

from accounts.selectors import schemas
from tikdash.db.rls import EXEMPT_TABLES, faults_of_tables, tables_of
from tikdash.db.roles import faults_of_log_in
from tikdash.db.scope import all_tenants, owner

pytestmark = pytest.mark.usefixtures("cast")


def faults(schema: str = "shared") -> list[str]:
    with all_tenants(schema):
        return faults_of_tables(connection, schema)


def make(*statements: str) -> None:
    with owner("shared"), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_every_schema_is_sound() -> None:
    assert {schema: faults(schema) for schema in ["public", *schemas()]} == {
        "public": [],
        "shared": [],
        "tenant_globex": [],
    }
    assert faults_of_log_in() == []


def test_the_walk_sees_all_tables_of_the_models() -> None:
    seen = {table["name"] for schema in ("public", "shared") for table in _tables(schema)}
    assert {model._meta.db_table for model in apps.get_models()} <= seen


def test_every_table_of_the_tenant_app_has_its_policies() -> None:
    for model in apps.get_app_config("snapshots").get_models():
        table = next(t for t in _tables("shared") if t["name"] == model._meta.db_table)
        assert table["forced"], table["name"]
        assert table["policies"] == ["ops", "owner", "tenant"], table["name"]


def test_a_table_with_tenant_id_and_no_row_security_is_found() -> None:
    make("CREATE TABLE shared.forgotten (id int, tenant_id bigint)")
    assert faults() == ["shared.forgotten has tenant_id and no row-level security"]


def test_a_table_with_row_security_but_without_its_policy_is_found() -> None:
    make(
        "CREATE TABLE shared.half (id int, tenant_id bigint)",
        "ALTER TABLE shared.half ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE shared.half FORCE ROW LEVEL SECURITY",
    )
    assert faults() == ["shared.half has tenant_id and no row-level security"]


def test_row_security_that_was_switched_off_is_found() -> None:
    make("ALTER TABLE shared.posts DISABLE ROW LEVEL SECURITY")
    assert faults() == ["shared.posts has tenant_id and no row-level security"]


def test_a_partition_with_a_grant_is_found() -> None:
    make("GRANT SELECT ON shared.post_snapshots_default TO tikdash")
    assert faults() == ["the partition shared.post_snapshots_default can be reached directly"]


def test_a_table_of_the_log_in_role_is_found_and_the_role_refused() -> None:
    make("GRANT CREATE ON SCHEMA shared TO tikdash")
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE shared.mine (id int)")
    assert faults() == ["shared.mine is owned by the log-in role"]
    assert "owns 1 relation" in faults_of_log_in()[0]
    assert [error.id for error in run_checks(tags=["database"], databases=["default"])] == ["tikdash.E003"]


def test_a_table_without_policies_gets_no_grant_from_the_migrations() -> None:
    from tikdash.db.rls import grant_tables

    make("CREATE TABLE shared.forgotten (id int, tenant_id bigint)", "CREATE TABLE shared.plain (id int)")
    with owner("shared"):
        grant_tables(connection, "shared")
    granted = {table["name"]: table["has_grant"] for table in _tables("shared")}
    assert granted["plain"]
    assert not granted["forgotten"]
    assert not granted["account_snapshots_default"]


def test_only_what_is_read_before_a_tenant_is_known_is_exempt() -> None:
    assert sorted(EXEMPT_TABLES) == ["domains", "memberships"]


def test_no_foreign_key_crosses_from_a_shard_into_another_schema() -> None:
    with all_tenants("shared"), connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.conname FROM pg_constraint c
              JOIN pg_class a ON a.oid = c.conrelid JOIN pg_class b ON b.oid = c.confrelid
             WHERE c.contype = 'f' AND a.relnamespace <> b.relnamespace
            """
        )
        assert cursor.fetchall() == []


def test_no_table_stands_in_two_schemas_of_one_search_path() -> None:
    """A tenant's query that misses its own table must not find another one of that name in `public`."""
    both = {t["name"] for t in _tables("public")} & {t["name"] for t in _tables("shared")}
    assert both == {"django_migrations"}


def test_every_model_of_a_tenant_app_carries_its_tenant() -> None:
    assert settings.TENANT_APPS == ["snapshots"]
    assert run_checks(tags=["models"]) == []


def _tables(schema: str) -> list[dict[str, object]]:
    with all_tenants(schema):
        return tables_of(connection, schema)
