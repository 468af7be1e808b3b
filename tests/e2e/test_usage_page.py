"""The usage page and an invoice as people see them: no fault, nothing wider than the screen, pictures to look at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from billing.models import Invoice
from tests import factories
from tests.cast import Cast
from tests.e2e import filled
from tests.e2e.stack import Stack
from tests.e2e.test_looks import PICTURES, SCHEMES, SIZES, serious_faults
from tests.e2e.visitors import Visitors, overflow, sign_in
from tikdash.db.scope import all_tenants, tenant_scope


@pytest.fixture
def spent(world: Cast) -> Iterator[None]:
    """Acme has spent for three weeks, was refused, warned, and has an invoice and a pack."""
    filled.spending(world.acme)
    with tenant_scope(world.acme):
        for name in ("lena.bakes", "mara.codes", "a.very.long.handle.24"):
            account = factories.make_account(name)
            factories.make_job(account, "posts", cadence_s=3_600)
            factories.make_job(account, "profile", cadence_s=21_600)
    yield
    filled.no_limits()


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
