"""Running jobs: one run takes the lease, fetches, stores, and records how it went."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from accounts.selectors import TenantRef
from snapshots.ingest.kinds import RUNNERS, RefusedError
from snapshots.models import FetchJob
from snapshots.scheduling import leases
from snapshots.scheduling.cadence import next_due, retry_after
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.error_pages import server_gone
from tikdash.errors import TikdashError
from tikdash.plans import limits_of
from tikdash.tiklive.errors import TikLiveError

log = structlog.get_logger(__name__)

#: What these say is about the key, not about the job: it waits, and does not die of them.
ABOUT_THE_KEY = frozenset({"bad_key", "forbidden", "out_of_credits"})
WAIT_FOR_KEY = timedelta(minutes=10)
JITTER = random.Random()  # noqa: S311  (it spreads retries, it hides nothing)


@dataclass(frozen=True)
class RunReport:
    """How one run went: `ok` with what it did, or the error's code and sentence."""

    job_id: int
    kind: str
    handle: str
    outcome: str
    text: str
    result: dict[str, Any]


def run_jobs(tenant: TenantRef, job_ids: list[int]) -> list[RunReport]:
    """Runs claimed jobs of one tenant one after the other; those that somebody else took are left out."""
    reports = []
    with tenant_scope(tenant):
        for job_id in job_ids:
            job = leases.begin(job_id)
            if job is not None:
                reports.append(_run(tenant, job))
    return reports


def _run(tenant: TenantRef, job: leases.RunningJob) -> RunReport:
    handle = str(job.params.get("handle", ""))
    try:
        result = RUNNERS[job.kind](tenant, job)
    except RefusedError as error:
        leases.fail(job, code=error.code, error=str(error), next_due_at=clock.now(), refused=True)
        return RunReport(job.id, job.kind, handle, error.code, str(error), {})
    except TikdashError as error:
        return _failed(job, handle, error)
    except Exception as error:
        if server_gone(error):
            # Nothing can be written now; the lease ends by itself.
            raise
        log.exception("job_broke", job=job.id, kind=job.kind)
        return _failed(job, handle, TikdashError(f"An error of ours: {type(error).__name__}."))
    _succeeded(tenant, job, result)
    return RunReport(job.id, job.kind, str(result.get("handle", handle)), "ok", str(result.get("text", "")), result)


def _succeeded(tenant: TenantRef, job: leases.RunningJob, result: dict[str, Any]) -> None:
    limits = limits_of(tenant)
    if job.cadence_s is None:
        leases.succeed(job, queue=job.queue, cadence_s=None, next_due_at=None, result=result)
        return
    # The plan may have changed since the row was made.
    cadence = limits.cadences.get(job.kind, job.cadence_s)
    due = next_due(job.kind, cadence, job.offset_s, clock.now())
    leases.succeed(job, queue=limits.queue, cadence_s=cadence, next_due_at=due, result={})


def _failed(job: leases.RunningJob, handle: str, error: TikdashError) -> RunReport:
    about_the_key = error.code in ABOUT_THE_KEY
    asked_for = error.retry_after if isinstance(error, TikLiveError) else None
    wait = WAIT_FOR_KEY if about_the_key else retry_after(job.attempts + 1, asked_for, JITTER)
    if job.kind == FetchJob.Kind.PROBE:
        # Somebody waits in front of the form: a few quick tries, then the sentence; a better key takes longer.
        wait = min(wait, timedelta(seconds=2))
    state = leases.fail(
        job,
        code=error.code,
        error=str(error),
        next_due_at=clock.now() + wait,
        counts=not about_the_key,
        refused=job.kind == FetchJob.Kind.PROBE and (about_the_key or job.attempts >= 2),
    )
    log.warning("job_failed", job=job.id, kind=job.kind, code=error.code, state=state, attempts=job.attempts + 1)
    return RunReport(job.id, job.kind, handle, error.code, str(error), {})
