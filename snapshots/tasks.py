"""Celery tasks: ids in, one call of a service. Each may run twice; each says why that does no harm."""

from __future__ import annotations

from celery import shared_task

from accounts.selectors import all_tenants_listed, tenant_by_id
from snapshots.analytics import peers
from snapshots.scheduling import dispatch as dispatching
from snapshots.scheduling import sharing
from snapshots.services import jobs, notes, orphans, partitions, planning, removals, retrying


@shared_task(name=dispatching.RUN_JOBS, ignore_result=True)
def run_jobs(tenant_id: int, job_ids: list[int]) -> None:
    """Runs claimed jobs. Twice: only the first run finds the lease untouched."""
    jobs.run_jobs(tenant_by_id(tenant_id), job_ids)


@shared_task(name="snapshots.dispatch", ignore_result=True, expires=10)
def dispatch() -> None:
    """Claims due jobs and sends them to the queues. Twice: rows that are claimed are not claimed again."""
    dispatching.dispatch()


@shared_task(name="snapshots.plan_jobs", ignore_result=True)
def plan_jobs() -> None:
    """Paces the jobs of all tenants anew, and makes those that are missing. Twice: nothing is left to change."""
    planning.plan_jobs_of(all_tenants_listed())


@shared_task(name="snapshots.count_shared_creators", ignore_result=True)
def count_shared_creators() -> None:
    """Counts which creators several tenants track. Twice: the same count."""
    sharing.count_shared_creators()


@shared_task(name="snapshots.make_partitions", ignore_result=True)
def make_partitions() -> None:
    """Makes the next months' partitions. Twice: those that exist are left alone."""
    partitions.make_partitions_everywhere()


@shared_task(name="snapshots.drop_old_readings", ignore_result=True)
def drop_old_readings() -> None:
    """Drops months of readings that are kept no longer. Twice: the second run finds none."""
    partitions.drop_old_readings()


@shared_task(name="snapshots.look_for_orphans", ignore_result=True)
def look_for_orphans() -> None:
    """Counts rows whose account or post is gone. Twice: it only reads."""
    orphans.count_orphans()


@shared_task(name="snapshots.remove_stopped", ignore_result=True)
def remove_stopped() -> None:
    """Deletes what was stopped and can no longer be undone. Twice: what is gone is gone."""
    removals.remove_stopped()
    notes.delete_removed_notes()


@shared_task(name="snapshots.count_peers", ignore_result=True)
def count_peers() -> None:
    """Counts anew where accounts of one size stand among each other. Twice: the same count."""
    peers.count_peers()


@shared_task(name="snapshots.retry_dead_jobs", ignore_result=True)
def retry_dead_jobs(run: str) -> None:
    """Makes the dead jobs of a noted run active again, piece by piece. Twice: what is active is dead no longer."""
    retrying.go_on_with_retry(run)
