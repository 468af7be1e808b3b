"""From a handle that a person types to an account with numbers."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.cast import PASSWORD, Cast
from tests.e2e.stack import Stack
from tests.e2e.visitors import (
    Visitors,
    expect_mistake,
    has_drawing,
    sign_in,
    tab_to,
    tile,
    track,
    views,
    watch_of,
    with_history,
)

SECONDS = 10


def test_a_person_signs_in_tracks_a_handle_and_sees_its_number_chart_and_posts(page: Page, stack: Stack) -> None:
    page.goto(stack.url("acme", "/"))
    sign_in(page, "ana@acme.example")
    began = time.monotonic()
    track(page, "https://www.tiktok.com/@Lena.Bakes?lang=en")
    expect(page.get_by_text("Looking for @lena.bakes on TikTok…")).to_be_visible()

    expect(page).to_have_url(re.compile(r"/accounts/\d+/$"))
    truth = stack.truth("lena.bakes")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Lena bakes"))
    expect(tile(page, "Followers")).to_have_attribute("title", f"{truth['followers']:,}")
    expect(tile(page, "Hearts")).to_have_attribute("title", f"{truth['hearts']:,}")
    canvas = page.locator("canvas")
    expect(page.locator("[data-chart-word]")).to_be_hidden()
    assert has_drawing(canvas)
    # The posts are read after the profile; they come into the page that is open.
    expect(page.locator("#posts tbody tr").first).to_be_visible()
    assert time.monotonic() - began < SECONDS
    newest = next(
        post for post in stack.upstream.look("truth/posts", handle="lena.bakes")["posts"] if not post["deleted"]
    )
    assert views(page)[0] == newest["play_count"]


def test_posts_that_come_late_come_into_the_page_that_is_open(ana: Page, stack: Stack) -> None:
    stack.upstream.order("faults", [{"kind": "slow", "seconds": 2, "endpoint": "user-posts"}])
    track(ana, "lena.bakes")
    expect(ana).to_have_url(re.compile(r"/accounts/\d+/$"))
    expect(ana.locator("#posts")).to_contain_text("Reading the posts")
    expect(ana.locator("#posts tbody tr").first).to_be_visible()


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("lena bakes", "is not a TikTok handle"),
        ("https://vm.tiktok.com/ZM8abc/", "Short links do not say whose they are"),
        ("https://example.com/@lena", "This is not the address of a TikTok profile"),
    ],
)
def test_what_is_no_handle_gets_a_sentence_beside_the_field(ana: Page, typed: str, sentence: str) -> None:
    watch_of(ana).allow(422)
    track(ana, typed)
    expect_mistake(ana, sentence)
    expect(ana.get_by_label("TikTok handle")).to_have_value(typed)
    expect(ana.get_by_label("TikTok handle")).to_be_focused()


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("nobody.here", "TikTok knows no @nobody.here. Check the spelling"),
        ("deleted.long.ago", "TikTok knows no @deleted.long.ago. Check the spelling"),
        ("private.garden", "@private.garden is private on TikTok"),
    ],
)
def test_a_handle_that_tiktok_refuses_gets_a_sentence_beside_the_field(
    ana: Page, stack: Stack, typed: str, sentence: str
) -> None:
    track(ana, typed)
    expect(ana.get_by_text(f"Looking for @{typed} on TikTok…")).to_be_visible()
    expect_mistake(ana, sentence)
    expect(ana.get_by_label("TikTok handle")).to_have_value(typed)
    ana.goto(stack.url("acme", "/accounts/"))
    expect(ana.get_by_role("heading", name="Track the first account")).to_be_visible()


def test_a_handle_that_is_tracked_already_gets_a_sentence(ana: Page, world: Cast) -> None:
    with_history(world.acme, "lena.bakes", [100])
    watch_of(ana).allow(422)
    track(ana, "@lena.bakes")
    expect_mistake(ana, "@lena.bakes is tracked already.")


def test_the_form_can_be_used_again_after_a_mistake(ana: Page) -> None:
    watch_of(ana).allow(422)
    track(ana, "not a handle")
    expect_mistake(ana, "is not a TikTok handle")
    track(ana, "stillframe.studio")
    expect(ana).to_have_url(re.compile(r"/accounts/\d+/$"))


def test_a_full_plan_says_so_instead_of_the_form(visitors: Visitors, world: Cast) -> None:
    for number in range(5):
        with_history(world.rival, f"creator{number}.uk", [100])
    rita = visitors.member("rita@rival.example")
    expect(rita.get_by_text("All 5 accounts of the Free plan are in use.")).to_be_visible()
    expect(rita.get_by_role("button", name="Track")).to_have_count(0)


def test_the_keyboard_alone_is_enough_to_track(page: Page, stack: Stack) -> None:
    page.goto(stack.url("acme", "/"))
    tab_to(page.get_by_label("E-mail"))
    page.keyboard.type("ana@acme.example")
    tab_to(page.get_by_label("Password"))
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Accounts", exact=True)).to_be_visible()
    tab_to(page.get_by_role("link", name="Skip to content"))
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    tab_to(page.get_by_label("TikTok handle"))
    page.keyboard.type("stillframe.studio")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("Still Frame")
    expect(page.locator("#posts tbody tr").first).to_be_visible()
    tab_to(page.locator("#posts thead").get_by_role("link", name="Views"))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("sort=-plays"))
