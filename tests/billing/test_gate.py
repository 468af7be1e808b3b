"""The budget gate: a plan's credits of a day are what a tenant spends, whatever Redis knows and whoever asks."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Tenant
from accounts.selectors import TenantRef
from billing.gate import REMEMBERED_S, gate
from billing.metering import meter
from billing.models import Plan, UsageEvent
from tests.billing.test_metering import event_of
from tests.cast import Cast
from tests.threads import at_once
from tikdash import clock
from tikdash.db.scope import all_tenants, current_scope, owner, tenant_scope
from tikdash.errors import NotFound
from tikdash.redis import server
from tikdash.tiklive.errors import BudgetReached
from tikdash.tiklive.ports import PlannedCall, Share

pytestmark = pytest.mark.usefixtures("fresh_gate")

NO_REDIS = "redis://127.0.0.1:9/0"


def ask(tenant: TenantRef, priority: str = "free", credits: int = 1) -> Share:
    return gate.allow(PlannedCall(tenant.id, "user-posts", "posts", priority, credits))


def refusal(tenant: TenantRef, priority: str = "free", credits: int = 1) -> BudgetReached:
    with pytest.raises(BudgetReached) as refused:
        ask(tenant, priority, credits)
    return refused.value


def is_let_through(tenant: TenantRef, priority: str = "free", credits: int = 1) -> bool:
    try:
        ask(tenant, priority, credits)
    except BudgetReached:
        return False
    return True


def spend(cast: Cast, tenant: TenantRef, credits: int, **changes: Any) -> None:
    """One entry of the ledger, as the client makes it: inside the tenant's scope."""
    with tenant_scope(tenant):
        meter.record(event_of(cast, tenant_id=tenant.id, occurred_at=clock.now(), credits=credits, **changes))


def cap_free_at(credits: int | None) -> None:
    Plan.objects.filter(code="free").update(daily_credits=credits)


def counted(tenant: TenantRef) -> int | None:
    with server().reached() as redis:
        found = redis.get(f"credits:{tenant.id}:{clock.today():%Y%m%d}")
    return None if found is None else int(found)


def forget_counts() -> None:
    with server().reached() as redis:
        redis.flushdb()


# --- the cap ---------------------------------------------------------------------------------------------------------


def test_a_tenant_gets_the_share_of_its_plan(cast: Cast) -> None:
    assert ask(cast.rival) == Share(per_minute=30, burst=5)
    assert ask(cast.acme) == Share(per_minute=60, burst=10)
    assert ask(cast.globex) == Share(per_minute=120, burst=10)


def test_at_the_cap_background_stops_and_people_go_on_into_the_reserve(cast: Cast, noon: datetime) -> None:
    spend(cast, cast.rival, 4_999)
    assert is_let_through(cast.rival)
    assert not is_let_through(cast.rival, credits=2), "a call that would go beyond the cap"
    spend(cast, cast.rival, 1)
    assert not is_let_through(cast.rival)
    spend(cast, cast.rival, 249)
    assert is_let_through(cast.rival, "interactive")
    spend(cast, cast.rival, 1)
    assert not is_let_through(cast.rival, "interactive")


def test_the_customer_is_told_the_cap_the_plan_and_when_it_opens_again(cast: Cast, noon: datetime) -> None:
    spend(cast, cast.rival, 5_250)
    with clock.at(noon.replace(hour=23, minute=59, second=30)):
        refused = refusal(cast.rival)
        assert str(refused) == ("The 5,000 credits a day of the Free plan are used up. Fetching goes on at 00:00 UTC.")
        assert refused.retry_after == 30
        assert str(refusal(cast.rival, "interactive")) == (
            "The 5,000 credits a day of the Free plan are used up, and so is the reserve for refreshes."
            " Fetching goes on at 00:00 UTC."
        )
    with clock.at(noon.replace(hour=0) + timedelta(days=1)):
        assert is_let_through(cast.rival)
    with clock.at(noon.replace(hour=0) - timedelta(microseconds=1)):
        assert is_let_through(cast.rival)


def test_a_plan_without_a_cap_spends_freely_and_asks_redis_nothing(cast: Cast, noon: datetime) -> None:
    spend(cast, cast.acme, 30_000)
    ask(cast.acme)
    began = time.perf_counter()
    with CaptureQueriesContext(connection) as queries:
        for _ in range(1_000):
            ask(cast.acme)
    assert len(queries) == 0
    assert time.perf_counter() - began < 0.1
    assert counted(cast.acme) is None, "nobody has asked Redis, or the count would be there"


def test_one_tenants_spending_is_not_anothers(cast: Cast, noon: datetime) -> None:
    Plan.objects.update(daily_credits=10)
    spend(cast, cast.acme, 10)
    assert not is_let_through(cast.acme) and is_let_through(cast.rival) and is_let_through(cast.globex)
    spend(cast, cast.globex, 10)
    assert not is_let_through(cast.globex) and is_let_through(cast.rival)


# --- what Redis knows, and what it does not --------------------------------------------------------------------------


def test_the_count_follows_every_new_event_and_no_replay(cast: Cast, noon: datetime) -> None:
    spend(cast, cast.rival, 7)
    ask(cast.rival)
    assert counted(cast.rival) == 7
    event = event_of(cast, tenant_id=cast.rival.id, occurred_at=noon, credits=3)
    with tenant_scope(cast.rival):
        meter.record(event)
        meter.record(event)
    assert counted(cast.rival) == 10


def test_a_count_is_never_begun_by_a_call(cast: Cast, noon: datetime) -> None:
    spend(cast, cast.rival, 7)
    assert counted(cast.rival) is None, "a count that began here would lack what was spent before"


def test_a_flushed_redis_and_one_that_is_gone_change_no_answer(cast: Cast, noon: datetime, settings: Any) -> None:
    cap_free_at(10)
    spend(cast, cast.rival, 4)
    assert is_let_through(cast.rival)
    spend(cast, cast.rival, 6)
    assert not is_let_through(cast.rival)
    forget_counts()
    assert not is_let_through(cast.rival)
    assert counted(cast.rival) == 10
    there, settings.REDIS_URL = settings.REDIS_URL, NO_REDIS
    assert not is_let_through(cast.rival)
    spend(cast, cast.rival, 1)
    with tenant_scope(cast.rival):
        assert UsageEvent.objects.count() == 3, "no event is lost or doubled without Redis"
    settings.REDIS_URL = there
    forget_counts()
    assert not is_let_through(cast.rival)
    assert counted(cast.rival) == 11


def test_what_redis_missed_is_found_when_the_count_is_summed_anew(cast: Cast, noon: datetime, settings: Any) -> None:
    cap_free_at(10)
    assert is_let_through(cast.rival)
    there, settings.REDIS_URL = settings.REDIS_URL, NO_REDIS
    spend(cast, cast.rival, 10)
    settings.REDIS_URL = there
    with server().reached() as redis:
        assert 0 < redis.ttl(f"credits:{cast.rival.id}:{noon:%Y%m%d}") <= 600
    forget_counts()
    assert not is_let_through(cast.rival)


def test_a_count_that_redis_cannot_keep_is_no_error(cast: Cast, noon: datetime) -> None:
    with server().reached() as redis:
        redis.hset(f"credits:{cast.rival.id}:{noon:%Y%m%d}", "not", "a number")
    assert is_let_through(cast.rival)
    spend(cast, cast.rival, 5_000)
    assert not is_let_through(cast.rival)


def test_many_workers_count_what_they_spend_exactly(committed_db: Cast) -> None:
    rival = committed_db.rival
    ask(rival)

    def worker() -> None:
        for _ in range(25):
            ask(rival)
            spend(committed_db, rival, 1)

    at_once([worker] * 4)
    with tenant_scope(rival):
        assert UsageEvent.objects.count() == 100
    assert counted(rival) == 100


# --- whoever asks ----------------------------------------------------------------------------------------------------


def test_the_answer_is_the_same_in_every_scope_and_leaves_none_behind(cast: Cast, noon: datetime) -> None:
    cap_free_at(10)
    spend(cast, cast.rival, 10)
    spend(cast, cast.acme, 10)
    scopes: list[Callable[[], Any]] = [
        lambda: tenant_scope(cast.rival), lambda: tenant_scope(cast.acme), lambda: tenant_scope(cast.globex),
        all_tenants, lambda: all_tenants("tenant_globex"), lambda: owner("shared"),
    ]  # fmt: skip
    for scope in scopes:
        forget_counts()
        gate.forget()
        with scope():
            inside = current_scope()
            assert not is_let_through(cast.rival)
            assert current_scope() == inside
    forget_counts()
    assert not is_let_through(cast.rival)


# --- plans -----------------------------------------------------------------------------------------------------------


def test_a_changed_plan_is_felt_within_seconds(cast: Cast, noon: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    spend(cast, cast.rival, 20)
    ask(cast.rival)
    Plan.objects.filter(code="free").update(daily_credits=10, requests_per_minute=7)
    later = time.monotonic() + REMEMBERED_S + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert not is_let_through(cast.rival)
    Tenant.objects.filter(pk=cast.rival.id).update(plan="pro")
    gate.forget()
    assert ask(cast.rival) == Share(60, 10)


def test_a_remembered_plan_costs_no_statement_and_with_a_cap_one_read(cast: Cast, noon: datetime) -> None:
    ask(cast.acme)
    ask(cast.rival)
    with server().reached() as redis:
        before = redis.info("stats")["total_commands_processed"]
        with CaptureQueriesContext(connection) as queries:
            ask(cast.rival)
            ask(cast.acme)
        assert len(queries) == 0
        assert redis.info("stats")["total_commands_processed"] == before + 2, (
            "one read, and this look at the statistics"
        )


def test_a_tenant_or_a_plan_that_does_not_exist_is_said(cast: Cast) -> None:
    with pytest.raises(NotFound, match=r"There is no tenant 999999\."):
        gate.allow(PlannedCall(999_999, "user-posts", "posts", "free", 1))
    Tenant.objects.filter(pk=cast.rival.id).update(plan="gold")
    with pytest.raises(NotFound, match=r"There is no plan “gold”\."):
        ask(cast.rival)
