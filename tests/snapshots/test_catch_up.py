"""After an outage, and beside a tenant that has everything due: no stampede, and everybody gets a turn soon."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from redis import Redis

from accounts.models import Tenant
from accounts.selectors import TenantRef, tenant_by_id
from snapshots.models import FetchJob
from snapshots.scheduling import leases
from snapshots.scheduling.cadence import DAY_S, HOUR_S, next_due
from snapshots.scheduling.dispatch import claim, claim_these, dispatch
from snapshots.scheduling.holds import Holds, holds_now, note_wait, shared_key_places
from snapshots.services import stopping
from snapshots.services.jobs import run_jobs
from tests.cast import Cast
from tests.factories import make_account, make_job
from tests.simulating import Caller
from tests.snapshots.conftest import both_clocks_at
from tests.snapshots.test_dispatch import QUEUES, make_jobs, messages
from tikdash import clock
from tikdash.db.scope import all_tenants, owner, tenant_scope
from tikdash.redis import server
from tikdash.tiklive.errors import BreakerOpen, TooBusy

ROOM = {"pro": 100, "free": 100, "interactive": 100}
#: The platform's real key: 200 requests a minute, of which 160 are used.
PER_SECOND = 160 / 60
WORKERS = 8


@pytest.fixture
def real_key(settings: Any) -> Iterator[Redis]:
    """The key's real limit, and a Redis in which nothing is known and nothing waits."""
    settings.TIKLIVE_KEY_PER_MINUTE = 200
    server().connection.flushdb()
    yield server().connection
    server().connection.flushdb()


# --- what was missed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cadence_s", [900, HOUR_S, 6 * HOUR_S, DAY_S, 7 * DAY_S])
def test_whatever_was_missed_the_next_run_lies_ahead_on_the_grid(cadence_s: int) -> None:
    back = datetime(2026, 11, 15, 14, 10, tzinfo=UTC)
    due = next_due("posts", cadence_s, 777, back)
    assert back < due <= back + timedelta(seconds=cadence_s)
    # Where it would have been without any outage.
    never_down = datetime(2026, 11, 10, tzinfo=UTC)
    while cadence_s <= DAY_S and never_down <= back:
        never_down = next_due("posts", cadence_s, 777, never_down)
    assert cadence_s > DAY_S or due == never_down


def test_a_job_that_missed_ten_slots_runs_once(cast: Cast, upstream: Caller) -> None:
    back = datetime(2026, 11, 15, 12, tzinfo=UTC)
    with both_clocks_at(upstream, back), tenant_scope(cast.acme):
        account = make_account("lena.bakes", tiktok_user_id=upstream.account_id("lena.bakes"))
        # The plan's cadence of profiles is 6 h: due three days ago, twelve slots are gone.
        job = make_job(account, next_due_at=back - timedelta(days=3), cadence_s=6 * HOUR_S, offset_s=60)
        assert len(claim("shared", ROOM)) == 1
        run_jobs(cast.acme, [job.pk])
        job.refresh_from_db()
        assert job.next_due_at == datetime(2026, 11, 15, 12, 1, tzinfo=UTC)
        assert claim("shared", ROOM) == []


def test_inside_a_tenant_the_most_overdue_for_its_rhythm_goes_first(cast: Cast, noon: datetime) -> None:
    [daily] = make_jobs(cast.acme, 1, cadence_s=DAY_S, next_due_at=noon - timedelta(hours=10))
    [hourly] = make_jobs(cast.acme, 1, cadence_s=HOUR_S, next_due_at=noon - timedelta(hours=2))
    [once] = make_jobs(cast.acme, 1, cadence_s=None, next_due_at=noon - timedelta(hours=1))
    [urgent] = make_jobs(cast.acme, 1, cadence_s=DAY_S, priority=5, next_due_at=noon)
    assert [job.id for job in claim("shared", ROOM)] == [urgent, hourly, once, daily]


@pytest.mark.parametrize("reads", [10_000, 5], ids=["few", "many"])
def test_both_ways_of_claiming_take_the_same_jobs(cast: Cast, noon: datetime, settings: Any, reads: int) -> None:
    settings.CLAIM_READS = reads
    old = [make_jobs(cast.acme, 1, next_due_at=noon - timedelta(minutes=9 - n))[0] for n in range(8)]
    [urgent] = make_jobs(cast.acme, 1, priority=3, next_due_at=noon)
    theirs = make_jobs(cast.rival, 2, next_due_at=noon)
    make_jobs(cast.acme, 3, next_due_at=noon + timedelta(seconds=1))
    make_jobs(cast.acme, 3, lease_until=noon + timedelta(seconds=1), queue="free")
    with tenant_scope(cast.acme):
        make_job(make_account(), "stories", next_due_at=noon - timedelta(days=1))
    holds = Holds(kinds=["stories"])
    found = [job.id for job in claim("shared", {"pro": 6}, holds=holds)]
    assert found == [urgent, theirs[0], old[0], theirs[1], old[1], old[2]]
    assert [job.id for job in claim("shared", {"pro": 100}, cast.acme.id, holds)] == old[3:]


def test_who_has_much_in_flight_stands_behind_who_has_nothing(cast: Cast, noon: datetime) -> None:
    make_jobs(cast.acme, 9)
    assert len(claim("shared", {"pro": 4})) == 4
    make_jobs(cast.rival, 4)
    assert {job.tenant_id for job in claim("shared", {"pro": 4})} == {cast.rival.id}


# --- the pace of a key -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("real_key")
def test_no_more_is_claimed_than_the_shared_key_serves_in_a_few_seconds(
    committed_db: Cast, noon: datetime, settings: Any
) -> None:
    for queue in ("pro", "free"):
        make_jobs(committed_db.acme, 30, queue=queue)
    make_jobs(committed_db.rival, 5, queue="interactive")
    assert shared_key_places() == 16
    assert dispatch() == 16 + 5, "people do not count"
    assert dispatch() == 0
    with tenant_scope(committed_db.acme):
        done = list(FetchJob.objects.filter(lease_until__isnull=False).values_list("pk", flat=True)[:4])
        FetchJob.objects.filter(pk__in=done).delete()
    assert dispatch() == 4


@pytest.mark.usefixtures("real_key")
def test_a_tenant_with_its_own_key_is_not_held_back_by_the_shared_one(committed_db: Cast, noon: datetime) -> None:
    make_jobs(committed_db.acme, 40)
    make_jobs(committed_db.rival, 40)
    Tenant.objects.filter(slug="rival").update(key_mode="own")
    try:
        assert dispatch() == 16 + 40
        note_wait(committed_db.acme, BreakerOpen("key_breaker", retry_after=30))
        with all_tenants("shared"):
            FetchJob.objects.update(lease_until=None)
        assert dispatch() == 40
    finally:
        Tenant.objects.filter(slug="rival").update(key_mode="shared")


@pytest.mark.usefixtures("real_key")
@pytest.mark.parametrize(
    ("error", "acme", "rival"),
    [
        (TooBusy(reason="turn", retry_after=30), 0, 3),
        (TooBusy(reason="tenant_rate", retry_after=30), 0, 3),
        (TooBusy(reason="turn", retry_after=0.01), 3, 3),
        (BreakerOpen("key_breaker", retry_after=30), 0, 0),
        (BreakerOpen("upstream_breaker", retry_after=30), 0, 0),
    ],
)
def test_who_was_told_to_wait_is_not_claimed_meanwhile_but_people_are(
    cast: Cast, noon: datetime, error: TooBusy | BreakerOpen, acme: int, rival: int
) -> None:
    make_jobs(cast.acme, 3)
    make_jobs(cast.rival, 3)
    make_jobs(cast.acme, 1, queue="interactive")
    note_wait(cast.acme, error)
    if (error.retry_after or 0) < 1:
        while server().connection.zrange("dispatch:waiting", 0, -1) and holds_now({}).waiting:
            continue
    found = claim("shared", ROOM, holds=holds_now({}))
    assert sum(job.queue == "interactive" for job in found) == 1
    assert sum(job.tenant_id == cast.acme.id and job.queue == "pro" for job in found) == acme
    assert sum(job.tenant_id == cast.rival.id for job in found) == rival


def test_without_redis_nothing_is_known_and_claims_go_on(cast: Cast, noon: datetime, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    make_jobs(cast.acme, 3)
    note_wait(cast.acme, TooBusy(reason="turn", retry_after=30))
    assert len(claim("shared", ROOM, holds=holds_now({}))) == 3


# --- fairness --------------------------------------------------------------------------------------------------------

BACKLOG = """
    INSERT INTO fetch_jobs (tenant_id, kind, queue, priority, cadence_s, offset_s, next_due_at, cursor, params,
                            attempts, state, error_code, error, created_at)
    SELECT %s, 'profile', 'pro', 0, 3600, 0, %s::timestamptz - n * interval '1 s', '', '{}', 0, 'active', '', '', now()
      FROM generate_series(1, 100000) AS n
"""


def serve_for_a_tick(broker: Redis, workers: list[deque[tuple[TenantRef, int]]], now: datetime) -> list[int]:
    """What eight workers finish in 2 s at the pace of the shared key, each its batches one after the other."""
    served = []
    for number in range(int(2 * PER_SECOND)):
        for worker in workers:
            waiting = next((queue for queue in QUEUES if broker.llen(queue)), None)
            if waiting and not worker:
                tenant_id, ids = messages(broker, waiting)[0]
                broker.rpop(waiting)
                worker.extend((tenant_by_id(tenant_id), job_id) for job_id in ids)
        busy = [worker for worker in workers if worker]
        if not busy:
            break
        worker = busy[number % len(busy)]
        tenant, job_id = worker.popleft()
        with tenant_scope(tenant):
            job = leases.begin(job_id)
            assert job is not None
            leases.succeed(job, queue="pro", cadence_s=3600, next_due_at=now + timedelta(hours=1), result={})
        served.append(tenant.id)
    return served


def test_a_tenant_with_100_000_due_jobs_delays_one_with_10_by_no_more_than_30_s(
    committed_db: Cast, real_key: Redis, noon: datetime
) -> None:
    big, small = committed_db.acme, committed_db.rival
    with all_tenants("shared"), connection.cursor() as cursor:
        cursor.execute(BACKLOG, [big.id, noon])
    with owner("shared"), connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE fetch_jobs")
    workers: list[deque[tuple[TenantRef, int]]] = [deque() for _ in range(WORKERS)]
    served: list[int] = []
    arrives, seconds = 10, 0
    while served.count(small.id) < 10 and seconds < 90:
        now = noon + timedelta(seconds=seconds)
        with clock.at(now):
            if seconds == arrives:
                make_jobs(small, 10)
            dispatch()
            served += serve_for_a_tick(real_key, workers, now)
        seconds += 2
    assert served.count(small.id) == 10
    assert seconds - arrives <= 30
    assert served.count(big.id) >= 10, "and the other one goes on"


# --- a worker that is to end -----------------------------------------------------------------------------------------


def test_a_worker_that_is_told_to_end_gives_back_what_it_has_not_begun(
    cast: Cast, noon: datetime, upstream: Caller
) -> None:
    with tenant_scope(cast.acme):
        account = make_account("lena.bakes", tiktok_user_id=upstream.account_id("lena.bakes"))
        ids = [make_job(account).pk, *(make_job(make_account()).pk for _ in range(4))]
        claim_these(cast.acme, ids)
    stopping.stop_beginning()
    try:
        assert run_jobs(cast.acme, ids) == []
    finally:
        stopping.go_on()
    assert sorted(job.id for job in claim("shared", ROOM)) == ids, "somebody else takes them at once"
