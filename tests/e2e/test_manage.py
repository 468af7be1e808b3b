"""What a person does with an account in a browser: notes, pausing, its past, the headline rate; with pictures."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from snapshots.models import AccountNote
from tests.cast import Cast
from tests.e2e.stack import Stack
from tests.e2e.test_looks import SCHEMES, SIZES, camera, serious_faults
from tests.e2e.visitors import Visitors, with_history
from tikdash.db.scope import tenant_scope


@pytest.fixture
def address(world: Cast, stack: Stack) -> str:
    """The address of an account of Acme with forty days of numbers and a few posts."""
    followers: list[int | None] = [100_000 + 350 * day for day in range(40)]
    return stack.url("acme", f"/accounts/{with_history(world.acme, 'lena.bakes', followers, posts=3)}/")


def test_a_note_is_written_removed_and_brought_back_without_leaving_the_page(
    ana: Page, world: Cast, address: str
) -> None:
    ana.goto(f"{address}?days=30")
    ana.get_by_text("Write a note").click()
    ana.get_by_label("Note", exact=True).fill("New oven")
    ana.get_by_role("button", name="Add the note").click()
    row = ana.locator(".happenings li", has_text="New oven")
    expect(row).to_contain_text("ana@acme.example")
    expect(ana).to_have_url(f"{address}?days=30")
    expect(ana.locator("canvas[data-marks]")).to_have_attribute("data-marks", re.compile("New oven"))
    row.get_by_role("button", name="Remove").click()
    expect(row).to_have_count(0)
    ana.get_by_role("button", name="Undo").click()
    expect(row).to_be_visible()
    row.get_by_role("link", name="Change").click()
    ana.get_by_label("Note", exact=True).fill("A second oven")
    ana.get_by_role("button", name="Save").click()
    expect(ana.locator(".happenings")).to_contain_text("A second oven")
    with tenant_scope(world.acme):
        assert AccountNote.objects.get(removed_at=None).text == "A second oven"


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
def test_pictures_of_what_a_person_does_with_an_account(
    visitors: Visitors, address: str, stack: Stack, size: str, scheme: str
) -> None:
    page = visitors.member(size=SIZES[size], scheme=scheme)
    take = camera(page, f"{size}-{scheme}")
    page.goto(address)
    page.get_by_text("Write a note").click()
    page.get_by_label("Note", exact=True).fill("Campaign with the mill begins")
    page.get_by_role("button", name="Add the note").click()
    expect(page.locator(".chip-note")).to_be_visible()
    page.get_by_text("Write a note").click()
    expect(page.locator("[data-chart-word]")).to_be_hidden()
    page.get_by_title("More", exact=True).click()
    take("manage-note-and-menu")
    assert serious_faults(page) == []
    page.get_by_role("button", name="Pause reading").click()
    expect(page.get_by_text("Reading is paused: the numbers stay as they are.")).to_be_visible()
    take("manage-paused")
    assert serious_faults(page) == []
    page.get_by_role("button", name="Resume").first.click()
    page.goto(f"{address}?tab=activity")
    page.get_by_role("button", name="Read the history").click()
    expect(page.get_by_role("progressbar", name="Pages read")).to_be_visible()
    take("manage-backfill")
    assert serious_faults(page) == []
    page.get_by_role("button", name="Call it off").click()
    expect(page.locator("#backfill")).to_contain_text("called off")
    page.goto(stack.url("acme", "/settings/numbers/"))
    take("settings-numbers")
    assert serious_faults(page) == []
    page.get_by_label("Engagement rate by followers, mean of posts").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("All pages of this workspace lead with")).to_be_visible()
    page.goto(stack.url("acme", "/overview/"))
    take("overview-with-exports")
    assert serious_faults(page) == []
