"""Small reads that several places share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from django.conf import settings
from django.db.models import F

from snapshots.handles import clean_handle
from snapshots.models import AccountNote, FetchJob, Removal, TrackedAccount
from tikdash import clock
from tikdash.db.scope import TenantLike, current_tenant_id, prepared_row, tenant_scope
from tikdash.errors import NotFound
from tikdash.retelling import retold
from tikdash.tiklive.errors import BudgetReached
from tikdash.words import gettext

#: For so long those who stopped tracking an account, or removed a note, can take that back.
UNDO_FOR = timedelta(minutes=10)
#: In the order of `Note`. Each look at an account asks, and nearly always there is none.
REMOVED_NOTES = """
    SELECT array_agg(id), array_agg(day), array_agg(text), array_agg(author), array_agg(removed_at)
      FROM (SELECT * FROM account_notes WHERE account_id = %s AND removed_at > %s
             ORDER BY removed_at DESC LIMIT 20) AS removed
"""
#: The columns of a job that its refresh button needs.
REFRESH_COLUMNS = (
    "kind", "queue", "state", "requested_at", "succeeded_at", "failed_at", "next_due_at", "created_at", "error",
)  # fmt: skip
REFRESH_JOBS = f"""
    SELECT {", ".join(f"array_agg({name})" for name in REFRESH_COLUMNS)}
      FROM fetch_jobs WHERE tenant_id = %s AND account_id = %s AND kind IN ('profile', 'posts')
"""


@dataclass(frozen=True)
class Undoable:
    """Accounts that somebody stopped tracking at `stopped_at`: how many, and until when that can be undone."""

    removal_id: int
    accounts: int
    stopped_at: datetime
    until: datetime


@dataclass(frozen=True)
class Note:
    """What a person wrote at a UTC day of an account; `removed_at` is None while it stands."""

    id: int
    day: date
    text: str
    author: str
    removed_at: datetime | None


@dataclass(frozen=True)
class RefreshState:
    """Whether a person may refresh an account now, or how many seconds that takes; `pending` while one runs."""

    allowed: bool
    wait_s: int
    pending: bool
    text: str


@dataclass(frozen=True)
class HandleCheck:
    """How far the check of a handle is.

    `error` is the sentence for the form when it was refused, and for a pending one why it has to wait for long.
    """

    id: int
    handle: str
    reason: str
    tags: str
    state: Literal["pending", "failed", "done"]
    error: str
    account_id: int | None


def notes_of(account_id: int, most: int = 500) -> list[Note]:
    """What people wrote at days of an account, the newest day first."""
    rows = AccountNote.objects.filter(account_id=account_id, removed_at=None).order_by("-day", "-id")[:most]
    return [Note(row.pk, row.day, row.text, row.author, None) for row in rows]


def count_of_accounts() -> int:
    """How many accounts the tenant of the present scope tracks."""
    row = prepared_row("SELECT count(*) FROM accounts", [])
    return row[0] if row else 0


def accounts_to_choose(most: int = 500) -> list[tuple[int, str]]:
    """Ids and handles to choose from, the account with the most followers first."""
    largest = TrackedAccount.objects.order_by(F("follower_count").desc(nulls_last=True), "-id")
    return list(largest.values_list("pk", "username")[:most])


def undoable_removals() -> list[Undoable]:
    """What the tenant of the present scope can still undo, the newest first."""
    found = Removal.objects.filter(created_at__gt=clock.now() - UNDO_FOR, undone_at=None)
    return [
        Undoable(removal.pk, len(removal.account_ids), removal.created_at, removal.created_at + UNDO_FOR)
        for removal in found
    ]


def note_of(account_id: int, note_id: int) -> Note:
    """A note of the account. Raises NotFound, also for one that was removed."""
    note = AccountNote.objects.filter(pk=note_id, account_id=account_id, removed_at=None).first()
    if note is None:
        raise NotFound(gettext("This note is not there any more."))
    return Note(note.pk, note.day, note.text, note.author, note.removed_at)


def removed_notes(account_id: int) -> list[Note]:
    """The notes of the account that can still be brought back, the last removed first."""
    row = prepared_row(REMOVED_NOTES, [account_id, clock.now() - UNDO_FOR])
    return [Note(*note) for note in zip(*row, strict=True)] if row and row[0] else []


def account_id_of(handle: str) -> int:
    """The account with this handle, now or formerly. Raises NotFound."""
    handle = clean_handle(handle)
    account = (
        TrackedAccount.objects.filter(username=handle).first()
        or TrackedAccount.objects.filter(former_handles__username=handle).first()
    )
    if account is None:
        raise NotFound(gettext("@{handle} is not tracked here.").format(handle=handle))
    return account.pk


def refresh_state(account_id: int) -> RefreshState:
    """The state of the account's refresh button."""
    row = prepared_row(REFRESH_JOBS, [current_tenant_id(), account_id])
    rows = zip(*row, strict=True) if row and row[0] else ()
    jobs = [FetchJob(**dict(zip(REFRESH_COLUMNS, job, strict=True))) for job in rows]
    by_kind = {job.kind: job for job in jobs}
    job = by_kind.get(FetchJob.Kind.PROFILE)
    if job is None:
        return RefreshState(False, 0, False, gettext("This account is not fetched."))
    if job.state == FetchJob.State.PAUSED:
        return RefreshState(False, 0, False, gettext("This account is paused. Resume it to read new numbers."))
    now = clock.now()
    # Both were asked for together; the page may fetch itself again only when both are done.
    if job.requested_at and any(_is_awaited(each, each.requested_at) for each in by_kind.values()):
        late = (now - job.requested_at).total_seconds() > 30
        return RefreshState(False, 0, True, gettext("Taking longer than usual; the old numbers stay.") if late else "")
    if seen := [each.next_due_at for each in by_kind.values() if _is_due_to_a_view(each, now)]:
        late = (now - min(seen)).total_seconds() > 30
        return RefreshState(False, 0, True, gettext("Taking longer than usual; the old numbers stay.") if late else "")
    if job.state == FetchJob.State.DEAD:
        return RefreshState(
            True, 0, False, gettext("The last attempts failed: {error}").format(error=retold(job.error))
        )
    wait = wait_for_refresh(job, now)
    failed = next((retold(each.error) for each in (job, *by_kind.values()) if each.requested_at and each.error), "")
    if wait:
        return RefreshState(False, wait, False, failed or gettext("Again in {value} min").format(value=-(-wait // 60)))
    return RefreshState(True, 0, False, failed)


def awaits_first_posts(account_id: int) -> bool:
    """True until the posts of a new account have been read, or could not be."""
    job = FetchJob.objects.filter(account_id=account_id, kind=FetchJob.Kind.POSTS).first()
    return job is not None and _is_awaited(job, job.created_at)


def wait_for_refresh(job: FetchJob, now: datetime) -> int:
    """Seconds until the account may be refreshed again; 0 now."""
    if job.requested_at is None:
        return 0
    free_at = job.requested_at + timedelta(seconds=settings.REFRESH_EVERY_S)
    return max(0, int((free_at - now).total_seconds() + 0.999))


def handle_check(check_id: int) -> HandleCheck:
    """Raises NotFound, also for a check of another tenant."""
    job = FetchJob.objects.filter(pk=check_id, kind=FetchJob.Kind.PROBE).first()
    if job is None:
        raise NotFound(gettext("This check of a handle is over. Add the handle again."))
    state: Literal["pending", "failed", "done"] = "pending"
    if job.state == FetchJob.State.DONE:
        state = "done"
    elif job.state != FetchJob.State.ACTIVE:
        state = "failed"
    return HandleCheck(
        id=job.pk,
        handle=job.params["handle"],
        reason=job.params["reason"],
        tags=", ".join(job.params["tags"]),
        state=state,
        error=retold(job.error) if state == "failed" or job.error_code == BudgetReached.code else "",
        account_id=job.params.get("account_id"),
    )


def _is_awaited(job: FetchJob, since: datetime | None) -> bool:
    return since is not None and job.state == FetchJob.State.ACTIVE and not _done_since(job, since)


def _is_due_to_a_view(job: FetchJob, now: datetime) -> bool:
    """True for a job that runs, or is to run within a minute, because somebody looks at older numbers."""
    waits = job.queue == FetchJob.Queue.INTERACTIVE and job.state == FetchJob.State.ACTIVE and not job.error
    return waits and job.succeeded_at is not None and job.succeeded_at < job.next_due_at <= now + timedelta(minutes=1)


def _done_since(job: FetchJob, moment: datetime) -> bool:
    return any(done and done >= moment for done in (job.succeeded_at, job.failed_at))


def has_running_jobs(tenant: TenantLike) -> bool:
    """Whether a worker is running a job of the tenant at this moment."""
    with tenant_scope(tenant):
        return FetchJob.objects.filter(started_at__isnull=False, lease_until__gt=clock.now()).exists()
