"""The capacity planner in the browser: inputs, sheets, spreadsheet, calibration, and a review on one sheet of paper."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Page, expect

from billing.models import CapacityScenario
from billing.services.planner import write_inputs
from tests.billing.scenarios import EXAMPLE
from tests.cast import Cast
from tests.e2e.stack import Stack
from tests.e2e.test_looks import PICTURES, SCHEMES, SIZES, serious_faults
from tests.e2e.visitors import Visitors, overflow, sign_in
from tikdash.db.scope import all_tenants

PAGES = "/admin/billing/capacityscenario"


@pytest.fixture
def scenario(world: Cast) -> CapacityScenario:
    made = CapacityScenario(name="Next year")
    with all_tenants():
        write_inputs(made, EXAMPLE)
    return made


def olga(visitors: Visitors, stack: Stack, scheme: str = "light") -> Page:
    page = visitors.window(scheme=scheme)
    page.goto(stack.url("", "/admin/"))
    sign_in(page, "olga@tikdash.example")
    expect(page).to_have_url(stack.url("", "/admin/"))
    return page


def test_from_the_list_to_the_sheets_the_spreadsheet_and_what_is_measured(
    visitors: Visitors, stack: Stack, scenario: CapacityScenario
) -> None:
    page = olga(visitors, stack)
    page.goto(stack.url("", f"{PAGES}/"))
    page.get_by_role("link", name="Next year").click()
    expect(page.get_by_label("Worker threads")).to_have_value("10")
    page.get_by_role("link", name="The six sheets").click()
    expect(page.get_by_text("Breaks first, in 4 months: Credits a month within the budget.")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Spreadsheet with formulas").click()
    book = load_workbook(BytesIO(download.value.path().read_bytes()))
    assert book["Features"]["H6"].value == "=SUM($H$2:$H$5)"
    page.get_by_role("button", name="Adopt").click()
    expect(page.get_by_text(re.compile("This is now the plan for the quarter from"))).to_be_visible()
    page.get_by_role("link", name="Change the inputs").click()
    page.get_by_role("button", name="Calibrate from what is measured").click()
    expect(page.get_by_text("The scenario now holds what is measured.")).to_be_visible()
    expect(page.get_by_text("Not measured. What features ask for").first).to_be_visible()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_pages_fit_every_screen_are_read_aloud_and_print_on_one_sheet(
    visitors: Visitors, stack: Stack, scenario: CapacityScenario, scheme: str
) -> None:
    page = olga(visitors, stack, scheme)
    for name, path in (("sheets", f"{scenario.pk}/sheets/"), ("review", "review/")):
        page.goto(stack.url("", f"{PAGES}/{path}"))
        assert serious_faults(page) == [], name
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            assert overflow(page) <= 0, (name, size)
            page.screenshot(path=PICTURES / f"planner-{name}-{size}-{scheme}.png", full_page=True)
        page.set_viewport_size({"width": SIZES["wide"][0], "height": SIZES["wide"][1]})
    sheet = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page[^s]", sheet)) == 1
