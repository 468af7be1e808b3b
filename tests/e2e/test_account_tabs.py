"""The tabs of an account's page in a browser: each task done, nothing serious for a screen reader, pictures of all."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from snapshots.web.account_tabs import TABS
from tests.cast import Cast
from tests.e2e.filled import one_account
from tests.e2e.stack import Stack
from tests.e2e.test_looks import SCHEMES, SIZES, serious_faults
from tests.e2e.visitors import PHONE, Visitors, has_drawing, overflow, sign_in


@pytest.fixture
def full(world: Cast, stack: Stack) -> str:
    """The address of an account of Acme that has something in each tab."""
    return stack.url("acme", f"/accounts/{one_account(world.acme)}/")


def signed_in(visitors: Visitors, address: str, **window: Any) -> Page:
    """A window on this address, in which Ana has just signed in."""
    page = visitors.window(**window)
    page.goto(address)
    sign_in(page, "ana@acme.example")
    expect(page.get_by_role("navigation", name="Parts of this account")).to_be_visible()
    return page


def wide_ones(page: Page) -> str:
    """What sticks out on the right, for the message."""
    return str(
        page.evaluate(
            """() => [...document.querySelectorAll("main *")]
                .filter(one => one.getBoundingClientRect().right > innerWidth && !one.closest(".scroll, .wide-table"))
                .map(one => one.outerHTML.slice(0, 90)).slice(0, 8).join("\\n")"""
        )
    )


def open_tab(page: Page, name: str) -> None:
    tabs = page.get_by_role("navigation", name="Parts of this account")
    tabs.get_by_role("link", name=name, exact=True).click()
    expect(tabs.get_by_role("link", name=name, exact=True)).to_have_attribute("aria-current", "page")


def test_tabs_change_without_the_page_and_the_address_keeps_them(ana: Page, full: str) -> None:
    ana.goto(full)
    ana.evaluate("window.stayed = true")
    for tab in list(TABS.values())[1:]:
        open_tab(ana, tab.label)
        expect(ana).to_have_url(re.compile(f"tab={tab.key}"))
    assert ana.evaluate("window.stayed")
    ana.reload()
    expect(ana.get_by_role("heading", name="What is read")).to_be_visible()
    ana.go_back()
    expect(ana.get_by_role("heading", name="Stories")).to_be_visible()


def test_a_number_says_what_it_means_by_keyboard(ana: Page, full: str) -> None:
    ana.goto(full)
    button = ana.locator("summary[aria-label*='Engagement rate']")
    button.focus()
    ana.keyboard.press("Enter")
    box = ana.locator(".tip[open] .tip-box")
    expect(box).to_contain_text("Σ(likes + comments + shares) / Σ views")
    expect(box).to_contain_text("version 1")
    ana.keyboard.press("Escape")
    expect(box).to_have_count(0)


def test_the_chart_shows_changes_and_marks_and_keeps_both_in_the_address(ana: Page, full: str) -> None:
    ana.goto(full)
    canvas = ana.locator("canvas")
    expect(ana.locator("[data-chart-word]")).to_be_hidden()
    assert "renamed" in str(canvas.get_attribute("data-marks"))
    total = canvas.evaluate("canvas => canvas.toDataURL()")
    ana.get_by_role("link", name="Change a day").click()
    expect(ana).to_have_url(re.compile("show=change"))
    expect(ana.locator("#growth").get_by_role("heading", name="Followers, change a day")).to_be_visible()
    expect(ana.locator("[data-chart-word]")).to_be_hidden()
    assert has_drawing(canvas) and canvas.evaluate("canvas => canvas.toDataURL()") != total
    ana.get_by_role("link", name="All", exact=True).click()
    expect(ana).to_have_url(re.compile("show=change.*days=3660"))


def test_a_post_opens_in_a_drawer_and_escape_gives_the_focus_back(ana: Page, full: str) -> None:
    ana.goto(f"{full}?tab=posts")
    link = ana.get_by_role("link", name="Crumb 4", exact=True)
    link.click()
    drawer = ana.get_by_role("dialog", name="Crumb 4")
    heading = drawer.get_by_role("heading", name="Crumb 4")
    expect(heading).to_be_focused()
    expect(drawer.locator("svg.curve")).to_be_visible()
    expect(ana).to_have_url(re.compile(r"post=\d+"))
    ana.reload()
    expect(drawer).to_be_visible()
    drawer.get_by_role("link", name="Close").click()
    expect(drawer).to_have_count(0)
    expect(ana).not_to_have_url(re.compile("post="))
    link.click()
    expect(heading).to_be_focused()
    ana.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    expect(link).to_be_focused()
    expect(ana).not_to_have_url(re.compile("post="))
    ana.go_back()
    expect(drawer).to_be_visible()


def test_comments_are_searched_and_sorted(ana: Page, full: str) -> None:
    ana.goto(f"{full}?tab=comments")
    ana.get_by_label("Words to look for").fill("awful")
    ana.keyboard.press("Enter")
    expect(ana.locator(".comment-text").first).to_contain_text("awful")
    expect(ana).to_have_url(re.compile("tab=comments.*q=awful"))
    ana.get_by_role("link", name="Most liked").click()
    expect(ana).to_have_url(re.compile("order=liked"))
    expect(ana.get_by_label("Words to look for")).to_have_value("awful")


def test_every_tab_works_without_script(visitors: Visitors, full: str) -> None:
    page = signed_in(visitors, full, script=False)
    for tab in TABS.values():
        page.goto(full)
        open_tab(page, tab.label)
        expect(page.locator("main")).to_contain_text("as of" if tab.key != "activity" else "every")
    page.goto(f"{full}?tab=posts")
    page.get_by_role("link", name="Crumb 4", exact=True).click()
    expect(page.get_by_role("dialog", name="Crumb 4")).to_be_visible()
    page.get_by_text("Numbers as a table").click()
    expect(page.get_by_role("dialog").get_by_role("row", name=re.compile("^48 h"))).to_be_visible()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
def test_pictures_of_the_drawer_and_a_tip(visitors: Visitors, full: str, size: str, scheme: str) -> None:
    page = signed_in(visitors, full, size=SIZES[size], scheme=scheme)
    page.goto(f"{full}?tab=posts")
    page.get_by_role("link", name="Crumb 4", exact=True).click()
    expect(page.get_by_role("dialog", name="Crumb 4")).to_be_visible()
    page.screenshot(path=f"var/screenshots/account-drawer-{size}-{scheme}.png")
    assert serious_faults(page) == []
    page.goto(full)
    page.locator("summary[aria-label*='Engagement rate']").click()
    page.screenshot(path=f"var/screenshots/account-tip-{size}-{scheme}.png")
    assert serious_faults(page) == []


def test_on_a_phone_the_open_tab_is_in_sight(visitors: Visitors, full: str) -> None:
    page = signed_in(visitors, f"{full}?tab=activity", size=PHONE)
    expect(page.get_by_role("link", name="Activity", exact=True)).to_be_in_viewport()
    page.goto(full)
    expect(page.get_by_role("link", name="Overview", exact=True).last).to_be_in_viewport()


@pytest.mark.parametrize("width", [320, 390, 768])
def test_no_tab_is_wider_than_a_small_screen(visitors: Visitors, full: str, width: int) -> None:
    page = signed_in(visitors, full, size=PHONE)
    page.set_viewport_size({"width": width, "height": 844})
    for key in TABS:
        page.goto(f"{full}?tab={key}")
        assert overflow(page) <= 0, (key, wide_ones(page))
