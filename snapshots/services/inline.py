"""Work done here and now, in the calling process, for commands and the demo: the same rows, leases and code.

Jobs that are not admitted at once are waited for, as a person in front of a terminal would.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from accounts.selectors import TenantRef, all_tenants_listed
from accounts.services.pausing import refuse_while_paused
from snapshots.models import FetchJob, TrackedAccount
from snapshots.scheduling.dispatch import ClaimedJob, claim, claim_these, without_waking
from snapshots.selectors import account_id_of, handle_check
from snapshots.services.accounts import REFRESHED, Wish, request_tracking
from snapshots.services.jobs import RunReport, run_jobs
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.errors import BadInput, Unavailable
from tikdash.words import counted, gettext

#: How long `fetch` and `track` wait in all for jobs that are not admitted, s.
PATIENCE_S = 30.0
#: How long `drain` waits without a single job that ran, s.
DRAIN_GIVES_UP_S = 600.0
_DRAIN_WAITS_FOR = timedelta(seconds=60)
_SHORTEST_SLEEP_S, _SOMEBODY_ELSES_AFTER = 0.2, timedelta(seconds=5)


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
    does not answer or does not admit the request in time; in the latter case a worker goes on with the check.
    """
    with tenant_scope(tenant), without_waking():
        check_id = request_tracking(tenant=tenant, wish=wish)
        reports = _run_patiently(tenant, [check_id])
        check = handle_check(check_id)
        if check.account_id is None:
            if reports and reports[0].wait_s is not None:
                raise Unavailable(gettext("{text} A worker goes on with it.").format(text=reports[0].text))
            FetchJob.objects.filter(pk=check_id).delete()
            sentence = reports[0].text if reports else "A worker is checking this handle right now."
            raise (BadInput if check.state == "failed" else Unavailable)(sentence)
        account = TrackedAccount.objects.get(pk=check.account_id)
        first = FetchJob.objects.filter(account=account, kind=FetchJob.Kind.POSTS).values_list("pk", flat=True)
        _run_patiently(tenant, list(first))
        return Tracked(account.pk, account.username, account.follower_count, account.posts.count())  # type: ignore[attr-defined]


def fetch_now(tenant: TenantRef, handle: str, kind: str | None = None) -> list[RunReport]:
    """Runs jobs of one account, due or not: those of one kind, or what a refresh would read.

    Empty when a worker holds them. Raises NotFound, and FetchingPaused where nothing is fetched for the tenant.
    """
    refuse_while_paused(tenant)
    with tenant_scope(tenant), without_waking():
        jobs = FetchJob.objects.filter(account_id=account_id_of(handle), kind__in=[kind] if kind else REFRESHED)
        jobs = jobs.exclude(state=FetchJob.State.PAUSED)
        ids = list(jobs.order_by("id").values_list("pk", flat=True))
        FetchJob.objects.filter(pk__in=ids).update(state=FetchJob.State.ACTIVE)
        return _run_patiently(tenant, ids)


def drain(tenant: TenantRef | None = None, say: Callable[[str], object] = lambda text: None) -> list[RunReport]:
    """Runs what is due, of one tenant or of all, until nothing is due.

    Jobs that were put back for at most a minute are waited for, which `say` is told. What comes back is a report of
    every run, and the last one of every job that waits longer.
    """
    tenants = [tenant] if tenant else all_tenants_listed()
    done: list[RunReport] = []
    waiting: dict[tuple[int, int], tuple[datetime, RunReport]] = {}
    waited_s = waited_in_vain_s = 0.0
    with without_waking():
        while True:
            with _later(waited_s):
                ran = _run_due(tenants, tenant.id if tenant else None)
                now = clock.now()
            for tenant_id, report in ran:
                waiting.pop((tenant_id, report.job_id), None)
                if report.wait_s is None:
                    done.append(report)
                    waited_in_vain_s = 0.0
                else:
                    waiting[tenant_id, report.job_id] = (now + timedelta(seconds=report.wait_s), report)
            if ran:
                continue
            # What was due some time ago and did not come is in somebody else's hands.
            waiting = {key: each for key, each in waiting.items() if each[0] > now - _SOMEBODY_ELSES_AFTER}
            soon = [due for due, _ in waiting.values() if due <= now + _DRAIN_WAITS_FOR]
            if not soon or waited_in_vain_s > DRAIN_GIVES_UP_S:
                return [*done, *(report for _, report in waiting.values())]
            wait_s = max((min(soon) - now).total_seconds(), _SHORTEST_SLEEP_S)
            say(f"Waiting for their turn: {counted(len(soon), 'job')}, the first one for {wait_s:.1f} s.")
            time.sleep(wait_s)
            waited_s += wait_s
            waited_in_vain_s += wait_s


def _run_due(tenants: list[TenantRef], only_tenant_id: int | None) -> list[tuple[int, RunReport]]:
    """Runs what is due now, job by job; each report with the id of its tenant."""
    room = dict.fromkeys(settings.QUEUE_ROOM, settings.JOBS_PER_TASK)
    refs = {ref.id: ref for ref in tenants}
    claimed: list[ClaimedJob] = []
    for schema in dict.fromkeys(ref.schema_name for ref in tenants):
        claimed += claim(schema, room, only_tenant_id)
    return [(job.tenant_id, report) for job in claimed for report in run_jobs(refs[job.tenant_id], [job.id])]


def _run_patiently(tenant: TenantRef, job_ids: list[int]) -> list[RunReport]:
    """Runs jobs of one tenant now, and again those that were not admitted, as long as that is soon; their reports."""
    reports: dict[int, RunReport] = {}
    left, waited_s = job_ids, 0.0
    while True:
        with _later(waited_s):
            FetchJob.objects.filter(pk__in=left, state=FetchJob.State.ACTIVE).update(next_due_at=clock.now())
            for report in run_jobs(tenant, [job.id for job in claim_these(tenant, left)]):
                reports[report.job_id] = report
        waits = {report.job_id: report.wait_s for report in reports.values() if report.wait_s is not None}
        left, wait_s = list(waits), min(waits.values(), default=0.0)
        if not left or waited_s + wait_s > PATIENCE_S:
            return list(reports.values())
        time.sleep(wait_s)
        waited_s += wait_s


@contextmanager
def _later(seconds: float) -> Iterator[None]:
    """Where the clock was moved it stands still: inside the block it is later by what was waited."""
    frozen = clock.frozen()
    with clock.at(frozen + timedelta(seconds=seconds)) if frozen else nullcontext():
        yield
