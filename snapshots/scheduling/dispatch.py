"""From due rows to queues: claims what is due, in turns between tenants, as far as queues and keys have room.

One claim a shard, over all its tenants. Rows that another dispatcher is claiming are skipped; a claimed row carries a
lease, so a message that is lost, or a worker that dies, costs the length of the lease and nothing else.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from accounts.selectors import TenantRef, schemas
from snapshots.scheduling.claims import COUNT_DUE, FEW, MANY, THESE
from snapshots.scheduling.holds import Holds, holds_now, is_background, most_in_batch
from snapshots.scheduling.leases import NOW, give_back
from tikdash import clock
from tikdash.db.scope import all_tenants, prepared_cursor, tenant_scope

log = structlog.get_logger(__name__)

RUN_JOBS = "snapshots.run_jobs"
#: Cache key of the unix time of the last tick: that it moves says that beat and a worker are alive.
LAST_TICK = "dispatch:last-tick"
_DRAW = random.Random()  # noqa: S311  (it deals out turns, it hides nothing)
_waking: ContextVar[bool] = ContextVar("tikdash_waking", default=True)

IN_FLIGHT = f"""
    SELECT queue, tenant_id, count(*) FROM fetch_jobs WHERE lease_until > {NOW} GROUP BY queue, tenant_id
"""


@dataclass(frozen=True)
class ClaimedJob:
    """`turn` is the job's number among its tenant's, those in flight included; `due_at` is since when it was due."""

    id: int
    tenant_id: int
    queue: str
    kind: str
    turn: int
    due_at: datetime


def free_room(taken: Mapping[str, int]) -> dict[str, int]:
    """How many more jobs each queue takes, given how many it holds."""
    return {queue: max(0, room - taken.get(queue, 0)) for queue, room in settings.QUEUE_ROOM.items()}


def jobs_in_flight() -> dict[str, int]:
    """Claimed and running jobs by queue, over all shards. PostgreSQL is asked: Redis may have been emptied."""
    return _by_queue(_in_flight_by_tenant())


def claim(
    schema: str, room: Mapping[str, int], tenant_id: int | None = None, holds: Holds | None = None
) -> list[ClaimedJob]:
    """Claims due jobs of a shard, at most `room` for each queue, in the order in which they should run.

    `holds` is what is left alone; by default only what is paused or outside its hours, for callers that run what they
    claim themselves.
    """
    holds = holds or holds_now({}, at_once=True)
    open_queues = [
        queue for queue, free in room.items() if free > 0 and not (holds.upstream_waits and is_background(queue))
    ]
    if not open_queues:
        return []
    now = clock.frozen()
    claimed: list[ClaimedJob] = []
    with all_tenants(schema), prepared_cursor() as cursor:
        most = settings.CLAIM_READS
        cursor.execute(COUNT_DUE, {"queues": open_queues, "most": most, "now": now})
        due = {queue: count for queue, count in cursor.fetchall() if count}
        for statement, queues in (
            (FEW, [queue for queue in open_queues if 0 < due.get(queue, 0) < most]),
            (MANY, [queue for queue in open_queues if due.get(queue, 0) >= most]),
        ):
            if queues:
                cursor.execute(statement, _parameters(queues, room, tenant_id, holds, now))
                found = [ClaimedJob(*row) for row in cursor.fetchall()]
                holds = holds.less(on_shared_key(found, holds))
                claimed += found
    return sorted(claimed, key=lambda job: (job.turn, job.due_at, job.id))


def claim_these(tenant: TenantRef, job_ids: Iterable[int]) -> list[ClaimedJob]:
    """Claims those of the tenant's jobs that are due, not paused and that nobody holds, whatever their queue's room."""
    parameters = {"ids": list(job_ids), "lease": settings.JOB_LEASE_S, "now": clock.frozen()}
    with tenant_scope(tenant), connection.cursor() as cursor:
        cursor.execute(THESE, parameters)
        # The profile before the posts, as they were made.
        return sorted((ClaimedJob(*row) for row in cursor.fetchall()), key=lambda job: job.id)


def dispatch() -> int:
    """One tick: claims what is due in every shard and sends it to the queues; returns the number of jobs sent."""
    in_flight = _in_flight_by_tenant()
    room, holds, sent = free_room(_by_queue(in_flight)), holds_now(in_flight), 0
    shards = schemas()
    # What is free goes to whom is asked first.
    _DRAW.shuffle(shards)
    for schema in shards:
        claimed = claim(schema, room, holds=holds)
        for job in claimed:
            room[job.queue] -= 1
        holds = holds.less(on_shared_key(claimed, holds))
        sent += send(schema, claimed)
    note_tick()
    return sent


def on_shared_key(claimed: Iterable[ClaimedJob], holds: Holds) -> int:
    """How many of these are background jobs whose tenants use the shared key."""
    own = set(holds.own_keys)
    return sum(is_background(job.queue) and job.tenant_id not in own for job in claimed)


def _parameters(
    queues: list[str], room: Mapping[str, int], tenant_id: int | None, holds: Holds, now: datetime | None
) -> dict[str, Any]:
    return {
        "queues": queues,
        "free": [room[queue] for queue in queues],
        "for_people": [not is_background(queue) for queue in queues],
        "lease": settings.JOB_LEASE_S,
        "tenant": tenant_id,
        "tenants": holds.tenants,
        "kinds": holds.kinds,
        "waiting": holds.waiting,
        "own_keys": holds.own_keys,
        "shared_room": holds.shared_room,
        "draw": _DRAW.getrandbits(62),
        "now": now,
    }


def _in_flight_by_tenant() -> dict[tuple[str, int], int]:
    count: dict[tuple[str, int], int] = {}
    for schema in schemas():
        with all_tenants(schema), connection.cursor() as cursor:
            cursor.execute(IN_FLIGHT, {"now": clock.frozen()})
            # A tenant's rows are in one shard.
            count |= {(queue, tenant_id): number for queue, tenant_id, number in cursor.fetchall()}
    return count


def _by_queue(in_flight: Mapping[tuple[str, int], int]) -> dict[str, int]:
    count: dict[str, int] = defaultdict(int)
    for (queue, _), number in in_flight.items():
        count[queue] += number
    return count


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
    batches: dict[tuple[int, str, int, int], list[int]] = {}
    count: dict[tuple[int, str, int], int] = defaultdict(int)
    for job in claimed:
        most = most_in_batch(job.queue, job.kind)
        # Jobs of the same size share batches.
        key = (job.tenant_id, job.queue, most)
        batches.setdefault((*key, count[key] // most), []).append(job.id)
        count[key] += 1
    sent, unsent = 0, list[int]()
    # The first batches of all tenants go before the second ones.
    for (tenant_id, queue, _, _), ids in sorted(batches.items(), key=lambda item: item[0][3]):
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
