"""The usage page and an invoice as people see them: no fault, nothing wider than the screen, pictures to look at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from billing.models import BudgetRefusal, Invoice, Plan, UsageAlert
from billing.rollups import roll_up
from billing.services.grants import grant_credits
from tests import factories
from tests.billing.ledger import event, write
from tests.cast import Cast
from tests.e2e.stack import Stack
from tests.e2e.test_looks import PICTURES, SCHEMES, SIZES, serious_faults
from tests.e2e.visitors import Visitors, overflow, sign_in
from tikdash import clock
from tikdash.db.partitions import first_of_month
from tikdash.db.scope import all_tenants, tenant_scope


@pytest.fixture
def spent(world: Cast) -> Iterator[None]:
    """Acme has spent for three weeks, was refused, warned, and has an invoice and a pack."""
    now, acme = clock.now(), world.acme
    for back in range(21):
        at = now - timedelta(days=back, minutes=30)
        for feature, endpoint, credits in (
            ("posts", "user-posts", 420 + 13 * back), ("profile", "userinfo-by-username", 96),
            ("comments", "post-comments", 60),
        ):  # fmt: skip
            write(acme, [event(acme.id, at, feature=feature, endpoint=endpoint, credits=credits)])
    roll_up()
    Plan.objects.filter(code="pro").update(monthly_credits=16_000, daily_credits=1_000)
    grant_credits(tenant_id=acme.id, credits=2_000, note="For the trouble last week")
    month = first_of_month(now.date(), -1)
    with tenant_scope(acme):
        for name in ("lena.bakes", "mara.codes", "a.very.long.handle.24"):
            account = factories.make_account(name)
            factories.make_job(account, "posts", cadence_s=3_600)
            factories.make_job(account, "profile", cadence_s=21_600)
        BudgetRefusal.objects.create(
            day=now.date(), feature="posts", priority="pro", cap="tenant_day", calls=212, first_at=now, last_at=now,
            sentence="The 1,000 credits a day of the Pro plan are used up. Fetching goes on at 00:00 UTC.",
        )  # fmt: skip
        UsageAlert.objects.create(
            rule="budget_90", subject="month", period=first_of_month(now.date()), level="critical", opened_at=now,
            seen_at=now, sentence="14,520 of 16,000 credits of this month are used (91%) on day 21 of 30.",
        )  # fmt: skip
        Invoice.objects.create(
            month=month, number=f"{month:%Y-%m}-000001", issued_at=datetime.now(UTC), customer="Acme Talent",
            plan="Pro", currency="USD", credits=14_200, total_cents=4_900,
            lines={
                "items": [{"text": f"Plan Pro, {month:%B %Y}", "cents": 4_900}],
                "usage": [
                    [str(month), "user-posts", "posts", 9_100, 12, 9_088],
                    [str(month), "userid", "profile", 5_117, 0, 5_117],
                ],
                "corrections": [{"day": str(month), "credits": -5, "reason": "A fault of ours"}],
            },
        )  # fmt: skip
    yield
    Plan.objects.filter(code="pro").update(monthly_credits=None, daily_credits=None)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
def test_usage_and_invoice_look_right(
    visitors: Visitors, world: Cast, stack: Stack, spent: None, size: str, scheme: str
) -> None:
    page = visitors.window(size=SIZES[size], scheme=scheme)
    page.goto(stack.url("acme", "/settings/usage/?kind=posts&every=1800"))
    sign_in(page, "ana@acme.example")
    expect(page.get_by_role("heading", name="Usage", exact=True)).to_be_visible()
    assert serious_faults(page) == []
    assert overflow(page) <= 0
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"usage-{size}-{scheme}.png", full_page=True)
    with all_tenants():
        number = Invoice.objects.get(tenant_id=world.acme.id).number
    page.goto(stack.url("acme", f"/settings/invoices/{number}/"))
    expect(page.get_by_role("heading", name=f"Invoice {number}")).to_be_visible()
    assert serious_faults(page) == []
    assert overflow(page) <= 0
    page.screenshot(path=PICTURES / f"invoice-{size}-{scheme}.png", full_page=True)
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
    page.screenshot(path=PICTURES / f"invoice-{size}-{scheme}-print.png", full_page=True)
