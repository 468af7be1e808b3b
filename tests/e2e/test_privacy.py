"""Deleting a workspace and the privacy desk in the browser, with pictures in `var/screenshots/`."""

from __future__ import annotations

import zipfile

import pytest
from playwright.sync_api import Page, expect

from accounts.models import PrivacyRequest, TenantErasure
from accounts.services import privacy
from accounts.services.closing import ask_for_deletion, end_grace
from accounts.services.erasing import erase_tenant
from accounts.services.tenants import add_member, create_tenant
from tests import factories
from tests.cast import Cast
from tests.e2e.stack import Stack, wait_for
from tests.e2e.test_looks import PICTURES, SCHEMES, SIZES, serious_faults
from tests.e2e.visitors import Visitors, overflow, sign_in, watch_of
from tikdash.db.scope import tenant_scope
from tikdash.tiklive.people import Person

DESK = "/admin/accounts/privacyrequest"


def pictures(page: Page, name: str, scheme: str) -> None:
    assert serious_faults(page) == [], name
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        assert overflow(page) <= 0, (name, size)
        page.screenshot(path=PICTURES / f"privacy-{name}-{size}-{scheme}.png", full_page=True)
    page.set_viewport_size({"width": SIZES["wide"][0], "height": SIZES["wide"][1]})


@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_owner_deletes_the_workspace_and_keeps_it(
    visitors: Visitors, stack: Stack, world: Cast, scheme: str
) -> None:
    page = visitors.member("ana@acme.example", scheme=scheme)
    page.goto(stack.url("acme", "/settings/delete/"))
    expect(page.get_by_role("heading", name="Delete the workspace")).to_be_visible()
    pictures(page, "delete", scheme)
    watch_of(page).allow(422, 409)
    page.get_by_label("Type “acme” to confirm").fill("globex")
    page.get_by_role("button", name="Delete the workspace").click()
    expect(page.get_by_text("Type “acme” to confirm.")).to_be_visible()
    page.get_by_label("Type “acme” to confirm").fill("acme")
    page.get_by_role("button", name="Delete the workspace").click()
    expect(page.get_by_role("button", name="Keep the workspace")).to_be_visible()
    pictures(page, "closing", scheme)
    page.goto(stack.url("acme", "/accounts/"))
    expect(page.get_by_text("Until then it is read-only")).to_be_visible()
    page.goto(stack.url("acme", "/settings/"))
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="This workspace is going to be deleted")).to_be_visible()
    pictures(page, "read-only", scheme)
    page.goto(stack.url("acme", "/settings/delete/"))
    page.get_by_role("button", name="Keep the workspace").click()
    expect(page.get_by_text("The workspace stays, with all it has.")).to_be_visible()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_owner_makes_an_export_and_fetches_it(visitors: Visitors, stack: Stack, world: Cast, scheme: str) -> None:
    with tenant_scope(world.acme):
        factories.make_post(factories.make_account(f"exported.{scheme}"))
    page = visitors.member("ana@acme.example", scheme=scheme)
    page.goto(stack.url("acme", "/settings/exports/"))
    page.get_by_label("Format of “Accounts”").select_option("ndjson")
    page.get_by_role("button", name="Make Accounts").click()
    # Without a reload: the page asks until it is there.
    download_link = page.get_by_role("link", name="Download Accounts").first
    expect(download_link).to_be_visible(timeout=20_000)
    with page.expect_download() as download:
        download_link.click()
    assert f"exported.{scheme}" in zipfile.ZipFile(download.value.path()).read("accounts.ndjson").decode()
    page.get_by_role("button", name="Make Posts").click()
    expect(page.get_by_role("link", name="Download Posts").first).to_be_visible(timeout=20_000)
    pictures(page, "exports", scheme)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_certificate_is_read_by_whoever_has_its_address(
    visitors: Visitors, stack: Stack, world: Cast, scheme: str
) -> None:
    leaver = create_tenant(slug="leaver", name="Leaver", plan="free")
    add_member(tenant_id=leaver.id, email="lea@leaver.example", role="owner")
    with tenant_scope(leaver):
        factories.make_post(factories.make_account("some.one"))
    asked = ask_for_deletion(tenant=leaver, by=TenantErasure.By.OWNER, asker="lea@leaver.example")
    end_grace(asked)
    erase_tenant(erasure_id=asked.id)
    page = visitors.window(scheme=scheme)
    page.goto(stack.url("", f"/deletions/{asked.id}/"))
    expect(page.get_by_text("The digest fits")).to_be_visible()
    pictures(page, "certificate", scheme)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as JSON").click()
    assert b"is_sealed" in download.value.path().read_bytes()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_operators_answer_a_person(visitors: Visitors, stack: Stack, world: Cast, scheme: str) -> None:
    with tenant_scope(world.acme):
        zoe = factories.make_account("zoe.private9")
        factories.make_comment(factories.make_post(zoe), "mine", author_username="zoe.private9")
        factories.make_post(factories.make_account("other.one"), title="with @zoe.private9")
    page = visitors.window(scheme=scheme)
    page.goto(stack.url("", "/admin/"))
    sign_in(page, "olga@tikdash.example")
    page.goto(stack.url("", f"{DESK}/add/"))
    pictures(page, "ask", scheme)
    page.get_by_label("Handle").fill("@zoe.private9")
    page.get_by_role("button", name="Open the request and search").click()
    expect(page.get_by_text("@zoe.private9")).to_be_visible()
    expect(page.get_by_text("we are the controller")).to_be_visible()
    pictures(page, "desk", scheme)
    page.get_by_role("button", name="Erase, and leave out from now on").click()
    wait_for(lambda: PrivacyRequest.objects.get().state == "sweeping", "a worker that erases")
    page.goto(stack.url("", f"{DESK}/{PrivacyRequest.objects.get().pk}/change/"))
    expect(page.get_by_text("Looked for once more at")).to_be_visible()
    pictures(page, "sweeping", scheme)
    page.goto(stack.url("", f"{DESK}/kept/"))
    pictures(page, "kept", scheme)
    page.goto(stack.url("", f"/admin/accounts/tenant/{world.acme.id}/delete-workspace/"))
    expect(page.get_by_role("button", name="Delete after 14 days")).to_be_visible()
    pictures(page, "tenant", scheme)
    page.goto(stack.url("", "/admin/accounts/leftout/"))
    expect(page.get_by_text("TikTok id").first).to_be_visible()
    assert privacy.person_of(PrivacyRequest.objects.get()) != Person()
