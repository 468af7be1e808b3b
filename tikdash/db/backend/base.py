"""django-tenants' PostgreSQL backend with scopes: schema, tenant and role are set together, in one statement.

The scope that a thread has entered is kept on its connection. It is sent to PostgreSQL right before the next
statement and only when it differs from what the session has, so entering a scope costs nothing until it is used.
What the session has is forgotten whenever PostgreSQL may have undone it: rollback (Django calls it after a commit that
failed, too), rollback to a savepoint, a new or pooled connection.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple, cast

import psycopg
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.backends.postgresql.features import DatabaseFeatures as PostgreSQLFeatures
from django.db.backends.postgresql.operations import DatabaseOperations as PostgreSQLOperations
from django.db.backends.utils import CursorDebugWrapper, CursorWrapper
from django_tenants.postgresql_backend import base as django_tenants_backend
from psycopg.pq import Format

from tikdash.db.backend.prepared import PreparedCursor, in_order, numbered
from tikdash.db.errors import MissingSchema, ScopeChanged

SCHEMA_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")
PUBLIC_SCHEMA = "public"

OWN_ROLE = "none"  # the log-in role itself, `tikdash`
OPS_ROLE = "tikdash_ops"
OWNER_ROLE = "tikdash_owner"

APPLY_SCOPE = (
    "SELECT set_config('search_path', %s, false), set_config('app.tenant_id', %s, false),"
    " set_config('role', %s, false), current_schema()"
)
#: The last columns of a statement for `scope_applied_by`: they put the session into the scope of the tenant of its row.
APPLIES_SCOPE = (
    "set_config('search_path', {schema} || ', public', false), set_config('app.tenant_id', {tenant_id}::text, false),"
    " set_config('role', 'none', false), current_schema()"
)


class Scope(NamedTuple):
    """What a session may see: the schema that is searched first, the tenant whose rows are shown, the role worn."""

    schema: str = PUBLIC_SCHEMA
    tenant_id: int | None = None
    role: str = OWN_ROLE
    include_public: bool = True

    @property
    def search_path(self) -> str:
        if self.schema == PUBLIC_SCHEMA or not self.include_public:
            return self.schema
        return f"{self.schema}, {PUBLIC_SCHEMA}"


NO_SCOPE = Scope()


class DatabaseFeatures(PostgreSQLFeatures):
    #: Django finds out by making a table, which the log-in role may not do.
    supports_transactions = True


class DatabaseOperations(PostgreSQLOperations):
    def last_executed_query(self, cursor: Any, sql: str, params: Any) -> str:
        """For logs and EXPLAIN: a statement whose parameters travel beside it is shown with them in their places."""
        if isinstance(cursor, ServerBindingCursor | PreparedCursor):
            return str(self.compose_sql(sql, params))
        return super().last_executed_query(cursor, sql, params) or sql


class _ScopedCursorMixin:
    """Applies the scope before every statement, and keeps a server-side cursor inside the scope that opened it."""

    db: DatabaseWrapper
    cursor: Any
    _opened_in: Scope | None = None

    def _execute(self, sql: str, params: Any, *ignored: Any) -> Any:
        self.db.validate_no_broken_transaction()
        self.db.apply_scope()
        if getattr(self.cursor, "name", None):
            self._opened_in = self.db.scope
        return super()._execute(sql, params, *ignored)  # type: ignore[misc]

    def _executemany(self, sql: str, param_list: Any, *ignored: Any) -> Any:
        self.db.validate_no_broken_transaction()
        self.db.apply_scope()
        return super()._executemany(sql, param_list, *ignored)  # type: ignore[misc]

    def __getattr__(self, name: str) -> Any:
        if name in {"copy", "stream"}:
            self.db.apply_scope()
        elif self._opened_in is not None and name.startswith("fetch"):
            self._check_scope()
        return super().__getattr__(name)  # type: ignore[misc]

    def __iter__(self) -> Any:
        for row in super().__iter__():  # type: ignore[misc]
            self._check_scope()
            yield row

    def _check_scope(self) -> None:
        # Policies are evaluated while rows are fetched: read in another scope, the cursor would answer for that one.
        if self._opened_in is not None and self._opened_in != self.db.scope:
            raise ScopeChanged(opened_in=self._opened_in, read_in=self.db.scope)


class _ScopedCursor(_ScopedCursorMixin, CursorWrapper):
    pass


class _ScopedDebugCursor(_ScopedCursorMixin, CursorDebugWrapper):
    pass


class DatabaseWrapper(django_tenants_backend.DatabaseWrapper):
    features_class = DatabaseFeatures
    ops_class = DatabaseOperations
    scope: Scope = NO_SCOPE
    _applied: Scope | None = None
    _may_apply = True

    # --- scope ---------------------------------------------------------------------------------------------------

    def enter_scope(self, scope: Scope) -> None:
        """From the next statement on the session is in `scope`. Use `tikdash.db.scope`, which also leaves again."""
        if not SCHEMA_NAME.match(scope.schema):
            raise MissingSchema(scope.schema)
        self.scope = scope
        self.schema_name = scope.schema
        self.include_public_schema = scope.include_public

    def apply_scope(self) -> None:
        """Sends the scope to PostgreSQL if the session is not in it yet."""
        if self.scope == self._applied or not self._may_apply:
            return
        scope = self.scope
        tenant_id = "" if scope.tenant_id is None else str(scope.tenant_id)
        with self.wrap_database_errors, psycopg.Cursor(self.connection) as cursor:
            self._applied = None
            found = cursor.execute(APPLY_SCOPE, (scope.search_path, tenant_id, scope.role)).fetchone()
        if found is None or found[3] != scope.schema:
            raise MissingSchema(scope.schema)
        self._applied = scope

    def scope_applied_by(self, statement: str, parameters: Any) -> tuple[Any, ...] | None:
        """Runs a statement that finds a tenant and sets schema, tenant and role by itself; its row, or None.

        The row begins with schema and tenant and ends with `APPLIES_SCOPE`. The caller's scope stays what it is: it is
        only known that the session is in the tenant's already, so that entering it costs no further statement. It runs
        in whatever scope the session is in, so it names its tables in full.
        """
        self.validate_no_broken_transaction()
        self.ensure_connection()
        # Unknown until the statement has succeeded.
        before, self._applied = self._applied, None
        row = self._execute_prepared(statement, parameters)
        if row is None:
            self._applied = before
        elif row[0] == row[-1]:
            self._applied = Scope(schema=row[0], tenant_id=row[1])
        return row

    def prepared_row(self, statement: str, parameters: Any) -> tuple[Any, ...] | None:
        """The first row of a statement that every request repeats: PostgreSQL parses it once a connection."""
        self.validate_no_broken_transaction()
        self.ensure_connection()
        self.apply_scope()
        return self._execute_prepared(statement, parameters)

    def _execute_prepared(self, statement: str, parameters: Any) -> tuple[Any, ...] | None:
        if self.queries_logged:
            # As Django's own cursors do, so that whoever counts statements counts these too.
            self.queries_log.append({"sql": str(self.ops.compose_sql(statement, parameters)), "time": "0.000"})
        query, names = numbered(statement)
        with self.wrap_database_errors, psycopg.RawCursor(self.connection) as cursor:
            return cursor.execute(query, in_order(names, parameters), prepare=True, binary=True).fetchone()

    def set_tenant(self, tenant: Any, include_public: bool = True) -> None:
        """What django-tenants' own commands call: another schema, no tenant, the role kept."""
        self.tenant = tenant
        self.enter_scope(self.scope._replace(schema=tenant.schema_name, tenant_id=None, include_public=include_public))

    def _handle_search_path(self, cursor: Any = None) -> None:
        """Nothing to do when a cursor is made: the scope is applied when it executes."""

    # --- cursors -------------------------------------------------------------------------------------------------

    def make_cursor(self, cursor: Any) -> CursorWrapper:
        return _ScopedCursor(cursor, self)

    def make_debug_cursor(self, cursor: Any) -> CursorDebugWrapper:
        return _ScopedDebugCursor(cursor, self)

    def prepared_cursor(self, *, binary: bool = False) -> CursorWrapper:
        """A cursor like any other, but for statements that a worker repeats: PostgreSQL plans them once a connection.

        It does so from the fifth time on (`prepare_threshold`). Parameters travel beside the statement, so those whose
        type is not plain from their place need a cast. `binary` rows are read by psycopg's compiled loaders; a moment
        as text is read by Django's, in Python, at some ten times the cost.
        """
        self.ensure_connection()
        with self.wrap_database_errors:
            cursor = PreparedCursor(self.connection)
            cursor.format = Format.BINARY if binary else Format.TEXT
            return cast(CursorWrapper, self._prepare_cursor(cursor))

    # --- moments at which the session may have lost the scope -----------------------------------------------------

    def connect(self) -> None:
        self._applied = None
        super().connect()

    def _rollback(self) -> Any:
        self._applied = None
        return super()._rollback()

    def _savepoint_rollback(self, sid: str) -> None:
        # The transaction may be aborted: until it is rolled back PostgreSQL refuses the scope's statement too.
        self._may_apply = False
        try:
            super()._savepoint_rollback(sid)
        finally:
            self._may_apply = True
            self._applied = None
