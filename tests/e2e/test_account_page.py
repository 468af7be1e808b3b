"""The page of one account: chart, posts, and asking for new numbers."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pytest
from django.core.cache import cache
from playwright.sync_api import Page, expect

from snapshots.models import FetchJob, TrackedAccount
from tests.cast import Cast
from tests.e2e.stack import Stack
from tests.e2e.visitors import Visitors, has_drawing, tile, tracked, views, watch_of, with_history
from tikdash import clock
from tikdash.db.scope import tenant_scope

NINETY_DAYS = [10_000 + 37 * day for day in range(90)]


@pytest.fixture
def account(ana: Page, world: Cast, stack: Stack) -> Page:
    """Ana's window on an account with 90 days of history and 60 posts."""
    account_id = with_history(world.acme, "lena.bakes", NINETY_DAYS, posts=60)
    ana.goto(stack.url("acme", f"/accounts/{account_id}/"))
    return ana


@pytest.fixture
def posts(account: Page) -> Page:
    """Ana's window on the posts of that account."""
    account.get_by_role("link", name="All posts").click()
    expect(account.locator("#posts tbody tr")).to_have_count(25)
    return account


def titles(page: Page) -> list[str]:
    return page.locator("#posts .post-title a").all_inner_texts()


def sort_by(page: Page, column: str) -> None:
    page.locator("#posts thead").get_by_role("link", name=column).click()


def test_posts_are_sorted_by_views_and_the_address_says_so(posts: Page) -> None:
    assert views(posts) != sorted(views(posts), reverse=True)
    sort_by(posts, "Views")
    expect(posts).to_have_url(re.compile(r"\?tab=posts&sort=-plays$"))
    expect(posts.locator("#posts th.col-plays")).to_have_attribute("aria-sort", "descending")
    highest = views(posts)
    assert highest == sorted(highest, reverse=True)

    posts.reload()
    assert views(posts) == highest

    sort_by(posts, "Views")
    expect(posts).to_have_url(re.compile(r"\?tab=posts&sort=plays$"))
    expect(posts.locator("#posts th.col-plays")).to_have_attribute("aria-sort", "ascending")
    assert views(posts) == sorted(views(posts))

    posts.go_back()
    expect(posts.locator("#posts th.col-plays")).to_have_attribute("aria-sort", "descending")
    assert views(posts) == highest


def test_posts_are_paged_forwards_and_back(posts: Page) -> None:
    def turn(name: str, rows: int) -> list[str]:
        before = titles(posts)
        posts.locator("#posts").get_by_role("link", name=name).click()
        expect(posts.locator("#posts .post-title").first).not_to_contain_text(before[0])
        expect(posts.locator("#posts tbody tr")).to_have_count(rows)
        return titles(posts)

    first = titles(posts)
    second, third = turn("Next", 25), turn("Next", 10)
    assert len({*first, *second, *third}) == 60
    expect(posts.locator("#posts").get_by_role("link", name="Next")).to_have_count(0)
    posts.reload()
    assert titles(posts) == third
    assert turn("Previous", 25) == second
    assert turn("Previous", 25) == first


def test_the_chart_changes_its_counter_and_its_range(account: Page) -> None:
    canvas, growth = account.locator("canvas"), account.locator("#growth")
    expect(growth.locator("[data-chart-word]")).to_be_hidden()
    followers = canvas.evaluate("canvas => canvas.toDataURL()")
    expect(growth.locator("tbody tr")).to_have_count(90)

    growth.get_by_role("link", name="Hearts").click()
    expect(account).to_have_url(re.compile("metric=heart_count"))
    expect(growth.locator("#growth-title")).to_have_text("Hearts")
    expect(growth.get_by_role("link", name="Hearts")).to_have_attribute("aria-current", "true")
    expect(growth.locator("[data-chart-word]")).to_be_hidden()
    assert has_drawing(canvas)
    assert canvas.evaluate("canvas => canvas.toDataURL()") != followers

    growth.get_by_role("link", name="30 d").click()
    expect(growth.locator("tbody tr")).to_have_count(30)
    expect(account).to_have_url(re.compile("metric=heart_count&days=30"))
    account.reload()
    expect(growth.locator("#growth-title")).to_have_text("Hearts")
    expect(growth.locator("tbody tr")).to_have_count(30)


def test_the_chart_keeps_its_state_in_the_address_while_the_posts_are_looked_at(account: Page) -> None:
    growth = account.locator("#growth")
    growth.get_by_role("link", name="Hearts").click()
    expect(account).to_have_url(re.compile("metric=heart_count"))
    account.locator("#posts").get_by_role("link", name="All posts").click()
    sort_by(account, "Likes")
    expect(account).to_have_url(re.compile(r"metric=heart_count&tab=posts&sort=-diggs"))
    account.locator("#posts").get_by_role("link", name="Next").click()
    expect(account).to_have_url(re.compile("after="))
    second = views(account)
    account.reload()
    assert views(account) == second
    account.locator("#tab-overview").click()
    expect(growth.get_by_role("heading", name="Hearts")).to_be_visible()
    expect(account).to_have_url(re.compile(r"\?metric=heart_count$"))


def test_the_arrow_keys_read_the_days_of_the_chart(account: Page) -> None:
    expect(account.locator("[data-chart-word]")).to_be_hidden()
    account.locator("canvas").focus()
    account.keyboard.press("ArrowLeft")
    expect(account.locator("[data-chart-readout]")).to_contain_text(f"{NINETY_DAYS[-1]:,}")
    account.keyboard.press("ArrowLeft")
    expect(account.locator("[data-chart-readout]")).to_contain_text(f"{NINETY_DAYS[-2]:,}")


def test_a_refresh_keeps_the_old_number_until_the_new_one_is_there_and_is_capped(
    ana: Page, world: Cast, stack: Stack
) -> None:
    account_id = tracked(world.acme, "lena.bakes")
    ana.goto(stack.url("acme", f"/accounts/{account_id}/"))
    old = f"{stack.truth('lena.bakes')['followers']:,}"
    expect(tile(ana, "Followers")).to_have_attribute("title", old)
    old_views = views(ana)
    stack.later(hours=30)
    new = f"{stack.truth('lena.bakes')['followers']:,}"
    assert new != old
    stack.upstream.order("faults", [{"kind": "slow", "seconds": 1}])

    ana.get_by_role("button", name="Refresh").click()
    expect(ana.get_by_role("button", name="Refreshing")).to_be_visible()
    expect(tile(ana, "Followers")).to_have_attribute("title", old)
    expect(tile(ana, "Followers")).to_have_attribute("title", new)
    expect(ana.get_by_role("button", name="Refresh", exact=True)).to_have_attribute("aria-disabled", "true")
    expect(ana.get_by_role("button", name="Refresh", exact=True)).to_have_accessible_description("Again in 5 min")
    expect(ana.locator("#growth tbody tr").first).to_contain_text(new)
    posts = stack.upstream.look("truth/posts", handle="lena.bakes", limit=20)["posts"]
    read_again = next(post for post in posts if post["create_time"] < time.time() and not post["deleted"])
    assert read_again["play_count"] not in old_views
    expect(ana.locator(f"#posts td.col-plays[title='{read_again['play_count']:,}']")).to_be_visible()

    # A form that is sent all the same changes nothing.
    stack.later(hours=30)
    asked = stack.upstream.look("stats")["requests"]
    ana.locator("form[action$='/refresh/']").evaluate("form => form.requestSubmit()")
    expect(ana.get_by_role("button", name="Refresh", exact=True)).to_have_accessible_description("Again in 5 min")
    stack.settle()
    assert stack.upstream.look("stats")["requests"] == asked


def test_who_looks_at_old_numbers_sees_them_at_once_and_then_the_new_ones(ana: Page, world: Cast, stack: Stack) -> None:
    account_id = tracked(world.acme, "lena.bakes")
    old = f"{stack.truth('lena.bakes')['followers']:,}"
    with tenant_scope(world.acme):
        long_ago = clock.now() - timedelta(hours=30)
        TrackedAccount.objects.update(measured_at=long_ago)
        FetchJob.objects.update(
            succeeded_at=long_ago, requested_at=long_ago, next_due_at=clock.now() + timedelta(days=1)
        )
    # What was kept of the first reading is older, too.
    cache.clear()
    stack.later(hours=30)
    new = f"{stack.truth('lena.bakes')['followers']:,}"
    assert new != old
    stack.upstream.order("faults", [{"kind": "slow", "seconds": 1}])
    ana.goto(stack.url("acme", f"/accounts/{account_id}/"))
    expect(tile(ana, "Followers")).to_have_attribute("title", old)
    expect(ana.get_by_role("button", name="Refreshing")).to_be_visible()
    expect(tile(ana, "Followers")).to_have_attribute("title", new)
    # It was not asked for with the button, which stays free.
    expect(ana.get_by_role("button", name="Refresh", exact=True)).not_to_have_attribute("aria-disabled", "true")
    stack.settle()
    asked = stack.upstream.look("stats")["requests"]
    ana.reload()
    expect(tile(ana, "Followers")).to_have_attribute("title", new)
    ana.wait_for_load_state("networkidle")
    stack.settle()
    assert stack.upstream.look("stats")["requests"] == asked


def test_a_refresh_that_fails_says_why_and_keeps_the_old_number(ana: Page, world: Cast, stack: Stack) -> None:
    account_id = tracked(world.acme, "lena.bakes")
    ana.goto(stack.url("acme", f"/accounts/{account_id}/"))
    old = f"{stack.truth('lena.bakes')['followers']:,}"
    stack.later(hours=30)
    stack.upstream.order("faults", [{"kind": "http", "status": 503}])
    ana.get_by_role("button", name="Refresh").click()
    expect(ana.locator("#refresh-text")).to_contain_text(re.compile("TikTok|upstream|TikLive", re.IGNORECASE))
    expect(tile(ana, "Followers")).to_have_attribute("title", old)


def test_an_account_of_another_workspace_is_not_there(visitors: Visitors, world: Cast, stack: Stack) -> None:
    foreign = with_history(world.rival, "lena.bakes", [100])
    ana = visitors.member()
    watch_of(ana).allow(404)
    answer = ana.goto(stack.url("acme", f"/accounts/{foreign}/"))
    assert answer is not None
    assert answer.status == 404
    expect(ana.get_by_role("heading", name="Nothing at this address")).to_be_visible()
