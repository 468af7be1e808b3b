"""The tabs of an account's page in a browser: each task done, nothing serious for a screen reader, pictures of all."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from snapshots.models import AccountHandle, Hashtag, Post, PostHashtag, Sound, TrackedAccount
from snapshots.web.account_tabs import TABS
from tests import factories
from tests.cast import Cast
from tests.e2e.stack import Stack
from tests.e2e.test_looks import SCHEMES, SIZES, camera, serious_faults
from tests.e2e.visitors import PHONE, Visitors, has_drawing, overflow, sign_in, tracked
from tikdash import clock
from tikdash.db.scope import tenant_scope

TAGS = (
    "focaccia",
    "breadtok",
    "sourdough",
    "渋谷スカイ",
    "وصفة",
    "घर",
    "หมักแป้ง",
    "bake",
    "crumb",
    "rye",
    "oven",
    "flour",
)
REMARKS = ("I love this bread ❤️", "awful, I hate it", "recette géniale, merci", "where is this?", "وصفة رائعة", "猫 🐈")


@pytest.fixture
def full(world: Cast, stack: Stack) -> str:
    """The address of an account of Acme that has something in each tab."""
    account_id = tracked(world.acme, "lena.bakes", days=90, tags="bakery, uk")
    now = clock.now()
    with tenant_scope(world.acme):
        account = TrackedAccount.objects.get(pk=account_id)
        tags = [Hashtag(name=name, first_seen_at=now, view_count=10_000, measured_at=now) for name in TAGS]
        tags = Hashtag.objects.bulk_create(tags, ignore_conflicts=True) and list(Hashtag.objects.all())[:14]
        Sound.objects.create(music_id="77", title="Slow rise", author="The Proofers", original=True, first_seen_at=now)
        posts = []
        for number in range(40):
            post = factories.make_post(
                account,
                title=f"Crumb {number}",
                posted_at=now - timedelta(days=2 + number),
                play_count=(9_000 if number == 3 else 1_000) + 37 * number,
                digg_count=90,
                comment_count=9,
                sound_id="77" if number % 3 else "",
            )
            posts.append(post)
            for day in range(1, 8):
                at = post.posted_at + timedelta(days=day)
                if at < now:
                    plays = int((post.play_count or 0) * (0.4 + 0.08 * day))
                    factories.make_post_snapshot(post, captured_on=at.date(), captured_at=at, play_count=plays)
            for place, tag in enumerate(tags):
                if number % (place + 2) == 0:
                    PostHashtag.objects.create(post=post, hashtag=tag, account=account)
            factories.make_comment(post, REMARKS[number % len(REMARKS)], author_username=f"reader.{number}")
        bots = [f"user{number}" for number in range(1_000_000, 1_000_034)]
        factories.make_sample(account, [*bots, *(f"reader.{number}" for number in range(166))], total=10_000)
        for hours, title in ((2, "Proofing, second rise"), (9, "متجر الخبز"), (60, "Last week's loaf")):
            at = now - timedelta(hours=hours)
            factories.make_story(
                account, title=title, posted_at=at, expires_at=at + timedelta(hours=24), play_count=1_200 * hours
            )
        AccountHandle.objects.create(account=account, username="lena.cooks", replaced_at=now - timedelta(days=20))
        Post.objects.filter(pk=posts[8].pk).update(deleted_at=now - timedelta(days=5))
    return stack.url("acme", f"/accounts/{account_id}/")


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
    expect(drawer).to_be_focused()
    expect(drawer.locator("svg.curve")).to_be_visible()
    expect(ana).to_have_url(re.compile(r"post=\d+"))
    ana.reload()
    expect(drawer).to_be_visible()
    drawer.get_by_role("link", name="Close").click()
    expect(drawer).to_have_count(0)
    link.click()
    expect(drawer).to_be_focused()
    ana.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    expect(link).to_be_focused()


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
def test_pictures_of_all_tabs_with_nothing_serious_in_them(
    visitors: Visitors, full: str, size: str, scheme: str
) -> None:
    page = signed_in(visitors, full, size=SIZES[size], scheme=scheme)
    take = camera(page, f"{size}-{scheme}")
    for key in TABS:
        page.goto(f"{full}?tab={key}")
        if key == "overview":
            expect(page.locator("[data-chart-word]")).to_be_hidden()
        take(f"account-{key}")
        assert serious_faults(page) == [], key
    page.goto(f"{full}?tab=posts")
    page.get_by_role("link", name="Crumb 4", exact=True).click()
    expect(page.get_by_role("dialog", name="Crumb 4")).to_be_focused()
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
