"""The dispatcher claims what is due, in turns between tenants, within each queue's room, and never twice."""

from __future__ import annotations

import time
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from celery import Celery, current_app
from django.core.cache import cache
from django.db import transaction
from redis import Redis

from accounts.selectors import TenantRef
from snapshots.models import FetchJob
from snapshots.scheduling import leases
from snapshots.scheduling.dispatch import (
    LAST_TICK,
    claim,
    claim_these,
    dispatch,
    jobs_in_flight,
    send,
    wake,
    wake_on_commit,
    without_waking,
)
from tests.cast import Cast
from tests.factories import make_account, make_job
from tests.threads import at_once
from tikdash import clock
from tikdash.db.scope import all_tenants, tenant_scope

ROOM = {"pro": 100, "free": 100, "interactive": 100}
QUEUES = ("interactive", "enterprise", "pro", "free", "backfill")


def make_jobs(tenant: TenantRef, count: int, **fields: Any) -> list[int]:
    with tenant_scope(tenant):
        return [make_job(make_account(), **fields).pk for _ in range(count)]


@pytest.fixture
def broker(settings: Any) -> Iterator[Redis]:
    """The broker with empty queues."""
    client = Redis.from_url(settings.REDIS_URL)
    client.delete(*QUEUES)
    yield client
    client.delete(*QUEUES)
    client.close()


def messages(broker: Redis, queue: str) -> list[tuple[int, list[int]]]:
    """(tenant, job ids) of each message that waits, the first first."""
    raw: Any = broker.lrange(queue, 0, -1)
    found = []
    for text in raw[::-1]:
        message = orjson.loads(text)
        assert message["headers"]["task"] == "snapshots.run_jobs"
        [tenant_id, ids], *_ = orjson.loads(b64decode(message["body"]))
        found.append((tenant_id, ids))
    return found


def test_only_what_is_due_active_and_free_is_claimed(cast: Cast, noon: datetime) -> None:
    [due] = make_jobs(cast.acme, 1, next_due_at=noon)
    make_jobs(cast.acme, 1, next_due_at=noon + timedelta(seconds=1))
    make_jobs(cast.acme, 1, lease_until=noon + timedelta(seconds=1))
    for state in ("paused", "done", "refused", "dead"):
        make_jobs(cast.acme, 1, state=state)
    make_jobs(cast.acme, 1, queue="backfill")
    assert [job.id for job in claim("shared", ROOM)] == [due]
    assert claim("shared", ROOM) == []


def test_a_lease_that_ended_makes_the_job_claimable_again(cast: Cast, noon: datetime) -> None:
    [job_id] = make_jobs(cast.acme, 1)
    assert len(claim("shared", ROOM)) == 1
    with tenant_scope(cast.acme):
        assert leases.begin(job_id) is not None
    with clock.at(noon + timedelta(seconds=299)):
        assert claim("shared", ROOM) == []
    with clock.at(noon + timedelta(seconds=301)):
        assert [job.id for job in claim("shared", ROOM)] == [job_id]
        with tenant_scope(cast.acme):
            assert leases.begin(job_id) is not None


def test_every_tenant_gets_its_first_job_before_any_gets_its_second(cast: Cast, noon: datetime) -> None:
    make_jobs(cast.acme, 10, next_due_at=noon - timedelta(hours=5))
    make_jobs(cast.rival, 3)
    claimed = claim("shared", {"pro": 6})
    assert [job.tenant_id for job in claimed] == [cast.acme.id, cast.rival.id] * 3
    assert {job.tenant_id for job in claim("shared", ROOM)} == {cast.acme.id}


def test_inside_a_tenant_priority_then_age_decide(cast: Cast, noon: datetime) -> None:
    [young] = make_jobs(cast.acme, 1, next_due_at=noon)
    [old] = make_jobs(cast.acme, 1, next_due_at=noon - timedelta(hours=1))
    [urgent] = make_jobs(cast.acme, 1, next_due_at=noon, priority=10)
    assert [job.id for job in claim("shared", ROOM)] == [urgent, old, young]


def test_each_queue_gets_no_more_than_its_room(cast: Cast, noon: datetime) -> None:
    make_jobs(cast.acme, 5, queue="pro")
    make_jobs(cast.rival, 5, queue="free")
    assert Counter(job.queue for job in claim("shared", {"pro": 2, "free": 4})) == {"pro": 2, "free": 4}
    assert claim("shared", {"pro": 0, "free": 0}) == []
    assert jobs_in_flight() == {"pro": 2, "free": 4}
    assert len(claim("shared", ROOM, tenant_id=cast.rival.id)) == 1


def test_a_tenant_cannot_claim_anothers_job(cast: Cast, noon: datetime) -> None:
    [job_id] = make_jobs(cast.acme, 1)
    assert claim_these(cast.rival, [job_id]) == []
    assert [job.id for job in claim_these(cast.acme, [job_id])] == [job_id]


def test_two_dispatchers_at_once_never_claim_the_same_row(committed_db: Cast, noon: datetime) -> None:
    make_jobs(committed_db.acme, 60)
    make_jobs(committed_db.rival, 60)
    for _ in range(3):
        claims = at_once([lambda: claim("shared", {"pro": 1000})] * 4)
        ids = [job.id for claimed in claims for job in claimed]
        assert len(ids) == len(set(ids)) == 120
        with all_tenants("shared"):
            FetchJob.objects.update(lease_until=None)


def test_a_tick_sends_batches_of_25_of_one_tenant_first_batches_first(
    committed_db: Cast, broker: Redis, noon: datetime
) -> None:
    acme, rival, globex = committed_db.tenants
    mine = make_jobs(acme, 60)
    make_jobs(rival, 2, queue="free")
    [theirs] = make_jobs(globex, 1, queue="enterprise")
    assert dispatch() == 63
    sent = messages(broker, "pro")
    assert [(tenant, len(ids)) for tenant, ids in sent] == [(acme.id, 25), (acme.id, 25), (acme.id, 10)]
    assert sorted(job for _, ids in sent for job in ids) == sorted(mine)
    assert [(tenant, len(ids)) for tenant, ids in messages(broker, "free")] == [(rival.id, 2)]
    assert messages(broker, "enterprise") == [(globex.id, [theirs])]
    assert dispatch() == 0
    assert cache.get(LAST_TICK) > 0


def test_what_takes_long_goes_alone_so_that_nothing_waits_behind_it(
    committed_db: Cast, broker: Redis, noon: datetime
) -> None:
    with tenant_scope(committed_db.acme):
        short = [make_job(make_account(), kind).pk for kind in ("profile", "posts")]
        long = [make_job(make_account(), kind).pk for kind in ("comments", "followers")]
    assert dispatch() == 4
    assert sorted(sorted(ids) for _, ids in messages(broker, "pro")) == [short, *([job_id] for job_id in long)]


def test_a_tick_fills_a_queue_only_up_to_its_room(
    committed_db: Cast, broker: Redis, settings: Any, noon: datetime
) -> None:
    settings.QUEUE_ROOM = {"pro": 7}
    make_jobs(committed_db.acme, 10)
    assert (dispatch(), dispatch()) == (7, 0)
    with tenant_scope(committed_db.acme):
        FetchJob.objects.filter(lease_until__isnull=False)[:1].get().delete()
    assert dispatch() == 1


def test_without_a_broker_the_leases_are_given_back_at_once(committed_db: Cast, noon: datetime) -> None:
    make_jobs(committed_db.acme, 30)
    ours, gone = current_app._get_current_object(), Celery("gone", broker="redis://127.0.0.1:9/0")
    gone.conf.update(task_publish_retry=False, broker_transport_options=ours.conf.broker_transport_options)
    began = time.monotonic()
    try:
        assert send("shared", claim("shared", ROOM)) == 0
    finally:
        ours.set_current()
    assert time.monotonic() - began < 2, "somebody waits for this page"
    assert len(claim("shared", ROOM)) == 30


def test_a_job_that_a_worker_began_is_not_given_back(committed_db: Cast, noon: datetime) -> None:
    [job_id] = make_jobs(committed_db.acme, 1)
    claim("shared", ROOM)
    with tenant_scope(committed_db.acme):
        leases.begin(job_id)
        leases.give_back([job_id])
    assert claim("shared", ROOM) == []


def test_a_wake_up_waits_for_the_commit_and_not_for_the_tick(committed_db: Cast, broker: Redis, noon: datetime) -> None:
    acme = committed_db.acme
    first, second = make_jobs(acme, 2)
    with transaction.atomic():
        wake_on_commit(acme, [first])
        assert messages(broker, "pro") == []
    assert messages(broker, "pro") == [(acme.id, [first])]
    with without_waking(), transaction.atomic():
        wake_on_commit(acme, [second])
    assert len(messages(broker, "pro")) == 1
    assert dispatch() == 1


def test_every_thread_of_a_web_server_sends_to_our_broker(committed_db: Cast, broker: Redis, noon: datetime) -> None:
    acme = committed_db.acme
    ids = make_jobs(acme, 3)
    assert at_once([lambda job_id=job_id: wake(acme, [job_id]) for job_id in ids]) == [1, 1, 1]
    assert sorted(messages(broker, "pro")) == [(acme.id, [job_id]) for job_id in ids]
