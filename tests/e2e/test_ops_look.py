"""Staff look at a workspace as one of its people, in the browser: from the tenant's page and back to it."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from accounts.models import AuditEntry
from tests.cast import Cast
from tests.e2e.stack import Stack
from tests.e2e.test_ops_tenant import olga
from tests.e2e.visitors import Visitors, overflow, watch_of, with_history
from tikdash.db.scope import tenant_scope

REASON = "Ticket 512, the chart of May has a gap."


def test_a_look_begins_with_a_reason_shows_and_changes_nothing_and_ends_in_the_administration(
    visitors: Visitors, stack: Stack, world: Cast
) -> None:
    lena = with_history(world.acme, "lena.bakes", [20_060, 20_075])
    page = olga(visitors, stack)
    of_tenant = stack.url("", f"/admin/accounts/tenant/{world.acme.id}/change/")
    page.goto(of_tenant)
    page.get_by_role("link", name="Look as a person").click()
    watch_of(page).allow(403, 422)
    page.get_by_label("As", exact=True).select_option(label="ana@acme.example")
    page.get_by_role("button", name="Look at the workspace").click()
    expect(page.get_by_role("alert")).to_contain_text("Say why")
    page.get_by_label("Reason").fill(REASON)
    page.get_by_role("button", name="Look at the workspace").click()

    # Who looks as whom, why, and how long still, above every page.
    expect(page).to_have_url(re.compile(re.escape(stack.url("acme", "/"))))
    banner = page.locator(".look")
    expect(banner).to_contain_text("olga@tikdash.example looks at this workspace as ana@acme.example until")
    expect(banner).to_contain_text(REASON)
    expect(banner.get_by_role("timer")).to_have_text(re.compile(r"^(30:00|2\d:\d\d)$"))
    page.goto(stack.url("acme", f"/accounts/{lena}/"))
    expect(page.get_by_text("@lena.bakes").first).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    expect(banner).to_be_visible()
    assert overflow(page) <= 0
    page.set_viewport_size({"width": 1440, "height": 900})

    # What could change something is a form of the page as the owner has it, and it is refused.
    page.goto(stack.url("acme", "/people/"))
    page.locator("form[method=post]:not([action='/look/end/'])").first.evaluate("form => form.submit()")
    expect(page.get_by_role("heading", name="You only look")).to_be_visible()
    page.get_by_role("link", name="Look on").click()
    expect(banner).to_be_visible()

    banner.get_by_role("button", name="End").click()
    expect(page).to_have_url(of_tenant)
    expect(page.get_by_text("Began to look at the workspace as ana@acme.example").first).to_be_visible()
    with tenant_scope(world.acme):
        began, ended = AuditEntry.objects.filter(event__startswith="support.").order_by("occurred_at", "id")
        changed = AuditEntry.objects.filter(actor_kind="user").exclude(event__startswith="person.").exists()
    assert (began.event, ended.event) == ("support.looked", "support.look_ended")
    assert {(one.actor_kind, one.actor_label, one.reason) for one in (began, ended)} == {
        ("staff", "olga@tikdash.example", REASON)
    }
    assert not changed, "nothing is the customer's doing"
