"""Operators at night, in the browser: a tenant's key that was revoked, and a budget nearly gone."""

from __future__ import annotations

import re
from datetime import timedelta

from django.core.cache import cache
from playwright.sync_api import Page, expect

from accounts.models import Tenant, TenantKey
from accounts.services import own_keys
from accounts.services.keys import key_id_of
from billing import alerts
from billing.models import UsageDaily
from billing.services.grants import set_budget
from tests.cast import Cast
from tests.e2e.stack import Stack
from tests.e2e.visitors import Visitors, sign_in
from tikdash import clock
from tikdash.db.scope import tenant_scope

REASON = "Ticket 512: agreed on the phone."
OWN_KEY = "sim-own-key-of-acme-4444"


def olga(visitors: Visitors, stack: Stack, scheme: str = "light") -> Page:
    page = visitors.window(scheme=scheme)
    page.goto(stack.url("", "/admin/"))
    sign_in(page, "olga@tikdash.example")
    expect(page).to_have_url(stack.url("", "/admin/"))
    return page


def to_acme(page: Page, stack: Stack, risk: str) -> None:
    """From the front page through the number of tenants with this trouble, and the list of them, to Acme."""
    cache.delete("ops:tile:risks")
    page.goto(stack.url("", "/admin/"))
    tile = page.locator("#tile-risks")
    expect(tile.get_by_role("link", name="acme", exact=True)).to_be_visible()
    tile.locator(".ops-figure", has_text=risk).get_by_role("link", name="1", exact=True).click()
    page.locator("#result_list").get_by_role("link", name="Acme Talent").click()
    expect(page.get_by_role("heading", name="Health")).to_be_visible()


def nearly_spent(cast: Cast) -> int:
    """92 % of Acme's month, and what looks at budgets after every rollup has seen it; returns the limit."""
    month = 15_000
    set_budget(tenant_id=cast.acme.id, daily_credits=None, monthly_credits=month)
    with tenant_scope(cast.acme):
        spent = round(month * 0.92)
        UsageDaily.objects.create(
            day=clock.today(), key_id="shared", endpoint="user-posts", feature="posts", priority="pro", requests=spent,
            ok=spent, failed=0, unsettled=0, credits=spent, charged=spent, unsettled_credits=0, latency_ms=0,
        )  # fmt: skip
    alerts.look()
    return month


def test_a_revoked_key_is_seen_and_the_shared_one_takes_its_place(
    visitors: Visitors, stack: Stack, world: Cast
) -> None:
    with tenant_scope(world.acme):
        key_id = own_keys.add_key(tenant=world.acme, typed=OWN_KEY)
        TenantKey.objects.filter(pk=key_id).update(state="active", step="done")
        key = TenantKey.objects.get(pk=key_id)
    Tenant.objects.filter(pk=world.acme.id).update(active_key=key_id, key_mode="own")
    assert own_keys.mark_invalid(tenant_id=world.acme.id, key_id=key_id_of(key.fingerprint))
    page = olga(visitors, stack)
    to_acme(page, stack, "No key")
    expect(page.get_by_text("TikLiveAPI refused it.", exact=False).first).to_be_visible()
    page.get_by_role("link", name="Change the key mode").click()
    page.get_by_label("Key mode").select_option("shared")
    page.get_by_label("Reason").fill(REASON)
    page.get_by_role("button", name="Change the key mode").click()
    expect(page.get_by_text("Fetching goes on.")).to_be_visible()
    assert Tenant.objects.get(pk=world.acme.id).fetching_paused_at is None


def test_a_month_at_92_percent_gets_more_until_it_ends(visitors: Visitors, stack: Stack, world: Cast) -> None:
    month = nearly_spent(world)
    page = olga(visitors, stack)
    to_acme(page, stack, "Quota")
    expect(page.get_by_text("(92%)")).to_be_visible()
    page.get_by_role("link", name="Raise a limit").click()
    page.get_by_label("Limit").select_option("credits_month")
    page.get_by_label("To", exact=True).fill(str(month * 2))
    page.get_by_label("Until").fill((clock.today() + timedelta(days=9)).isoformat())
    page.get_by_label("Reason").fill(REASON)
    page.get_by_role("button", name="Raise a limit").click()
    expect(page.get_by_text("(46%)")).to_be_visible()
    expect(page.get_by_role("cell", name=REASON).first).to_be_visible()
    alerts.look()
    cache.delete("ops:tile:risks")
    page.goto(stack.url("", "/admin/"))
    expect(page.locator("#tile-risks .ops-figure", has_text="Quota")).to_have_text(re.compile(r"Quota\s*0"))
