"""What a plan allows, as the rest of the product asks for it."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from accounts.models import Tenant
from billing.models import Plan
from tests.cast import Cast
from tikdash.db.scope import tenant_scope
from tikdash.errors import NotFound
from tikdash.plans import PlanLimits, limits_of

HOUR, DAY = 3_600, 86_400


def test_the_three_plans_to_start_with(cast: Cast) -> None:
    assert limits_of(cast.rival) == PlanLimits("free", "Free", 5, "free", {"profile": DAY, "posts": DAY}, 30, 365)
    assert limits_of(cast.acme) == PlanLimits("pro", "Pro", 100, "pro", {"profile": 6 * HOUR, "posts": HOUR}, 60, 365)
    assert limits_of(cast.globex).tracked_accounts == 5000
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
