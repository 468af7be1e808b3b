"""Celery tasks: ids in, one call of a service. Each may run twice; each says why that does no harm."""

from __future__ import annotations

from celery import shared_task

from accounts.selectors import tenant_by_id
from snapshots.scheduling import dispatch as dispatching
from snapshots.services import jobs, partitions


@shared_task(name=dispatching.RUN_JOBS, ignore_result=True)
def run_jobs(tenant_id: int, job_ids: list[int]) -> None:
    """Runs claimed jobs. Twice: only the first run finds the lease untouched."""
    jobs.run_jobs(tenant_by_id(tenant_id), job_ids)


@shared_task(name="snapshots.dispatch", ignore_result=True, expires=10)
def dispatch() -> None:
    """Claims due jobs and sends them to the queues. Twice: rows that are claimed are not claimed again."""
    dispatching.dispatch()


@shared_task(name="snapshots.make_partitions", ignore_result=True)
def make_partitions() -> None:
    """Makes the next months' partitions. Twice: those that exist are left alone."""
    partitions.make_partitions_everywhere()
