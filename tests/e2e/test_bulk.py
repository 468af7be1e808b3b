"""Many accounts at once: adding a list, changing what is chosen, stopping and taking it back, files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.cast import Cast
from tests.e2e.stack import Stack
from tests.e2e.test_looks import PICTURES, serious_faults
from tests.e2e.visitors import PHONE, WIDE, Visitors, overflow, sign_in, watch_of, with_history

LIST = "lena.bakes\nnew.one, own, bread\nnew.two\n=1+1\nNEW.ONE\nx y z"


@pytest.fixture
def three(world: Cast) -> None:
    with_history(world.acme, "lena.bakes", [1_000, 1_290], nickname="Lena")
    with_history(world.acme, "maxwellpranks", [9_000, 8_500], nickname="Maxwell", tags=["comedy"])
    with_history(world.acme, "northbay.coffee", [5_000, 5_100], nickname="North Bay")


@pytest.fixture
def ana(visitors: Visitors, stack: Stack) -> Page:
    """A window in which Ana sees her list of accounts."""
    return at_the_list(visitors, stack)


def at_the_list(visitors: Visitors, stack: Stack, **window: Any) -> Page:
    page = visitors.window(**window)
    page.goto(stack.url("acme", "/accounts/"))
    sign_in(page, "ana@acme.example")
    expect(page.get_by_role("heading", name="Accounts", exact=True)).to_be_visible()
    return page


def choose(page: Page, *handles: str) -> None:
    for handle in handles:
        page.get_by_label(f"Choose @{handle}").check()


def apply(page: Page, action: str) -> None:
    page.get_by_label("What to do").select_option(label=action)
    page.get_by_role("button", name="Apply").click()


def names(page: Page) -> Locator:
    return page.locator("#accounts-table .who-name a")


def test_a_list_is_looked_at_tracked_and_followed_to_its_end(ana: Page) -> None:
    ana.get_by_role("link", name="Add many").click()
    ana.get_by_label("Handles or profile addresses").fill("lena.bakes, own, bread\nnobody.here\nLENA.BAKES\n=1+1")
    ana.get_by_role("button", name="Look at the list").click()
    expect(ana.get_by_text("It stands in the list already.")).to_be_visible()
    expect(ana.get_by_text("is not a TikTok handle")).to_be_visible()
    ana.get_by_role("button", name="Track 2 accounts").click()
    expect(ana.locator("#bulk-progress b")).to_have_text("4 of 4")
    expect(ana.get_by_text("TikTok knows no @nobody.here")).to_be_visible()
    expect(ana.get_by_role("link", name="@lena.bakes")).to_be_visible()
    with ana.expect_download() as download:
        ana.get_by_role("link", name="Rows that were not added").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["handle", "nobody.here", "LENA.BAKES", "'=1+1"]


def test_a_file_that_is_no_list_gets_its_sentence(ana: Page) -> None:
    watch_of(ana).allow(422)
    ana.get_by_role("link", name="Add many").click()
    ana.get_by_label("Or a CSV file").set_input_files(
        files=[{"name": "list.csv", "mimeType": "text/csv", "buffer": "lena,é".encode("latin-1")}]
    )
    ana.get_by_role("button", name="Look at the list").click()
    expect(ana.get_by_role("alert")).to_contain_text("This file is not in UTF-8.")


@pytest.mark.usefixtures("three")
def test_the_bar_appears_with_the_first_account_that_is_chosen(ana: Page) -> None:
    ana.reload()
    bar = ana.locator("#chosen-form")
    expect(bar).to_be_hidden()
    choose(ana, "lena.bakes", "northbay.coffee")
    expect(bar).to_be_visible()
    # The count is made by the style sheet, so that it needs no script.
    expect(bar.locator(".chosen-some")).to_be_visible()
    apply(ana, "Add tags")
    expect(ana.get_by_role("status").filter(has_text="Type a tag")).to_be_visible()
    choose(ana, "lena.bakes", "northbay.coffee")
    ana.get_by_label("Tags, with commas").fill("food")
    apply(ana, "Add tags")
    expect(ana.get_by_text("2 accounts are tagged with food.")).to_be_visible()
    expect(ana.get_by_role("row", name=re.compile("Lena")).locator(".chip-tag")).to_have_text("food")


@pytest.mark.usefixtures("three")
def test_stopping_asks_and_can_be_undone_without_script(visitors: Visitors, stack: Stack) -> None:
    page = at_the_list(visitors, stack, script=False)
    choose(page, "lena.bakes", "maxwellpranks")
    apply(page, "Stop tracking…")
    expect(page.get_by_role("heading", name="Stop tracking 2 accounts?")).to_be_visible()
    page.get_by_role("button", name="Stop tracking").click()
    expect(names(page)).to_have_text(["North Bay"])
    page.get_by_role("button", name="Undo").click()
    expect(names(page)).to_have_text(["Maxwell", "North Bay", "Lena"])


@pytest.mark.usefixtures("three")
def test_all_of_a_filter_are_paused_and_fetched_again(ana: Page) -> None:
    ana.get_by_label("Find by handle, name or tag").fill("comedy")
    expect(ana.locator("#accounts-table tbody tr")).to_have_count(1)
    for action, sentence in (("Pause", "1 account is paused."), ("Resume", "1 account is fetched again.")):
        ana.get_by_label("Choose the account of this list").check()
        apply(ana, action)
        expect(ana.get_by_text(sentence)).to_be_visible()
        expect(ana).to_have_url(re.compile(r"q=comedy"))


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(("choice", "ending"), [("Excel (XLSX)", "xlsx"), ("CSV", "csv"), ("Definitions (CSV)", "csv")])
def test_the_list_is_a_file_by_two_clicks(ana: Page, choice: str, ending: str) -> None:
    ana.reload()
    ana.get_by_text("Export", exact=False).first.click()
    with ana.expect_download() as download:
        ana.get_by_role("link", name=choice, exact=True).click()
    assert re.fullmatch(rf"accounts(-definitions)?-\d{{8}}-\d{{4}}Z\.{ending}", download.value.suggested_filename)
    assert Path(download.value.path()).stat().st_size > 100


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_pages_fit_their_windows(visitors: Visitors, stack: Stack, size: tuple[int, int], scheme: str) -> None:
    page = at_the_list(visitors, stack, size=size, scheme=scheme)
    PICTURES.mkdir(parents=True, exist_ok=True)

    def look(name: str) -> None:
        page.wait_for_load_state()
        page.screenshot(path=PICTURES / f"bulk-{name}-{size[0]}-{scheme}.png")
        assert overflow(page) == 0, name
        assert serious_faults(page) == [], name

    page.reload()
    look("list")
    choose(page, "lena.bakes", "maxwellpranks")
    look("chosen")
    apply(page, "Stop tracking…")
    look("confirm")
    page.get_by_role("button", name="Stop tracking").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    look("undo")
    page.get_by_role("button", name="Undo").click()
    page.goto(stack.url("acme", "/accounts/bulk/"))
    look("form")
    page.get_by_label("Handles or profile addresses").fill(LIST)
    page.get_by_role("button", name="Look at the list").click()
    look("plan")
    page.get_by_role("button", name="Track 2 accounts").click()
    expect(page.locator("#bulk-progress b")).to_have_text("6 of 6")
    look("progress")
