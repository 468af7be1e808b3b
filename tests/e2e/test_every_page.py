"""Every page of customers in Chromium, on a wide screen and a phone, light and dark: no error, no foreign host, nothing
serious for a screen reader, nothing wider than the screen; with pictures of all in `var/screenshots/`.

`pages.py` says which these are and where their tasks are done; those that no other file does are done here.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from snapshots.web.account_tabs import TABS
from tests.cast import PASSWORD, Cast
from tests.e2e import pages
from tests.e2e.filled import crew, no_limits, whole_workspace
from tests.e2e.stack import Stack
from tests.e2e.test_looks import PICTURES, SCHEMES, SIZES, serious_faults
from tests.e2e.test_people import mail_to
from tests.e2e.visitors import Visitors, overflow, sign_in, tracked, watch_of

PICTURES.mkdir(parents=True, exist_ok=True)
LOOKS = [(size, scheme) for size in SIZES for scheme in SCHEMES]


@pytest.fixture
def ids(world: Cast) -> Any:
    """Acme with something on every page."""
    yield whole_workspace(world.acme)
    no_limits()


def look(page: Page, name: str, address: str) -> list[str]:
    """What is wrong with the page at that address; leaves a picture of it."""
    page.goto(address)
    page.wait_for_load_state()
    for word in page.locator("[data-chart-word]").all():
        expect(word).to_be_hidden()
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
    faults = serious_faults(page)
    if overflow(page) > 0:
        faults.append(f"wider than the screen by {overflow(page)}")
    if page.locator("h1").count() != 1:
        faults.append(f"{page.locator('h1').count()} headings of the page")
    return [f"{name}: {fault}" for fault in faults]


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_every_page_of_a_workspace(
    visitors: Visitors, stack: Stack, ids: dict[str, object], size: str, scheme: str
) -> None:
    page = visitors.member(size=SIZES[size], scheme=scheme)
    paths = {name: shown.path.format(**ids) for name, shown in pages.OF_WORKSPACE.items()}
    paths |= {f"account-{tab}": f"{paths['account']}?tab={tab}" for tab in TABS}
    faults = [
        fault
        for name, path in paths.items()
        for fault in look(page, f"page-{name}-{size}-{scheme}", stack.url("acme", path))
    ]
    assert faults == []


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_every_page_of_an_empty_workspace_says_what_to_do(
    visitors: Visitors, world: Cast, stack: Stack, size: str, scheme: str
) -> None:
    page = visitors.member(size=SIZES[size], scheme=scheme)
    faults = []
    for name, shown in pages.OF_WORKSPACE.items():
        if "{" in shown.path:
            continue
        faults += look(page, f"empty-{name}-{size}-{scheme}", stack.url("acme", shown.path))
        if name in ("overview", "posts", "hashtags", "sounds"):
            expect(page.locator("main .empty a.btn")).to_have_count(1)
            expect(page.get_by_role("main").get_by_text("Export", exact=True)).to_have_count(0)
    assert faults == []


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_every_page_of_the_public_host(visitors: Visitors, world: Cast, stack: Stack, size: str, scheme: str) -> None:
    page = visitors.window(size=SIZES[size], scheme=scheme)
    faults = [
        fault
        for name, shown in pages.OPEN.items()
        for fault in look(page, f"page-{name}-{size}-{scheme}", stack.url("", shown.path))
    ]
    page.goto(stack.url("", "/log-in/"))
    sign_in(page, "ana@acme.example")
    expect(page.get_by_role("heading", name="Workspaces")).to_be_visible()
    for name, shown in pages.OF_PUBLIC_HOST.items():
        faults += look(page, f"page-{name}-{size}-{scheme}", stack.url("", shown.path))
    assert faults == []


def test_a_sound_leads_to_its_posts(visitors: Visitors, world: Cast, stack: Stack) -> None:
    crew(world.acme)
    page = visitors.member()
    page.goto(stack.url("acme", "/sounds/"))
    page.get_by_role("link", name=re.compile("Summer night")).first.click()
    expect(page).to_have_url(re.compile("/posts/.*sound="))
    expect(page.locator(".all-posts tbody tr:not(.more)").first).to_be_visible()


def test_an_account_is_added_on_a_page_of_its_own(visitors: Visitors, world: Cast, stack: Stack) -> None:
    page = visitors.member()
    page.goto(stack.url("acme", "/accounts/add/"))
    page.get_by_label("TikTok handle").fill("stillframe.studio")
    page.get_by_role("button", name="Track").click()
    expect(page).to_have_url(re.compile(r"/accounts/\d+/$"))


def test_a_workspace_gets_another_name(visitors: Visitors, world: Cast, stack: Stack) -> None:
    page = visitors.member()
    page.goto(stack.url("acme", "/settings/"))
    field = page.get_by_label("Name of the workspace")
    before = field.input_value()
    for name in ("Acme Talent & Co", before):
        field.fill(name)
        page.get_by_role("button", name="Save").first.click()
        expect(page.locator(".me-name")).to_have_text(name)


def test_a_key_of_ones_own_is_tried_before_it_is_used(visitors: Visitors, world: Cast, stack: Stack) -> None:
    page = confirmed(visitors, stack, "/settings/keys/")
    page.get_by_label("TikLiveAPI key").fill("sim-own-key-of-acme-0001")
    page.get_by_role("button", name="Check and use").click()
    expect(page.get_by_role("main")).to_contain_text("…0001")
    assert "own-key-of-acme" not in page.content()


def test_a_token_is_made_and_shown_once(visitors: Visitors, world: Cast, stack: Stack) -> None:
    page = confirmed(visitors, stack, "/settings/tokens/")
    page.get_by_label("Name", exact=True).fill("Looker")
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_role("heading", name="The new token")).to_be_visible()
    raw = page.get_by_label("The token").input_value()
    page.goto(stack.url("acme", "/settings/tokens/"))
    expect(page.locator(".token-list b")).to_be_visible()
    assert raw not in page.content()


def test_the_audit_log_says_who_did_what(visitors: Visitors, world: Cast, stack: Stack) -> None:
    page = visitors.member()
    page.goto(stack.url("acme", "/settings/audit/"))
    expect(page.get_by_role("main")).to_contain_text("ana@acme.example")


def test_a_forgotten_password_is_made_anew(page: Page, world: Cast, stack: Stack) -> None:
    page.goto(stack.url("", "/log-in/"))
    page.get_by_role("link", name=re.compile("Forgot")).click()
    page.get_by_label("E-mail").fill("max@acme.example")
    page.get_by_role("button", name="Send the link").click()
    expect(page).to_have_url(re.compile("/password/reset/sent/"))
    page.goto(mail_to("max@acme.example", r"^(http://localhost\S+)$"))
    for field in page.locator("input[type=password]").all():
        field.fill(PASSWORD)
    page.get_by_role("main").get_by_role("button").first.click()
    expect(page).to_have_url(re.compile("/password/reset/done/"))


def confirmed(visitors: Visitors, stack: Stack, path: str) -> Page:
    """Ana at a page that asks her once more who she is."""
    page = visitors.member()
    watch_of(page).allow(403)
    page.goto(stack.url("acme", path))
    return page


def test_the_video_of_a_post_is_a_fresh_link(visitors: Visitors, world: Cast, stack: Stack) -> None:
    account_id = tracked(world.acme, "lena.bakes")
    page = visitors.member()
    page.goto(stack.url("acme", f"/accounts/{account_id}/?tab=posts"))
    page.locator("#posts tr:not(.gone):not(:has(.chip-cool)) .post-title a").first.click()
    drawer = page.locator("#drawer")
    drawer.get_by_role("button", name="Get the video").click()
    link = drawer.get_by_role("link", name="Save the video in HD")
    expect(link).to_have_attribute("href", re.compile("^https?://"))
    page.reload()
    expect(drawer.get_by_role("button", name="Get the video")).to_be_visible()
    expect(link).to_have_count(0)
