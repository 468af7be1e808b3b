"""The page of a workspace's usage: what is counted, what is foreseen, what another pace would cost, who hears of it."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry
from billing.alerts import look
from billing.gate import gate
from billing.models import AlertChannel, BudgetRefusal, Invoice, Plan, PlatformBudget, UsageAlert
from billing.rollups import roll_up
from billing.services.grants import grant_credits
from tests.billing.ledger import event, write
from tests.cast import Cast
from tests.factories import make_account, make_job
from tests.snapshots.conftest import browser_of
from tikdash import clock
from tikdash.db.scope import all_tenants, tenant_scope
from tikdash.tiklive.errors import BudgetReached
from tikdash.tiklive.ports import PlannedCall


def text_of(client: Client, path: str = "/settings/usage/") -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


@pytest.fixture
def used(cast: Cast, noon: datetime) -> None:
    """Ten days of Acme: 100 credits a day for posts and 20 for profiles; and much more of Rival."""
    for back in range(1, 11):
        at = noon - timedelta(days=back)
        write(
            cast.acme,
            [
                event(cast.acme.id, at, credits=100),
                event(cast.acme.id, at, credits=20, feature="profile", endpoint="userid"),
                event(cast.acme.id, at, credits=1, outcome="not_found"),
            ],
        )
        write(cast.rival, [event(cast.rival.id, at, credits=7_777, feature="stories", endpoint="user-stories")])
    write(cast.acme, [event(cast.acme.id, noon - timedelta(hours=1), credits=31)])
    roll_up()


def test_it_says_today_month_forecast_and_splits(cast: Cast, used: None, noon: datetime) -> None:
    Plan.objects.filter(code="pro").update(monthly_credits=2_000)
    page = text_of(browser_of(cast.ana, "acme.localhost"))
    assert "counted up to 15 Nov 2026, 11:58" in page
    assert "31 credits" in page and "1.23 K of 2.00 K credits" in page.replace("1,231", "1.23 K")
    assert "End of the month" in page and "by the last weeks" in page
    assert "10 requests that failed were not charged" in page
    assert re.search(r"posts 21 1[.,]03", page) and "userid" in page


def test_a_tenant_sees_nothing_of_anothers_spending(cast: Cast, used: None) -> None:
    page = text_of(browser_of(cast.max, "acme.localhost"))
    assert "7.7" not in page and "7,777" not in page and "stories" not in page


def test_no_page_says_anything_else_because_others_spend(cast: Cast, used: None, noon: datetime) -> None:
    """Whatever Rival spends, and although a cap of ours is reached by it: all that Acme can read stays as it was."""
    PlatformBudget.objects.create(scope="deployment", daily_credits=1_000_000, monthly_credits=2_000_000)
    paths = [
        "/settings/usage/",
        "/settings/usage/?kind=posts&every=3600",
        "/overview/",
        "/accounts/",
        "/settings/audit/",
    ]
    ana = browser_of(cast.ana, "acme.localhost")
    before = [text_of(ana, path) for path in paths]
    spent = [event(cast.rival.id, noon - timedelta(hours=2), credits=30_000) for _ in range(40)]
    # The day is rolled up until noon: what comes now is late.
    write(cast.rival, spent, late_s=7_200)
    grant_credits(tenant_id=cast.rival.id, credits=12_345, note="For Rival alone")
    roll_up()
    look()
    assert [text_of(ana, path) for path in paths] == before
    # Acme is refused by the cap of all: it learns that, and neither how much it is nor who has spent it.
    gate.forget()
    with pytest.raises(BudgetReached) as refused:
        gate.allow(PlannedCall(cast.acme.id, "user-posts", "posts", "pro", 1, "shared"))
    assert str(refused.value).startswith("Tikdash fetches nothing more for now. Your own credits are untouched.")
    told = str(refused.value).replace("00:00 UTC", "").replace("1 December", "")
    assert not re.search(r"\d", told) and "rival" not in told.lower()


def test_the_number_of_anothers_invoice_is_no_address_here(cast: Cast, used: None) -> None:
    with all_tenants():
        Invoice.objects.create(
            tenant_id=cast.rival.id, month=date(2026, 10, 1), number="2026-10-R", issued_at=clock.now(), customer="R",
            plan="Free", currency="USD", credits=7_777, total_cents=0,
            lines={"items": [], "usage": [], "corrections": []},
        )  # fmt: skip
    ana, rita = browser_of(cast.ana, "acme.localhost"), browser_of(cast.rita, "rival.localhost")
    for path in ("/settings/invoices/2026-10-R/", "/settings/invoices/2026-10-R/usage.csv"):
        theirs, unknown = ana.get(path), ana.get(path.replace("10-R", "10-X"))
        assert (theirs.status_code, unknown.status_code, rita.get(path).status_code) == (404, 404, 200)
        assert text_without_ids(theirs) == text_without_ids(unknown)


def text_without_ids(answer: Any) -> str:
    return re.sub(r"<[^>]+>|2026-10-.", " ", answer.content.decode())


def test_a_workspace_that_has_used_nothing_is_told_so(cast: Cast, noon: datetime) -> None:
    page = text_of(browser_of(cast.rita, "rival.localhost"))
    assert "nothing is counted yet" in page and "No account is tracked yet" in page and "Nothing this month." in page


def test_accounts_with_their_cost_and_the_cost_of_another_pace_before_it_is_chosen(cast: Cast, noon: datetime) -> None:
    Plan.objects.filter(code="pro").update(monthly_credits=10_000)
    with tenant_scope(cast.acme):
        for name in ("lena", "mara"):
            account = make_account(name)
            make_job(account, "posts", cadence_s=3_600)
            make_job(account, "profile", cadence_s=86_400)
    ana = browser_of(cast.ana, "acme.localhost")
    assert re.search(r"@lena 25\.0 750", text_of(ana))
    page = text_of(ana, "/settings/usage/?kind=posts&every=900")
    assert "At most 5,760 credits in 30 days for all your accounts; your plan's pace takes at most 1,440." in page
    assert "58 % of the month's credits." in page
    for wrong in ("kind=posts&every=1", "kind=posts&every=-900", "kind=x&every=900", "kind=posts&every=9" * 9):
        assert "Choose one of the paces of the list." in text_of(ana, f"/settings/usage/?{wrong}")


def test_refusals_alerts_and_packs_are_shown_with_their_sentences(cast: Cast, used: None, noon: datetime) -> None:
    Plan.objects.filter(code="pro").update(monthly_credits=1_000)
    grant_credits(tenant_id=cast.acme.id, credits=500, note="Thank you for waiting")
    with tenant_scope(cast.acme):
        BudgetRefusal.objects.create(
            day=noon.date(), feature="posts", priority="pro", cap="tenant_day", calls=12, first_at=noon, last_at=noon,
            sentence="The credits of the day are used up.",
        )  # fmt: skip
        UsageAlert.objects.create(
            rule="budget_90", subject="month", period=noon.date().replace(day=1), level="critical",
            sentence="Nearly all is used.", opened_at=noon, seen_at=noon,
        )  # fmt: skip
    page = text_of(browser_of(cast.ana, "acme.localhost"))
    for sentence in ("posts: The credits of the day are used up.", "Nearly all is used.", "Thank you for waiting"):
        assert sentence in page
    assert "Pack of 500 credits Thank you for waiting 469 for good" in page, "it pays for nothing before its first day"


# --- who hears of it -------------------------------------------------------------------------------------------------


def test_a_manager_adds_and_removes_addresses_and_it_is_written_down(cast: Cast) -> None:
    ana = browser_of(cast.ana, "acme.localhost")
    sent = {"kind": "email", "address": "team@acme.example", "escalation": "1"}
    assert ana.post("/settings/usage/alerts/add/", sent).status_code == 302
    page = text_of(ana)
    assert "team@acme.example" in page and "from 90 % on" in page
    with tenant_scope(cast.acme):
        channel = AlertChannel.objects.get()
        assert ana.post(f"/settings/usage/alerts/{channel.pk}/remove/").status_code == 302
        assert not AlertChannel.objects.exists()
        events = set(AuditEntry.objects.values_list("event", flat=True))
    assert {"workspace.alerts_added", "workspace.alerts_removed"} <= events


@pytest.mark.parametrize(
    ("kind", "address", "sentence"),
    [
        ("email", "", "An address is missing."),
        ("email", "not an address", "This is no e-mail address."),
        ("pigeon", "a@b.example", "Choose e-mail or webhook."),
        ("webhook", "http://hooks.example/x", "must begin with https://"),
        ("webhook", "https://127.0.0.1/x", "is not on the public internet"),
        ("webhook", "https://[::1]/x", "is not on the public internet"),
        ("webhook", "https://user:pass@example.com/x", "must not hold a log-in"),
        ("webhook", "https://example.com/" + "x" * 600, "too long"),
        ("webhook", "javascript:alert(1)", "must begin with https://"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_beside_its_field(
    cast: Cast, kind: str, address: str, sentence: str
) -> None:
    ana = browser_of(cast.ana, "acme.localhost")
    answer = ana.post("/settings/usage/alerts/add/", {"kind": kind, "address": address})
    assert answer.status_code == 422
    found = re.search(r'<p class="error" id="c-error">([^<]*)</p>', answer.content.decode())
    assert found is not None and sentence in found[1]
    with tenant_scope(cast.acme):
        assert not AlertChannel.objects.exists()


def test_the_address_of_a_webhook_is_never_shown_again(cast: Cast, settings: Any) -> None:
    with tenant_scope(cast.acme):
        AlertChannel.objects.create(kind="webhook", address="https://hooks.slack.example/services/T0/B0/s3cr3t")
    page = browser_of(cast.ana, "acme.localhost").get("/settings/usage/").content.decode()
    assert "hooks.slack.example" in page and "s3cr3t" not in page


def test_a_member_sees_usage_but_neither_invoices_nor_addresses(cast: Cast, used: None) -> None:
    page = text_of(browser_of(cast.max, "acme.localhost"))
    assert (
        "Usage" in page and "Who hears of it" not in page and "Invoices" not in page.replace("Usage and invoices", "")
    )
