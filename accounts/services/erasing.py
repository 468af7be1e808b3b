"""Erasing a workspace: every row, file and key of it, in transactions each of which can be the last for a while.

How far it is stands in `tenant_erasures`: what a transaction deletes it also counts there, so that a run that is killed
at any moment is gone on with by the next one, and the certificate says exactly what there was. In the end the tenant is
a number that the ledger points at.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, cast
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.utils.module_loading import import_string

from accounts.addresses import ERASED
from accounts.models import Domain, Membership, Session, Shard, Tenant, TenantErasure, TenantMove, User
from accounts.selectors import TenantRef, tenant_by_id
from accounts.services.auditing import record
from accounts.services.certificates import seal_certificate
from accounts.services.export_files import drop_folder, names_of_files
from accounts.services.traces import drop_files, files_of, forget_in_redis
from tikdash import clock
from tikdash.db.copying import Table, tables_in_order
from tikdash.db.scope import all_tenants, no_scope, owner
from tikdash.errors import TikdashError

log = structlog.get_logger(__name__)

#: How long running jobs may take to end, s.
IDLE_WITHIN_S = 120
State = TenantErasure.State
OPEN = [State.ASKED, State.ERASING]
PUBLIC = "public"

#: What invoices and the ledger need, and the statement that takes out of it whatever a person has written or is. The
#: ledger's other tables hold a number, a day, an endpoint and credits.
KEPT: dict[str, str] = {
    "invoices": """
        UPDATE public.invoices
           SET customer = %(name)s,
               lines = jsonb_set(lines, '{corrections}', coalesce(
                   (SELECT jsonb_agg(each || '{"reason": ""}') FROM jsonb_array_elements(lines->'corrections') AS each),
                   '[]'))
         WHERE tenant_id = %(tenant)s
    """,
    "usage_corrections": """
        UPDATE public.usage_corrections SET reason = '–', made_by_id = NULL WHERE tenant_id = %(tenant)s
    """,
    "credit_grants": "UPDATE public.credit_grants SET note = '', made_by_id = NULL WHERE tenant_id = %(tenant)s",
    # The plan ends: no invoice is made of it any more.
    "subscriptions": """
        UPDATE public.subscriptions SET ends_on = greatest((now() AT TIME ZONE 'UTC')::date, starts_on + 1)
         WHERE tenant_id = %(tenant)s AND ends_on IS NULL
    """,
    "usage_events": "",
    "usage_daily": "",
    "usage_saved": "",
}
COUNT = """
    UPDATE public.tenant_erasures
       SET counts = jsonb_set(counts, ARRAY[%(name)s], to_jsonb(coalesce((counts->>%(name)s)::bigint, 0) + %(rows)s))
     WHERE id = %(id)s
"""


class CannotErase(TikdashError):
    """The erasure stands still; the sentence says what is in its way. The next call goes on."""

    code = "cannot_erase"
    status = 409
    message = "The workspace cannot be erased now."


@dataclass(frozen=True)
class Erased:
    """A workspace that is gone: its certificate, and how many rows that were."""

    certificate: UUID
    number: int
    rows: int


def _passed(step: str) -> None:
    """After every commit of an erasure; tests end it here."""


def erase_tenant(*, erasure_id: UUID, wait_s: float = IDLE_WITHIN_S) -> Erased:
    """Erases the workspace of a deletion whose day has come, or goes on with that. Twice: it says what was erased.

    Raises CannotErase before that day, where it was called off, or while jobs of it run.
    """
    erasure = _begun(erasure_id)
    if erasure.state == State.DONE:
        return _erased(erasure)
    tenant = tenant_by_id(erasure.number)
    _wait_until_idle(tenant, wait_s)
    _forget_traces(erasure)
    for schema in erasure.schemas:
        _empty_schema(erasure, schema)
    _empty_public(erasure)
    # Whatever a request that was under way has kept in Redis meanwhile.
    _forget_traces(erasure)
    done = _finish(erasure)
    log.warning("workspace_erased", number=erasure.number, rows=done.rows)
    return done


def due_erasures() -> list[UUID]:
    """Deletions whose day has come, and those that were begun, the oldest first."""
    rows = TenantErasure.objects.filter(state__in=OPEN, erase_at__lte=clock.now()).order_by("erase_at")
    return list(rows.values_list("pk", flat=True))


@cache
def is_busy() -> Callable[[TenantRef], bool]:
    """Says whether a job of a tenant is running; named in `TENANT_IS_BUSY`."""
    return cast("Callable[[TenantRef], bool]", import_string(settings.TENANT_IS_BUSY))


def _begun(erasure_id: UUID) -> TenantErasure:
    """Nobody reaches the workspace from here on, and it can no longer be had back."""
    with all_tenants(), transaction.atomic():
        erasure = TenantErasure.objects.select_for_update().get(pk=erasure_id)
        if erasure.state == State.CALLED_OFF:
            raise CannotErase("This deletion was called off.")
        if erasure.state != State.ASKED:
            return erasure
        if erasure.erase_at > clock.now():
            raise CannotErase(f"Its day is {erasure.erase_at:%Y-%m-%d %H:%M} UTC. Until then it can be called off.")
        tenant = Tenant.objects.select_for_update().select_related("shard").get(pk=erasure.number)
        moves = TenantMove.objects.filter(tenant_id=tenant.pk).exclude(state=TenantMove.State.DONE)
        schemas = {str(tenant.shard.schema_name), *(name for move in moves for name in (move.source, move.target))}
        erasure.schemas = sorted(schemas)
        erasure.state, erasure.begun_at = State.ERASING, clock.now()
        erasure.save(update_fields=["schemas", "state", "begun_at"])
        _count(erasure, "domains", Domain.objects.filter(tenant=tenant).delete()[0])
    _passed("begun")
    return erasure


def _wait_until_idle(tenant: TenantRef, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while tenant.schema_name and _schema_exists(tenant.schema_name) and is_busy()(tenant):
        if time.monotonic() > deadline:
            raise CannotErase(f"Jobs of “{tenant.slug}” are still running. Call it again when they have ended.")
        time.sleep(0.5)


def _forget_traces(erasure: TenantErasure) -> None:
    found = {"files": files_of(erasure.number), "exported files": names_of_files(str(erasure.number))}
    with no_scope(), transaction.atomic():
        # Counted before they go: whoever is killed in between has deleted what was counted, or less.
        counts = TenantErasure.objects.select_for_update().values_list("counts", flat=True).get(pk=erasure.pk)
        for what, names in found.items():
            _count(erasure, what, max(0, len(names) - int(counts.get(what, 0))))
    drop_files(erasure.number)
    drop_folder(erasure.number)
    _passed("files")
    keys = forget_in_redis(erasure.number)
    with no_scope(), transaction.atomic():
        _count(erasure, "keys of Redis", keys)
    _passed("redis")


def _empty_schema(erasure: TenantErasure, schema: str) -> None:
    if not _schema_exists(schema):
        return
    tables = list(reversed(tables_in_order(schema)))
    if schema != settings.SHARED_SCHEMA and _is_alone_in(erasure.number, schema):
        _drop_schema(erasure, schema, tables)
        return
    for table in tables:
        with all_tenants(schema), transaction.atomic():
            rows = _delete(erasure, schema, table)
        if rows:
            _passed(f"emptied {schema}.{table.name}")


def _drop_schema(erasure: TenantErasure, schema: str, tables: list[Table]) -> None:
    with owner(schema), transaction.atomic(), connection.cursor() as cursor:
        shared = Shard.objects.get(schema_name=settings.SHARED_SCHEMA)
        Tenant.objects.filter(pk=erasure.number).update(shard=shared)
        for table in tables:
            cursor.execute(f'SELECT count(*) FROM "{schema}"."{table.name}"')
            _count(erasure, table.name, cursor.fetchone()[0])
        cursor.execute(f'DROP SCHEMA "{schema}" CASCADE')
        Shard.objects.filter(schema_name=schema).delete()
        _count(erasure, "schemas", 1)
    _passed(f"dropped {schema}")


def _empty_public(erasure: TenantErasure) -> None:
    """The shared tables, but for memberships, which say whose log-ins go, and what stays for invoices."""
    for table in reversed(tables_in_order(PUBLIC)):
        if table.name == "memberships":
            continue
        with owner(), transaction.atomic():
            rows = _strip(erasure, table) if table.name in KEPT else _delete(erasure, PUBLIC, table)
        if rows:
            _passed(f"emptied {table.name}")


def _strip(erasure: TenantErasure, table: Table) -> int:
    with connection.cursor() as cursor:
        if KEPT[table.name]:
            cursor.execute(KEPT[table.name], {"tenant": erasure.number, "name": _rest_named(erasure.number)})
        cursor.execute(f'SELECT count(*) FROM public."{table.name}" WHERE tenant_id = %s', [erasure.number])
        rows = int(cursor.fetchone()[0])
        if rows:
            cursor.execute(
                "UPDATE public.tenant_erasures SET kept = jsonb_set(kept, ARRAY[%s], to_jsonb(%s)) WHERE id = %s",
                [table.name, rows, erasure.pk],
            )
    return rows


def _finish(erasure: TenantErasure) -> Erased:
    """The last transaction: people who belong nowhere else, the tenant itself, the certificate."""
    with owner(), transaction.atomic():
        row = TenantErasure.objects.select_for_update().get(pk=erasure.pk)
        if row.state == State.DONE:
            return _erased(row)
        tenant = Tenant.objects.select_for_update().get(pk=row.number)
        _refuse_leftovers(row)
        members = list(Membership.objects.filter(tenant=tenant).values_list("pk", "user_id"))
        _forget_in_the_admins_log(tenant, [pk for pk, _user in members])
        _count(row, "memberships", Membership.objects.filter(tenant=tenant).delete()[0])
        _count(row, "people", _delete_people([user for _pk, user in members]))
        rest: dict[str, Any] = {
            "slug": f"{ERASED}{row.number}", "name": _rest_named(row.number), "state": Tenant.State.ERASED,
            "key_mode": Tenant.KeyMode.SHARED, "active_key": None, "time_zone": "UTC", "language": "",
            "headline_rate": "", "trial_ends_at": None, "erase_at": None, "fetching_paused_at": None,
            "fetching_paused_reason": "", "fetching_paused_cause": "", "state_before_suspension": "",
        }  # fmt: skip
        Tenant.objects.filter(pk=row.number).update(**rest)
        row.refresh_from_db()
        row.state, row.done_at, row.reason, row.schemas = State.DONE, clock.now(), "", []
        row.digest = seal_certificate(row)
        row.save(update_fields=["state", "done_at", "reason", "schemas", "digest"])
        record("privacy.workspace_erased", after={"certificate": str(row.pk), "workspace": row.number})
    _passed("done")
    return _erased(row)


def _refuse_leftovers(erasure: TenantErasure) -> None:
    """Raises CannotErase where somebody has written meanwhile: the next run deletes that, too."""
    left = []
    for schema in [*(name for name in erasure.schemas if _schema_exists(name)), PUBLIC]:
        for table in tables_in_order(schema):
            if schema == PUBLIC and (table.name in KEPT or table.name == "memberships"):
                continue
            with connection.cursor() as cursor:
                cursor.execute(
                    f'SELECT EXISTS (SELECT FROM "{schema}"."{table.name}" WHERE tenant_id = %s)', [erasure.number]
                )
                left += [f"{schema}.{table.name}"] if cursor.fetchone()[0] else []
    if left:
        raise CannotErase(f"Rows were written meanwhile: {', '.join(left)}. Call it again.")


def _delete_people(user_ids: list[int]) -> int:
    """Deletes the log-ins of those who are in no other workspace and are no staff; returns how many."""
    elsewhere = Membership.objects.filter(user_id__in=user_ids).values("user_id")
    leaving = User.objects.filter(pk__in=user_ids, is_staff=False).exclude(pk__in=elsewhere)
    ids = list(leaving.values_list("pk", flat=True))
    Session.objects.filter(user_id__in=ids).delete()
    _forget_of(User, ids)
    for user in leaving:
        user.delete()
    return len(ids)


def _forget_in_the_admins_log(tenant: Tenant, membership_ids: list[int]) -> None:
    _forget_of(Tenant, [tenant.pk])
    _forget_of(Membership, membership_ids)
    # Entries of rows that are gone by now are known by what they were called.
    LogEntry.objects.filter(object_repr__in=[tenant.name, f"{tenant.slug}.{settings.BASE_DOMAIN}"]).delete()


def _forget_of(model: type[Any], ids: list[int]) -> None:
    kind = ContentType.objects.get_for_model(model)
    LogEntry.objects.filter(content_type=kind, object_id__in=[str(one) for one in ids]).delete()


def _delete(erasure: TenantErasure, schema: str, table: Table) -> int:
    """Deletes and counts, in the transaction of the caller."""
    with connection.cursor() as cursor:
        cursor.execute(f'DELETE FROM "{schema}"."{table.name}" WHERE tenant_id = %s', [erasure.number])
        rows = int(cursor.rowcount)
    _count(erasure, table.name, rows)
    return rows


def _count(erasure: TenantErasure, name: str, rows: int) -> None:
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(COUNT, {"id": erasure.pk, "name": name, "rows": rows})


def _is_alone_in(number: int, schema: str) -> bool:
    with no_scope():
        shard = Shard.objects.filter(schema_name=schema).first()
        others = Tenant.objects.filter(shard=shard).exclude(pk=number)
        return shard is None or (shard.kind == Shard.Kind.DEDICATED and not others.exists())


def _schema_exists(schema: str) -> bool:
    with no_scope(), connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = %s)", [schema])
        return bool(cursor.fetchone()[0])


def _rest_named(number: int) -> str:
    return f"Erased workspace {number}"


def _erased(erasure: TenantErasure) -> Erased:
    not_rows = {"files", "exported files", "keys of Redis", "schemas", "people"}
    rows = sum(count for name, count in erasure.counts.items() if name not in not_rows)
    return Erased(erasure.pk, erasure.number, rows)
