"""The planner in the admin: scenarios and what their forms refuse, calibration, spreadsheet, adoption, review."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from openpyxl import load_workbook

from accounts.models import Tenant
from billing.capacity import Inputs
from billing.models import (
    CapacityScenario,
    CreditPack,
    PlatformBudget,
    QuarterPlan,
    QueueSample,
    TableSample,
    UsageDaily,
)
from billing.services import planner
from billing.services.calibration import calibrate, measure
from billing.services.planner import (
    adopt,
    inputs_of,
    inputs_of_plan,
    next_quarter,
    previous_quarter,
    quarter_of,
    write_inputs,
)
from billing.services.reviewing import review_of
from tests.accounts.test_admin import browser, page
from tests.billing.scenarios import EXAMPLE, MIXED
from tests.cast import Cast
from tests.factories import make_account
from tests.simulating import NOW
from tikdash import clock
from tikdash.db.scope import all_tenants, tenant_scope
from tikdash.errors import BadInput

NOON = datetime.fromisoformat(NOW)
TODAY = NOON.date()
PAGES = "/admin/billing/capacityscenario"


@pytest.fixture
def noon() -> Iterator[datetime]:
    with clock.at(NOON):
        yield NOON


@pytest.fixture
def olga(cast: Cast) -> Client:
    return browser(cast.olga)


@pytest.fixture
def example(cast: Cast) -> CapacityScenario:
    scenario = CapacityScenario(name="Example")
    with all_tenants():
        write_inputs(scenario, EXAMPLE)
    return scenario


def form_of(inputs: Inputs, name: str = "Example", **changes: Any) -> dict[str, Any]:
    """What a browser sends for a scenario; `changes` are single fields, "" to empty one."""
    sent: dict[str, Any] = {"name": name, "note": ""}
    sent |= asdict(inputs.workers)
    limits = asdict(inputs.limits)
    sent |= {planner.RENAMED.get(key, key): value for key, value in limits.items()}
    for prefix, rows in (("tiers", inputs.tiers), ("features", inputs.features), ("tables", inputs.tables)):
        sent |= {f"{prefix}-TOTAL_FORMS": len(rows), f"{prefix}-INITIAL_FORMS": 0}
        for number, row in enumerate(rows):
            sent |= {f"{prefix}-{number}-{field}": value for field, value in asdict(row).items()}
    sent |= changes
    return {key: "" if value is None else value for key, value in sent.items()}


# --- rows and forms -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inputs", [EXAMPLE, MIXED], ids=["example", "mixed"])
def test_rows_and_inputs_are_the_same_there_and_back(cast: Cast, inputs: Inputs) -> None:
    scenario = CapacityScenario(name="There and back")
    with all_tenants():
        write_inputs(scenario, inputs)
        assert inputs_of(CapacityScenario.objects.get(pk=scenario.pk)) == inputs


def test_a_scenario_is_made_in_the_form_and_shows_its_six_sheets(olga: Client) -> None:
    answer = olga.post(f"{PAGES}/add/", form_of(EXAMPLE))
    assert answer.status_code == 302, answer.content.decode()[:4000]
    scenario = CapacityScenario.objects.get(name="Example")
    assert inputs_of(scenario) == EXAMPLE
    found = page(olga, f"{PAGES}/{scenario.pk}/sheets/")
    for text in ("69,600", "2,088,000", "1.46 GB", "3,000", "Breaks first, in 4 months", "Credits a month within"):
        assert text in found, text
    for heading in ("1 · Features", "2 · Tenants", "3 · Daily credits", "4 · Database", "5 · Queue", "6 · Scenarios"):
        assert heading in found


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"tiers-0-tenants": 0}, "A scenario has at least one tenant."),
        ({"tiers-0-tenants": 10**9}, "At most 10,000,000."),
        ({"tiers-0-tenants": -5}, "This cannot be negative."),
        ({"tiers-0-accounts": 10**30}, "At most 100,000,000."),
        ({"tiers-0-tenants": "many"}, "Enter a whole number."),
        ({"tiers-0-growth": "nan"}, "Enter a number."),
        ({"tiers-0-growth": "11"}, "At most 9."),
        ({"tiers-TOTAL_FORMS": 0}, "A scenario has at least one tenant."),
        ({"features-1-tier": "gold"}, "There is no tier “gold” in this scenario. Tiers: pro."),
        ({"features-0-calls_per_day": "-1"}, "This cannot be negative."),
        ({"tables-1-name": "account_snapshots"}, "“account_snapshots” is there twice."),
        ({"tables-0-kept_days": 0}, "At least 1."),
        ({"threads": 50}, "The ceiling is not below the number of threads that run now."),
        ({"peak_share": "1.5"}, "At most 1."),
        ({"keys": ""}, "This field is required."),
        ({"disk_bytes": -1}, "At least 1."),
        ({"name": ""}, "This field is required."),
    ],
)
def test_what_cannot_be_is_said_in_the_form_and_stored_nowhere(
    olga: Client, changes: dict[str, Any], says: str
) -> None:
    answer = olga.post(f"{PAGES}/add/", form_of(EXAMPLE, **changes))
    assert answer.status_code == 200
    assert says in answer.content.decode()
    assert not CapacityScenario.objects.exists()


def test_a_second_scenario_of_the_name_and_a_tier_that_features_need_are_refused(
    olga: Client, example: CapacityScenario
) -> None:
    answer = olga.post(f"{PAGES}/add/", form_of(EXAMPLE))
    assert "already exists" in answer.content.decode()
    assert CapacityScenario.objects.count() == 1


def test_a_scenario_without_tiers_leads_back_to_its_inputs_with_what_to_mend(olga: Client, cast: Cast) -> None:
    bare = CapacityScenario.objects.create(name="Bare")
    for path in ("sheets/", "plan.xlsx"):
        answer = olga.get(f"{PAGES}/{bare.pk}/{path}", follow=True)
        assert answer.redirect_chain[0][0].endswith(f"/{bare.pk}/change/")
        assert "A scenario has at least one tenant." in answer.content.decode()


def test_the_pages_are_for_staff_alone(cast: Cast, example: CapacityScenario) -> None:
    for path in ("", "review/", *(f"{example.pk}/{name}" for name in ("sheets/", "plan.xlsx", "calibrate/", "adopt/"))):
        assert browser(cast.ana).get(f"{PAGES}/{path}", follow=True).status_code == 404, path
        assert browser(cast.olga, "acme.localhost").get(f"{PAGES}/{path}").status_code == 404
        chain = browser(None).get(f"{PAGES}/{path}", follow=True).redirect_chain
        assert chain[-1][0].startswith("/log-in/")
    assert browser(cast.ana).post(f"{PAGES}/{example.pk}/calibrate/", follow=True).status_code == 404


def test_nothing_changes_by_looking_and_an_unknown_scenario_is_404(olga: Client, example: CapacityScenario) -> None:
    for path in ("calibrate/", "adopt/"):
        assert olga.get(f"{PAGES}/{example.pk}/{path}").status_code == 405
    assert olga.get(f"{PAGES}/999999/sheets/").status_code == 404
    checked = Client(headers={"host": "localhost"}, enforce_csrf_checks=True)
    checked.cookies = olga.cookies
    assert checked.post(f"{PAGES}/{example.pk}/calibrate/").status_code == 403


def test_the_spreadsheet_comes_with_formulas(olga: Client, example: CapacityScenario) -> None:
    answer = olga.get(f"{PAGES}/{example.pk}/plan.xlsx")
    assert answer["Content-Disposition"].startswith('attachment; filename="capacity-example-')
    book = load_workbook(BytesIO(answer.content))
    assert book["Features"]["H6"].value == "=SUM($H$2:$H$5)"


# --- calibration ----------------------------------------------------------------------------------------------------


@pytest.fixture
def measured(committed_db: Cast, settings: Any) -> Iterator[Cast]:
    """Acme with three accounts and Globex with one, ten days of usage, a day of samples, a table's past."""
    settings.TIKLIVE_KEY_PER_MINUTE, settings.TIKLIVE_KEY_SHARE = 200, 0.8
    settings.DATABASE_DISK_BYTES = 10**12
    with clock.at(NOON):
        for tenant, number in ((committed_db.acme, 3), (committed_db.globex, 1)):
            with tenant_scope(tenant):
                for _ in range(number):
                    make_account()
        with all_tenants():
            for back in range(1, 11):
                for tenant, requests, credits in ((committed_db.acme, 72, 72), (committed_db.globex, 96, 120)):
                    usage(tenant.id, TODAY - timedelta(days=back), "posts", requests, credits)
            PlatformBudget.objects.create(monthly_credits=5_000)
            CreditPack.objects.create(credits=3_000, bought_on=TODAY - timedelta(days=10), price_cents=900)
            midnight = NOON.replace(hour=0) - timedelta(days=1)
            QueueSample.objects.bulk_create(
                QueueSample(
                    sampled_at=midnight + timedelta(minutes=minute), queue="pro", waiting=0, oldest_s=0, in_flight=0,
                    ended=minute, busy_s=minute * 2.0, ended_per_s=(4 if minute < 5 else 1) / 60, threads=8,
                )
                for minute in range(1440)
            )  # fmt: skip
            TableSample.objects.create(day=TODAY - timedelta(days=4), name="accounts", rows=0, bytes=8192)
        analyse()
        yield committed_db


def usage(tenant_id: int, day: date, feature: str, requests: int, credits: int) -> None:
    UsageDaily.objects.create(
        tenant_id=tenant_id, day=day, key_id="shared", endpoint="user-posts", feature=feature, priority="pro",
        requests=requests, ok=requests, failed=0, unsettled=0, credits=credits, charged=credits, unsettled_credits=0,
        latency_ms=1,
    )  # fmt: skip


def analyse() -> None:
    from django.db import connection

    from tikdash.db.scope import owner

    for schema in ("shared", "tenant_globex"):
        with owner(schema), connection.cursor() as cursor:
            cursor.execute(f'ANALYZE "{schema}".accounts')


def test_a_scenario_is_calibrated_from_what_is_measured(measured: Cast) -> None:
    scenario = CapacityScenario(name="Measured")
    with all_tenants():
        write_inputs(scenario, EXAMPLE)
        missing = calibrate(scenario)
        found = inputs_of(CapacityScenario.objects.get(pk=scenario.pk))
    assert {tier.code: (tier.tenants, tier.accounts) for tier in found.tiers} == {
        "pro": (1, 3), "free": (1, 0), "enterprise": (1, 1),
    }  # fmt: skip
    assert {(each.tier, each.active, each.calls_per_day, each.credits_per_call) for each in found.features} == {
        ("pro", 3, 24.0, 1.0), ("enterprise", 1, 96.0, 1.25),
    }  # fmt: skip
    accounts = next(table for table in found.tables if table.name == "accounts")
    assert accounts.rows_per_account == 0.25 and accounts.bytes_now > 8_192, "four rows in four days, by four accounts"
    workers = found.workers
    assert (workers.threads, workers.jobs_per_second) == (8, 0.5)
    assert workers.jobs_per_account == pytest.approx((1_440 + 15) / 4, rel=1e-3)
    assert workers.peak_share == pytest.approx(20 / 1_455, rel=1e-2)
    assert (found.limits.calls_per_minute, found.limits.monthly_credits, found.limits.disk_bytes) == (
        160,
        5_000,
        10**12,
    )
    assert any("growth of pro" in sentence for sentence in missing)
    assert scenario.calibrated_at == NOON and scenario.calibration == missing


def test_one_click_makes_a_scenario_of_what_is_measured(measured: Cast) -> None:
    client = browser(measured.olga)
    answer = client.post(f"{PAGES}/measured/", follow=True)
    html = answer.content.decode()
    assert answer.redirect_chain[0][0].endswith("/sheets/") and "Measured 2026-11-15 12:00" in html
    found = inputs_of(CapacityScenario.objects.get())
    assert (found.tenants, found.accounts, len(found.features)) == (3, 4, 2)
    again = client.post(f"{PAGES}/measured/", follow=True).content.decode()
    assert "There is a scenario of this minute already." in again and CapacityScenario.objects.count() == 1
    assert client.get(f"{PAGES}/measured/").status_code == 405
    assert browser(measured.ana).post(f"{PAGES}/measured/", follow=True).status_code == 404


def test_growth_is_measured_where_there_were_enough_tenants(measured: Cast) -> None:
    with all_tenants():
        before = list(Tenant.objects.values_list("id", "plan", "created_at"))
        Tenant.objects.update(plan="pro", created_at=NOON - timedelta(days=100))
        shard = Tenant.objects.get(slug="acme").shard
        Tenant.objects.bulk_create(
            Tenant(slug=f"grown{number}", name="x", plan="pro", shard=shard) for number in range(13)
        )
        Tenant.objects.filter(slug__in=["grown0", "grown1"]).update(created_at=NOON - timedelta(days=100))
        try:
            pro = measure(EXAMPLE).inputs.tiers[0]
            assert pro.tenants == 16 and pro.growth == pytest.approx((16 / 5) ** (1 / 3) - 1, abs=1e-4)
        finally:
            for tenant_id, plan, made in before:
                Tenant.objects.filter(pk=tenant_id).update(plan=plan, created_at=made)


def test_with_nothing_measured_inputs_stay_and_the_reasons_are_told(olga: Client, example: CapacityScenario) -> None:
    answer = olga.post(f"{PAGES}/{example.pk}/calibrate/", follow=True)
    found = answer.content.decode()
    assert "no day of the last 28 has been rolled up" in found and "no job has been counted yet" in found
    after = inputs_of(CapacityScenario.objects.get(pk=example.pk))
    assert {tier.code for tier in after.tiers} == {"free", "pro", "enterprise"}
    assert after.features == EXAMPLE.features and after.workers.jobs_per_second == 1


# --- quarters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "first", "following", "before"),
    [
        ("2026-11-15", "2026-10-01", "2027-01-01", "2026-07-01"),
        ("2027-03-31", "2027-01-01", "2027-04-01", "2026-10-01"),
        ("2026-06-30", "2026-04-01", "2026-07-01", "2026-01-01"),
    ],
)
def test_quarters_follow_each_other(day: str, first: str, following: str, before: str) -> None:
    quarter = quarter_of(date.fromisoformat(day))
    assert [quarter, next_quarter(quarter), previous_quarter(quarter)] == [
        date.fromisoformat(each) for each in (first, following, before)
    ]


@pytest.mark.usefixtures("noon")
def test_a_plan_is_kept_as_it_was_adopted(olga: Client, example: CapacityScenario) -> None:
    answer = olga.post(f"{PAGES}/{example.pk}/adopt/", {"quarter": "2026-10-01"}, follow=True)
    assert "This is now the plan for the quarter from 2026-10-01." in answer.content.decode()
    with all_tenants():
        write_inputs(example, MIXED)
        assert inputs_of_plan(QuarterPlan.objects.get()) == EXAMPLE
        adopt(example, date(2026, 10, 1))
        assert inputs_of_plan(QuarterPlan.objects.get()) == MIXED


@pytest.mark.usefixtures("noon")
@pytest.mark.parametrize(
    ("quarter", "says"),
    [
        ("2026-07-01", "This quarter is over."),
        ("2026-10-02", "A quarter begins on 2026-10-01"),
        ("soon", "by its first day"),
    ],
)
def test_no_plan_is_made_for_what_is_known_already(
    olga: Client, example: CapacityScenario, quarter: str, says: str
) -> None:
    answer = olga.post(f"{PAGES}/{example.pk}/adopt/", {"quarter": quarter}, follow=True)
    assert says in answer.content.decode() and not QuarterPlan.objects.exists()


def test_the_review_compares_with_the_adopted_plan_and_says_what_to_decide(measured: Cast) -> None:
    scenario = CapacityScenario(name="Planned")
    with all_tenants():
        write_inputs(scenario, EXAMPLE)
        adopt(scenario, date(2026, 10, 1))
    found = review_of(date(2026, 10, 1))
    assert (found.plan, found.until, found.over) == ("Planned", TODAY, False)
    features = {each.feature: each for each in found.features}
    days = (TODAY - date(2026, 10, 1)).days
    assert features["Profile sync"].foreseen == pytest.approx(sum(4_800 * 1.1 ** (day / 30) for day in range(days)))
    assert (features["posts"].foreseen, features["posts"].actual) == (None, 1_920)
    growth = {each.tier: each for each in found.growth}
    assert growth["pro"].projected == pytest.approx(4_800 * 1.1 ** (days / 30))
    queue = found.queues[0]
    assert (queue.queue, queue.samples, queue.waiting) == ("pro", 1_440, (0, 0, 0))
    # 1,920 of 3,000 are used; 31 more days of 192, and a fifth more, are 7,142.
    assert [(pack.left, pack.recommendation.number) for pack in found.packs if pack.recommendation] == [(1_080, 3)]
    subjects = {decision.subject for decision in found.decisions}
    assert {
        "Feature Profile sync",
        "Tier pro",
        "Credits a month within the budget",
        "Credits of key “shared”",
    } <= subjects


def test_without_a_plan_features_are_compared_with_the_trend_before(measured: Cast) -> None:
    with all_tenants():
        for back in range(1, 40):
            usage(measured.acme.id, date(2026, 10, 1) - timedelta(days=back), "profile", 100, 100)
        for ahead in range(45):
            usage(measured.acme.id, date(2026, 10, 1) + timedelta(days=ahead), "profile", 150, 150)
        scenario = CapacityScenario(name="Believed")
        write_inputs(scenario, EXAMPLE)
    found = review_of(date(2026, 10, 1))
    profile = next(each for each in found.features if each.feature == "profile")
    assert profile.foreseen == pytest.approx(4_500) and profile.actual == 6_750
    assert profile.off_by == pytest.approx(0.5)
    html = page(browser(measured.olga), f"{PAGES}/review/?quarter=2026-10-01")
    for text in ("+50%", "Feature profile.", "6,750", "the trend of the 56 days before", "on average"):
        assert text in html, text


@pytest.mark.usefixtures("noon")
@pytest.mark.parametrize("query", ["?quarter=2027-01-01", "?quarter=2026-10-09", "?quarter=%27", "?quarter=2026-10-01"])
def test_a_quarter_that_cannot_be_reviewed_is_said(olga: Client, query: str) -> None:
    answer = olga.get(f"{PAGES}/review/{query}")
    assert answer.status_code == 400 and "planner-lead bad" in answer.content.decode()


def test_an_unsound_scenario_is_not_adopted(cast: Cast) -> None:
    with all_tenants(), pytest.raises(BadInput, match="at least one tenant"):
        adopt(CapacityScenario.objects.create(name="Bare"), quarter_of(clock.today()))
