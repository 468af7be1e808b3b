"""Many handles at once: first what would happen, then a check for each, and how far they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from math import ceil
from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from accounts.selectors import TenantRef
from accounts.services.auditing import Target, record
from accounts.services.left_out import PersonIsLeftOut
from accounts.services.pausing import refuse_while_paused
from snapshots.handle_lists import ListedRow
from snapshots.models import FetchJob, ImportBatch, TrackedAccount
from snapshots.services.accounts import FINISHED_IMPORTS_KEPT, IMPORTED, Wish, clean_wish
from snapshots.services.lists import lock_list
from tikdash import clock
from tikdash.errors import BadInput, NotFound, TikdashError
from tikdash.plans import PlanLimits, limits_of, plan_service
from tikdash.retelling import retold
from tikdash.tiklive.endpoints import USERID, USERINFO_BY_USERNAME
from tikdash.tiklive.ports import PlannedCall, load_ports
from tikdash.words import gettext

#: A check asks whether the handle exists, and then for the profile.
CREDITS_OF_CHECK = USERID.credits + USERINFO_BY_USERNAME.credits

CANCEL = """
    UPDATE fetch_jobs SET state = 'cancelled', lease_until = NULL
     WHERE id = ANY(%(ids)s::bigint[]) AND kind = 'probe' AND state = 'active' AND started_at IS NULL
"""


@dataclass(frozen=True)
class PlannedRow:
    """What would become of one row: `new` is checked and tracked; the others are not, and `text` says why."""

    line: int
    typed: str
    handle: str
    state: Literal["new", "tracked", "pending", "twice", "bad", "full"]
    text: str = ""
    reason: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportPlan:
    """What would become of a list. `places` are left in the plan before it; `credits` and `minutes` are the most and
    about the time that checks and first posts take; `minutes` is None where `waits` says why that is not known."""

    rows: list[PlannedRow]
    new: int
    places: int
    credits: int
    minutes: int | None
    waits: str


@dataclass(frozen=True)
class ImportedRow:
    """How far one row is: its account where it is tracked, the sentence where it failed or waits for long."""

    line: int
    typed: str
    handle: str
    state: Literal["waiting", "done", "failed", "cancelled"]
    text: str
    account_id: int | None


@dataclass(frozen=True)
class ImportProgress:
    """How far a list is; it is over once nothing waits."""

    id: int
    created_at: datetime
    rows: list[ImportedRow]

    @property
    def total(self) -> int:
        return len(self.rows)

    def count(self, state: str) -> int:
        return sum(row.state == state for row in self.rows)

    @property
    def waiting(self) -> int:
        return self.count("waiting")

    @property
    def done(self) -> int:
        return self.count("done")

    @property
    def failed(self) -> int:
        return self.count("failed")

    @property
    def cancelled(self) -> int:
        return self.count("cancelled")


def plan_import(*, tenant: TenantRef, rows: Sequence[ListedRow], reason: str, tags: str) -> ImportPlan:
    """What would become of a list; nothing is stored and no credit spent. `reason` and `tags` are for rows without."""
    limits, wishes = limits_of(tenant), [_wish(row, reason, tags) for row in rows]
    handles = [wish.handle for wish in wishes if isinstance(wish, Wish)]
    tracked = set(TrackedAccount.objects.filter(username__in=handles).values_list("username", flat=True))
    pending = _pending_handles()
    places = free = max(0, plan_service().room(tenant, "accounts") - len(pending))
    planned: list[PlannedRow] = []
    seen: set[str] = set()
    for row, wish in zip(rows, wishes, strict=True):
        found = _planned(row, wish, seen, tracked, pending, limits, free)
        free -= found.state == "new"
        planned.append(found)
        if found.handle:
            seen.add(found.handle)
    new = sum(row.state == "new" for row in planned)
    credits_of_each = CREDITS_OF_CHECK + max(1, ceil(limits.posts_kept_fresh / settings.POSTS_PER_PAGE_UPSTREAM))
    minutes, waits = _minutes(tenant, limits, new * credits_of_each)
    return ImportPlan(planned, new, places, new * credits_of_each, minutes, waits)


def start_import(*, tenant: TenantRef, token: UUID, rows: Sequence[ListedRow], reason: str, tags: str) -> int:
    """Makes a check for every new handle of the list, all or none; returns the id of the batch.

    Sent again with the same token it is the same batch. What the plan has no room for is refused, row by row. Raises
    BadInput where no row is new, FetchingPaused where nothing is fetched for the tenant at present.
    """
    refuse_while_paused(tenant)
    with transaction.atomic():
        lock_list(tenant)
        if (sent := ImportBatch.objects.filter(token=token).first()) is not None:
            return sent.pk
        plan = plan_import(tenant=tenant, rows=rows, reason=reason, tags=tags)
        if not plan.new:
            raise BadInput(gettext("There is nothing to track in this list: look at the reason beside each row."))
        _forget_old_imports()
        made = iter(FetchJob.objects.bulk_create(_checks(plan, limits_of(tenant))))
        kept = [
            _kept(row) | ({"job": next(made).pk} if row.state == "new" else {"error": row.text}) for row in plan.rows
        ]
        batch = ImportBatch.objects.create(
            token=token, rows=kept, wanted=len(kept), begun=plan.new, created_at=clock.now()
        )
        record("list.started", target=Target("list", batch.pk), after={"wanted": len(kept), "begun": plan.new})
    return batch.pk


def import_progress(batch_id: int) -> ImportProgress:
    """How far a list is. Two statements. Raises NotFound, also for a batch of another tenant."""
    batch = ImportBatch.objects.filter(pk=batch_id).first()
    if batch is None:
        raise NotFound(gettext("There is no such list. Lists are kept for 30 days."))
    ids = [row["job"] for row in batch.rows if "job" in row]
    jobs = FetchJob.objects.in_bulk(ids)
    return ImportProgress(batch.pk, batch.created_at, [_imported(row, jobs) for row in batch.rows])


def cancel_import(batch_id: int) -> int:
    """Calls off the checks of a list that have not begun; returns how many. Raises NotFound."""
    batch = ImportBatch.objects.filter(pk=batch_id).first()
    if batch is None:
        raise NotFound(gettext("There is no such list. Lists are kept for 30 days."))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CANCEL, {"ids": [row["job"] for row in batch.rows if "job" in row]})
        cancelled = int(cursor.rowcount)
        if cancelled:
            record("list.cancelled", target=Target("list", batch.pk), after={"cancelled": cancelled})
    return cancelled


def _wish(row: ListedRow, reason: str, tags: str) -> Wish | BadInput:
    try:
        return clean_wish(handle=row.handle, reason=row.reason.lower() or reason, tags=row.tags or tags)
    except BadInput as error:
        return error


def _planned(
    row: ListedRow,
    wish: Wish | BadInput,
    seen: set[str],
    tracked: set[str],
    pending: set[str],
    limits: PlanLimits,
    free: int,
) -> PlannedRow:
    if isinstance(wish, PersonIsLeftOut):
        # Not even that somebody typed it.
        return PlannedRow(row.line, "", "", "bad", str(wish))
    if isinstance(wish, BadInput):
        return PlannedRow(row.line, row.handle, "", "bad", str(wish))
    handle = wish.handle
    if handle in seen:
        return PlannedRow(row.line, row.handle, handle, "twice", gettext("It stands in the list already."))
    if handle in tracked:
        return PlannedRow(row.line, row.handle, handle, "tracked", gettext("It is tracked already."))
    if handle in pending:
        return PlannedRow(row.line, row.handle, handle, "pending", gettext("It is being checked already."))
    if free <= 0:
        sentence = gettext("All {tracked_accounts} accounts of the {name} plan would be in use.").format(
            tracked_accounts=limits.tracked_accounts, name=limits.name
        )
        return PlannedRow(row.line, row.handle, handle, "full", sentence)
    return PlannedRow(row.line, row.handle, handle, "new", "", wish.reason, tuple(wish.tags))


def _pending_handles() -> set[str]:
    checks = FetchJob.objects.filter(kind=FetchJob.Kind.PROBE, state=FetchJob.State.ACTIVE)
    return set(checks.values_list("params__handle", flat=True))


def _checks(plan: ImportPlan, limits: PlanLimits) -> list[FetchJob]:
    """In the queue of the plan: a list of hundreds must not stand before people who wait for one handle."""
    now = clock.now()
    return [
        FetchJob(
            kind=FetchJob.Kind.PROBE,
            queue=limits.queue,
            next_due_at=now,
            requested_at=now,
            created_at=now,
            params=asdict(Wish(row.handle, row.reason, list(row.tags))) | {IMPORTED: True},
        )
        for row in plan.rows
        if row.state == "new"
    ]


def _kept(row: PlannedRow) -> dict[str, Any]:
    return {"line": row.line, "typed": row.typed[:100], "handle": row.handle}


def _imported(row: dict[str, Any], jobs: dict[int, FetchJob]) -> ImportedRow:
    line, typed, handle = row["line"], row["typed"], row["handle"]
    if "job" not in row:
        return ImportedRow(line, typed, handle, "failed", retold(row["error"]), None)
    job = jobs.get(row["job"])
    if job is None:
        return ImportedRow(line, typed, handle, "failed", gettext("The check is gone. Add the handle again."), None)
    if job.state == FetchJob.State.DONE:
        return ImportedRow(line, typed, handle, "done", "", job.params.get("account_id"))
    if job.state in (FetchJob.State.ACTIVE, FetchJob.State.PAUSED):
        return ImportedRow(line, typed, handle, "waiting", retold(job.error), None)
    if job.state == FetchJob.State.CANCELLED:
        return ImportedRow(line, typed, handle, "cancelled", gettext("Called off before it began."), None)
    return ImportedRow(line, typed, handle, "failed", retold(job.error), None)


def _forget_old_imports() -> None:
    ImportBatch.objects.filter(created_at__lt=clock.now() - FINISHED_IMPORTS_KEPT).delete()


def _minutes(tenant: TenantRef, limits: PlanLimits, requests: int) -> tuple[int | None, str]:
    """About how long so many requests take at the tenant's pace, and why that cannot be told."""
    if tenant.paused_reason:
        return None, gettext("Fetching is paused for this workspace: {paused_reason}").format(
            paused_reason=tenant.paused_reason
        )
    call = PlannedCall(tenant.id, USERID.slug, FetchJob.Kind.PROBE, limits.queue, credits=1)
    try:
        share = load_ports().gate.allow(call)
    except TikdashError as error:
        return None, str(error)
    of_key = int(settings.TIKLIVE_KEY_PER_MINUTE * settings.TIKLIVE_KEY_SHARE)
    per_minute = of_key if tenant.key_mode == "own" else min(of_key, share.per_minute)
    return ceil(requests / max(1, per_minute)), ""
