"""The pages that look at many accounts: overview, posts, comparison, hashtags and sounds, by pointer and keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.cast import Cast
from tests.e2e import filled
from tests.e2e.stack import Stack
from tests.e2e.test_looks import SCHEMES, SIZES, camera, serious_faults
from tests.e2e.visitors import PHONE, Visitors, has_drawing, overflow, sign_in, watch_of

PAGES = {"overview": "/overview/", "posts": "/posts/", "hashtags": "/hashtags/", "sounds": "/sounds/"}


@pytest.fixture
def crew(world: Cast) -> list[int]:
    """Four accounts of Acme with 90 days, 48 posts each with hashtags and sounds, a breakout, one private."""
    return filled.crew(world.acme)


@pytest.fixture
def ana(visitors: Visitors, stack: Stack, crew: list[int]) -> Page:
    """Ana on the overview."""
    return enter(visitors.window(), stack)


def enter(page: Page, stack: Stack) -> Page:
    page.goto(stack.url("acme", "/"))
    sign_in(page, "ana@acme.example")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.wait_for_load_state()
    return page


def compare_path(crew: list[int]) -> str:
    return f"/compare/?accounts={','.join(map(str, crew))}&mode=indexed"


def test_the_overview_leads_to_a_breakout_and_to_a_group(ana: Page, crew: list[int]) -> None:
    expect(ana.locator(".tile", has_text="Followers").locator(".tile-value [title]")).to_be_visible()
    expect(ana.get_by_text("@northbay.coffee has become private")).to_be_visible()
    ana.get_by_role("link", name="Three minute focaccia").click()
    expect(ana.locator("#drawer")).to_be_visible()
    expect(ana.locator("#drawer .verdict")).to_contain_text("its usual views")
    ana.keyboard.press("Escape")
    expect(ana.locator("#drawer")).to_be_hidden()
    ana.get_by_label("Reason").select_option("competitor")
    expect(ana).to_have_url(re.compile(r"reason=competitor"))
    expect(ana.get_by_role("link", name="Three minute focaccia")).to_have_count(0)


def test_the_list_of_posts_goes_on_while_one_scrolls(ana: Page, stack: Stack) -> None:
    ana.goto(stack.url("acme", "/posts/?sort=-plays"))
    rows = ana.locator(".all-posts tbody tr:not(.more)")
    expect(rows).to_have_count(50)
    for _ in range(12):
        ana.mouse.wheel(0, 4_000)
        ana.wait_for_timeout(100)
    expect(rows).to_have_count(193)
    shown = [int(text.replace(",", "")) for text in ana.locator("td.col-plays").evaluate_all(
        "all => all.map(one => one.title || one.textContent)")]  # fmt: skip
    assert shown == sorted(shown, reverse=True)
    expect(ana).to_have_url(stack.url("acme", "/posts/?sort=-plays"))


def test_a_filter_is_made_and_taken_away(ana: Page, stack: Stack) -> None:
    ana.goto(stack.url("acme", "/posts/"))
    ana.keyboard.press("/")
    ana.keyboard.type("focaccia")
    ana.keyboard.press("Enter")
    expect(ana.locator(".all-posts tbody tr")).to_have_count(1)
    ana.get_by_role("link", name="title has focaccia").click()
    expect(ana.locator(".all-posts tbody tr:not(.more)")).to_have_count(50)
    ana.get_by_text("More filters").click()
    ana.get_by_label("Views, at least").fill("many")
    watch_of(ana).allow(422)
    ana.get_by_role("button", name="Filter").click()
    field = ana.get_by_label("Views, at least")
    expect(field).to_have_accessible_description(re.compile("a whole number"))
    field.fill("80,000")
    ana.get_by_role("button", name="Filter").click()
    expect(ana.locator(".all-posts tbody tr")).to_have_count(1)
    ana.get_by_text("Columns", exact=True).click()
    ana.get_by_role("checkbox", name="Saves").check()
    ana.get_by_role("button", name="Show these").click()
    expect(ana.get_by_role("columnheader", name="Saves")).to_be_visible()
    expect(ana).to_have_url(re.compile("min_plays=80000"))


def test_accounts_are_compared_on_one_axis(ana: Page, stack: Stack, crew: list[int]) -> None:
    ana.goto(stack.url("acme", "/compare/"))
    ana.get_by_role("link", name="Compare the largest five").click()
    expect(ana.locator("[data-chart-word]")).to_be_hidden()
    assert has_drawing(ana.locator("canvas"))
    ana.get_by_role("link", name="Indexed").click()
    expect(ana.get_by_text("100 on")).to_be_visible()
    expect(ana.locator("[data-chart-word]")).to_be_hidden()
    ana.locator("canvas").focus()
    ana.keyboard.press("ArrowLeft")
    expect(ana.locator("[data-chart-readout]")).to_contain_text("@lena.bakes")
    ana.get_by_role("link", name="Take @maxwellpranks out").click()
    expect(ana.locator(".compared li")).to_have_count(3)
    ana.get_by_label("Add an account").fill("@maxwellpranks")
    ana.get_by_role("button", name="Add").click()
    expect(ana.locator(".compared li")).to_have_count(4)
    expect(ana).to_have_url(re.compile("mode=indexed"))


def test_a_hashtag_leads_to_its_posts(ana: Page, stack: Stack) -> None:
    ana.goto(stack.url("acme", "/hashtags/"))
    ana.get_by_role("link", name="Most used").click()
    expect(ana).to_have_url(re.compile("order=posts"))
    ana.get_by_role("link", name="#渋谷スカイ").click()
    expect(ana.locator(".chip-filter")).to_contain_text("#渋谷スカイ")
    expect(ana.locator(".all-posts tbody tr:not(.more)")).to_have_count(50)


def test_letters_lead_from_page_to_page_and_can_be_switched_off(ana: Page, stack: Stack) -> None:
    for key, path in {"p": "/posts/", "a": "/accounts/", "c": "/compare/", "o": "/overview/"}.items():
        ana.keyboard.press("g")
        ana.keyboard.press(key)
        expect(ana).to_have_url(stack.url("acme", path))
        ana.wait_for_load_state()
    ana.keyboard.press("?")
    expect(ana.get_by_role("heading", name="Keyboard")).to_be_visible()
    ana.get_by_label("Letters work as shortcuts").uncheck()
    ana.keyboard.press("Escape")
    ana.keyboard.press("g")
    ana.keyboard.press("p")
    ana.wait_for_timeout(300)
    expect(ana).to_have_url(stack.url("acme", "/overview/"))


def test_the_pages_work_without_javascript(visitors: Visitors, stack: Stack, crew: list[int]) -> None:
    page = enter(visitors.window(script=False), stack)
    page.get_by_role("link", name="Three minute focaccia").click()
    expect(page.get_by_role("heading", name="Three minute focaccia", level=2)).to_be_visible()
    page.goto(stack.url("acme", "/posts/"))
    page.get_by_role("link", name="More posts").click()
    expect(page.get_by_role("link", name="Back to the first page")).to_be_visible()
    page.goto(stack.url("acme", compare_path(crew)))
    page.get_by_text("Numbers as a table").click()
    expect(page.get_by_role("columnheader", name="@lena.bakes").first).to_be_visible()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
def test_pictures_of_a_refusal_and_of_a_post(
    visitors: Visitors, stack: Stack, crew: list[int], size: str, scheme: str
) -> None:
    page = enter(visitors.window(size=SIZES[size], scheme=scheme), stack)
    watch_of(page).allow(422)
    take = camera(page, f"{size}-{scheme}")
    page.goto(stack.url("acme", "/posts/?min_plays=x&from=1066-01-01"))
    take("posts-refused")
    page.goto(stack.url("acme", "/posts/"))
    page.locator(".all-posts .post-title a").first.click()
    expect(page.locator("#drawer-title")).to_be_visible()
    assert serious_faults(page) == []
    page.screenshot(path=f"var/screenshots/post-sheet-{size}-{scheme}.png")
    if SIZES[size] == PHONE:
        for width in (320, 390):
            page.set_viewport_size({"width": width, "height": 844})
            for path in [*PAGES.values(), compare_path(crew)]:
                page.goto(stack.url("acme", path))
                assert overflow(page) <= 0, path
