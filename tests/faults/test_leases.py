"""A place in flight that a dead worker holds is free again when its lease ends; a living one frees it itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.e2e.stack import wait_for
from tests.faults.crew import WIDE, Valkey, Worker, working
from tests.faults.workers import Order
from tests.simulating import Caller, running_simulator
from tikdash.tiklive.transport import Timeouts

TIMEOUTS = (0.2, 0.8)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Caller]:
    with running_simulator() as base_url:
        yield Caller(base_url)


@pytest.fixture
def upstream(simulator: Caller) -> Caller:
    """The first request hangs, all others are answered."""
    simulator.order("reset")
    simulator.order("faults", [{"kind": "timeout", "seconds": 5, "count": 1}])
    return simulator


@pytest.fixture
def pair(upstream: Caller, valkey: Valkey) -> Iterator[tuple[Worker, Worker]]:
    """One whose request hangs, and one that wants the key's only place; whoever is refused asks again at once."""
    first = Order(
        "first",
        upstream.base_url,
        calls=1,
        priority="interactive",
        keys={"*": WIDE | {"in_flight": 1}},
        timeouts=TIMEOUTS,
        comes_back=0.2,
    )
    # A call does not wait: each refusal is to be seen.
    with working([first, replace(first, name="second")], valkey.url, TIKLIVE_PATIENCE_S=0, TIKLIVE_ATTEMPTS=1) as made:
        first_worker, second_worker = made
        first_worker.go()
        wait_for(lambda: upstream.look("stats")["requests"] == 1, "the request that hangs")
        yield first_worker, second_worker


def test_the_place_of_a_killed_worker_is_refused_to_others_until_its_lease_ends(pair: tuple[Worker, Worker]) -> None:
    holder, other = pair
    holder.kill()
    killed = time.monotonic()
    other.go()
    *refused, served = other.report().calls
    assert {(call["outcome"], call["reason"]) for call in refused} == {("too_busy", "in_flight")}
    assert served["outcome"] == "ok"
    lease = Timeouts(*TIMEOUTS).longest_s
    # It was taken a moment before the kill, and is asked for every 200 ms.
    assert lease - 1 < served["ended"] - killed < lease + 1
    assert len(refused) > 20


def test_a_worker_that_ends_by_an_exception_frees_its_place_at_once(
    pair: tuple[Worker, Worker], upstream: Caller
) -> None:
    holder, other = pair
    holder.interrupt()
    ended = holder.report()
    assert ended.outcomes() == {"interrupted"}
    assert [event["outcome"] for event in ended.events] == ["interrupted"], "what was sent may have been charged for"
    other.go()
    assert [call["outcome"] for call in other.report().calls] == ["ok"]


def test_a_worker_whose_request_fails_or_succeeds_frees_its_place_at_once(
    pair: tuple[Worker, Worker], upstream: Caller
) -> None:
    holder, other = pair
    assert [call["outcome"] for call in holder.report().calls] == ["upstream_timeout"]
    other.go()
    [call] = other.report().calls
    assert call["outcome"] == "ok" and call["ended"] - call["began"] < 1
