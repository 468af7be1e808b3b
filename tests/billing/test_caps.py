"""All caps of the gate: months, the shared key, the whole deployment, grants; and who was refused, and why."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.selectors import TenantRef
from billing import spending
from billing.gate import gate
from billing.metering import meter
from billing.models import BudgetRefusal, Plan, PlatformBudget, TenantBudget, UsageCorrection, UsageEvent, UsageSaved
from billing.rollups import roll_up
from billing.tallies import tallies
from tests.billing.ledger import event, write
from tests.cast import Cast
from tikdash import clock
from tikdash.db.backend.base import DatabaseWrapper
from tikdash.db.scope import all_tenants, tenant_scope
from tikdash.redis import server
from tikdash.tiklive.errors import BudgetReached
from tikdash.tiklive.ports import PlannedCall

pytestmark = pytest.mark.usefixtures("fresh_gate")


def refused(tenant: TenantRef, priority: str = "pro", credits: int = 1, key: str = "shared") -> str:
    """What the tenant is told; empty where the call is let through."""
    try:
        gate.allow(PlannedCall(tenant.id, "user-posts", "posts", priority, credits, key))
    except BudgetReached as error:
        return str(error)
    return ""


def spend(tenant: TenantRef, credits: int, at: datetime, **changes: Any) -> None:
    write(tenant, [event(tenant.id, at, credits=credits, **changes)])


def budget(scope: str, **caps: Any) -> None:
    PlatformBudget.objects.update_or_create(scope=scope, defaults=caps)
    gate.forget()


def month_of_pro(credits: int, grace: int = 0) -> None:
    Plan.objects.filter(code="pro").update(monthly_credits=credits, grace_percent=grace)
    gate.forget()


# --- a tenant's month ------------------------------------------------------------------------------------------------


def test_the_month_counts_what_is_rolled_up_and_what_has_come_since(cast: Cast, noon: datetime) -> None:
    month_of_pro(100)
    spend(cast.acme, 60, noon - timedelta(days=5))
    roll_up()
    spend(cast.acme, 39, noon)
    assert refused(cast.acme) == ""
    spend(cast.acme, 1, noon)
    assert refused(cast.acme).startswith("The 100 credits of this month are used up. Fetching goes on on 1 ")
    with clock.at((noon.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0)):
        assert refused(cast.acme) == ""


def test_beyond_the_months_credits_there_is_grace_and_then_only_people_go_on(cast: Cast, noon: datetime) -> None:
    month_of_pro(1_000, grace=10)
    spend(cast.acme, 1_099, noon)
    assert refused(cast.acme) == ""
    spend(cast.acme, 1, noon)
    assert "with the 10 % that the Pro plan allows beyond them" in refused(cast.acme)
    assert refused(cast.acme, "interactive") == ""
    spend(cast.acme, 50, noon)
    assert "and so is the reserve" in refused(cast.acme, "interactive")


def test_calls_that_failed_are_not_charged_to_the_tenant_but_to_us(cast: Cast, noon: datetime) -> None:
    month_of_pro(10)
    budget("deployment", daily_credits=1_000, reserve_percent=0)
    assert refused(cast.acme) == ""
    spend(cast.acme, 50, noon, outcome="not_found")
    assert spending.spent(spending.of_month(noon.date(), tenant_id=cast.acme.id)) == 0
    assert spending.spent(spending.of_day(noon.date())) == 50
    assert refused(cast.acme) == ""


def test_a_budget_of_its_own_and_grants_stand_above_the_plan(cast: Cast, noon: datetime) -> None:
    month_of_pro(10)
    spend(cast.acme, 10, noon)
    assert refused(cast.acme)
    with all_tenants():
        TenantBudget.objects.create(tenant_id=cast.acme.id, extra_credits=5, extra_month=noon.date().replace(day=1))
    gate.forget()
    assert refused(cast.acme) == ""
    spend(cast.acme, 5, noon)
    assert refused(cast.acme).startswith("The 15 credits of this month")
    with all_tenants():
        TenantBudget.objects.update(monthly_credits=500, extra_month=noon.date() - timedelta(days=40))
    gate.forget()
    assert refused(cast.acme) == ""


def test_a_correction_gives_credits_back(cast: Cast, noon: datetime) -> None:
    month_of_pro(10)
    spend(cast.acme, 10, noon)
    assert refused(cast.acme)
    with tenant_scope(cast.acme):
        UsageCorrection.objects.create(day=noon.date(), credits=-4, reason="A fault of ours.", made_at=noon)
    spending.forget(cast.acme.id, [noon.date()])
    assert refused(cast.acme) == ""


# --- the key and the deployment --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scope", "cap"), [("deployment", "all"), ("shared", "key")])
def test_a_cap_of_ours_stops_everybody_and_keeps_a_reserve_for_people(
    cast: Cast, noon: datetime, scope: str, cap: str
) -> None:
    budget(scope, daily_credits=100, monthly_credits=1_000, reserve_percent=10)
    spend(cast.acme, 60, noon)
    spend(cast.globex, 30, noon)
    for tenant in cast.tenants:
        said = refused(tenant)
        assert said == (
            "Tikdash fetches nothing more for now. Your own credits are untouched. Fetching goes on at 00:00 UTC."
        ), "no figure of anybody else"
        assert refused(tenant, "interactive") == ""
    spend(cast.acme, 10, noon)
    assert refused(cast.rival, "interactive")
    tallies.write()
    with all_tenants():
        assert set(BudgetRefusal.objects.values_list("cap", flat=True)) == {f"{cap}_day"}


def test_a_cap_of_the_shared_key_is_none_of_a_tenants_own_key(cast: Cast, noon: datetime) -> None:
    budget("shared", daily_credits=10, reserve_percent=0)
    spend(cast.acme, 10, noon)
    assert refused(cast.globex)
    assert refused(cast.globex, key="own-3") == ""
    spend(cast.globex, 99, noon, key_id="own-3")
    assert spending.spent(spending.of_day(noon.date(), key_id="shared")) == 10


def test_the_month_of_the_deployment_counts_all_its_days(cast: Cast, noon: datetime) -> None:
    budget("deployment", monthly_credits=100, reserve_percent=0)
    for back in (3, 2, 1):
        spend(cast.rival, 30, noon - timedelta(days=back))
    roll_up()
    assert refused(cast.acme) == ""
    spend(cast.acme, 10, noon)
    assert refused(cast.acme)


# --- one question, many askers ---------------------------------------------------------------------------------------


def test_all_six_caps_are_one_question_to_redis(cast: Cast, noon: datetime) -> None:
    Plan.objects.filter(code="pro").update(daily_credits=1_000, monthly_credits=10_000)
    budget("deployment", daily_credits=1_000, monthly_credits=10_000)
    budget("shared", daily_credits=1_000, monthly_credits=10_000)
    assert refused(cast.acme) == ""
    with server().reached() as redis:
        before = redis.info("stats")["total_commands_processed"]
        assert refused(cast.acme) == ""
        assert redis.info("stats")["total_commands_processed"] == before + 2
    spend(cast.acme, 3, noon)
    with server().reached() as redis:
        names = sorted(name.decode() for name in redis.keys("credits:*"))
        assert len(names) == 6 and {int(redis.get(name) or 0) for name in names} == {3}


def test_what_ends_while_a_count_is_summed_is_not_missed(cast: Cast, noon: datetime, monkeypatch: Any) -> None:
    month_of_pro(100)
    count = spending.of_month(noon.date(), tenant_id=cast.acme.id)
    really = spending._sum

    def summed_slowly(which: spending.Count) -> int:
        total = really(which)
        spend(cast.acme, 7, noon)
        return total

    monkeypatch.setattr(spending, "_sum", summed_slowly)
    spending.summed(count)
    monkeypatch.undo()
    assert spending.spent(count) == 7 == really(count)


def test_sixteen_processes_at_the_cap_overshoot_by_no_more_than_what_they_have_under_way(committed_db: Cast) -> None:
    cap, processes = 200, 16
    Plan.objects.filter(code="free").update(daily_credits=cap)
    rival = committed_db.rival
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
    children = []
    try:
        for _ in range(processes):
            pid = os.fork()
            if pid == 0:
                DatabaseWrapper._connection_pools.clear()
                code = 1
                try:
                    while not refused(rival, "free"):
                        with tenant_scope(rival):
                            meter.record(event(rival.id, clock.now()))
                    code = 0
                finally:
                    os._exit(code)
            children.append(pid)
        assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * processes
        with all_tenants():
            made = UsageEvent.objects.count()
        assert cap <= made <= cap + processes
    finally:
        Plan.objects.filter(code="free").update(daily_credits=5_000)


# --- who was refused -------------------------------------------------------------------------------------------------


def test_who_was_refused_and_why_is_written_down_once_for_many_calls(cast: Cast, noon: datetime) -> None:
    Plan.objects.filter(code="free").update(daily_credits=1)
    spend(cast.rival, 1, noon)
    for _ in range(30):
        assert refused(cast.rival)
    tallies.write()
    with tenant_scope(cast.rival):
        [row] = BudgetRefusal.objects.all()
        assert (row.calls, row.cap, row.feature, row.priority) == (30, "tenant_day", "posts", "pro")
        assert row.sentence == "The 1 credits a day of the Free plan are used up. Fetching goes on at 00:00 UTC."
    with tenant_scope(cast.acme):
        assert not BudgetRefusal.objects.exists()


def test_answers_that_cost_nothing_are_counted_by_what_made_them_free(cast: Cast, noon: datetime) -> None:
    for way in ("cache", "cache", "flight", "shared"):
        meter.saved(tenant_id=cast.acme.id, endpoint="user-posts", feature="posts", way=way, credits=1)
    tallies.write()
    meter.saved(tenant_id=cast.acme.id, endpoint="user-posts", feature="posts", way="cache", credits=1)
    tallies.write()
    with tenant_scope(cast.acme):
        found = dict(UsageSaved.objects.values_list("way", "credits"))
    assert found == {"cache": 3, "flight": 1, "shared": 1}
