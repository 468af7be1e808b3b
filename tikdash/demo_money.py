"""The demo's money: ninety days rolled up, plans and invoices, a pack, budgets, and a scenario of the planner."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from accounts.selectors import TenantRef
from billing.capacity import Feature, Inputs, Limits, Table, Tier, Workers
from billing.models import CapacityScenario, CreditPack, PlatformBudget, Subscription
from billing.rollups import roll_up
from billing.services.calibration import new_from_measured
from billing.services.grants import grant_credits, set_budget
from billing.services.invoices import issue_all
from billing.services.planner import adopt, quarter_of, write_inputs
from billing.services.sampling import sample_queues, sample_tables
from billing.services.subscriptions import subscribe
from tikdash import clock
from tikdash.db.partitions import first_of_month
from tikdash.db.scope import all_tenants

PACK = 250_000
#: What would come of a good year: 4,800 profiles, discovery and detail, as in the worked example of the documents.
GROWTH = Inputs(
    tiers=(Tier("free", 900, 2_000, 0.15), Tier("pro", 120, 4_800, 0.1), Tier("enterprise", 6, 1_200, 0.05)),
    features=(
        Feature("Profile sync", "userinfo-by-username", "pro", 4_800, 1),
        Feature("Discovery", "user-posts", "pro", 4_800, 4),
        Feature("Detail", "post-detail", "enterprise", 1_200, 30),
        Feature("Comments", "post-comments", "pro", 800, 12),
    ),
    tables=(Table("account_snapshots", 1, 400), Table("account_readings", 24, 400, kept_days=90)),
    workers=Workers(threads=10, jobs_per_second=1, ceiling=40, jobs_per_account=3, peak_share=0.08),
    limits=Limits(keys=20, monthly_credits=3_000_000, disk_bytes=100 * 10**9),
)


def seed_money(refs: Sequence[TenantRef], first: date) -> None:
    """What pages of money show after the first start. `first` is the day on which the demo's history begins. Twice:
    nothing changes."""
    if CreditPack.objects.exists():
        return
    with all_tenants():
        for ref in refs:
            Subscription.objects.filter(tenant_id=ref.id).delete()
            subscribe(tenant_id=ref.id, plan=ref.plan, since=first, free=ref.state == "trial")
        CreditPack.objects.create(
            credits=PACK, price_cents=62_500, bought_on=first, expires_on=first + timedelta(days=365), note="The demo's"
        )
        PlatformBudget.objects.create(scope=PlatformBudget.DEPLOYMENT, daily_credits=20_000, monthly_credits=400_000)
    acme = next(ref for ref in refs if ref.slug == "acme")
    set_budget(tenant_id=acme.id, daily_credits=None, monthly_credits=15_000)
    grant_credits(tenant_id=acme.id, credits=2_000, kind="promotion", note="Welcome to the demo")
    roll_up()
    for back in (2, 1):
        month = first_of_month(clock.today(), -back)
        if month >= first:
            issue_all(month)
    sample_tables()
    sample_queues()
    with all_tenants():
        growth = CapacityScenario(name="A good year", note="4,800 accounts of the pro plan; see the worked example")
        write_inputs(growth, GROWTH)
        measured, _ = new_from_measured()
        adopt(measured, quarter_of(clock.today()))
