"""Many ask the same at the same time and one fetches, whatever becomes of the one: over processes and threads."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from billing.models import KeyPace
from tests.cast import Cast
from tests.e2e.stack import wait_for
from tests.faults.crew import WIDE, Valkey, reports, working
from tests.faults.workers import Order
from tests.simulating import Caller, running_simulator
from tikdash.tiklive.cache import LEASE_MS

LATENCY_S = 0.75


@pytest.fixture(scope="module")
def simulator() -> Iterator[Caller]:
    with running_simulator("--latency-ms", str(LATENCY_S * 1000), "--threads", "64") as base_url:
        yield Caller(base_url)


@pytest.fixture
def upstream(simulator: Caller) -> Caller:
    """A simulator that takes its time; no faults, empty statistics."""
    simulator.order("reset")
    return simulator


def readers(upstream: Caller, name: str, threads: int, **more: object) -> Order:
    """Each reads the same hashtag once, each thread for a tenant of its own as far as 50 reach."""
    order = Order(
        name, upstream.base_url, threads=threads, calls=1, tenants=tuple(range(1, 51)), priority="interactive",
        asks=("challenge-info-name",), about="sourdough", keys={"*": WIDE}, timeouts=(5, 10), comes_back=0.5,
    )  # fmt: skip
    return replace(order, **more)  # type: ignore[arg-type]


def served(upstream: Caller) -> int:
    return int(upstream.look("stats")["requests"])


def test_of_1000_simultaneous_readers_one_fetches_and_all_get_its_answer(upstream: Caller, valkey: Valkey) -> None:
    orders = [readers(upstream, f"readers{number}", 250) for number in range(4)]
    with working(orders, valkey.url) as workers:
        for worker in workers:
            worker.go()
        report = reports(workers)
    assert served(upstream) == 1
    assert len(report.calls) == 1_000 and report.outcomes() == {"ok"}
    assert len({call["value"] for call in report.calls}) == 1
    [event] = report.events
    assert (event["outcome"], event["credits"]) == ("ok", 1)
    [leader] = [call for call in report.calls if not call["from_cache"]]
    waiting = sum(call["began"] < leader["ended"] for call in report.calls)
    assert waiting > 500, f"only {waiting} asked before the answer was there"


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [({"kind": "http", "status": 500}, "upstream_down"), ({"kind": "not_json"}, "bad_payload")],
    ids=["500", "not JSON"],
)
def test_the_failure_of_the_one_is_everybodys_and_the_next_question_is_asked_anew(
    upstream: Caller, valkey: Valkey, fault: dict[str, object], outcome: str
) -> None:
    upstream.order("faults", [fault])
    orders = [readers(upstream, f"readers{number}", 40) for number in range(2)]
    # Another attempt would be the leader's own matter.
    with working([*orders, readers(upstream, "later", 1)], valkey.url, TIKLIVE_ATTEMPTS=1) as (*workers, later):
        for worker in workers:
            worker.go()
        report = reports(workers)
        assert served(upstream) == 1
        assert len(report.calls) == 80 and report.outcomes() == {outcome}
        assert len({(call["value"], call["reason"]) for call in report.calls}) == 1
        assert len(report.events) == 1
        upstream.order("faults", method="DELETE")
        later.go()
        assert later.report().outcomes() == {"ok"}
    assert served(upstream) == 2


def test_when_the_one_is_killed_another_fetches_for_all(upstream: Caller, valkey: Valkey) -> None:
    upstream.order("faults", [{"kind": "slow", "seconds": 8, "count": 1}])
    orders = [readers(upstream, "leader", 1), *(readers(upstream, f"readers{number}", 20) for number in range(2))]
    with working(orders, valkey.url) as (leader, *workers):
        leader.go()
        wait_for(lambda: served(upstream) == 1, "the leader's request")
        for worker in workers:
            worker.go()
        time.sleep(0.5)
        leader.kill()
        killed = time.monotonic()
        report = reports(workers)
    assert served(upstream) == 2
    assert report.outcomes() == {"ok"} and len({call["value"] for call in report.calls}) == 1
    assert len(report.events) == 1
    assert max(call["ended"] for call in report.calls) - killed < LEASE_MS / 1000 + 3
    assert min(call["ended"] for call in report.calls) > killed, "nobody was served by the one that was killed"


def test_without_redis_everybody_fetches_at_the_pace_of_the_key(
    upstream: Caller, valkey: Valkey, committed_db: Cast
) -> None:
    KeyPace.objects.all().delete()
    valkey.stop()
    space_s = 0.3
    key = WIDE | {"per_minute": 200}
    tenants = tuple(tenant.id for tenant in committed_db.tenants)
    orders = [
        readers(upstream, f"readers{number}", 3, keys={"*": key}, tenants=tenants, real_ports=("pace", "meter"))
        for number in range(2)
    ]
    # All 200 requests a minute of the key are for people: one each 300 ms.
    with working(orders, valkey.url, TIKLIVE_SHARE_WITHOUT_REDIS=1) as workers:
        for worker in workers:
            worker.go()
        report = reports(workers)
    assert report.outcomes() == {"ok", "too_busy"}
    assert {call["reason"] for call in report.calls if call["outcome"] == "too_busy"} == {"without_redis"}
    answered = sorted(call["ended"] for call in report.calls if call["outcome"] == "ok")
    assert len(answered) == served(upstream) == 6
    assert answered[-1] - answered[0] > 5 * space_s - LATENCY_S
