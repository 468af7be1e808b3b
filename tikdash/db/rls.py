"""Row-level security as part of migrations, and who may touch which table.

A table with `tenant_id` shows a role only the rows of the tenant in `app.tenant_id`. The policy is one plain equality:
with any `OR` in it PostgreSQL uses no index. Rights are given by catalogue, not table by table, and fail closed: a
table with `tenant_id` that lacks its policies gets no grant, and a partition never gets one, because a policy on the
parent does not protect a partition that is queried directly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.migrations.operations.base import Operation
from django.db.models.expressions import Func

from tikdash.db.backend.base import OPS_ROLE, OWNER_ROLE
from tikdash.db.guard import unguarded_tables

#: Read before a tenant is known, to find out which one it is.
EXEMPT_TABLES = frozenset({"domains", "memberships"})
#: The application's roles may add to these and read them, nothing else.
APPEND_ONLY_TABLES = frozenset({"audit_log"})


def log_in_role(connection: Any) -> str:
    """The role of DATABASE_URL."""
    return str(connection.settings_dict["USER"])


class CurrentTenantId(Func):
    """`current_setting('app.tenant_id')::bigint`: the database's own default for `tenant_id`."""

    template = "(current_setting('app.tenant_id'))::bigint"
    output_field = models.BigIntegerField()
    arity = 0


class TenantForeignKey(models.ForeignKey[Any, Any]):
    """`tenant_id`: filled by the database from the scope, never by application code; no constraint across schemas."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {
            "to": "accounts.Tenant",
            "on_delete": models.DO_NOTHING,
            "db_constraint": False,
            "db_index": False,
            "editable": False,
            "db_default": CurrentTenantId(),
            "related_name": "+",
        }
        super().__init__(**kwargs)

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        for fixed in ("on_delete", "db_constraint", "db_index", "editable", "db_default", "related_name"):
            kwargs.pop(fixed, None)
        return name, path, args, kwargs


def policies_sql(table: str, role: str) -> list[str]:
    """The statements that put `table` under row-level security for the log-in role `role`."""
    mine = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::bigint"
    return [
        f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
        f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
        f'CREATE POLICY tenant ON "{table}" TO "{role}" USING ({mine}) WITH CHECK ({mine})',
        f'CREATE POLICY ops ON "{table}" TO {OPS_ROLE} USING (true) WITH CHECK (true)',
        # Forced, so that the owner too passes through a policy; this one adds no condition to its plans.
        f'CREATE POLICY owner ON "{table}" TO {OWNER_ROLE} USING (true) WITH CHECK (true)',
    ]


class EnableRowSecurity(Operation):
    """Migration operation: the policies of one model's table. Put it right behind the model's creation."""

    reversible = True
    reduces_to_sql = True

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The models do not change."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            for statement in policies_sql(model._meta.db_table, log_in_role(schema_editor.connection)):
                schema_editor.execute(statement)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            table = model._meta.db_table
            for policy in ("tenant", "ops", "owner"):
                schema_editor.execute(f'DROP POLICY {policy} ON "{table}"')
            schema_editor.execute(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY')
            schema_editor.execute(f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY')

    def describe(self) -> str:
        return f"Put {self.model_name} under row-level security"


TABLES = """
    SELECT c.relname::text AS name, c.relispartition AS is_partition,
           c.relrowsecurity AND c.relforcerowsecurity AS forced,
           EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'
                      AND NOT a.attisdropped) AS has_tenant,
           ARRAY(SELECT p.polname::text FROM pg_policy p WHERE p.polrelid = c.oid ORDER BY 1) AS policies,
           pg_get_userbyid(c.relowner)::text AS owner,
           has_table_privilege(%(role)s, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
           OR has_table_privilege(%(ops)s, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
           AS has_grant,
           has_table_privilege(%(role)s, c.oid, 'UPDATE, DELETE, TRUNCATE')
           OR has_table_privilege(%(ops)s, c.oid, 'UPDATE, DELETE, TRUNCATE') AS can_change
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
     ORDER BY c.relname
"""


def tables_of(connection: Any, schema: str) -> list[dict[str, Any]]:
    """The relations of `schema` as the catalogue has them: name, is_partition, forced, has_tenant, policies, …"""
    with connection.cursor() as cursor:
        cursor.execute(TABLES, {"schema": schema, "role": log_in_role(connection), "ops": OPS_ROLE})
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def is_protected(table: dict[str, Any]) -> bool:
    """True where the catalogue says that the rows of `table` are shown to their tenant only."""
    return bool(table["forced"]) and set(table["policies"]) >= {"tenant", "ops"}


def faults_of_tables(connection: Any, schema: str) -> list[str]:
    """What in `schema` would show one tenant another's rows: one sentence a fault, empty when it is sound."""
    faults, unguarded = [], set(unguarded_tables(connection, schema))
    for table in tables_of(connection, schema):
        name = f"{schema}.{table['name']}"
        if table["owner"] == log_in_role(connection):
            faults.append(f"{name} is owned by the log-in role")
        if table["is_partition"]:
            if table["has_grant"]:
                faults.append(f"the partition {name} can be reached directly")
        elif table["has_tenant"] and table["name"] not in EXEMPT_TABLES and not is_protected(table):
            faults.append(f"{name} has tenant_id and no row-level security")
        if table["name"] in APPEND_ONLY_TABLES and table["can_change"]:
            faults.append(f"{name} is append-only, and the application may change it")
        if table["name"] in unguarded and is_protected(table):
            faults.append(f"{name} can be written while its tenant is moved")
    return faults


def grant_tables(connection: Any, schema: str) -> None:
    """Gives the log-in role and the ops role their rights on `schema`; run by its owner after every migration."""
    role = log_in_role(connection)
    with connection.cursor() as cursor:
        cursor.execute(f'GRANT USAGE ON SCHEMA "{schema}" TO "{role}", {OPS_ROLE}')
        for table in tables_of(connection, schema):
            name = f'"{schema}"."{table["name"]}"'
            safe = not table["has_tenant"] or table["name"] in EXEMPT_TABLES or is_protected(table)
            if safe and not table["is_partition"]:
                rights = "SELECT, INSERT"
                if table["name"] in APPEND_ONLY_TABLES:
                    cursor.execute(f'REVOKE ALL ON {name} FROM "{role}", {OPS_ROLE}')
                else:
                    rights += ", UPDATE, DELETE"
                cursor.execute(f'GRANT {rights} ON {name} TO "{role}", {OPS_ROLE}')
            elif table["has_grant"]:
                cursor.execute(f'REVOKE ALL ON {name} FROM "{role}", {OPS_ROLE}')
