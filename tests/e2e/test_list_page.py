"""The list of tracked accounts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.cast import Cast
from tests.e2e.visitors import with_history


@pytest.fixture
def accounts(ana: Page, world: Cast) -> Page:
    """Ana's list of three accounts."""
    with_history(
        world.acme, "lena.bakes", [1_000 + 10 * day for day in range(30)], nickname="Lena", tracked_reason="own"
    )
    with_history(world.acme, "maxwellpranks", [9_000, None, 8_500], nickname="Maxwell", tags=["comedy"])
    with_history(world.acme, "northbay.coffee", [5_000, 5_100], nickname="North Bay", tags=["brand"])
    ana.reload()
    return ana


def names(page: Page) -> list[str]:
    return page.locator("#accounts-table .who-name a").all_inner_texts()


def test_an_empty_list_says_what_to_do(ana: Page) -> None:
    expect(ana.get_by_role("heading", name="Track the first account")).to_be_visible()
    expect(ana.get_by_label("TikTok handle")).to_be_visible()


def test_a_line_shows_number_change_and_sparkline(accounts: Page) -> None:
    line = accounts.get_by_role("row", name=re.compile("Lena"))
    expect(line.locator(".col-followers b")).to_have_text("1.29\u202fK")
    expect(line.locator(".col-followers b span")).to_have_attribute("title", "1,290")
    expect(line.locator(".col-change")).to_contain_text("+290")
    assert int(line.locator("svg.spark path").first.evaluate("path => path.getTotalLength()")) > 50
    # A day without a number is a gap.
    gap = accounts.get_by_role("row", name=re.compile("Maxwell")).locator("svg.spark .spark-gap")
    expect(gap).to_have_count(1)


def test_the_list_is_sorted_by_its_headers_and_the_address_says_so(accounts: Page) -> None:
    assert names(accounts) == ["Maxwell", "North Bay", "Lena"]
    header = accounts.get_by_role("columnheader", name="Account", exact=True)
    header.get_by_role("link").click()
    expect(header).to_have_attribute("aria-sort", "ascending")
    expect(accounts).to_have_url(re.compile(r"\?sort=handle$"))
    assert names(accounts) == ["Lena", "Maxwell", "North Bay"]
    accounts.reload()
    assert names(accounts) == ["Lena", "Maxwell", "North Bay"]
    accounts.go_back()
    expect(accounts.get_by_role("columnheader", name="Followers", exact=True)).to_have_attribute(
        "aria-sort", "descending"
    )
    assert names(accounts) == ["Maxwell", "North Bay", "Lena"]


def test_the_list_is_filtered_while_one_types(accounts: Page) -> None:
    accounts.get_by_label("Find by handle, name or tag").press_sequentially("north")
    expect(accounts).to_have_url(re.compile(r"\?q=north$"))
    expect(accounts.locator("#accounts-table tbody tr")).to_have_count(1)
    expect(accounts.get_by_label("Find by handle, name or tag")).to_be_focused()
    accounts.reload()
    assert names(accounts) == ["North Bay"]
    accounts.get_by_label("Find by handle, name or tag").fill("nobody has this")
    expect(accounts.get_by_role("heading", name="No account matches")).to_be_visible()
    accounts.get_by_role("link", name="Show all accounts").click()
    expect(accounts.locator("#accounts-table tbody tr")).to_have_count(3)


def test_the_list_is_filtered_by_reason_and_keeps_its_order(accounts: Page) -> None:
    accounts.get_by_role("columnheader", name="Account").get_by_role("link").click()
    expect(accounts).to_have_url(re.compile(r"\?sort=handle$"))
    accounts.locator("#filter-reason").select_option("competitor")
    expect(accounts.locator("#accounts-table tbody tr")).to_have_count(2)
    expect(accounts).to_have_url(re.compile(r"reason=competitor"))
    assert names(accounts) == ["Maxwell", "North Bay"]


def test_a_click_anywhere_on_a_line_opens_the_account(accounts: Page) -> None:
    accounts.get_by_role("row", name=re.compile("Lena")).locator(".col-hearts").click(force=True)
    expect(accounts.get_by_role("heading", level=1)).to_have_text("Lena")
