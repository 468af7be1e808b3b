"""What a plan allows, as the rest of the product asks for it."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client

from accounts.models import Tenant
from billing.models import Plan
from tests.cast import Cast
from tikdash.db.scope import owner, tenant_scope
from tikdash.errors import NotFound
from tikdash.plans import PlanLimits, limits_of

HOUR, DAY = 3_600, 86_400
PRO = {
    "profile": 6 * HOUR, "posts": HOUR, "comments": DAY, "followers": 302_400, "following": 7 * DAY,
    "hashtag": 7 * DAY, "sound": 7 * DAY,
}  # fmt: skip


def test_the_three_plans_to_start_with(cast: Cast) -> None:
    assert limits_of(cast.rival) == PlanLimits(
        "free", "Free", 5, "free", {"profile": DAY, "posts": DAY}, 30, None, 5_000, 3, 365,
        frozenset({"exports", "own_key"}),
    )  # fmt: skip
    features = frozenset({"exports", "api", "own_key"})
    assert limits_of(cast.acme) == PlanLimits(
        "pro", "Pro", 100, "pro", PRO, 60, seats=10, features=features, api_requests_per_minute=300
    )
    finer = {"profile": HOUR, "posts": HOUR // 2, "stories": HOUR, "early": HOUR, "detail": DAY}
    assert limits_of(cast.globex).cadences == PRO | finer
    assert limits_of(cast.globex).tracked_accounts == 5000
    assert limits_of(cast.globex).api_requests_per_minute == 1_200
    assert limits_of(cast.globex).seats == 100
    assert [plan.queue for plan in Plan.objects.order_by("tracked_accounts")] == ["free", "pro", "enterprise"]


def test_a_changed_plan_counts_at_once_in_every_scope(cast: Cast) -> None:
    Plan.objects.filter(code="free").update(tracked_accounts=7)
    with tenant_scope(cast.rival):
        assert limits_of(cast.rival).tracked_accounts == 7
    with tenant_scope(cast.globex):
        assert limits_of(cast.rival).tracked_accounts == 7


def test_a_plan_that_does_not_exist_is_an_error_with_the_plans_there_are(cast: Cast) -> None:
    with pytest.raises(NotFound, match=r"There is no plan “gold”. Plans: free, pro, enterprise\."):
        limits_of(Tenant(plan="gold"))


def test_a_plan_without_a_single_account_is_refused_by_the_form(cast: Cast) -> None:
    with pytest.raises(ValidationError, match="tracked_accounts"):
        Plan(code="none", name="None", tracked_accounts=0, cadences={"profile": DAY}).full_clean()


def test_the_plans_to_start_with_have_a_share_of_the_shared_key_and_free_a_cap(cast: Cast) -> None:
    assert list(
        Plan.objects.order_by("tracked_accounts").values_list(
            "code", "requests_per_minute", "requests_burst", "daily_credits"
        )
    ) == [("free", 30, 5, 5_000), ("pro", 60, 10, None), ("enterprise", 120, 10, None)]


@pytest.mark.parametrize(
    "name", ["requests_per_minute", "requests_burst", "daily_credits", "seats", "api_requests_per_minute"]
)
def test_a_plan_that_could_never_fetch_is_refused_by_form_and_database(cast: Cast, name: str) -> None:
    plan = Plan.objects.get(code="free")
    setattr(plan, name, 0)
    with pytest.raises(ValidationError, match=name):
        plan.full_clean()
    with pytest.raises(IntegrityError, match=f"plans_{name}"), transaction.atomic():
        plan.save(update_fields=[name])


def test_staff_sees_and_changes_what_a_plan_may_spend(cast: Cast) -> None:
    olga = Client(headers={"host": "localhost"})
    olga.force_login(cast.olga, backend="allauth.account.auth_backends.AuthenticationBackend")
    page = olga.get("/admin/billing/plan/free/change/").content.decode()
    assert "Requests a minute that one tenant may take of a shared key." in page
    assert "Empty: no cap." in page
    sent = {
        "code": "free", "name": "Free", "queue": "free", "tracked_accounts": 5, "seats": 3, "posts_kept_fresh": 30,
        "history_days": "", "features": ["exports"], "grace_days": 14,
        "cadences": '{"profile": 86400}', "requests_per_minute": 12, "requests_burst": 3, "api_requests_per_minute": 90,
        "daily_credits": "", "monthly_credits": "", "grace_percent": 10, "price_cents": 0,
    }  # fmt: skip
    assert olga.post("/admin/billing/plan/free/change/", sent).status_code == 302
    plan = Plan.objects.get(code="free")
    assert (plan.requests_per_minute, plan.requests_burst, plan.daily_credits) == (12, 3, None)
    assert plan.api_requests_per_minute == 90
    refused = olga.post("/admin/billing/plan/free/change/", sent | {"requests_burst": 0})
    assert refused.status_code == 200 and "greater than or equal to 1" in refused.content.decode()


def test_the_migrations_of_plans_and_paces_run_back_and_forward(committed_db: Cast) -> None:
    def columns() -> set[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = 'plans'")
            return {row[0] for row in cursor.fetchall()}

    with owner():
        try:
            call_command("migrate_schemas", "billing", "0003_plans_to_start_with", shared=True, verbosity=0)
            assert not columns() & {"requests_per_minute", "requests_burst", "daily_credits"}
            assert "key_paces" not in connection.introspection.table_names()
        finally:
            call_command("migrate_schemas", "billing", shared=True, verbosity=0)
    assert Plan.objects.get(code="free").daily_credits == 5_000
    assert Plan.objects.get(code="enterprise").requests_per_minute == 120


def test_cadences_that_somebody_changed_survive_the_new_ones_and_the_way_back(committed_db: Cast) -> None:
    def migrate(*to: str) -> dict[str, int]:
        call_command("migrate_schemas", "billing", *to, shared=True, verbosity=0)
        with connection.cursor() as cursor:
            # The model has columns that this step of the way has not.
            cursor.execute("SELECT cadences FROM plans WHERE code = 'pro'")
            return dict(json.loads(cursor.fetchone()[0]))

    def set_cadences(cadences: dict[str, int]) -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE plans SET cadences = %s WHERE code = 'pro'", [json.dumps(cadences)])

    before = dict(Plan.objects.get(code="pro").cadences)
    with owner():
        try:
            assert migrate("0006_key_paces") == {"profile": 6 * HOUR, "posts": HOUR}
            set_cadences({"profile": HOUR, "posts": HOUR, "comments": 5})
            assert migrate("0007_cadences_of_all_kinds") == PRO | {"profile": HOUR, "comments": 5}
            set_cadences(PRO | {"profile": HOUR, "comments": 5, "sound": 9})
            assert migrate("0006_key_paces") == {"profile": HOUR, "posts": HOUR, "comments": 5, "sound": 9}
        finally:
            migrate()
            set_cadences(before)
