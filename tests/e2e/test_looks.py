"""How the pages look: on a phone, in the dark, to a screen reader; with pictures in `var/screenshots/`."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests import factories
from tests.cast import Cast
from tests.e2e.filled import TITLES
from tests.e2e.stack import Stack
from tests.e2e.visitors import (
    PHONE,
    WIDE,
    Visitors,
    expect_mistake,
    has_drawing,
    overflow,
    sign_in,
    track,
    tracked,
    watch_of,
)
from tests.environment import ROOT
from tikdash.db.scope import tenant_scope

PICTURES = ROOT / "var" / "screenshots"
SIZES = {"wide": WIDE, "phone": PHONE}
SCHEMES = ("light", "dark")


def fill_workspace(world: Cast) -> int:
    """Four accounts of Acme, one with every kind of post; returns the id of that one."""
    lena = tracked(world.acme, "lena.bakes", days=90, reason="own", tags="bakery, top, uk")
    for handle, reason in {"maxwellpranks": "competitor", "noor.kitchen": "partner", "northbay.coffee": "own"}.items():
        tracked(world.acme, handle, days=30, reason=reason)
    with tenant_scope(world.acme):
        account = factories.TrackedAccount.objects.get(pk=lena)
        for number, title in enumerate(TITLES):
            factories.make_post(
                account,
                title=title,
                posted_at=factories.minutes_ago(10 + number),
                kind="photo" if number == 3 else "video",
                pinned=number == 0,
                deleted_at=factories.minutes_ago(1) if number == 2 else None,
            )
    return lena


def serious_faults(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {fault['help']} – {node['html'][:160]} {[one['message'] for one in node['any']][:1]}"
        for fault in found
        if fault["impact"] in {"serious", "critical"}
        for node in fault["nodes"]
    ]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_nothing_serious_stands_in_the_way_of_a_screen_reader(
    visitors: Visitors, world: Cast, stack: Stack, scheme: str
) -> None:
    page = visitors.window(scheme=scheme)
    page.goto(stack.url("acme", "/"))
    assert serious_faults(page) == []
    sign_in(page, "ana@acme.example")
    expect(page.get_by_role("heading", name="Track the first account")).to_be_visible()
    assert serious_faults(page) == []
    lena = fill_workspace(world)
    page.reload()
    expect(page.locator("#accounts-table tbody tr")).to_have_count(4)
    assert serious_faults(page) == []
    watch_of(page).allow(422)
    track(page, "not a handle")
    expect_mistake(page, "is not a TikTok handle")
    assert serious_faults(page) == []
    page.goto(stack.url("acme", f"/accounts/{lena}/"))
    page.get_by_text("Numbers as a table").click()
    assert serious_faults(page) == []
    page.goto(stack.url("", "/log-in/"))
    sign_in(page, "ana@acme.example")
    expect(page.get_by_role("heading", name="Workspaces")).to_be_visible()
    assert serious_faults(page) == []


@pytest.mark.parametrize("width", [320, 390, 768])
def test_no_page_is_wider_than_a_small_screen(phone: Page, stack: Stack, lena: int, width: int) -> None:
    phone.set_viewport_size({"width": width, "height": 844})
    for path in ("/accounts/", "/accounts/add/", f"/accounts/{lena}/", "/log-out/"):
        phone.goto(stack.url("acme", path))
        assert overflow(phone) <= 0, path


def test_on_a_phone_the_way_round_is_at_the_bottom(phone: Page) -> None:
    bar = phone.get_by_role("navigation", name="Main").bounding_box()
    assert bar is not None
    assert round(bar["y"] + bar["height"]) == PHONE[1]
    assert bar["height"] < 90
    phone.get_by_role("navigation", name="Main").get_by_role("link", name="Accounts").click()
    expect(phone.get_by_role("heading", name="Accounts", exact=True)).to_be_visible()


def test_what_a_finger_must_hit_is_large_enough(phone: Page, stack: Stack, lena: int) -> None:
    for path in ("/accounts/", f"/accounts/{lena}/"):
        phone.goto(stack.url("acme", path))
        small = phone.evaluate(
            """() => [...document.querySelectorAll("button, select, input:not([type=hidden]), nav a, .seg a, summary")]
                .filter(one => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
                .map(one => [one.outerHTML.slice(0, 100), one.getBoundingClientRect()])
                .filter(([, box]) => box.width > 1 && (box.width < 24 || box.height < 24))
                .map(([html, box]) => `${Math.round(box.width)}×${Math.round(box.height)} ${html}`)"""
        )
        assert small == []


def test_the_theme_can_be_chosen_and_stays(ana: Page) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    light = ana.evaluate(paper)
    ana.locator("details.me summary").click()
    ana.get_by_role("button", name="Dark").click()
    dark = ana.evaluate(paper)
    assert brightness(dark) < 60 < 200 < brightness(light)
    ana.reload()
    assert ana.evaluate(paper) == dark
    ana.locator("details.me summary").click()
    ana.get_by_role("button", name="Auto").click()
    assert ana.evaluate(paper) == light


def test_a_dark_system_gets_dark_pages(visitors: Visitors, stack: Stack) -> None:
    page = visitors.window(scheme="dark")
    page.goto(stack.url("acme", "/"))
    assert brightness(page.evaluate("getComputedStyle(document.body).backgroundColor")) < 60


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
def test_pictures_of_all_pages(visitors: Visitors, world: Cast, stack: Stack, size: str, scheme: str) -> None:
    page = visitors.window(size=SIZES[size], scheme=scheme)
    watch_of(page).allow(404)
    take = camera(page, f"{size}-{scheme}")
    page.goto(stack.url("acme", "/"))
    take("log-in")
    page.goto(stack.url("nobody", "/"))
    take("not-found")
    page.goto(stack.url())
    sign_in(page, "ana@acme.example")
    expect(page.get_by_role("heading", name="Workspaces")).to_be_visible()
    take("workspaces")
    page.get_by_role("link", name="Open Acme Talent").click()
    expect(page.get_by_role("heading", name="Track the first account")).to_be_visible()
    take("empty-list")
    track(page, "nobody.here")
    expect_mistake(page, "TikTok knows no @nobody.here")
    take("check-failed")
    lena = fill_workspace(world)
    page.goto(stack.url("acme", "/accounts/"))
    expect(page.locator("#accounts-table tbody tr")).to_have_count(4)
    take("list")
    page.goto(stack.url("acme", f"/accounts/{lena}/"))
    expect(page.locator("[data-chart-word]")).to_be_hidden()
    assert has_drawing(page.locator("canvas"))
    take("account")


def camera(page: Page, name: str) -> Callable[[str], None]:
    PICTURES.mkdir(parents=True, exist_ok=True)

    def take(what: str) -> None:
        page.wait_for_load_state()
        page.screenshot(path=PICTURES / f"{what}-{name}.png", full_page=True)
        assert overflow(page) <= 0, what

    return take


def brightness(colour: str) -> float:
    """0 black … 255 white, of `rgb(…)`."""
    parts = [float(part) for part in re.findall(r"[\d.]+", colour)[:3]]
    return sum(parts) / 3


@pytest.fixture
def lena(world: Cast) -> int:
    return tracked(world.acme, "lena.bakes", days=90, tags="bakery, a-tag-that-is-as-long-as-tags-may-be-yes")


@pytest.fixture
def phone(visitors: Visitors) -> Page:
    """A phone in Ana's hand, on the list of her workspace."""
    return visitors.member(size=PHONE)
