"""What the demo shows of money after its first start."""

from __future__ import annotations

from datetime import datetime, timedelta

from billing.models import CapacityScenario, CreditPack, Invoice, QuarterPlan, Subscription, TenantBudget
from billing.services.planner import sheets_of
from tests.billing.ledger import all_agree, event, write
from tests.cast import Cast
from tests.snapshots.conftest import browser_of
from tikdash.db.scope import all_tenants
from tikdash.demo_money import seed_money


def test_the_demo_has_plans_invoices_packs_budgets_and_two_scenarios(cast: Cast, noon: datetime) -> None:
    first = noon - timedelta(days=80)
    for tenant in cast.tenants:
        write(tenant, [event(tenant.id, first + timedelta(days=day), credits=5) for day in range(80)])
    for _ in range(2):
        seed_money(cast.tenants, first.date())
        with all_tenants():
            assert (CreditPack.objects.count(), Subscription.objects.count(), Invoice.objects.count()) == (1, 3, 6)
            assert CapacityScenario.objects.count() == 2 and QuarterPlan.objects.count() == 1
            assert TenantBudget.objects.get(tenant_id=cast.acme.id).monthly_credits == 15_000
            assert {row.starts_on for row in Subscription.objects.all()} == {first.date()}
            for scenario in CapacityScenario.objects.all():
                assert sheets_of(scenario).features
    assert all_agree() == (240, 1_200)
    assert "Welcome to the demo" in browser_of(cast.ana, "acme.localhost").get("/settings/usage/").content.decode()
