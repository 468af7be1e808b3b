"""Whatever becomes of a request, the ledger has its event: as many as the upstream has seen, at its price."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.cast import Cast
from tests.e2e.stack import free_port
from tests.faults.crew import WIDE, Valkey, reports, working, written_events
from tests.faults.workers import Order
from tests.simulating import Caller, running_simulator

ENDPOINTS = ("userid", "userinfo-by-username", "challenge-info-name")
#: In an order in which the rare ones come to their turn.
FAULTS: list[dict[str, Any]] = [
    {"kind": "http", "status": 429, "retry_after": 1, "every": 40, "count": 3},
    {"kind": "http", "status": 429, "every": 55, "count": 2},
    {"kind": "timeout", "seconds": 1.5, "every": 19, "count": 8},
    {"kind": "reset", "every": 17},
    {"kind": "http", "status": 500, "every": 13},
    {"kind": "http", "status": 503, "retry_after": 1, "every": 31},
    {"kind": "truncated", "every": 11},
    {"kind": "not_json", "every": 23},
]


@pytest.fixture(scope="module")
def simulator() -> Iterator[Caller]:
    with running_simulator("--threads", "64") as base_url:
        yield Caller(base_url)


@pytest.fixture
def upstream(simulator: Caller) -> Caller:
    simulator.order("reset")
    return simulator


def hits(upstream: Caller, *kinds: str) -> int:
    """How often faults have struck; http faults are named by their status."""
    return sum(
        rule["hit"]
        for rule in upstream.look("faults")
        if (str(rule["status"]) if rule["kind"] == "http" else rule["kind"]) in kinds
    )


def test_each_request_that_the_upstream_saw_has_one_event_at_its_price(
    committed_db: Cast, upstream: Caller, valkey: Valkey
) -> None:
    upstream.order("faults", FAULTS)
    order = Order(
        "", upstream.base_url, threads=6, calls=18, tenants=tuple(tenant.id for tenant in committed_db.tenants),
        asks=ENDPOINTS, twice=True, keys={"*": WIDE}, real_ports=("meter",), timeouts=(1, 0.5), comes_back=0.5,
    )  # fmt: skip
    orders = [replace(order, name=f"worker{number}") for number in range(3)]
    with working(orders, valkey.url, TIKLIVE_BREAKER_OPEN_S=1) as workers:
        for worker in workers:
            worker.go()
        report = reports(workers)
    stats, events = upstream.look("stats"), written_events()
    assert dict(Counter(event["endpoint"] for event in events)) == stats["by_endpoint"]

    outcomes = Counter(event["outcome"] for event in events)
    assert outcomes["rate_limited"] == hits(upstream, "429") > 0
    assert outcomes["upstream_down"] == hits(upstream, "500", "503") > 0
    assert outcomes["upstream_timeout"] == hits(upstream, "timeout") > 0
    # A reset in the middle of the body comes as half a body, or takes what was sent before along with it.
    bad, cut = outcomes["bad_payload"], outcomes["connection_failed"]
    assert bad + cut == hits(upstream, "reset", "truncated", "not_json")
    assert cut <= hits(upstream, "reset")
    assert outcomes["ok"] == sum(of.get("ok", 0) for of in stats["by_outcome"].values())

    # What was never heard costs nothing here, although this upstream has charged for it.
    unheard = outcomes["upstream_timeout"] + cut
    assert sum(event["credits"] for event in events) == stats["credits"] - unheard == outcomes["ok"] + bad

    answered = Counter(call["from_cache"] for call in report.calls if call["outcome"] == "ok")
    assert answered[True] > 100 and answered[False] == outcomes["ok"], "what was kept left no event"


def test_a_missing_post_costs_nothing_and_half_an_answer_about_it_counts_as_paid(
    committed_db: Cast, upstream: Caller, valkey: Valkey
) -> None:
    upstream.order("faults", [{"kind": "truncated", "every": 3}])
    order = Order(
        "posts", upstream.base_url, threads=2, calls=12, tenants=(committed_db.acme.id,), asks=("post-detail",),
        keys={"*": WIDE}, real_ports=("meter",),
    )  # fmt: skip
    with working([order], valkey.url, TIKLIVE_ATTEMPTS=1) as [worker]:
        worker.go()
        worker.report()
    assert upstream.look("stats")["credits"] == 0
    events = Counter((event["outcome"], event["credits"]) for event in written_events())
    assert events == {("entity_not_found", 0): 16, ("bad_payload", 1): 8}


def test_a_request_that_was_never_sent_has_none(committed_db: Cast, valkey: Valkey) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    order = Order("unsent", nobody, calls=2, tenants=(committed_db.acme.id,), keys={"*": WIDE}, real_ports=("meter",))
    with working([order], valkey.url) as [worker]:
        worker.go()
        assert worker.report().outcomes() == {"connection_failed"}
    assert written_events() == []
