"""The usage page and an invoice as people see them: no fault, nothing wider than the screen, pictures to look at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from billing.models import CreditPack, Invoice, Plan, PlanExcess
from tests import factories
from tests.cast import Cast
from tests.e2e import filled
from tests.e2e.stack import Stack
from tests.e2e.test_capacity_planner import olga
from tests.e2e.test_looks import PICTURES, SCHEMES, SIZES, serious_faults
from tests.e2e.visitors import Visitors, overflow, sign_in
from tikdash import clock
from tikdash.db.scope import all_tenants, tenant_scope


@pytest.fixture
def spent(world: Cast) -> Iterator[None]:
    """Acme has spent for three weeks, was refused, warned, and has an invoice and a pack."""
    filled.spending(world.acme)
    today = clock.today()
    Plan.objects.filter(code="pro").update(tracked_accounts=2, seats=2, features=["api"], history_days=60)
    CreditPack.objects.create(credits=250_000, price_cents=62_500, bought_on=today - timedelta(days=60))
    with tenant_scope(world.acme):
        PlanExcess.objects.create(name="accounts", since=today - timedelta(days=3))
        for name in ("lena.bakes", "mara.codes", "a.very.long.handle.24"):
            account = factories.make_account(name)
            factories.make_job(account, "posts", cadence_s=3_600)
            factories.make_job(account, "profile", cadence_s=21_600)
    yield
    filled.no_limits()
    Plan.objects.filter(code="pro").update(
        tracked_accounts=100, seats=10, history_days=None, features=["exports", "api", "own_key"]
    )


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
def test_usage_and_invoice_look_right(
    visitors: Visitors, world: Cast, stack: Stack, spent: None, size: str, scheme: str
) -> None:
    page = visitors.window(size=SIZES[size], scheme=scheme)
    page.goto(stack.url("acme", "/settings/usage/?kind=posts&every=1800"))
    sign_in(page, "ana@acme.example")
    expect(page.get_by_role("heading", name="Usage", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="What the Pro plan has")).to_be_visible()
    expect(page.get_by_text("3 accounts are tracked and the Pro plan has 2.").first).to_be_visible()
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
    page.emulate_media(media="screen")
    page.goto(stack.url("acme", "/accounts/"))
    expect(page.get_by_text("3 accounts are tracked and the Pro plan has 2.")).to_be_visible()
    page.get_by_text("Export").first.click()
    expect(page.get_by_text("Files are not part of this plan.")).to_be_visible()
    assert serious_faults(page) == []
    assert overflow(page) <= 0
    page.screenshot(path=PICTURES / f"limits-{size}-{scheme}.png", full_page=True)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_pages_of_money_in_the_admin_fit_every_screen(
    visitors: Visitors, stack: Stack, spent: None, scheme: str
) -> None:
    page = olga(visitors, stack, scheme)
    for name, path in (
        ("spending", "platformbudget/spending/"), ("plan", "plan/pro/change/"), ("plans", "plan/"),
        ("packs", "creditpack/"), ("invoices", "invoice/"), ("budget", "tenantbudget/add/"),
    ):  # fmt: skip
        page.goto(stack.url("", f"/admin/billing/{path}"))
        assert serious_faults(page) == [], name
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            assert overflow(page) <= 0, (name, size)
            page.screenshot(path=PICTURES / f"money-{name}-{size}-{scheme}.png", full_page=True)
        page.set_viewport_size({"width": SIZES["wide"][0], "height": SIZES["wide"][1]})
