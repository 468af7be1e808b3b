"""Moving a tenant between schemas: frozen, copied table by table, then compared, switched and emptied in one moment.

`tenants.shard` says which side counts. It changes in one transaction with the last comparison and the deletion of the
old side, so that a move that is killed at any moment leaves one whole side; the next call goes on where it stopped.
Until then nothing but copies that nobody sees has been made. From the first copy on PostgreSQL refuses to write the
tenant's rows (`tikdash.db.guard`), and who writes for all tenants at once waits while the switch compares.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog
from celery import current_app
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from accounts.models import Shard, Tenant, TenantMove
from accounts.selectors import TenantRef
from accounts.services.auditing import record
from accounts.services.placement import make_shard
from accounts.services.tenants import dedicated_schema
from tikdash import clock
from tikdash.db.copying import Sum, Table, copy_rows, delete_rows, sum_of, tables_in_order
from tikdash.db.guard import hold_writers
from tikdash.db.scope import all_tenants, owner
from tikdash.errors import TikdashError

log = structlog.get_logger(__name__)

REASON = "The data of this workspace is being moved. It stays readable; changes are possible again in a few minutes."
#: How long running jobs may take to end, s. What was copied before is copied again where it has changed, so often.
IDLE_WITHIN_S, ROUNDS = 120, 5
#: Tables of at most so many rows are compared once more before the switch: what is copied may have had triggers write
#: to a table that was copied before (`account_versions`). A switch that fails costs another sum over everything.
FEW_ROWS = 100_000
#: How long statements that write at this moment may take to end, s.
WRITTEN_WITHIN_S = 30
#: By name: tasks stand above services.
TASK = "accounts.move_tenant"
State = TenantMove.State


class CannotMove(TikdashError):
    """The move stands still; the sentence says what is in its way. Nothing is lost."""

    code = "cannot_move"
    status = 409
    message = "The tenant cannot be moved."


@dataclass(frozen=True)
class Moved:
    """What was moved: rows of all tables, from one schema to another."""

    source: str
    target: str
    tables: int
    rows: int


def _passed(step: str) -> None:
    """After every commit of a move; tests end it here."""


def move_tenant(*, tenant: TenantRef, dedicated: bool, is_busy: Callable[[TenantRef], bool]) -> Moved:
    """Moves the tenant's rows into a schema of their own, or into the shared one; goes on with a move that was stopped.

    `is_busy` says whether a job of it is running. Meanwhile the tenant is read-only and nothing is fetched. Raises
    CannotMove.
    """
    move = _begun(tenant, dedicated)
    if move.state == State.COPYING:
        _wait_until_idle(tenant, is_busy)
        _freeze(tenant.id, move)
        _copy_and_switch(tenant.id, move)
    _empty_source(tenant.id, move)
    rows = sum(rows for rows, _checksum in move.sums.values())
    log.info("tenant_moved", tenant=tenant.slug, source=move.source, target=move.target, rows=rows)
    return Moved(move.source, move.target, len(move.sums), rows)


def ask_for_move(*, tenant: TenantRef, dedicated: bool) -> None:
    """Has a worker move the tenant; the customer's audit log says so. Asked for again, it goes on."""
    with all_tenants(), transaction.atomic():
        record(
            "workspace.move_asked", tenant_id=tenant.id, after={"to": "a schema of its own" if dedicated else "shared"}
        )
        transaction.on_commit(partial(_send, tenant.id, dedicated))


def carry_out(*, tenant: TenantRef, dedicated: bool, is_busy: Callable[[TenantRef], bool]) -> bool:
    """The move that was asked for; False, with the sentence in the audit log, where something is in its way."""
    try:
        move_tenant(tenant=tenant, dedicated=dedicated, is_busy=is_busy)
    except CannotMove as error:
        record("workspace.move_stopped", tenant_id=tenant.id, reason=str(error))
        log.warning("tenant_move_stopped", tenant=tenant.slug, why=str(error))
        return False
    return True


def _send(tenant_id: int, dedicated: bool) -> None:
    try:
        current_app.send_task(TASK, args=[tenant_id, dedicated])
    except (BrokerError, RedisError, OSError) as error:
        log.warning("message_not_sent", task=TASK, why=type(error).__name__)


def progress_of(move: TenantMove) -> str:
    """How far a move is, for operators: table by table, as each is one statement."""
    if move.state == State.SWITCHED:
        return f"{move.target} counts; {move.source} is being emptied"
    if move.frozen_at is None:
        return "waits until jobs that run have ended"
    tables = [table.name for table in tables_in_order(move.source)]
    copied = [name for name in tables if name in move.sums]
    rows = sum(move.sums[name][0] for name in copied)
    rest = next((f"; next is {name}" for name in tables if name not in move.sums), "; both sides are compared")
    return f"{len(copied)} of {len(tables)} tables are copied, {rows:,} rows{rest}"


def abandon_move(*, tenant: TenantRef) -> str:
    """Calls off a move that has not changed sides: its copies go, and the tenant is as before. Returns the schema where
    it stays. Raises CannotMove."""
    with all_tenants():
        move = TenantMove.objects.filter(tenant_id=tenant.id, state=State.COPYING).first()
    if move is None:
        raise CannotMove(f"No move of “{tenant.slug}” can be called off: there is none, or it has changed sides.")
    tables = tables_in_order(move.target)
    with all_tenants(), transaction.atomic():
        _hold_writers(tenant.id, of_all_tenants=True)
        if not TenantMove.objects.select_for_update().filter(pk=move.pk, state=State.COPYING).exists():
            raise CannotMove(f"The move of “{tenant.slug}” has just changed sides.")
        for table in reversed(tables):
            delete_rows(move.target, table, tenant.id)
        _resume(tenant.id, move)
        TenantMove.objects.filter(pk=move.pk).update(state=State.DONE, done_at=clock.now())
        record("workspace.move_abandoned", tenant_id=tenant.id, after={"schema": move.source})
    with owner(), transaction.atomic():
        if move.target != settings.SHARED_SCHEMA:
            _drop_schema(move.target)
    log.warning("tenant_move_abandoned", tenant=tenant.slug, source=move.source, target=move.target)
    return str(move.source)


def _begun(tenant: TenantRef, dedicated: bool) -> TenantMove:
    with all_tenants():
        move = TenantMove.objects.filter(tenant_id=tenant.id).exclude(state=State.DONE).first()
        is_dedicated = Tenant.objects.select_related("shard").get(pk=tenant.id).shard.kind == Shard.Kind.DEDICATED
    if move is not None:
        if (move.target != settings.SHARED_SCHEMA) != dedicated:
            raise CannotMove(f"A move from {move.source} to {move.target} is under way. Finish that one first.")
        return move
    if is_dedicated == dedicated:
        raise CannotMove(
            f"“{tenant.slug}” is {'in a schema of its own' if dedicated else 'in the shared schema'} already."
        )
    target = dedicated_schema(tenant.slug) if dedicated else settings.SHARED_SCHEMA
    if dedicated:
        make_shard(schema_name=target, kind=Shard.Kind.DEDICATED)
    if tables_in_order(tenant.schema_name) != tables_in_order(target):
        raise CannotMove(
            f"{tenant.schema_name} and {target} have not the same tables. Run `manage.py migrate_schemas`."
        )
    with all_tenants(), transaction.atomic():
        row = Tenant.objects.select_for_update().get(pk=tenant.id)
        before = [row.fetching_paused_at and row.fetching_paused_at.isoformat(), row.fetching_paused_reason,
                  row.fetching_paused_cause]  # fmt: skip
        row.fetching_paused_at = row.fetching_paused_at or clock.now()
        row.fetching_paused_reason, row.fetching_paused_cause = REASON, Tenant.PauseCause.MOVE
        row.save(update_fields=["fetching_paused_at", "fetching_paused_reason", "fetching_paused_cause"])
        move = TenantMove.objects.create(
            tenant_id=tenant.id, source=tenant.schema_name, target=target, started_at=clock.now(),
            pause_before={"fields": before},
        )  # fmt: skip
    _passed("begun")
    return move


def _wait_until_idle(tenant: TenantRef, is_busy: Callable[[TenantRef], bool]) -> None:
    deadline = time.monotonic() + IDLE_WITHIN_S
    while is_busy(tenant):
        if time.monotonic() > deadline:
            raise CannotMove(f"Jobs of “{tenant.slug}” are still running. Call it again when they have ended.")
        time.sleep(0.5)


def _freeze(tenant_id: int, move: TenantMove) -> None:
    """From now on PostgreSQL refuses to write rows of the tenant; who was at it is through."""
    if move.frozen_at is None:
        move.frozen_at = clock.now()
        with all_tenants():
            TenantMove.objects.filter(pk=move.pk).update(frozen_at=move.frozen_at)
        _passed("frozen")
    with all_tenants(), transaction.atomic():
        _hold_writers(tenant_id, of_all_tenants=False)


def _hold_writers(tenant_id: int, *, of_all_tenants: bool) -> None:
    if not hold_writers(tenant_id, of_all_tenants=of_all_tenants, within_s=WRITTEN_WITHIN_S):
        raise CannotMove("Somebody is writing and does not end. Look for long transactions, and call it again.")


def _copy_and_switch(tenant_id: int, move: TenantMove) -> None:
    tables = tables_in_order(move.source)
    for _round in range(ROUNDS):
        for table in tables:
            there = sum_of(move.source, table, tenant_id)
            if there != sum_of(move.target, table, tenant_id):
                _copy(move, table, tenant_id)
                _note_progress(move, table, there)
                _passed(f"copied {table.name}")
            else:
                _note_progress(move, table, there)
        for table in tables:
            there = Sum(*move.sums[table.name])
            if there.rows <= FEW_ROWS and there != sum_of(move.target, table, tenant_id):
                _copy(move, table, tenant_id)
                _passed(f"copied {table.name}")
        if _switch(tenant_id, move, tables):
            _passed("switched")
            return
    raise CannotMove("Rows keep changing although the tenant is read-only. Look for what writes, and call it again.")


def _note_progress(move: TenantMove, table: Table, there: Sum) -> None:
    """So that operators see how far it is; the sums that count are those of the switch."""
    move.sums[table.name] = list(there)
    with all_tenants():
        TenantMove.objects.filter(pk=move.pk).update(sums=move.sums)


def _copy(move: TenantMove, table: Table, tenant_id: int) -> None:
    try:
        copy_rows(move.source, move.target, table, tenant_id)
    except IntegrityError as error:
        why = (str(error).strip().splitlines() or ["?"])[0]
        raise CannotMove(
            f"{table.name}: another tenant in {move.target} has the same keys ({why}). Schemas that were made before"
            " keys were spread cannot be moved."
        ) from None


def _switch(tenant_id: int, move: TenantMove, tables: list[Table]) -> bool:
    """The new side counts from now on and the old one is empty, if both are the same; False where they are not."""
    with all_tenants(), transaction.atomic():
        _hold_writers(tenant_id, of_all_tenants=True)
        sums: dict[str, Sum] = {}
        for table in tables:
            sums[table.name] = sum_of(move.source, table, tenant_id)
            if sum_of(move.target, table, tenant_id) != sums[table.name]:
                return False
        Tenant.objects.filter(pk=tenant_id).update(shard=Shard.objects.get(schema_name=move.target))
        _resume(tenant_id, move)
        move.sums = {name: list(each) for name, each in sums.items()}
        move.state, move.switched_at = State.SWITCHED, clock.now()
        move.save(update_fields=["sums", "state", "switched_at"])
        for table in reversed(tables):
            delete_rows(move.source, table, tenant_id)
        record("workspace.moved", tenant_id=tenant_id, before={"schema": move.source}, after={"schema": move.target})
    return True


def _resume(tenant_id: int, move: TenantMove) -> None:
    """Fetching stands as it did before the move."""
    at, reason, cause = move.pause_before["fields"]
    Tenant.objects.filter(pk=tenant_id).update(
        fetching_paused_at=datetime.fromisoformat(at) if at else None,
        fetching_paused_reason=reason,
        fetching_paused_cause=cause,
    )


def _empty_source(tenant_id: int, move: TenantMove) -> None:
    """Ends the move: the old side has nothing, and its schema goes where it was the tenant's own.

    Something may be there after all: of a move that began under a former version, or of somebody who went round the
    guard. The same rows as on the new side are deleted, others stop it.
    """
    for table in reversed(tables_in_order(move.source)):
        with all_tenants(), transaction.atomic():
            there = sum_of(move.source, table, tenant_id)
            if there.rows and list(there) != move.sums.get(table.name):
                raise CannotMove(
                    f"{move.source}.{table.name} has changed since the switch, so it was not deleted. The tenant is in"
                    f" {move.target} and whole; compare the two tables by hand."
                )
            deleted = delete_rows(move.source, table, tenant_id)
        if deleted:
            _passed(f"emptied {table.name}")
    with owner(), transaction.atomic():
        if move.source != settings.SHARED_SCHEMA:
            _drop_schema(move.source)
        TenantMove.objects.filter(pk=move.pk).update(state=State.DONE, done_at=clock.now())
    _passed("done")


def _drop_schema(schema: str) -> None:
    """A schema of one tenant that has none any more."""
    shard = Shard.objects.filter(schema_name=schema, kind=Shard.Kind.DEDICATED).first()
    if shard is not None and not Tenant.objects.filter(shard=shard).exists():
        with connection.cursor() as cursor:
            cursor.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
        shard.delete()
