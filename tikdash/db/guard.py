"""A tenant's rows are written where the tenant lives, and nowhere while they are moved: PostgreSQL itself sees to it.

Every table of tenants' rows has a trigger that looks once a statement. In a tenant's scope it refuses the statement
where the tenant's rows are in another schema, which stops a worker that still knows the former one, or where they are
being moved. Otherwise it takes a lock that all writers share, until the transaction is through; a move takes the same
lock alone (`hold_writers`) and so waits for writers that began before it. Reading costs nothing.
"""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError, OperationalError, connection

#: The first number of the advisory locks; the second one is the tenant's, 0 for those who write for all tenants.
LOCKS = 7411
ALL_TENANTS = 0
TRIGGER = "tenant_home"
#: PostgreSQL's own code for writing where only reading is allowed.
READ_ONLY = "25006"
FUNCTION = f"""
CREATE OR REPLACE FUNCTION public.refuse_writes_elsewhere() RETURNS trigger LANGUAGE plpgsql AS $guard$
DECLARE
    writer bigint := nullif(current_setting('app.tenant_id', true), '')::bigint;
    home text;
    is_frozen boolean;
BEGIN
    -- The lock first: what is read after it is what holds until this transaction ends.
    PERFORM pg_advisory_xact_lock_shared({LOCKS}, (coalesce(writer, {ALL_TENANTS}) % 2147483647)::int);
    IF writer IS NOT NULL THEN
        SELECT s.schema_name, EXISTS (SELECT FROM public.tenant_moves m WHERE m.tenant_id = t.id
                                         AND m.state = 'copying' AND m.frozen_at IS NOT NULL)
          INTO home, is_frozen
          FROM public.tenants t JOIN public.shards s ON s.id = t.shard_id WHERE t.id = writer;
        IF is_frozen OR home <> TG_TABLE_SCHEMA THEN
            RAISE EXCEPTION 'tenant % is in % and % to be written', writer, home,
                CASE WHEN is_frozen THEN 'being moved, not' ELSE 'there alone' END
                USING ERRCODE = '{READ_ONLY}', HINT = 'Try again once it is moved.';
        END IF;
    END IF;
    RETURN NULL;
END $guard$
"""
UNGUARDED = """
    SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = %s AND c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'
                      AND NOT a.attisdropped)
       AND NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgname = %s AND g.tgenabled = 'O')
     ORDER BY 1
"""


def unguarded_tables(connection: Any, schema: str) -> list[str]:
    """Tables of tenants' rows that could be written while their tenant is moved; `public` never moves."""
    if schema == "public":
        return []
    with connection.cursor() as cursor:
        cursor.execute(UNGUARDED, [schema, TRIGGER])
        return [row[0] for row in cursor.fetchall()]


def guard_tables(connection: Any, schema: str) -> None:
    """Puts the trigger on all tables of tenants' rows of a schema; run by its owner after every migration."""
    with connection.cursor() as cursor:
        if schema == "public":
            cursor.execute(FUNCTION)
        for table in unguarded_tables(connection, schema):
            cursor.execute(
                f'CREATE OR REPLACE TRIGGER {TRIGGER} BEFORE INSERT OR UPDATE OR DELETE ON "{schema}"."{table}"'
                " FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_writes_elsewhere()"
            )


def hold_writers(tenant_id: int, *, of_all_tenants: bool, within_s: int) -> bool:
    """Until this transaction ends nobody else writes rows of the tenant; who is at it is waited for.

    `of_all_tenants`: nor does anybody who writes for all tenants at once, such as the dispatcher. False where somebody
    is still at it after `within_s`; the transaction is then of no use any more.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{within_s}s"])
        try:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, (%s %% 2147483647)::int)", [LOCKS, tenant_id])
            if of_all_tenants:
                cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCKS, ALL_TENANTS])
        except OperationalError:
            return False
        cursor.execute("SELECT set_config('lock_timeout', '0', true)")
    return True


def was_refused(error: BaseException) -> bool:
    """True where `error` says that the trigger refused a write."""
    return isinstance(error, DatabaseError) and getattr(error.__cause__, "sqlstate", "") == READ_ONLY
