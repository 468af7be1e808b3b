"""What staff changes by forms of the administration is in the audit log: the customer's, or that of operators."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import AuditEntry, Domain, Membership, UpstreamIncident, User
from billing.models import AlertChannel
from tests.admin_rows import LEFT_AS_THEY_ARE, many_rows
from tests.cast import Cast
from tests.snapshots.conftest import browser_of
from tikdash import clock
from tikdash.db.scope import all_tenants

#: What is nobody's but ours to think with.
SKETCHES = {"capacityscenario", "quarterplan"}


@pytest.fixture
def olga(cast: Cast) -> Client:
    return browser_of(cast.olga, "localhost")


def entries(*, tenant: Any = None) -> list[AuditEntry]:
    """Those that staff has made, of a tenant or of operators."""
    with all_tenants():
        rows = AuditEntry.objects.filter(tenant_id=tenant.id if tenant else None, actor_kind="staff")
        return list(rows.order_by("occurred_at", "id"))


def told(*, tenant: Any = None) -> list[tuple[str, str]]:
    return [(one.event, one.target_label) for one in entries(tenant=tenant)]


def tenant_form(olga: Client, tenant: Any) -> tuple[str, dict[str, Any]]:
    """The tenant's page as a browser would send it back, without rows below it."""
    path = f"/admin/accounts/tenant/{tenant.id}/change/"
    form = olga.get(path).context["adminform"].form
    data = {name: form[name].value() or "" for name in form.fields}
    for below in ("domains", "memberships"):
        data |= {f"{below}-TOTAL_FORMS": 0, f"{below}-INITIAL_FORMS": 0}
    return path, data


def test_people_whom_staff_adds_changes_and_removes_stand_in_the_customers_log(cast: Cast, olga: Client) -> None:
    base = "/admin/accounts/membership/"
    sent = {"tenant": cast.rival.id, "user": cast.nora.pk, "role": "member"}
    assert olga.post(f"{base}add/", sent).status_code == 302
    row = Membership.objects.get(tenant_id=cast.rival.id, user=cast.nora)
    assert olga.post(f"{base}{row.pk}/change/", sent | {"role": "admin"}).status_code == 302
    # Nothing is another: nothing is written.
    assert olga.post(f"{base}{row.pk}/change/", sent | {"role": "admin"}).status_code == 302
    # Into another workspace: gone from the one, new in the other.
    assert olga.post(f"{base}{row.pk}/change/", sent | {"role": "member", "tenant": cast.acme.id}).status_code == 302
    assert olga.post(f"{base}{row.pk}/delete/", {"post": "yes"}).status_code == 302
    who = cast.nora.email
    assert told(tenant=cast.rival) == [("person.added", who), ("person.role_changed", who), ("person.removed", who)]
    assert told(tenant=cast.acme) == [("person.added", who), ("person.removed", who)]
    _added, changed, gone = entries(tenant=cast.rival)
    assert (changed.before, changed.after) == ({"role": "member"}, {"role": "admin"})
    assert gone.before == {"role": "admin"} and {one.actor_id for one in (changed, gone)} == {cast.olga.pk}
    page = browser_of(cast.rita, "rival.localhost").get("/settings/audit/").content.decode()
    assert f"Removed {who}" in page and "Tikdash staff" in page and cast.olga.email not in page


def test_people_and_addresses_on_the_page_of_a_tenant(cast: Cast, olga: Client) -> None:
    path, data = tenant_form(olga, cast.rival)
    domains = {"domains-TOTAL_FORMS": 1, "domains-0-domain": "rival.example", "domains-0-tenant": cast.rival.id}
    members = {
        "memberships-TOTAL_FORMS": 1, "memberships-0-user": cast.nora.pk, "memberships-0-role": "admin",
        "memberships-0-tenant": cast.rival.id,
    }  # fmt: skip
    assert olga.post(path, data | domains | members).status_code == 302
    row, host = (
        Membership.objects.get(tenant_id=cast.rival.id, user=cast.nora),
        Domain.objects.get(domain="rival.example"),
    )
    there = {"memberships-INITIAL_FORMS": 1, "memberships-0-id": row.pk}
    assert olga.post(path, data | members | there | {"memberships-0-role": "member"}).status_code == 302
    gone = {"domains-INITIAL_FORMS": 1, "domains-0-id": host.pk, "domains-0-DELETE": "on"}
    assert olga.post(path, data | domains | gone).status_code == 302
    assert olga.post(path, data | members | there | {"memberships-0-DELETE": "on"}).status_code == 302
    who = cast.nora.email
    assert sorted(told(tenant=cast.rival)[:2]) == [("person.added", who), ("workspace.changed", "rival")]
    assert told(tenant=cast.rival)[2:] == [
        ("person.role_changed", who), ("workspace.changed", "rival"), ("person.removed", who),
    ]  # fmt: skip
    added, removed = (one for one in entries(tenant=cast.rival) if one.event == "workspace.changed")
    assert added.after == {"fields": ["domains"], "domain": "rival.example", "is_primary": False}
    assert removed.before == {"domain": "rival.example"}


def test_log_ins_and_second_factors_stand_in_the_log_of_operators(cast: Cast, olga: Client) -> None:
    long = "a-long-new-password-9"
    sent = {
        "email": "tom@tikdash.example",
        "name": "Tom",
        "password1": long,
        "password2": long,
        "usable_password": "true",
    }
    below = {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}
    assert olga.post("/admin/accounts/user/add/", sent | below).status_code == 302
    tom = User.objects.get(email="tom@tikdash.example")
    page = f"/admin/accounts/user/{tom.pk}"
    facts = {"email": tom.email, "name": "Tom", "is_active": "on", "is_staff": "on"} | below
    assert olga.post(f"{page}/change/", facts).status_code == 302
    assert olga.post(f"{page}/change/", facts).status_code == 302
    assert olga.post(f"{page}/password/", {**sent, "password1": f"{long}9", "password2": f"{long}9"}).status_code == 302
    factor = Authenticator.objects.create(user=tom, type="recovery_codes", data={})
    assert olga.post(f"/admin/mfa/authenticator/{factor.pk}/delete/", {"post": "yes"}).status_code == 302
    Membership.objects.create(tenant_id=cast.rival.id, user=tom)
    assert olga.post(f"{page}/delete/", {"post": "yes"}).status_code == 302
    assert told() == [
        ("operations.person_saved", tom.email), ("operations.person_saved", tom.email),
        ("operations.person_saved", tom.email), ("operations.second_factor_removed", tom.email),
        ("operations.person_removed", tom.email),
    ]  # fmt: skip
    assert [one.after["is_staff"] for one in entries()[:3]] == [False, True, True]
    assert long not in str([vars(one) for one in entries()])
    assert told(tenant=cast.rival) == [("person.removed", tom.email)]


def test_where_alerts_of_operators_go_is_written_down_without_the_secret(cast: Cast, olga: Client) -> None:
    base = "/admin/billing/alertchannel/"
    sent = {"kind": "email", "address": "night@tikdash.example", "escalation": "on"}
    assert olga.post(f"{base}add/", sent).status_code == 302
    with all_tenants():
        mail = AlertChannel.objects.get(tenant=None)
    assert olga.post(f"{base}{mail.pk}/change/", {"active": "on"}).status_code == 302
    with all_tenants():
        hook = AlertChannel.objects.create(tenant=None, kind="webhook", address="https://hooks.example/T0/s3cr3tpart")
    for channel in (mail, hook):
        assert olga.post(f"{base}{channel.pk}/delete/", {"post": "yes"}).status_code == 302
    assert [event for event, _ in told()] == ["operations.alerts_saved"] * 2 + ["operations.alerts_removed"] * 2
    assert [one.after["escalation"] for one in entries()[:2]] == [True, False]
    assert told()[0][1] == "night@tikdash.example" and "hooks.example" in told()[-1][1]
    assert "s3cr3tpart" not in str([vars(one) for one in entries()])


def test_an_outage_is_written_down_when_it_is_made_changed_and_removed(cast: Cast, olga: Client) -> None:
    base = "/admin/accounts/upstreamincident/"
    sent = {"began_at_0": "2026-11-01", "began_at_1": "09:00:00", "ended_at_0": "", "ended_at_1": "", "note": "Down."}
    assert olga.post(f"{base}add/", sent).status_code == 302
    made = UpstreamIncident.objects.get()
    assert made.by_hand
    assert olga.post(f"{base}{made.pk}/change/", sent | {"note": "Down for all."}).status_code == 302
    assert olga.post(f"{base}{made.pk}/delete/", {"post": "yes"}).status_code == 302
    assert [event for event, _ in told()] == ["fetching.incident_marked"] * 2 + ["fetching.incident_removed"]


def test_whatever_can_be_deleted_in_the_administration_leaves_an_entry(cast: Cast, olga: Client) -> None:
    made, request = many_rows(), RequestFactory().get("/")
    request.user = cast.olga
    deleted = set()
    # People last: what is theirs goes with them.
    for model, page in sorted(admin.site._registry.items(), key=lambda one: one[0] is User):
        name = str(model._meta.model_name)
        rows = made.get(model, [])
        if name in LEFT_AS_THEY_ARE | SKETCHES or not rows or not page.has_delete_permission(request, rows[-1]):
            continue
        at = clock.now()
        answer = olga.post(reverse(f"admin:{model._meta.app_label}_{name}_delete", args=[rows[-1].pk]), {"post": "yes"})
        if answer.status_code != 302:
            # Other rows hang on it, which nobody deletes.
            continue
        with all_tenants():
            assert not model._default_manager.filter(pk=rows[-1].pk).exists(), name
            assert AuditEntry.objects.filter(occurred_at__gte=at, actor_id=cast.olga.pk).exists(), name
        deleted.add(name)
    assert {"user", "membership", "domain", "authenticator", "announcement", "creditpack"} <= deleted
