"""What is fetched for an account: its jobs, how often they run and how they went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from snapshots.models import FetchJob
from tikdash import clock
from tikdash.retelling import retold


@dataclass(frozen=True)
class Activity:
    """One job of an account. `cadence_s` is seconds between two runs, None for work that is done once.

    `why` says why it runs as often as it does; `error` is the last error as a sentence, empty after a success.
    `credits_spent` is only told of work that is done once; `runs_now` says that a worker has it.
    """

    kind: str
    label: str
    state: str
    cadence_s: int | None
    why: str
    next_due_at: datetime
    succeeded_at: datetime | None
    failed_at: datetime | None
    attempts: int
    error: str
    credits_spent: int | None
    credit_cap: int | None
    runs_now: bool


def activity(account_id: int) -> list[Activity]:
    """The jobs of an account in the order of their kinds; none for an account that is not fetched, or not here."""
    now, order = clock.now(), FetchJob.Kind.values
    jobs = sorted(FetchJob.objects.filter(account_id=account_id), key=lambda job: order.index(job.kind))
    return [_activity(job, now) for job in jobs]


def _activity(job: FetchJob, now: datetime) -> Activity:
    once = job.cadence_s is None
    return Activity(
        kind=job.kind,
        label=job.get_kind_display(),
        state=job.state,
        cadence_s=job.cadence_s,
        why=retold(job.why),
        next_due_at=job.next_due_at,
        succeeded_at=job.succeeded_at,
        failed_at=job.failed_at,
        attempts=job.attempts,
        error=retold(job.error),
        credits_spent=job.credits_spent if once else None,
        credit_cap=job.credit_cap,
        runs_now=job.lease_until is not None and job.started_at is not None and job.lease_until > now,
    )
