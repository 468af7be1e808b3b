"""Roles of staff: what support, finance and engineers may see and do on every page of the administration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Tenant, User
from accounts.services.staff_roles import ROLES, bring_roles_up_to_date
from tests.cast import Cast, give_app
from tests.isolation.test_public_urls import ADMIN_PATHS, filled
from tests.queries import statements_of
from tikdash.db.scope import all_tenants

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
#: Which lists a role opens, by an app's label and a model's name.
READS: dict[str, Callable[[str, str], bool]] = {
    "support": lambda app, model: app in ("accounts", "billing", "snapshots") and model not in PRIVACY,
    "finance": lambda app, model: app == "billing" or (app, model) in FINANCE_ALSO,
    "engineer": lambda app, model: app in ("accounts", "billing", "snapshots", "mfa", "django_celery_beat"),
}
PRIVACY = {"privacyrequest", "leftout"}
FINANCE_ALSO = {("accounts", "tenant"), ("accounts", "auditentryrow")}
#: Where a role may add rows, of the models that have a form for it.
ADDS: dict[str, Callable[[str, str], bool]] = {
    "support": lambda app, model: False,
    "finance": lambda app, model: app == "billing",
    "engineer": READS["engineer"],
}
#: What is not Django's own four permissions.
ALSO = {
    "support": {"look_as_person"},
    "finance": {"give_plan"},
    "engineer": {
        "look_as_person", "pause_fetching", "give_plan", "move_tenant", "try_key", "sign_out_people", "take_along",
        "close_workspace", "bring_handles", "retry_fetchjob", "mark_incident", "decide_value",
        "backfill_trackedaccount",
    },
}  # fmt: skip
#: Sessions are written when somebody is asked who it is.
NOT_COUNTED = ('"sessions"',)


@pytest.fixture(params=sorted(ROLES))
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def client(cast: Cast, role: str) -> Client:
    cache.clear()
    return of_role(cast, role)


def of_role(cast: Cast, role: str) -> Client:
    user = User.objects.create_user(f"{role}@tikdash.example", is_staff=True)
    User.objects.filter(pk=user.pk).update(password=cast.ana.password)
    user.groups.add(Group.objects.get(name=role))
    give_app(user)
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.get(pk=user.pk), backend=BACKEND)
    return client


def models() -> list[tuple[str, str, Any]]:
    return [(model._meta.app_label, str(model._meta.model_name), page) for model, page in admin.site._registry.items()]


def posted(client: Client, path: str) -> tuple[Any, list[str]]:
    answers: list[Any] = []
    statements = statements_of(lambda: answers.append(client.post(path)))
    return answers[0], statements


def test_each_role_opens_the_lists_of_its_work_and_no_other(client: Client, role: str) -> None:
    assert len(models()) > 30
    for app, model, _ in models():
        answer = client.get(reverse(f"admin:{app}_{model}_changelist"))
        wanted = 200 if READS[role](app, model) else 403
        assert answer.status_code == wanted, (role, app, model, answer.status_code)


def test_each_role_adds_what_is_of_its_work(client: Client, role: str) -> None:
    olga = User.objects.get(email="olga@tikdash.example")
    whole = Client(headers={"host": "localhost"})
    whole.force_login(olga, backend=BACKEND)
    for app, model, _ in models():
        path = reverse(f"admin:{app}_{model}_add")
        has_form = whole.get(path).status_code == 200
        answer = client.get(path)
        wanted = 200 if has_form and ADDS[role](app, model) else 403
        assert answer.status_code == wanted, (role, app, model, answer.status_code)


def test_the_front_page_and_the_links_beside_it_are_those_of_the_role(client: Client, role: str) -> None:
    page = client.get("/admin/").content.decode()
    for app, model, _ in models():
        link = f'href="{reverse(f"admin:{app}_{model}_changelist")}"'
        assert link not in page or READS[role](app, model), (role, link)
    assert f'href="{reverse("admin:accounts_tenant_changelist")}"' in page


def test_support_changes_nothing_by_any_form_of_the_administration(cast: Cast) -> None:
    client = of_role(cast, "support")
    for path in ADMIN_PATHS:
        answer, statements = posted(client, filled(path))
        assert answer.status_code in (200, 302, 400, 403, 404, 405, 422), (path, answer.status_code)
        written = [
            sql
            for sql in statements
            if sql.startswith(("INSERT", "UPDATE", "DELETE")) and not any(one in sql for one in NOT_COUNTED)
        ]
        assert written == [], (path, written)


def test_a_role_has_what_the_table_says_and_nothing_that_was_given_by_hand(role: str, cast: Cast) -> None:
    group = Group.objects.get(name=role)
    names = set(group.permissions.values_list("codename", flat=True))
    assert {one for one in names if not one.startswith(("add_", "change_", "delete_", "view_", "refresh_"))} >= ALSO[
        role
    ]
    assert not (ALSO["engineer"] - ALSO[role]) & names
    before = set(group.permissions.all())
    group.permissions.clear()
    group.permissions.add(Permission.objects.get(codename="add_group"))
    bring_roles_up_to_date()
    assert set(group.permissions.all()) == before


def test_superusers_give_roles_and_nobody_else_does(cast: Cast) -> None:
    engineer = of_role(cast, "engineer")
    plain = User.objects.create_user("tom@tikdash.example")
    page = reverse("admin:accounts_user_change", args=[plain.pk])
    shown = engineer.get(page).content.decode()
    assert 'name="is_superuser"' not in shown and 'name="groups"' not in shown and 'name="is_active"' in shown
    form = {
        "email": plain.email, "name": "Tom", "is_active": "on", "is_staff": "on", "is_superuser": "on",
        "groups": [Group.objects.get(name="engineer").pk], "memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0,
    }  # fmt: skip
    engineer.post(page, form)
    plain.refresh_from_db()
    assert (plain.name, plain.is_staff, plain.is_superuser, plain.groups.count()) == ("Tom", False, False, 0)
    olga = Client(headers={"host": "localhost"})
    olga.force_login(cast.olga, backend=BACKEND)
    assert olga.post(page, form | {"is_superuser": ""}).status_code == 302
    plain.refresh_from_db()
    assert plain.is_staff and [group.name for group in plain.groups.all()] == ["engineer"]


@pytest.mark.parametrize("path", ["change/", "password/", "delete/"])
def test_staff_is_changed_by_superusers_only(cast: Cast, path: str) -> None:
    engineer = of_role(cast, "engineer")
    there = f"/admin/accounts/user/{cast.olga.pk}/{path}"
    before = User.objects.filter(pk=cast.olga.pk).values().get()
    facts = {
        "password1": "a-new-long-password",
        "password2": "a-new-long-password",
        "email": "x@y.example",
        "post": "yes",
    }
    assert engineer.post(there, facts).status_code == 403
    assert User.objects.filter(pk=cast.olga.pk).values().get() == before


def test_finance_gives_a_plan_and_pauses_nothing(cast: Cast) -> None:
    client = of_role(cast, "finance")
    listed = reverse("admin:accounts_tenant_changelist")
    client.post(listed, {"action": "pause_fetching", "reason": "No.", "_selected_action": [cast.acme.id],
                         "confirmed": "1", "counted": 1})  # fmt: skip
    assert Tenant.objects.get(pk=cast.acme.id).fetching_paused_at is None
    with all_tenants():
        assert not AuditEntry.objects.filter(event="fetching.paused").exists()
