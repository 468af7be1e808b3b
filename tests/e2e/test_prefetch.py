"""A pointer that rests on a row fetches the row's page ahead, and spends nothing."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from billing.models import UsageEvent
from snapshots.models import TrackedAccount
from tests.cast import Cast
from tests.e2e.visitors import with_history
from tikdash.db.scope import tenant_scope


def test_resting_on_a_row_asks_for_its_page_early_without_a_look_or_a_credit(ana: Page, world: Cast) -> None:
    with_history(world.acme, "lena.bakes", [1_000, 1_010], nickname="Lena")
    ana.reload()
    row = ana.get_by_role("link", name="Lena")
    with ana.context.expect_event("request", lambda request: "/accounts/" in request.url, timeout=10_000) as ahead:
        row.hover()
    assert ahead.value.headers.get("sec-purpose", "").startswith("prefetch")
    assert ahead.value.response() is not None
    with tenant_scope(world.acme):
        assert TrackedAccount.objects.get().viewed_at is None
    # Now somebody really looks.
    row.click()
    expect(ana.get_by_role("heading", name="Lena")).to_be_visible()
    ana.wait_for_load_state("networkidle")
    with tenant_scope(world.acme):
        assert TrackedAccount.objects.get().viewed_at is not None
        assert not UsageEvent.objects.exists()
