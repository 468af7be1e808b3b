"""Features of a plan are switches in the administration: those that the product knows, and no other."""

from __future__ import annotations

from typing import Any

import pytest
from django.forms.models import model_to_dict
from django.test import Client

from billing.models import Plan
from tests.cast import Cast
from tikdash.db.scope import tenant_scope
from tikdash.errors import NotInPlan
from tikdash.plans import FEATURES, plan_service

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def facts_of(plan: Plan) -> dict[str, Any]:
    facts = {name: value for name, value in model_to_dict(plan).items() if value is not None}
    return facts | {"cadences": '{"profile": 86400}', "features": plan.features}


def test_a_switch_counts_at_once_and_only_known_ones_are_taken(cast: Cast) -> None:
    olga = Client(headers={"host": "localhost"})
    olga.force_login(cast.olga, backend=BACKEND)
    plan, there = Plan.objects.get(code="free"), "/admin/billing/plan/free/change/"
    shown = olga.get(there).content.decode()
    for name in FEATURES:
        assert f'value="{name}"' in shown
    assert olga.post(there, facts_of(plan) | {"features": ["exports"]}).status_code == 302
    assert Plan.objects.get(code="free").features == ["exports"]
    with tenant_scope(cast.rival):
        plan_service().require(cast.rival, "exports")
        with pytest.raises(NotInPlan):
            plan_service().require(cast.rival, "api")
    wrong = olga.post(there, facts_of(plan) | {"features": ["everything"]})
    assert "Select a valid choice" in wrong.content.decode()
    assert olga.post(there, facts_of(plan) | {"features": []}).status_code == 302
    assert Plan.objects.get(code="free").features == []
