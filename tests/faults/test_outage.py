"""The upstream is down, or a key is dead: all workers together ask once a period, and go on when it is over.

A second stands for the minute that a breaker stays open.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from tests.faults.crew import WIDE, Valkey, stopped, working
from tests.faults.workers import Order
from tests.simulating import Caller, running_simulator

PERIOD_S = 1.0
LATENCY_S = 0.1
FAILURES = 8


@pytest.fixture(scope="module")
def simulator() -> Iterator[Caller]:
    with running_simulator("--latency-ms", str(LATENCY_S * 1000), "--threads", "32") as base_url:
        yield Caller(base_url)


@pytest.fixture
def upstream(simulator: Caller) -> Caller:
    simulator.order("reset")
    return simulator


def end(event: dict[str, Any]) -> float:
    """When the request of an event was over."""
    return float(event["at"] + event["took"])


def opened_at(events: Sequence[dict[str, Any]]) -> float:
    """When the last of the first failures in a row was over: successes that were still under way break the row."""
    in_a_row = 0
    for event in sorted(events, key=end):
        in_a_row = 0 if event["outcome"] == "ok" else in_a_row + 1
        if in_a_row == FAILURES:
            return end(event)
    raise AssertionError(f"There were never {FAILURES} failures in a row")


def assert_one_a_period(events: Sequence[dict[str, Any]], until: float) -> None:
    """Behind the failures that open the breaker, and what was under way then, a single request each period."""
    opened = opened_at(events)
    # What was admitted before that may begin a moment later.
    probes = [event for event in events if opened + 0.1 < event["at"] < until]
    gaps = [after["at"] - before["at"] for before, after in pairwise(probes)]
    assert min(gaps) >= PERIOD_S, gaps
    assert probes[0]["at"] - opened >= PERIOD_S - 0.05
    periods = (until - opened) / PERIOD_S
    assert periods * 0.6 <= len(probes) <= periods, "it has to be asked, or nobody notices that it is over"


def test_an_upstream_that_is_down_is_asked_once_a_period_until_it_is_back(upstream: Caller, valkey: Valkey) -> None:
    order = Order("", upstream.base_url, threads=4, tenants=(1, 2, 3), keys={"*": WIDE}, rest=0.05)
    orders = [replace(order, name=f"worker{number}") for number in range(3)]
    with working(orders, valkey.url, TIKLIVE_BREAKER_OPEN_S=1) as workers:
        for worker in workers:
            worker.go()
        time.sleep(1)
        down = time.time()
        upstream.order("faults", [{"kind": "http", "status": 503}])
        time.sleep(10)
        upstream.order("faults", method="DELETE")
        up = time.time()
        time.sleep(2.5)
        report = stopped(workers)
        asked = upstream.look("stats")["requests"]
    assert asked == len(report.events)
    assert {event["outcome"] for event in report.events if end(event) < down} == {"ok"}
    assert_one_a_period(report.events, up)

    behind = [event for event in report.events if event["at"] > up]
    probe = next(event for event in behind if event["outcome"] == "ok")
    assert end(probe) - up < PERIOD_S + 3 * LATENCY_S
    assert behind[0] is probe
    assert all(event["at"] >= end(probe) - 0.01 for event in behind[1:]), "one asks, the others wait for what it hears"
    assert {event["outcome"] for event in behind} == {"ok"}
    assert len(behind) > 50


def test_a_revoked_key_stops_its_tenant_and_nobody_else(upstream: Caller, valkey: Valkey) -> None:
    own = {"id": "own-9", "secret": "sim-own", "last_four": "-own", "shared": False}
    keys = {"*": WIDE, "9": WIDE | own}
    nine = Order("nine", upstream.base_url, threads=6, tenants=(9,), keys=keys, rest=0.05)
    # Calm, so that their successes do not hide the failures of the one.
    orders = [nine, replace(nine, name="others", threads=4, tenants=(1, 2), rest=0.2)]
    with working(orders, valkey.url, TIKLIVE_BREAKER_OPEN_S=1) as workers:
        for worker in workers:
            worker.go()
        time.sleep(1)
        upstream.order("keys", {"revoked": ["sim-own"]})
        time.sleep(6)
        upstream.order("keys", {})
        valid = time.time()
        time.sleep(2)
        report = stopped(workers)
    others = [event for event in report.events if event["tenant_id"] != 9]
    assert {call["outcome"] for call in report.calls if call["tenant"] != 9} == {"ok"}
    assert max(after["at"] - before["at"] for before, after in pairwise(others)) < 0.5

    of_nine = [event for event in report.events if event["tenant_id"] == 9]
    assert {event["outcome"] for event in of_nine} == {"ok", "bad_key"}
    assert_one_a_period(of_nine, valid)
    probe, *rest = [event for event in of_nine if event["at"] > valid]
    assert probe["outcome"] == "ok" and end(probe) - valid < PERIOD_S + 3 * LATENCY_S
    assert {event["outcome"] for event in rest} == {"ok"} and all(event["at"] >= end(probe) - 0.01 for event in rest)
