"""From due rows to queues: claims what is due, in turns between tenants, as far as the queues have room.

One claim a shard, over all its tenants. Rows that another dispatcher is claiming are skipped; a claimed row carries a
lease, so a message that is lost, or a worker that dies, costs the length of the lease and nothing else.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass

import structlog
from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from accounts.selectors import TenantRef, schemas
from snapshots.scheduling.leases import NOW, give_back
from tikdash import clock
from tikdash.db.scope import all_tenants, tenant_scope

log = structlog.get_logger(__name__)

RUN_JOBS = "snapshots.run_jobs"
#: Cache key of the unix time of the last tick: that it moves says that beat and a worker are alive.
LAST_TICK = "dispatch:last-tick"
_waking: ContextVar[bool] = ContextVar("tikdash_waking", default=True)

IN_FLIGHT = f"SELECT queue, count(*) FROM fetch_jobs WHERE lease_until > {NOW} GROUP BY queue"

#: `turn` is a row's place among its tenant's own due rows: ordering by it gives every tenant its first job before
#: any gets its second.
CLAIM = f"""
    WITH room AS (SELECT * FROM unnest(%(queues)s::text[], %(free)s::int[]) AS r(queue, free)),
    due AS (
        SELECT j.id, j.queue, j.claimable_at,
               row_number() OVER (PARTITION BY j.queue, j.tenant_id
                                  ORDER BY j.priority DESC, j.claimable_at, j.id) AS turn
          FROM fetch_jobs j
         WHERE j.state = 'active' AND j.claimable_at <= {NOW} AND j.queue = ANY(%(queues)s)
               AND (%(tenant)s::bigint IS NULL OR j.tenant_id = %(tenant)s)
    ),
    placed AS (
        SELECT id, queue, row_number() OVER (PARTITION BY queue ORDER BY turn, claimable_at, id) AS place FROM due
    ),
    taken AS (
        SELECT j.id, p.place
          FROM placed p JOIN room USING (queue) JOIN fetch_jobs j ON j.id = p.id
         WHERE p.place <= room.free AND j.state = 'active' AND j.claimable_at <= {NOW}
           FOR UPDATE OF j SKIP LOCKED
    )
    UPDATE fetch_jobs j
       SET lease_until = {NOW} + make_interval(secs => %(lease)s), started_at = NULL
      FROM taken WHERE j.id = taken.id
    RETURNING j.id, j.tenant_id, j.queue, taken.place
"""
CLAIM_THESE = f"""
    UPDATE fetch_jobs
       SET lease_until = {NOW} + make_interval(secs => %(lease)s), started_at = NULL
     WHERE id = ANY(%(ids)s) AND state = 'active' AND claimable_at <= {NOW}
    RETURNING id, tenant_id, queue, 0
"""


@dataclass(frozen=True)
class ClaimedJob:
    id: int
    tenant_id: int
    queue: str
    place: int


def free_room(taken: Mapping[str, int]) -> dict[str, int]:
    """How many more jobs each queue takes, given how many it holds."""
    return {queue: max(0, room - taken.get(queue, 0)) for queue, room in settings.QUEUE_ROOM.items()}


def jobs_in_flight() -> dict[str, int]:
    """Claimed and running jobs by queue, over all shards. PostgreSQL is asked: Redis may have been emptied."""
    count: dict[str, int] = defaultdict(int)
    for schema in schemas():
        with all_tenants(schema), connection.cursor() as cursor:
            cursor.execute(IN_FLIGHT, {"now": clock.frozen()})
            for queue, number in cursor.fetchall():
                count[queue] += number
    return count


def claim(schema: str, room: Mapping[str, int], tenant_id: int | None = None) -> list[ClaimedJob]:
    """Claims due jobs of a shard, at most `room` for each queue, in the order in which they should run."""
    free = {queue: number for queue, number in room.items() if number > 0}
    if not free:
        return []
    parameters = {
        "queues": list(free),
        "free": list(free.values()),
        "lease": settings.JOB_LEASE_S,
        "tenant": tenant_id,
        "now": clock.frozen(),
    }
    with all_tenants(schema), connection.cursor() as cursor:
        cursor.execute(CLAIM, parameters)
        return sorted((ClaimedJob(*row) for row in cursor.fetchall()), key=lambda job: job.place)


def claim_these(tenant: TenantRef, job_ids: Iterable[int]) -> list[ClaimedJob]:
    """Claims those of the tenant's jobs that are due and that nobody holds, whatever the room of their queue."""
    parameters = {"ids": list(job_ids), "lease": settings.JOB_LEASE_S, "now": clock.frozen()}
    with tenant_scope(tenant), connection.cursor() as cursor:
        cursor.execute(CLAIM_THESE, parameters)
        # The profile before the posts, as they were made.
        return sorted((ClaimedJob(*row) for row in cursor.fetchall()), key=lambda job: job.id)


def dispatch() -> int:
    """One tick: claims what is due in every shard and sends it to the queues; returns the number of jobs sent."""
    room, sent = free_room(jobs_in_flight()), 0
    for schema in schemas():
        claimed = claim(schema, room)
        for job in claimed:
            room[job.queue] -= 1
        sent += send(schema, claimed)
    note_tick()
    return sent


def note_tick() -> None:
    with suppress(RedisError, OSError):
        cache.set(LAST_TICK, time.time(), timeout=3600)


@contextmanager
def without_waking() -> Iterator[None]:
    """Inside the block nothing is sent to a worker: the caller runs the jobs itself."""
    token = _waking.set(False)
    try:
        yield
    finally:
        _waking.reset(token)


def wake(tenant: TenantRef, job_ids: Iterable[int]) -> int:
    """Sends jobs to a worker now rather than at the next tick. Failing that, the next tick does it."""
    return send(tenant.schema_name, claim_these(tenant, job_ids))


def wake_on_commit(tenant: TenantRef, job_ids: Iterable[int]) -> None:
    """As `wake`, once the rows are committed; nothing inside `without_waking`."""
    ids = list(job_ids)
    if _waking.get():
        transaction.on_commit(lambda: wake(tenant, ids))


def send(schema: str, claimed: list[ClaimedJob]) -> int:
    """Sends claimed jobs in batches of one tenant and queue; what cannot be sent is given back at once."""
    batches: dict[tuple[int, str, int], list[int]] = {}
    count: dict[tuple[int, str], int] = defaultdict(int)
    for job in claimed:
        key = (job.tenant_id, job.queue)
        batches.setdefault((*key, count[key] // settings.JOBS_PER_TASK), []).append(job.id)
        count[key] += 1
    sent, unsent = 0, list[int]()
    # The first batches of all tenants go before the second ones.
    for (tenant_id, queue, _), ids in sorted(batches.items(), key=lambda item: item[0][2]):
        if not unsent:
            try:
                current_app.send_task(RUN_JOBS, args=[tenant_id, ids], queue=queue)
                sent += len(ids)
                continue
            except (BrokerError, RedisError, OSError) as error:
                log.error("queue_gone", detail=str(error).splitlines()[0])
        unsent += ids
    if unsent:
        with all_tenants(schema):
            give_back(unsent)
    return sent
