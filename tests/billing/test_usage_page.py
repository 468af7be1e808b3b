"""The page of a workspace's usage: what is counted, what is foreseen, what another pace would cost, who hears of it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry
from billing.limit_words import standing
from billing.models import AlertChannel, BudgetRefusal, Plan, UsageAlert
from billing.rollups import roll_up
from billing.services.grants import grant_credits
from tests.billing.ledger import event, write
from tests.cast import Cast
from tests.factories import make_account, make_job
from tests.snapshots.conftest import browser_of
from tikdash.db.scope import tenant_scope


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


@pytest.mark.parametrize(
    ("used", "state", "words"),
    [
        (0, "fine", "100 credits left."),
        (79, "fine", "21 credits left."),
        (80, "near", "20 credits left. At 100 only refreshes go on."),
        (100, "grace", "everything goes on for 10 more, then only refreshes go on."),
        (110, "paused", "110 of 100 credits are used: only refreshes go on. Nothing that is kept is dropped."),
    ],
)
def test_a_limit_is_told_before_it_at_it_and_beyond_it(used: int, state: str, words: str) -> None:
    found = standing(used, 100, grace=10, what="credits", then="only refreshes go on")
    assert found.state == state and words in found.sentence
    assert standing(100, 100, what="credits", then="fetching stops").state == "at"


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
