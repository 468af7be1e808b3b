"""Moving a tenant between schemas: copied table by table, compared, switched in one moment, then the old side emptied.

`tenants.shard` says which side counts. It changes in one transaction with the last comparison, so that a move that is
killed at any moment leaves one whole side; the next call goes on where it stopped. Until the switch nothing but copies
that nobody sees has been made, after it nothing is left to do but to delete.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from accounts.models import Shard, Tenant, TenantMove
from accounts.selectors import TenantRef
from accounts.services.auditing import record
from accounts.services.placement import make_shard
from accounts.services.tenants import dedicated_schema
from tikdash import clock
from tikdash.db.copying import Sum, Table, copy_rows, delete_rows, sum_of, tables_in_order
from tikdash.db.scope import all_tenants, owner
from tikdash.errors import TikdashError

log = structlog.get_logger(__name__)

REASON = "The data of this workspace is being moved. It stays readable; changes are possible again in a few minutes."
#: How long running jobs may take to end, s. What was copied before is copied again where it has changed, so often.
IDLE_WITHIN_S, ROUNDS = 120, 5
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
        _copy_and_switch(tenant.id, move)
    _empty_source(tenant.id, move)
    rows = sum(rows for rows, _checksum in move.sums.values())
    log.info("tenant_moved", tenant=tenant.slug, source=move.source, target=move.target, rows=rows)
    return Moved(move.source, move.target, len(move.sums), rows)


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


def _copy_and_switch(tenant_id: int, move: TenantMove) -> None:
    tables = tables_in_order(move.source)
    for _round in range(ROUNDS):
        for table in tables:
            if sum_of(move.source, table, tenant_id) != sum_of(move.target, table, tenant_id):
                _copy(move, table, tenant_id)
                _passed(f"copied {table.name}")
        if _switch(tenant_id, move, tables):
            _passed("switched")
            return
    raise CannotMove("Rows keep changing although the tenant is read-only. Look for what writes, and call it again.")


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
    """The new side counts from now on, if both sides are the same; False where they are not."""
    with all_tenants(), transaction.atomic():
        sums: dict[str, Sum] = {}
        for table in tables:
            sums[table.name] = sum_of(move.source, table, tenant_id)
            if sum_of(move.target, table, tenant_id) != sums[table.name]:
                return False
        row = Tenant.objects.select_for_update().get(pk=tenant_id)
        row.shard = Shard.objects.get(schema_name=move.target)
        move.sums = {name: list(each) for name, each in sums.items()}
        move.state, move.switched_at = State.SWITCHED, clock.now()
        at, row.fetching_paused_reason, row.fetching_paused_cause = move.pause_before["fields"]
        row.fetching_paused_at = datetime.fromisoformat(at) if at else None
        row.save(update_fields=["shard", "fetching_paused_at", "fetching_paused_reason", "fetching_paused_cause"])
        move.save(update_fields=["sums", "state", "switched_at"])
        record("workspace.moved", tenant_id=tenant_id, before={"schema": move.source}, after={"schema": move.target})
    return True


def _empty_source(tenant_id: int, move: TenantMove) -> None:
    """Deletes what the old side has, last first; what has changed there since the switch stops it."""
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
