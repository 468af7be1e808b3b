"""Work done here and now, in the calling process, for commands and the demo: the same rows, leases and code."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from accounts.selectors import TenantRef, all_tenants_listed
from snapshots.models import FetchJob, TrackedAccount
from snapshots.scheduling.dispatch import ClaimedJob, claim, claim_these, without_waking
from snapshots.selectors import account_id_of, handle_check
from snapshots.services.accounts import Wish, request_tracking
from snapshots.services.jobs import RunReport, run_jobs
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.errors import BadInput, Unavailable


@dataclass(frozen=True)
class Tracked:
    """An account that is tracked now, with its first numbers."""

    id: int
    handle: str
    followers: int | None
    posts: int


def track_now(tenant: TenantRef, wish: Wish) -> Tracked:
    """Checks the handle, tracks the account and reads its posts.

    Raises what `request_tracking` raises, BadInput where TikTok refuses the handle, Unavailable where the upstream
    does not answer.
    """
    with tenant_scope(tenant), without_waking():
        check_id = request_tracking(tenant=tenant, wish=wish)
        reports = run_jobs(tenant, [job.id for job in claim_these(tenant, [check_id])])
        check = handle_check(check_id)
        if check.account_id is None:
            FetchJob.objects.filter(pk=check_id).delete()
            sentence = reports[0].text if reports else "A worker is checking this handle right now."
            raise (BadInput if check.state == "failed" else Unavailable)(sentence)
        account = TrackedAccount.objects.get(pk=check.account_id)
        first = FetchJob.objects.filter(account=account, kind=FetchJob.Kind.POSTS).values_list("pk", flat=True)
        run_jobs(tenant, [job.id for job in claim_these(tenant, first)])
        return Tracked(account.pk, account.username, account.follower_count, account.posts.count())  # type: ignore[attr-defined]


def fetch_now(tenant: TenantRef, handle: str, kind: str | None = None) -> list[RunReport]:
    """Runs the jobs of one account, due or not; empty when a worker holds them. Raises NotFound."""
    with tenant_scope(tenant), without_waking():
        jobs = FetchJob.objects.filter(account_id=account_id_of(handle)).exclude(state=FetchJob.State.PAUSED)
        if kind:
            jobs = jobs.filter(kind=kind)
        ids = list(jobs.order_by("id").values_list("pk", flat=True))
        FetchJob.objects.filter(pk__in=ids).update(next_due_at=clock.now(), state=FetchJob.State.ACTIVE)
        return run_jobs(tenant, [job.id for job in claim_these(tenant, ids)])


def drain(tenant: TenantRef | None = None) -> list[RunReport]:
    """Runs what is due, of one tenant or of all, until nothing is due."""
    reports: list[RunReport] = []
    room = dict.fromkeys(settings.QUEUE_ROOM, settings.JOBS_PER_TASK)
    tenants = {ref.id: ref for ref in ([tenant] if tenant else all_tenants_listed())}
    with without_waking():
        while True:
            claimed: list[ClaimedJob] = []
            for schema in dict.fromkeys(ref.schema_name for ref in tenants.values()):
                claimed += claim(schema, room, tenant.id if tenant else None)
            if not claimed:
                return reports
            for job in claimed:
                reports += run_jobs(tenants[job.tenant_id], [job.id])
