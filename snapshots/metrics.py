"""Metrics of the queue of record, read from it when somebody asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection
from prometheus_client.metrics_core import GaugeMetricFamily

from accounts.selectors import schemas
from snapshots.scheduling.dispatch import jobs_in_flight
from snapshots.scheduling.ended import ended_so_far
from snapshots.scheduling.holds import holds_now
from snapshots.scheduling.leases import NOW
from tikdash import clock
from tikdash.db.scope import all_tenants
from tikdash.work import QueueFigures

#: What a dispatcher would claim had every queue room for it; served by the index `fetch_jobs_claim` alone.
DUE = f"""
    SELECT queue, count(*), extract(epoch FROM {NOW} - min(claimable_at))::float8
      FROM fetch_jobs
     WHERE state = 'active' AND claimable_at <= {NOW}
           AND tenant_id <> ALL(%(tenants)s::bigint[]) AND kind <> ALL(%(kinds)s::text[])
     GROUP BY queue
"""


@dataclass(frozen=True)
class Waiting:
    """Jobs that are due and that nobody has claimed: how many, and for how many seconds the oldest has been due."""

    jobs: int = 0
    oldest_s: float = 0.0


def jobs() -> Iterator[GaugeMetricFamily]:
    """Jobs in flight, jobs due and the age of the oldest of them, for every queue."""
    held, waiting = jobs_in_flight(), jobs_due()
    in_flight = GaugeMetricFamily("tikdash_jobs_in_flight", "Jobs that are claimed or running.", labels=["queue"])
    due = GaugeMetricFamily("tikdash_jobs_due", "Jobs that are due and that nobody has claimed yet.", labels=["queue"])
    oldest = GaugeMetricFamily(
        "tikdash_jobs_oldest_due_seconds", "For how long the oldest of the due jobs has been due.", labels=["queue"]
    )
    for queue in settings.QUEUE_ROOM:
        found = waiting.get(queue, Waiting())
        in_flight.add_metric([queue], held.get(queue, 0))
        due.add_metric([queue], found.jobs)
        oldest.add_metric([queue], found.oldest_s)
    yield from (in_flight, due, oldest)


def queue_figures() -> list[QueueFigures]:
    """Every queue for `tikdash.work`."""
    held, waiting, sums = jobs_in_flight(), jobs_due(), ended_so_far()
    return [
        QueueFigures(
            queue=queue,
            waiting=found.jobs,
            oldest_s=max(0.0, found.oldest_s),
            in_flight=held.get(queue, 0),
            ended=sums[0].get(queue, 0) if sums else None,
            busy_s=sums[1].get(queue, 0) / 1000 if sums else None,
        )
        for queue in settings.QUEUE_ROOM
        for found in [waiting.get(queue, Waiting())]
    ]


def accounts_by_tenant() -> dict[int, int]:
    """Tracked accounts for `tikdash.work`, without those that were removed."""
    found: dict[int, int] = {}
    for schema in schemas():
        with all_tenants(schema), connection.cursor() as cursor:
            cursor.execute("SELECT tenant_id, count(*) FROM accounts WHERE removed_at IS NULL GROUP BY tenant_id")
            found |= dict(cursor.fetchall())
    return found


def jobs_due() -> dict[str, Waiting]:
    """Due jobs by queue, over all shards; without those that are paused or outside their hours, and empty queues."""
    found: dict[str, Waiting] = {}
    holds = holds_now({}, at_once=True)
    parameters: dict[str, Any] = {"tenants": holds.tenants, "kinds": holds.kinds, "now": clock.frozen()}
    for schema in schemas():
        with all_tenants(schema), connection.cursor() as cursor:
            cursor.execute(DUE, parameters)
            for queue, number, oldest_s in cursor.fetchall():
                before = found.get(queue, Waiting())
                found[queue] = Waiting(before.jobs + number, max(before.oldest_s, oldest_s))
    return found
