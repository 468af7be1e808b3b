"""Money in the admin: grants and corrections through their services, and the page of spending."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry
from billing.models import (
    AlertChannel,
    BudgetRefusal,
    CreditGrant,
    CreditPack,
    Plan,
    PlatformBudget,
    TenantBudget,
    UsageCorrection,
    UsageSaved,
)
from billing.rollups import roll_up
from billing.services.grants import correct_usage, grant_credits
from tests.billing.ledger import event, write
from tests.cast import Cast
from tests.snapshots.conftest import browser_of
from tikdash.db.scope import all_tenants, tenant_scope


@pytest.fixture
def olga(cast: Cast, noon: datetime) -> Client:
    return browser_of(cast.olga, "localhost")


def errors_of(answer: Any) -> str:
    assert answer.status_code == 200, "a refused form is shown again"
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_spending_shows_leaders_with_share_and_trend_savings_refusals_and_margins(
    cast: Cast, olga: Client, noon: datetime
) -> None:
    for back, credits in ((45, 100), (3, 150)):
        write(cast.acme, [event(cast.acme.id, noon - timedelta(days=back), credits=credits)])
    write(cast.rival, [event(cast.rival.id, noon - timedelta(days=3), credits=50, feature="orrery", endpoint="userid")])
    roll_up()
    CreditPack.objects.create(credits=1_000, price_cents=10_000, bought_on=noon.date())
    Plan.objects.filter(code="pro").update(price_cents=4_900)
    with tenant_scope(cast.acme):
        UsageSaved.objects.create(
            day=noon.date(), endpoint="user-posts", feature="posts", way="cache", answers=300, credits=300
        )
        BudgetRefusal.objects.create(
            day=noon.date(), feature="posts", priority="pro", cap="key_day", calls=7, first_at=noon, last_at=noon,
            sentence="Tikdash fetches nothing more for now.",
        )  # fmt: skip
    page = errors_of(olga.get("/admin/billing/platformbudget/spending/"))
    assert "acme 1 150 75.0 % +50%" in page, "share of the last 30 days, and the trend against the 30 before"
    assert "rival 1 50 25.0 % new" in page
    assert re.search(r"Requests whose result nothing displays orrery: 50 credits", page)
    assert "Kept answer: 300 credits, 60 % of what would have been spent" in page
    assert "acme key_day posts 7 Tikdash fetches nothing more for now." in page
    assert "acme pro 150 49.00 15.00 34.00" in page


def test_only_staff_sees_it(cast: Cast) -> None:
    for person in (cast.ana, cast.nora):
        answer = browser_of(person, "localhost").get("/admin/billing/platformbudget/spending/")
        assert answer.status_code in (302, 403, 404)
        assert b"By tenant" not in answer.content


def test_a_grant_is_given_through_its_service_and_a_wrong_one_is_refused_in_the_form(
    cast: Cast, olga: Client, noon: datetime
) -> None:
    sent = {
        "tenant_id": cast.acme.id, "kind": "pack", "credits": 500, "price_cents": 1_000, "priority": 200,
        "starts_on": str(noon.date()), "expires_on": "", "note": "Welcome",
    }  # fmt: skip
    for wrong, sentence in [
        ({"credits": -5}, "greater than or equal to"), ({"tenant_id": 999_999}, "There is no tenant 999999"),
        ({"expires_on": str(noon.date())}, "must hold for at least a day"),
    ]:  # fmt: skip
        assert sentence in errors_of(olga.post("/admin/billing/creditgrant/add/", sent | wrong))
    with all_tenants():
        assert not CreditGrant.objects.exists()
    assert olga.post("/admin/billing/creditgrant/add/", sent).status_code == 302
    with all_tenants():
        grant = CreditGrant.objects.get()
    assert (grant.tenant_id, grant.credits, grant.made_by_id) == (cast.acme.id, 500, cast.olga.pk)
    assert olga.get("/admin/billing/creditgrant/").status_code == 200


def test_a_correction_is_added_and_never_changed(cast: Cast, olga: Client, noon: datetime) -> None:
    sent = {"tenant_id": cast.acme.id, "day": str(noon.date()), "credits": -5, "reason": "A fault of ours"}
    assert "corrects nothing" in errors_of(olga.post("/admin/billing/usagecorrection/add/", sent | {"credits": 0}))
    assert olga.post("/admin/billing/usagecorrection/add/", sent).status_code == 302
    with all_tenants():
        row = UsageCorrection.objects.get()
    assert (row.tenant_id, row.credits, row.made_by_id) == (cast.acme.id, -5, cast.olga.pk)
    page = olga.get(f"/admin/billing/usagecorrection/{row.pk}/change/").content.decode()
    assert 'name="_save"' not in page


def test_budgets_and_packs_that_contradict_themselves_are_refused_in_words(olga: Client, noon: datetime) -> None:
    budget = {"scope": "deployment", "daily_credits": 100, "monthly_credits": 50, "reserve_percent": 10}
    page = errors_of(olga.post("/admin/billing/platformbudget/add/", budget))
    assert "A day cannot have more credits than its month." in page
    pack = {"key_id": "shared", "credits": -1, "price_cents": 0, "bought_on": str(noon.date()), "expires_on": ""}
    assert "greater than or equal to" in errors_of(olga.post("/admin/billing/creditpack/add/", pack))
    pack |= {"credits": 10, "expires_on": str(noon.date())}
    assert "must end after it begins" in errors_of(olga.post("/admin/billing/creditpack/add/", pack))
    assert not PlatformBudget.objects.exists() and not CreditPack.objects.exists()


def test_a_channel_of_operations_is_checked_and_a_webhooks_secret_not_shown_again(olga: Client) -> None:
    bad = {"kind": "webhook", "address": "https://127.0.0.1/x"}
    assert "not on the public internet" in errors_of(olga.post("/admin/billing/alertchannel/add/", bad))
    with all_tenants():
        channel = AlertChannel.objects.create(tenant=None, kind="webhook", address="https://hooks.example/T0/s3cr3t")
    page = olga.get(f"/admin/billing/alertchannel/{channel.pk}/change/").content.decode()
    assert "hooks.example" in page and "s3cr3t" not in page
    assert b"s3cr3t" not in olga.get("/admin/billing/alertchannel/").content


@pytest.mark.parametrize(
    "model",
    ["creditpack", "invoice", "usagealert", "alertdelivery", "platformbudget", "tenantbudget", "subscription", "plan"],
)
def test_every_list_opens(olga: Client, model: str) -> None:
    assert olga.get(f"/admin/billing/{model}/").status_code == 200


def test_a_tenants_own_budget_is_set_through_its_service_and_written_down(
    cast: Cast, olga: Client, noon: datetime
) -> None:
    sent = {"tenant_id": cast.acme.id, "daily_credits": 100, "monthly_credits": 50}
    assert "A day cannot have more credits than its month." in errors_of(
        olga.post("/admin/billing/tenantbudget/add/", sent)
    )
    assert "greater than or equal to" in errors_of(
        olga.post("/admin/billing/tenantbudget/add/", sent | {"daily_credits": -1})
    )
    grant_credits(tenant_id=cast.acme.id, credits=5)
    sent["monthly_credits"] = 900
    assert olga.post("/admin/billing/tenantbudget/add/", sent).status_code == 302
    with all_tenants():
        row = TenantBudget.objects.get(tenant_id=cast.acme.id)
    assert (row.daily_credits, row.monthly_credits, row.extra_credits) == (100, 900, 5), "what grants add stays"
    assert "has a budget of its own already" in errors_of(olga.post("/admin/billing/tenantbudget/add/", sent))
    page = f"/admin/billing/tenantbudget/{row.pk}/change/"
    assert olga.post(page, {"daily_credits": "", "monthly_credits": 800}).status_code == 302
    told = [(one.event, one.before, one.after) for one in entries("billing.budget_changed")]
    assert told[0][2] == {"daily_credits": None, "monthly_credits": 800}
    assert told[1][1] == {"daily_credits": None, "monthly_credits": None}


def test_money_that_is_moved_is_in_the_audit_log(cast: Cast, olga: Client, noon: datetime) -> None:
    grant_credits(tenant_id=cast.acme.id, credits=500, note="Thank you")
    correct_usage(tenant_id=cast.acme.id, day=noon.date(), credits=-5, reason="Ours", made_by_id=cast.olga.pk)
    pack = {"key_id": "shared", "credits": 10, "price_cents": 1, "bought_on": str(noon.date()), "expires_on": ""}
    assert olga.post("/admin/billing/creditpack/add/", pack).status_code == 302
    cap = {"scope": "deployment", "daily_credits": 10, "monthly_credits": 50, "reserve_percent": 10}
    assert olga.post("/admin/billing/platformbudget/add/", cap).status_code == 302
    changed = cap | {"daily_credits": 20}
    assert olga.post("/admin/billing/platformbudget/deployment/change/", changed).status_code == 302
    assert olga.post("/admin/billing/platformbudget/deployment/delete/", {"post": "yes"}).status_code == 302
    assert (entries("billing.granted")[0].after["credits"], entries("billing.granted")[0].reason) == (500, "Thank you")
    assert entries("billing.corrected")[0].after["credits"] == -5
    assert [one.actor_label for one in entries("billing.pack_saved")] == [cast.olga.email]
    saved = entries("billing.cap_saved")
    assert (saved[0].before, saved[0].after) == ({"daily_credits": 10}, {"daily_credits": 20})
    assert entries("billing.cap_removed")[0].target_label == "deployment"
    with tenant_scope(cast.acme):
        told = {one.event for one in AuditEntry.objects.filter(event__startswith="billing.")}
    assert told == {"billing.granted", "billing.corrected"}, "what is ours alone a tenant does not see"


def test_a_plan_is_changed_with_checks_and_an_entry_and_stays_while_tenants_have_it(
    cast: Cast, olga: Client, noon: datetime
) -> None:
    plan = Plan.objects.get(code="free")
    names = [
        "code", "name", "queue", "tracked_accounts", "seats", "posts_kept_fresh", "grace_days", "requests_per_minute",
        "requests_burst", "api_requests_per_minute", "daily_credits", "monthly_credits", "grace_percent", "price_cents",
    ]  # fmt: skip
    sent = {name: getattr(plan, name) for name in names} | {"features": ["exports"], "cadences": '{"profile": 86400}'}
    page = "/admin/billing/plan/free/change/"
    for cadences, sentence in (
        ('{"profile": 0}', "write whole seconds"),
        ('{"likes": 3600}', "is no kind of job that a plan paces"),
    ):
        assert sentence in errors_of(olga.post(page, sent | {"cadences": cadences}))
    assert Plan.objects.get(code="free").cadences == plan.cadences, "nothing is stored half-done"
    assert olga.post(page, sent | {"price_cents": 900}).status_code == 302
    saved = entries("billing.plan_saved")[0]
    assert (saved.before["price_cents"], saved.after["price_cents"]) == (0, 900)
    assert olga.post("/admin/billing/plan/free/delete/", {"post": "yes"}).status_code == 403


def entries(event: str) -> list[AuditEntry]:
    """The newest first."""
    with all_tenants():
        return list(AuditEntry.objects.filter(event=event).order_by("-id"))
