"""Events for tests, written as a day's work leaves them, and the three sums that must agree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import connection

from billing.metering import meter
from tikdash import clock
from tikdash.db.scope import all_tenants, tenant_scope
from tikdash.tiklive.ports import UsageRecord, uuid7


def event(tenant_id: int, at: datetime, **changes: object) -> UsageRecord:
    one = UsageRecord(
        id=uuid7(), tenant_id=tenant_id, occurred_at=at, key_id="shared", endpoint="user-posts", feature="posts",
        priority="pro", outcome="ok", http_status=200, credits=1, attempts=1, latency_ms=100,
    )  # fmt: skip
    return replace(one, **changes)  # type: ignore[arg-type]


def write(tenant: Any, events: Iterable[UsageRecord], late_s: float = 0.0) -> None:
    """Records events of one tenant as its workers do, each at its own time or `late_s` later."""
    from datetime import timedelta

    with tenant_scope(tenant):
        for one in events:
            with clock.at(one.occurred_at + timedelta(seconds=late_s)):
                meter.record(one)


def sums() -> dict[str, tuple[int, int]]:
    """Requests and credits by the events, by the rollup, by the hours and by the fills."""
    with all_tenants(), connection.cursor() as cursor:
        found = {}
        for name, statement in {
            "events": "SELECT count(*), coalesce(sum(credits), 0) FROM usage_events",
            "daily": "SELECT coalesce(sum(requests), 0), coalesce(sum(credits), 0) FROM usage_daily",
            "hourly": "SELECT coalesce(sum(requests), 0), coalesce(sum(credits), 0) FROM usage_hourly",
            "fills": "SELECT coalesce(sum(events), 0), coalesce(sum(credits), 0) FROM usage_fills",
        }.items():
            cursor.execute(statement)
            requests, credits = cursor.fetchone()
            found[name] = (int(requests), int(credits))
    return found


def all_agree() -> tuple[int, int]:
    """The one pair that all four sums are; an assertion fails where they are not."""
    found = sums()
    assert len(set(found.values())) == 1, found
    return found["events"]
