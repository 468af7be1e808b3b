"""Running jobs: one run takes the lease, fetches, stores, and records how it went."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction

from accounts.selectors import TenantRef
from snapshots.ingest.kinds import RUNNERS, RefusedError
from snapshots.models import FetchJob
from snapshots.scheduling import leases
from snapshots.scheduling.cadence import next_due, retry_after
from snapshots.scheduling.ended import count_ended
from snapshots.scheduling.holds import is_background, note_wait
from snapshots.services.stopping import is_stopping
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.error_pages import server_gone
from tikdash.errors import TikdashError
from tikdash.plans import limits_of, plans_remembered
from tikdash.tiklive.breaker import is_an_outage
from tikdash.tiklive.errors import BudgetReached, FlightLost, NotAdmitted, TikLiveError
from tikdash.words import gettext

log = structlog.get_logger(__name__)

#: What these say is about the key, not about the job: it waits, and does not die of them.
ABOUT_THE_KEY = frozenset({"bad_key", "forbidden", "out_of_credits"})
WAIT_FOR_KEY = timedelta(minutes=10)
#: How long a job that was not admitted waits: at least, and at most for a budget, whose plan may grow meanwhile.
SHORTEST_WAIT_S, LONGEST_WAIT_FOR_BUDGET_S = 0.5, 3600.0
#: Of a batch that is put back as a whole the last jobs come at most so much later than the first, s.
SPREAD_OVER_S = 60.0
#: What these say is about one call: the next job of the batch may well be admitted, or has a sentence of its own.
ABOUT_ONE_CALL = frozenset({FlightLost.code, BudgetReached.code})
JITTER = random.Random()  # noqa: S311  (it spreads retries, it hides nothing)


@dataclass(frozen=True)
class RunReport:
    """How one run went: `ok` with what it did, or the error's code and sentence.

    `wait_s` is set where the job was not admitted and put back: seconds until it is due again.
    """

    job_id: int
    kind: str
    handle: str
    outcome: str
    text: str
    result: dict[str, Any]
    wait_s: float | None = None


def run_jobs(tenant: TenantRef, job_ids: list[int]) -> list[RunReport]:
    """Runs claimed jobs of one tenant one after the other; those that somebody else took are left out.

    Where one is not admitted for longer than a moment, it and all that follow are put back. What must not begin,
    because it was paused or the worker is to end, is given back as it was.
    """
    reports, left_alone = [], list[int]()
    ended, busy_ms = Counter[str](), Counter[str]()
    bound = structlog.contextvars.bound_contextvars(tenant=tenant.slug)
    with tenant_scope(tenant), plans_remembered(), bound:
        for number, job_id in enumerate(job_ids, 1):
            job = None if is_stopping() else leases.begin(job_id)
            if job is None:
                left_alone.append(job_id)
                continue
            began = time.monotonic()
            report = _run(tenant, job)
            reports.append(report)
            if report.wait_s is None:
                ended[job.queue] += 1
                busy_ms[job.queue] += round(1000 * (time.monotonic() - began))
            if _stops_batch(report):
                reports += _put_back_rest(job_ids[number:], report)
                break
        leases.give_back(left_alone)
    if ended:
        count_ended(ended, busy_ms)
    return reports


def _run(tenant: TenantRef, job: leases.RunningJob) -> RunReport:
    handle = str(job.params.get("handle", ""))
    try:
        result = RUNNERS[job.kind](tenant, job)
    except NotAdmitted as error:
        return _put_back(tenant, job, handle, error)
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
        return _failed(
            job, handle, TikdashError(gettext("An error of ours: {name}.").format(name=type(error).__name__))
        )
    _succeeded(tenant, job, result)
    return RunReport(job.id, job.kind, str(result.get("handle", handle)), "ok", str(result.get("text", "")), result)


def _succeeded(tenant: TenantRef, job: leases.RunningJob, result: dict[str, Any]) -> None:
    limits = limits_of(tenant)
    if job.cadence_s is None:
        leases.succeed(job, queue=job.queue, cadence_s=None, next_due_at=None, result=result)
        return
    # Until the planner has seen the row it goes by the plan, which may have changed since the row was made.
    cadence = job.cadence_s if job.why else limits.cadences.get(job.kind, job.cadence_s)
    if (own_due := result.pop("due", None)) is not None:
        with transaction.atomic():
            leases.succeed(job, queue=limits.queue, cadence_s=cadence, next_due_at=own_due(), result={})
        return
    due = next_due(job.kind, cadence, job.offset_s, clock.now(), settings.DAILY_STARTS, asked=job.was_asked_for)
    leases.succeed(job, queue=limits.queue, cadence_s=cadence, next_due_at=due, result={})


def _failed(job: leases.RunningJob, handle: str, error: TikdashError) -> RunReport:
    about_the_key = error.code in ABOUT_THE_KEY
    # A request that finds out whether an outage is over must not cost the job that it was made for its life.
    is_its_own = not about_the_key and not (isinstance(error, TikLiveError) and is_an_outage(error))
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
        counts=is_its_own,
        refused=job.kind == FetchJob.Kind.PROBE and (about_the_key or job.attempts >= 2),
    )
    log.warning("job_failed", job=job.id, kind=job.kind, code=error.code, state=state, attempts=job.attempts + 1)
    return RunReport(job.id, job.kind, handle, error.code, str(error), {})


def _put_back(tenant: TenantRef, job: leases.RunningJob, handle: str, error: NotAdmitted) -> RunReport:
    """The job waits as if nobody had begun it; where it waits for its budget, its row tells the customer so.

    Dispatchers hear of it, so that they do not send the next jobs of whoever waits.
    """
    if is_background(job.queue):
        note_wait(tenant, error)
    wait_s = max(error.retry_after or 0.0, SHORTEST_WAIT_S) * JITTER.uniform(1.0, 1.1)
    if isinstance(error, BudgetReached):
        wait_s = min(wait_s, LONGEST_WAIT_FOR_BUDGET_S)
    due = clock.now() + timedelta(seconds=wait_s)
    if isinstance(error, BudgetReached):
        leases.fail(job, code=error.code, error=str(error), next_due_at=due, counts=False)
    else:
        leases.put_back(job, due)
    log.info("job_put_back", job=job.id, kind=job.kind, code=error.code, wait_s=round(wait_s, 1))
    return RunReport(job.id, job.kind, handle, error.code, str(error), {}, wait_s)


def _stops_batch(report: RunReport) -> bool:
    """True where what follows would not be admitted either, for longer than a moment."""
    return (
        report.wait_s is not None
        and report.wait_s > settings.TIKLIVE_PATIENCE_S
        and report.outcome not in ABOUT_ONE_CALL
    )


def _put_back_rest(job_ids: list[int], first: RunReport) -> list[RunReport]:
    """Puts back what follows in the batch, one behind the other, so that it does not come back all at once."""
    step_s = first.wait_s or 0.0
    waits = {job_id: min(number * step_s, max(SPREAD_OVER_S, step_s)) for number, job_id in enumerate(job_ids, 1)}
    now = clock.now()
    put_back = leases.put_back_unbegun({job_id: now + timedelta(seconds=wait_s) for job_id, wait_s in waits.items()})
    return [
        RunReport(job.id, job.kind, str(job.params.get("handle", "")), first.outcome, first.text, {}, waits[job.id])
        for job in put_back
    ]
