"""The upstream's limit holds over all processes and threads: at full pressure, with a wrong clock, without Redis.

The longest run, 75 s at full pressure, goes on beside the other tests of this file; the last one looks at it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pytest

from billing.models import KeyPace
from tests.cast import Cast
from tests.faults.crew import KEY, Valkey, Worker, most_within, own_valkey, stopped, working, written_events
from tests.faults.workers import Order
from tests.simulating import Caller, running_simulator
from tikdash.redis import Server
from tikdash.tiklive.admission import Admission, Turn
from tikdash.tiklive.breaker import WORKS
from tikdash.tiklive.ports import ApiKey, Share

LIMIT = 200
#: Of the limit 80 % is used, and 10 may come at once.
PER_SECOND, BURST = LIMIT * 0.8 / 60, 10
LONG_RUN_S = 75.0
TENANTS = tuple(range(1, 13))


@dataclass(frozen=True)
class LongRun:
    """Workers at full pressure since `began`, and their upstream."""

    workers: list[Worker]
    upstream: Caller
    began: float


@pytest.fixture(scope="module")
def long_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LongRun]:
    """48 threads in 3 processes that ask for all they can get, with a bucket that was full when they began."""
    key = KEY | {"per_minute": LIMIT, "in_flight": 20}
    with ExitStack() as stack:
        valkey = stack.enter_context(own_valkey(tmp_path_factory.mktemp("long-run")))
        base_url = stack.enter_context(simulator(LIMIT, "--latency-ms", "100"))
        use_once(valkey.url, key)
        filled = time.monotonic() + BURST / PER_SECOND
        order = Order("", base_url, threads=16, tenants=TENANTS, keys={"*": key}, share=(60, 10))
        orders = [replace(order, name=f"long{number}") for number in range(3)]
        workers = stack.enter_context(working(orders, valkey.url))
        time.sleep(max(0.0, filled - time.monotonic()))
        begin(workers)
        yield LongRun(workers, Caller(base_url), time.monotonic())


def simulator(limit: int, *more: str) -> Any:
    """An upstream that refuses strictly what is beyond its limit."""
    return running_simulator("--rpm", str(limit), "--burst", "50", "--threads", "32", *more)


def use_once(redis_url: str, facts: dict[str, Any]) -> None:
    """Makes one request with a key that nobody has used: from then on its bucket fills."""
    admission = Admission(Server(redis_url))
    turn = Turn.of(ApiKey(**facts), 99, Share(60, 10), for_people=True, lease_s=1)
    admission.finish(admission.enter(turn), WORKS)


def begin(workers: Sequence[Worker]) -> None:
    for worker in workers:
        worker.go()


def refused(upstream: Caller) -> int:
    """How many requests the upstream has answered with 429."""
    return sum(outcomes.get("rate_limited", 0) for outcomes in upstream.look("stats")["by_outcome"].values())


@pytest.mark.usefixtures("long_run")
def test_a_process_whose_clock_is_an_hour_off_gets_its_share_and_no_more(valkey: Valkey) -> None:
    limit = 60
    keys = {"*": KEY | {"per_minute": limit, "in_flight": 20}}
    with simulator(limit) as base_url:
        right = Order("right", base_url, threads=4, tenants=(1, 2), keys=keys)
        ahead = replace(right, name="ahead", tenants=(3, 4), clock_off=3_600)
        behind = replace(right, name="behind", tenants=(5, 6), clock_off=-3_600)
        with working([right, ahead, behind], valkey.url) as workers:
            begin(workers)
            time.sleep(20)
            report = stopped(workers)
        upstream = Caller(base_url)
        assert refused(upstream) == 0
        assert upstream.look("stats")["requests"] == len(report.events)
    # 48 a minute from a bucket that began with one request.
    assert 14 <= len(report.events) <= 1 + 20.5 * 0.8
    by_worker = {name: [e for e in report.events if e["worker"] == name] for name in ("right", "ahead", "behind")}
    assert all(len(events) >= 4 for events in by_worker.values()), {n: len(e) for n, e in by_worker.items()}
    # They did keep another time: their own events are an hour away.
    assert by_worker["ahead"][0]["noted_at"] > time.time() + 3_000
    assert by_worker["behind"][0]["noted_at"] < time.time() - 3_000


@pytest.mark.usefixtures("long_run")
def test_a_flushed_and_a_restarted_redis_let_nobody_through_twice_and_people_are_served_meanwhile(
    committed_db: Cast, valkey: Valkey
) -> None:
    KeyPace.objects.all().delete()
    tenants = tuple(tenant.id for tenant in committed_db.tenants)
    real = ("keys", "gate", "meter", "pace")
    with simulator(LIMIT) as base_url:
        jobs = Order("jobs", base_url, threads=9, tenants=tenants, real_ports=real, comes_back=0.3)
        people = replace(jobs, name="people", threads=3, priority="interactive", rest=2)
        settings = {"TIKLIVE_KEY_PER_MINUTE": LIMIT, "TIKLIVE_KEY_IN_FLIGHT": 20}
        with working([jobs, replace(jobs, name="others"), people], valkey.url, **settings) as workers:
            began = time.time()
            begin(workers)
            time.sleep(3)
            valkey.flush()
            time.sleep(3)
            valkey.stop()
            gone = time.time()
            time.sleep(7)
            back = time.time()
            valkey.start()
            time.sleep(4)
            report = stopped(workers)
            ended = time.time()
        upstream = Caller(base_url)
        events = written_events()
        assert upstream.look("stats")["requests"] == len(events), "each request has its event"
        assert refused(upstream) == 0
    assert report.outcomes() == {"ok", "too_busy", "limiter_gone"}

    meanwhile = [event for event in events if gone + 0.2 < event["at"] < back]
    assert {event["priority"] for event in meanwhile} == {"interactive"}
    # A tenth of 200 a minute: one every 3 s.
    gaps = [after["at"] - before["at"] for before, after in pairwise(meanwhile)]
    assert 2 <= len(meanwhile) <= 3 and min(gaps) > 2.8, gaps
    assert {event["priority"] for event in events if event["at"] > back} == {"interactive", "background"}

    with_redis = [event for event in events if not gone + 0.2 < event["at"] < back]
    # What flows in, and one request for each time that the bucket was new: at the start, flushed, restarted.
    assert len(with_redis) <= 3 + PER_SECOND * (ended - began - (back - gone)) + 1
    assert most_within(60, [event["at"] for event in events]) <= LIMIT


def test_16_threads_in_each_of_3_processes_use_the_limit_and_never_hear_429(long_run: LongRun) -> None:
    time.sleep(max(0.0, long_run.began + LONG_RUN_S - time.monotonic()))
    report = stopped(long_run.workers)
    moments = [event["at"] for event in report.events]
    assert refused(long_run.upstream) == 0
    assert report.outcomes() <= {"ok", "too_busy", "not_admitted"}
    assert long_run.upstream.look("stats")["requests"] == len(moments)
    assert most_within(60, moments) <= LIMIT * 0.8 + BURST
    assert len(moments) >= 0.95 * PER_SECOND * (moments[-1] - moments[0]) and moments[-1] - moments[0] > LONG_RUN_S - 5
    served = {tenant: sum(event["tenant_id"] == tenant for event in report.events) for tenant in TENANTS}
    assert max(served.values()) - min(served.values()) <= 3, served
