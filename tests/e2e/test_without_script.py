"""Every page works without JavaScript."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.cast import Cast
from tests.e2e.stack import Stack
from tests.e2e.visitors import Visitors, expect_mistake, sign_in, tile, track, tracked, views, watch_of, with_history


def test_a_person_tracks_an_account_and_reads_it_as_a_table(visitors: Visitors, stack: Stack) -> None:
    page = visitors.window(script=False)
    page.goto(stack.url("acme", "/"))
    sign_in(page, "ana@acme.example")
    track(page, "lena.bakes")
    expect(page.get_by_text("Looking for @lena.bakes on TikTok…")).to_be_visible()
    # The page loads itself again until the account is there.
    expect(page).to_have_url(re.compile(r"/accounts/\d+/$"))
    truth = stack.truth("lena.bakes")
    expect(tile(page, "Followers")).to_have_attribute("title", f"{truth['followers']:,}")
    page.get_by_text("Numbers as a table").click()
    expect(page.locator("#growth tbody tr").first.locator("td").first).to_have_text(f"{truth['followers']:,}")


def test_mistakes_get_their_sentence(visitors: Visitors, world: Cast) -> None:
    with_history(world.acme, "lena.bakes", [1, 2])
    page = visitors.member(script=False)
    watch_of(page).allow(422)
    track(page, "lena.bakes")
    expect_mistake(page, "@lena.bakes is tracked already.")
    track(page, "nobody.here")
    expect(page.get_by_label("TikTok handle")).to_have_accessible_description(
        re.compile("TikTok knows no @nobody.here")
    )


def test_posts_are_sorted_and_paged_and_the_chart_changes(visitors: Visitors, world: Cast, stack: Stack) -> None:
    account_id = with_history(world.acme, "lena.bakes", list(range(100, 190)), posts=30)
    page = visitors.member(script=False)
    page.goto(stack.url("acme", f"/accounts/{account_id}/"))
    page.locator("#posts thead").get_by_role("link", name="Views").click()
    expect(page.locator("#posts th[aria-sort=descending]")).to_contain_text("Views")
    first = views(page)
    assert first == sorted(first, reverse=True)
    page.locator("#posts").get_by_role("link", name="Next").click()
    expect(page.locator("#posts tbody tr")).to_have_count(5)
    second = views(page)
    assert max(second) < min(first)
    page.locator("#account-tabs").get_by_role("link", name="Overview").click()
    page.locator("#growth").get_by_role("link", name="30 d").click()
    expect(page.locator("#growth tbody tr")).to_have_count(30)


def test_the_list_is_filtered(visitors: Visitors, world: Cast) -> None:
    with_history(world.acme, "lena.bakes", [1, 2])
    with_history(world.acme, "northbay.coffee", [1, 2])
    page = visitors.member(script=False)
    page.get_by_label("Find by handle, name or tag").fill("north")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("#accounts-table tbody tr")).to_have_count(1)


def test_a_refresh_is_asked_for_and_capped(visitors: Visitors, world: Cast, stack: Stack) -> None:
    account_id = tracked(world.acme, "lena.bakes")
    page = visitors.member(script=False)
    page.goto(stack.url("acme", f"/accounts/{account_id}/"))
    stack.later(hours=30)
    page.get_by_role("button", name="Refresh").click()
    stack.settle()
    page.reload()
    expect(tile(page, "Followers")).to_have_attribute("title", f"{stack.truth('lena.bakes')['followers']:,}")
    expect(page.get_by_text("Again in 5 min")).to_be_visible()
