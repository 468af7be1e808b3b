"""Invoices: from rollups of a month that is over, frozen, printed, as CSV."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest

from billing.models import Invoice, Plan, Subscription, UsageDaily
from billing.rollups import roll_up
from billing.services.grants import correct_usage, grant_credits
from billing.services.invoices import issue_all, issue_invoice
from billing.services.subscriptions import subscribe
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
    with all_tenants():
        Subscription.objects.all().delete()
    subscribe(tenant_id=cast.acme.id, plan="pro", since=date(2026, 9, 5))
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


def test_what_is_counted_after_the_invoice_stands_on_the_next_one_once(october: Cast) -> None:
    with clock.at(AFTER):
        first = issue_invoice(october.acme, OCTOBER)
    # A worker that was cut off says a week later what it had done in October; another event comes ten times.
    missed = event(october.acme.id, datetime(2026, 10, 30, 12, tzinfo=UTC), credits=7)
    write(october.acme, [missed] * 10, late_s=9 * 86_400)
    with clock.at(datetime(2026, 12, 1, 6, 50, tzinfo=UTC)):
        roll_up()
        with all_tenants():
            assert issue_invoice(october.acme, OCTOBER).credits == first.credits, "what was issued stays"
        second = issue_invoice(october.acme, date(2026, 11, 1))
    assert second.lines["late"] == [
        {"month": "2026-10-01", "credits": 7, "text": "Counted after the invoice of October 2026"}
    ]
    assert second.credits == 1_000 + 7
    with clock.at(datetime(2027, 1, 1, 6, 50, tzinfo=UTC)):
        roll_up()
        assert issue_invoice(october.acme, date(2026, 12, 1)).lines["late"] == [], "it is billed once"
    ana = browser_of(october.ana, "acme.localhost")
    assert (
        "Counted after the invoice of October 2026" in ana.get(f"/settings/invoices/{second.number}/").content.decode()
    )
    rows = list(csv.DictReader(io.StringIO(ana.get(f"/settings/invoices/{second.number}/usage.csv").content.decode())))
    assert sum(int(row["credits"]) for row in rows) == second.credits


def test_a_pack_that_is_sold_for_a_month_with_its_invoice_stands_on_the_next_one_once(october: Cast) -> None:
    with clock.at(AFTER):
        issue_invoice(october.acme, OCTOBER)
        grant_credits(
            tenant_id=october.acme.id, credits=300, price_cents=700, starts_on=date(2026, 10, 30), note="Sold by phone"
        )
    billed = []
    for month, day in ((date(2026, 11, 1), date(2026, 12, 1)), (date(2026, 12, 1), date(2027, 1, 1))):
        with clock.at(datetime(day.year, day.month, day.day, 6, 50, tzinfo=UTC)):
            roll_up()
            billed.append([item["text"] for item in issue_invoice(october.acme, month).lines["items"][1:]])
    assert billed == [["Pack of 300 credits"], []]


def test_plans_of_a_part_of_a_month_are_paid_by_the_day(october: Cast) -> None:
    Plan.objects.filter(code="enterprise").update(price_cents=49_900)
    subscribe(tenant_id=october.acme.id, plan="enterprise", since=date(2026, 10, 11))
    with clock.at(AFTER):
        invoice = issue_invoice(october.acme, OCTOBER)
    assert [(item["text"], item["cents"]) for item in invoice.lines["items"]][:2] == [
        ("Plan Pro, 1–10 October 2026 (10 of 31 days)", 1_581),
        ("Plan Enterprise, 11–31 October 2026 (21 of 31 days)", 33_803),
    ]
    assert invoice.plan == "Pro, Enterprise"


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
