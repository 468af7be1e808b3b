"""The only way into a tenant's rows, into all tenants' rows, and into the owner's rights.

    with tenant_scope(tenant):      one tenant's rows: pages, API, tasks, commands
    with all_tenants(schema):       every row of one shard: dispatcher, rollups, admin
    with owner():                   migrations, schemas, partitions

Outside of a scope no row of any tenant is visible. Scopes nest, belong to one thread, and are restored on the way out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, cast

from django.db import connection
from django.db.backends.utils import CursorWrapper

from tikdash.db.backend.base import NO_SCOPE, OPS_ROLE, OWNER_ROLE, PUBLIC_SCHEMA, DatabaseWrapper, Scope

__all__ = [
    "NO_SCOPE",
    "PUBLIC_SCHEMA",
    "Scope",
    "TenantLike",
    "all_tenants",
    "current_scope",
    "current_tenant_id",
    "no_scope",
    "owner",
    "prepared_cursor",
    "prepared_row",
    "row_and_scope",
    "tenant_scope",
]

Parameters = Sequence[Any] | Mapping[str, Any]


class TenantLike(Protocol):
    """What a scope needs to know of a tenant: its id and the schema that holds its rows."""

    @property
    def id(self) -> int: ...

    @property
    def schema_name(self) -> str: ...


def _wrapper() -> DatabaseWrapper:
    # `connection` is a proxy for the wrapper of this thread.
    return cast(DatabaseWrapper, connection)


@contextmanager
def _inside(scope: Scope) -> Iterator[None]:
    wrapper = _wrapper()
    before = wrapper.scope
    wrapper.enter_scope(scope)
    try:
        yield
    finally:
        wrapper.enter_scope(before)


@contextmanager
def tenant_scope(tenant: TenantLike) -> Iterator[None]:
    """Only rows of `tenant` are visible and writable; new rows are its own."""
    with _inside(Scope(schema=tenant.schema_name, tenant_id=tenant.id)):
        yield


@contextmanager
def all_tenants(schema: str = PUBLIC_SCHEMA) -> Iterator[None]:
    """Rows of all tenants whose rows are in `schema`, and of all tenants in the shared tables."""
    with _inside(Scope(schema=schema, role=OPS_ROLE)):
        yield


@contextmanager
def owner(schema: str = PUBLIC_SCHEMA) -> Iterator[None]:
    """The role that owns every table: for migrations, new schemas and partitions only."""
    with _inside(Scope(schema=schema, role=OWNER_ROLE)):
        yield


@contextmanager
def no_scope() -> Iterator[None]:
    """Shared tables only, as before a tenant is known: for what must not inherit the caller's scope."""
    with _inside(NO_SCOPE):
        yield


def row_and_scope(statement: str, parameters: Parameters) -> tuple[Any, ...] | None:
    """The row of a statement that finds a tenant and puts the session into its scope; None where there is no row.

    A page needs it to be found out and entered with one statement. The block `tenant_scope` is entered as ever.
    """
    return _wrapper().scope_applied_by(statement, parameters)


def prepared_row(statement: str, parameters: Parameters) -> tuple[Any, ...] | None:
    """The first row of a statement that every request repeats, in the present scope; None where there is no row."""
    return _wrapper().prepared_row(statement, parameters)


def prepared_cursor(*, binary: bool = False) -> CursorWrapper:
    """A cursor for statements that a worker repeats, in the present scope; PostgreSQL plans them once a connection.

    With `binary`, which is for many rows with moments in them, values come as PostgreSQL has them, not as text.
    """
    return _wrapper().prepared_cursor(binary=binary)


def current_scope() -> Scope:
    """The scope of this thread."""
    return _wrapper().scope


def current_tenant_id() -> int | None:
    """The tenant of this thread's scope, or None."""
    return _wrapper().scope.tenant_id
