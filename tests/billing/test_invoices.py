"""Invoices: from rollups of a month that is over, frozen, printed, as CSV."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest

from billing.models import Invoice, Plan, UsageDaily
from billing.rollups import roll_up
from billing.services.grants import correct_usage, grant_credits
from billing.services.invoices import issue_all, issue_invoice
from tests.billing.ledger import event, write
from tests.cast import Cast
from tests.snapshots.conftest import browser_of
from tikdash import clock
from tikdash.db.scope import all_tenants
from tikdash.errors import BadInput

OCTOBER = date(2026, 10, 1)
AFTER = datetime(2026, 11, 1, 6, 50, tzinfo=UTC)


@pytest.fixture
def october(cast: Cast) -> Cast:
    """Acme's October: its last moment, and the first of November, that belongs to the next month."""
    end = datetime(2026, 11, 1, tzinfo=UTC)
    write(
        cast.acme,
        [
            event(cast.acme.id, end - timedelta(days=20), credits=40, feature="=cmd|' /C calc'!A0"),
            event(cast.acme.id, end - timedelta(days=3), credits=9, outcome="not_found"),
            event(cast.acme.id, end - timedelta(microseconds=1), credits=2, endpoint="userid", feature="profile"),
            event(cast.acme.id, end, credits=1_000),
        ],
    )
    Plan.objects.filter(code="pro").update(price_cents=4_900)
    with clock.at(datetime(2026, 10, 20, tzinfo=UTC)):
        grant_credits(tenant_id=cast.acme.id, credits=500, price_cents=1_050)
    with clock.at(AFTER):
        roll_up()
        correct_usage(
            tenant_id=cast.acme.id, day=date(2026, 10, 12), credits=-5, reason="A fault of ours", made_by_id=None
        )
    return cast


def test_an_invoice_is_what_the_rollups_of_its_month_say(october: Cast) -> None:
    with clock.at(AFTER):
        invoice = issue_invoice(october.acme, OCTOBER)
    assert (invoice.credits, invoice.total_cents, invoice.total) == (40 + 2 - 5, 4_900 + 1_050, "59.50")
    assert invoice.number == f"2026-10-{october.acme.id:06d}"


def test_it_is_frozen_and_a_later_correction_goes_to_the_present_month(october: Cast) -> None:
    with clock.at(AFTER):
        first = issue_invoice(october.acme, OCTOBER)
        with all_tenants():
            UsageDaily.objects.update(charged=9_999)
        assert issue_invoice(october.acme, OCTOBER).credits == first.credits
        late = correct_usage(
            tenant_id=october.acme.id, day=date(2026, 10, 12), credits=-7, reason="Again", made_by_id=None
        )
    assert late.day == date(2026, 11, 1)
    with all_tenants():
        assert Invoice.objects.count() == 1


def test_a_month_that_is_not_over_or_not_counted_has_no_invoice(october: Cast) -> None:
    with clock.at(datetime(2026, 10, 31, 23, 59, tzinfo=UTC)), pytest.raises(BadInput, match="is not over yet"):
        issue_invoice(october.acme, OCTOBER)
    with clock.at(datetime(2026, 12, 1, 0, 1, tzinfo=UTC)), pytest.raises(BadInput, match="Not every day"):
        issue_invoice(october.acme, date(2026, 11, 1))


def test_the_nightly_task_issues_all_once(october: Cast) -> None:
    with clock.at(AFTER):
        assert issue_all(OCTOBER) == 3
        assert issue_all(OCTOBER) == 3
    with all_tenants():
        assert Invoice.objects.count() == 3


def test_the_page_and_the_csv_add_up_and_no_cell_computes(october: Cast) -> None:
    with clock.at(AFTER):
        invoice = issue_invoice(october.acme, OCTOBER)
        ana = browser_of(october.ana, "acme.localhost")
        page = ana.get(f"/settings/invoices/{invoice.number}/").content.decode()
        sheet = ana.get(f"/settings/invoices/{invoice.number}/usage.csv")
    assert "Acme Talent" in page and "59.50" in page and "A fault of ours" in page and "/userid/" in page
    rows = list(csv.DictReader(io.StringIO(sheet.content.decode())))
    assert sum(int(row["credits"]) for row in rows) == invoice.credits
    assert not any(cell.startswith("=") for row in rows for cell in row.values())
