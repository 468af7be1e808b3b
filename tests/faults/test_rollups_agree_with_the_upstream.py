"""Rollups = events = what the upstream says it has served: real workers, faults, crashes of every step, replays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from billing.metering import meter
from billing.models import UsageEvent
from billing.rollups import mend, roll_up
from tests.billing.ledger import all_agree, sums
from tests.billing.test_rollups import CrashError, crashing_at
from tests.cast import Cast
from tests.faults.crew import WIDE, Valkey, working
from tests.faults.workers import Order
from tests.simulating import Caller, running_simulator
from tikdash import clock
from tikdash.db.scope import all_tenants, tenant_scope
from tikdash.tiklive.ports import UsageRecord

ENDPOINTS = ("userid", "userinfo-by-username", "challenge-info-name")
FAULTS: list[dict[str, Any]] = [
    {"kind": "http", "status": 429, "retry_after": 1, "every": 30, "count": 2},
    {"kind": "http", "status": 500, "every": 13},
    {"kind": "truncated", "every": 11},
]


@pytest.fixture
def upstream() -> Iterator[Caller]:
    with running_simulator("--threads", "64") as base_url:
        yield Caller(base_url)


def by_endpoint() -> dict[str, int]:
    with all_tenants(), connection.cursor() as cursor:
        cursor.execute("SELECT endpoint, sum(requests)::bigint FROM usage_daily GROUP BY 1")
        return dict(cursor.fetchall())


def served(upstream: Caller) -> tuple[int, int]:
    """Requests and credits, as the upstream has counted them itself."""
    stats = upstream.look("stats")
    return sum(stats["by_endpoint"].values()), stats["credits"]


def replay_all_ten_times(cast: Cast) -> None:
    fields = UsageRecord.__dataclass_fields__
    with all_tenants():
        events = [UsageRecord(**{name: getattr(one, name) for name in fields}) for one in UsageEvent.objects.all()]
    tenants = {tenant.id: tenant for tenant in cast.tenants}
    for one in events:
        with tenant_scope(tenants[one.tenant_id]):
            for _ in range(10):
                meter.record(one)


def test_rollups_are_what_the_upstream_has_served_whatever_crashes_or_comes_again(
    committed_db: Cast, upstream: Caller, valkey: Valkey
) -> None:
    upstream.order("faults", FAULTS)
    order = Order(
        "", upstream.base_url, threads=4, calls=10, tenants=tuple(tenant.id for tenant in committed_db.tenants),
        asks=ENDPOINTS, keys={"*": WIDE}, real_ports=("meter",),
    )  # fmt: skip

    def work(*names: str) -> None:
        with working([replace(order, name=name) for name in names], valkey.url, TIKLIVE_BREAKER_OPEN_S=1) as workers:
            for worker in workers:
                worker.go()
            for worker in workers:
                worker.report()

    work("first", "second")
    requests, credits = served(upstream)
    assert requests > 50 and sums()["events"] == (requests, credits)

    # Counted by a run that is killed at its first statement, the next at its second, and so on, until one gets through.
    number, crashed = 0, True
    while crashed:
        with clock.at(clock.now() + timedelta(minutes=3)):
            try:
                with connection.execute_wrapper(crashing_at(number)):
                    roll_up()
                crashed = False
            except CrashError:
                connection.close()
        number += 1
    assert number > 4 and all_agree() == (requests, credits)
    assert by_endpoint() == upstream.look("stats")["by_endpoint"]

    replay_all_ten_times(committed_db)
    # What comes now lies in a part of the day that is counted, and nobody marks it: the nightly comparison finds it.
    work("third")
    more, paid = served(upstream)
    assert more > requests and sums()["daily"] == (requests, credits) != sums()["events"] == (more, paid)
    with clock.at(clock.now() + timedelta(minutes=3)):
        assert mend(clock.today() - timedelta(days=1))
        roll_up()
    assert all_agree() == (more, paid)
    assert by_endpoint() == upstream.look("stats")["by_endpoint"]
