"""Keys, tokens, the audit log, sessions and the handing over in a browser; with pictures in `var/screenshots/`."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Membership
from accounts.services.tokens import BadToken, authenticate
from tests.cast import Cast
from tests.e2e.stack import Stack
from tests.e2e.test_looks import SCHEMES, SIZES, camera, serious_faults
from tests.e2e.visitors import Visitors, sign_in, watch_of

FIRST, SECOND = "sim-own-key-of-acme-1111", "sim-own-key-of-acme-2222"


@pytest.fixture(autouse=True)
def _keys_as_before(world: Cast) -> object:
    from accounts.models import Tenant
    from accounts.services.keys import keys

    yield
    Tenant.objects.filter(pk=world.acme.id).update(
        key_mode="shared", active_key=None, fetching_paused_at=None, fetching_paused_reason="", fetching_paused_cause=""
    )
    keys.forget()


def settings_link(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Workspace").get_by_role("link", name=name, exact=True).click()


def enter_key(page: Page, key: str) -> None:
    page.get_by_label("TikLiveAPI key").fill(key)
    page.get_by_role("button", name="Check and use").click()


def make_token(page: Page, name: str) -> str:
    page.get_by_label("Name", exact=True).fill(name)
    page.locator("input[name=scopes]").first.check()
    page.get_by_role("button", name="Make the token").click()
    return page.get_by_label("The token").input_value()


def test_a_key_of_ones_own_is_entered_replaced_and_deleted(ana: Page, world: Cast, stack: Stack) -> None:
    ana.locator("details.me summary").click()
    ana.get_by_role("link", name="People and settings").click()
    settings_link(ana, "Keys")
    expect(ana.get_by_text("The shared key of Tikdash")).to_be_visible()
    enter_key(ana, FIRST)
    now = ana.locator("#keys-now")
    expect(now.get_by_text("your own")).to_be_visible()
    expect(now.get_by_text("…1111")).to_be_visible()
    enter_key(ana, SECOND)
    expect(now.get_by_text("…2222")).to_be_visible()
    expect(ana.get_by_text("is being checked")).to_have_count(0)
    ana.reload()
    expect(ana.get_by_role("row", name=re.compile("…1111"))).to_contain_text("Replaced")
    watch_of(ana).allow(422)
    enter_key(ana, "short")
    expect(ana.locator("#f-key-error")).to_be_visible()
    enter_key(ana, "no-key-of-anybody-9999")
    expect(ana.get_by_text("The key ending in 9999 did not pass its check.")).to_be_visible()
    expect(now.get_by_text("…2222")).to_be_visible()
    for secret in (FIRST, SECOND):
        assert secret not in ana.content()
    ana.get_by_role("button", name="Delete the key").click()
    ana.get_by_role("button", name="Delete the key").click()
    expect(ana.get_by_text("The key is deleted. The shared key is used from now on.")).to_be_visible()


def test_a_token_is_made_copied_once_replaced_and_revoked(ana: Page, world: Cast, stack: Stack) -> None:
    ana.goto(stack.url("acme", "/settings/tokens/"))
    first = make_token(ana, "Reporting")
    assert authenticate(first, "127.0.0.1").name == "Reporting"
    ana.goto(stack.url("acme", "/settings/tokens/"))
    assert first not in ana.content()
    expect(ana.get_by_text(first[:16])).to_be_visible()
    ana.get_by_label("The old one works on for").select_option("0")
    ana.get_by_role("button", name="Replace Reporting").click()
    second = ana.get_by_label("The token").input_value()
    assert second != first and authenticate(second, "127.0.0.1")
    with pytest.raises(BadToken):
        authenticate(first, "127.0.0.1")
    ana.get_by_role("button", name="Revoke Reporting").first.click()
    expect(ana.get_by_text("The token is revoked.")).to_be_visible()
    with pytest.raises(BadToken):
        authenticate(second, "127.0.0.1")


def test_a_form_without_a_scope_says_so_beside_it(ana: Page, world: Cast, stack: Stack) -> None:
    watch_of(ana).allow(422)
    ana.goto(stack.url("acme", "/settings/tokens/"))
    ana.get_by_label("Name", exact=True).fill("Reporting")
    ana.get_by_role("button", name="Make the token").click()
    expect(ana.get_by_text("Choose what the token may do.")).to_be_visible()
    expect(ana.get_by_label("Name", exact=True)).to_have_value("Reporting")


def test_the_audit_log_shows_who_did_what_and_is_filtered(ana: Page, world: Cast, stack: Stack) -> None:
    ana.goto(stack.url("acme", "/settings/tokens/"))
    made = make_token(ana, "Reporting")
    ana.goto(stack.url("acme", "/settings/"))
    ana.get_by_label("Time zone").fill("Europe/Lisbon")
    ana.get_by_role("button", name="Save").click()
    settings_link(ana, "Audit log")
    rows = ana.locator("table.audit tbody tr")
    expect(rows.filter(has_text="Made the API token")).to_contain_text("ana@acme.example")
    expect(rows.filter(has_text="Changed the workspace")).to_have_count(1)
    ana.get_by_label("About").select_option("token")
    ana.get_by_role("button", name="Filter").click()
    expect(rows.filter(has_text="Changed the workspace")).to_have_count(0)
    expect(rows.filter(has_text="Made the API token")).to_have_count(1)
    assert made.rsplit("_", 1)[1] not in ana.content()
    ana.goto(stack.url("acme", "/settings/"))
    ana.get_by_label("Time zone").fill("UTC")
    ana.get_by_role("button", name="Save").click()


def test_one_button_signs_out_everywhere_else(visitors: Visitors, world: Cast, stack: Stack) -> None:
    other = visitors.member()
    here = visitors.window()
    here.goto(stack.url("", "/log-in/"))
    sign_in(here, "ana@acme.example")
    expect(here.get_by_role("heading", name="Workspaces")).to_be_visible()
    here.goto(stack.url("", "/you/sessions/"))
    expect(here.locator("ul.rows li")).to_have_count(2)
    here.get_by_role("button", name="Sign out everywhere else").click()
    expect(here.get_by_text("You are signed out everywhere else.")).to_be_visible()
    expect(here.locator("ul.rows li")).to_have_count(1)
    other.goto(stack.url("acme", "/accounts/"))
    expect(other).to_have_url(re.compile("/log-in/"))


def test_an_owner_hands_the_workspace_over(visitors: Visitors, world: Cast, stack: Stack) -> None:
    ana = visitors.member()
    watch_of(ana).allow(422)
    ana.goto(stack.url("acme", "/people/transfer/"))
    ana.get_by_label("Type “acme” to confirm").fill("wrong")
    ana.get_by_role("button", name="Hand it over").click()
    expect(ana.locator("#typed-error")).to_be_visible()
    ana.get_by_label("Type “acme” to confirm").fill("acme")
    ana.get_by_role("button", name="Hand it over").click()
    expect(ana.get_by_text("is the owner now. You are an admin.")).to_be_visible()
    roles = dict(Membership.objects.filter(tenant_id=world.acme.id).values_list("user__email", "role"))
    Membership.objects.filter(tenant_id=world.acme.id, user=world.ana).update(role="owner")
    Membership.objects.filter(tenant_id=world.acme.id, user=world.max).update(role="member")
    assert (roles["max@acme.example"], roles["ana@acme.example"]) == ("owner", "admin")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
def test_pictures_of_the_pages_of_keys_and_tokens(
    visitors: Visitors, world: Cast, stack: Stack, size: str, scheme: str
) -> None:
    page = visitors.member(size=SIZES[size], scheme=scheme)
    watch_of(page).allow(422)
    take = camera(page, f"{size}-{scheme}")

    def look(name: str) -> None:
        take(name)
        assert serious_faults(page) == [], name

    page.goto(stack.url("acme", "/settings/keys/"))
    look("keys-shared")
    enter_key(page, FIRST)
    expect(page.locator("#keys-now").get_by_text("your own")).to_be_visible()
    enter_key(page, "short")
    expect(page.locator("#f-key-error")).to_be_visible()
    look("keys-own")
    page.get_by_role("button", name="Delete the key").click()
    look("key-delete")
    page.goto(stack.url("acme", "/settings/tokens/"))
    look("tokens-empty")
    make_token(page, "Reporting of the agency")
    look("token-made")
    page.goto(stack.url("acme", "/settings/tokens/"))
    page.get_by_label("Name", exact=True).fill("Another one")
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_text("Choose what the token may do.")).to_be_visible()
    look("tokens-wrong")
    page.goto(stack.url("acme", "/settings/audit/"))
    look("audit")
    page.goto(stack.url("acme", "/settings/audit/?from=nonsense"))
    look("audit-wrong")
