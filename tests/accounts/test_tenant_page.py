"""The tenant's page of the administration: how it stands; each action with page, entry and permission."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import AuditEntry, Session, Tenant, TenantKey, User
from accounts.services import moving, own_keys
from accounts.tenant_page import actions
from billing.gate import gate
from billing.models import LimitRaise, Plan, UsageDaily
from billing.services.grants import set_budget
from billing.services.limits import limits
from billing.services.raises import open_raises
from snapshots.models import FetchJob, ImportBatch, TrackedAccount
from tests.accounts.test_staff_roles import of_role
from tests.cast import Cast, give_app
from tests.factories import make_account, make_job
from tests.queries import assert_at_most, statements_of
from tests.simulating import Caller
from tikdash import clock
from tikdash.db.scope import all_tenants, tenant_scope

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
REASON = "Agreed with Ana on the phone."
OWN_KEY = "sim-own-key-of-acme-4444"
#: The frame of a page of the administration, the tenant with its lines, and each panel's own statements.
STATEMENTS = 90


@pytest.fixture
def olga(cast: Cast) -> Client:
    client = Client(headers={"host": "localhost"})
    client.force_login(cast.olga, backend=BACKEND)
    return client


def page_of(client: Client, tenant: Any) -> str:
    answer = client.get(f"/admin/accounts/tenant/{tenant.id}/change/")
    assert answer.status_code == 200
    return str(answer.content.decode())


def do(client: Client, tenant: Any, action: str, /, **data: Any) -> Any:
    return client.post(f"/admin/accounts/tenant/{tenant.id}/do/{action}/", data)


def entries(tenant: Any) -> list[AuditEntry]:
    with tenant_scope(tenant):
        # Without what stands there since the cast was made.
        made = ["workspace.created", "person.added"]
        return list(AuditEntry.objects.exclude(event__in=made).order_by("occurred_at", "id"))


def test_the_page_says_how_the_tenant_stands(cast: Cast, olga: Client) -> None:
    with tenant_scope(cast.acme):
        account = make_account("of.acme")
        make_job(account, "profile", next_due_at=clock.now() - timedelta(hours=5))
        make_job(
            account, "posts", state="dead", error_code="upstream", error="It did not answer.", failed_at=clock.now()
        )
    own_keys.add_key(tenant=cast.acme, typed=OWN_KEY)
    page = page_of(olga, cast.acme)
    for said in (
        "Health", "goes on", "in the schema shared", "…4444", "ana@acme.example", "Accounts and jobs",
        "100% of the accounts", "It did not answer.", "@of.acme", "Cost and margin", "Audit log", "Plan pro", "Credits",
    ):  # fmt: skip
        assert said in page, said
    assert "Entered the key …4444" in page


@pytest.mark.parametrize("slug", ["acme", "globex"])
def test_no_secret_is_on_the_page(cast: Cast, olga: Client, slug: str) -> None:
    tenant = getattr(cast, slug)
    own_keys.add_key(tenant=tenant, typed=OWN_KEY)
    with tenant_scope(tenant):
        key = TenantKey.objects.get()
    page = page_of(olga, tenant)
    assert "…4444" in page
    for secret in (OWN_KEY, key.secret, key.data_key, key.fingerprint, cast.ana.password):
        assert secret not in page


def test_the_page_keeps_within_its_statements(cast: Cast, olga: Client) -> None:
    page_of(olga, cast.acme)
    assert_at_most(STATEMENTS, statements_of(lambda: page_of(olga, cast.acme)))


@pytest.mark.parametrize("role", ["support", "finance", "engineer"])
def test_each_role_sees_and_does_what_is_of_its_work(cast: Cast, role: str) -> None:
    client = of_role(cast, role)
    page = page_of(client, cast.acme)
    may = {
        "support": set[str](), "finance": {"plan", "raise"}, "engineer": set(actions()),
    }[role]  # fmt: skip
    for name in actions():
        there = f"/admin/accounts/tenant/{cast.acme.id}/do/{name}/"
        assert (there in page) == (name in may), name
        answers = (client.get(there).status_code, client.post(there).status_code)
        assert (answers == (403, 403)) == (name not in may), (name, answers)
    assert ("Accounts and jobs" in page) == (role != "finance")
    assert "Cost and margin" in page, role


@pytest.mark.parametrize("role", ["support", "finance"])
def test_a_workspace_is_deleted_by_engineers_only(cast: Cast, role: str) -> None:
    client, there = of_role(cast, role), f"/admin/accounts/tenant/{cast.acme.id}/delete-workspace/"
    assert client.get(there).status_code == 403
    for sent in ({"typed": "acme", "reason": REASON}, {"keep": "1"}):
        assert client.post(there, sent).status_code == 403
    assert Tenant.objects.get(pk=cast.acme.id).erase_at is None and entries(cast.acme) == []
    assert of_role(cast, "engineer").get(there).status_code == 200


def test_what_is_grave_asks_who_it_is_first(cast: Cast, olga: Client) -> None:
    session = olga.session
    session["account_authentication_methods"] = [
        one | {"at": one["at"] - 3600} for one in session["account_authentication_methods"]
    ]
    session.save()
    for name, action in actions().items():
        answer = olga.get(f"/admin/accounts/tenant/{cast.acme.id}/do/{name}/")
        assert answer.status_code == (302 if action.is_grave else 200), name
    assert {name for name, action in actions().items() if action.is_grave} == {"move", "sign-out", "take-along"}


@pytest.mark.parametrize("name", ["pause", "key-mode", "sign-out", "take-along", "plan", "raise"])
def test_without_a_reason_nothing_is_done(cast: Cast, olga: Client, name: str) -> None:
    answer = do(olga, cast.acme, name, mode="own", plan="free", value=9_999_999, until="2030-01-01")
    assert answer.status_code == 422 and "Say why" in answer.content.decode()
    assert entries(cast.acme) == []


def test_pausing_and_resuming(cast: Cast, olga: Client) -> None:
    shown = olga.get(f"/admin/accounts/tenant/{cast.acme.id}/do/pause/").content.decode()
    assert "Nothing is fetched for Acme Talent" in shown
    assert do(olga, cast.acme, "pause", reason=REASON).status_code == 302
    assert REASON in page_of(olga, cast.acme)
    assert do(olga, cast.acme, "pause", reason=REASON).status_code == 422, "it is paused"
    assert do(olga, cast.acme, "resume").status_code == 302
    assert [entry.event for entry in entries(cast.acme)] == ["fetching.paused", "fetching.resumed"]
    assert {(entry.actor_kind, entry.actor_id) for entry in entries(cast.acme)} == {("staff", cast.olga.pk)}


def test_another_plan_counts_at_once_with_its_reason(cast: Cast, olga: Client) -> None:
    assert do(olga, cast.acme, "plan", plan="enterprise", reason=REASON).status_code == 302
    assert Tenant.objects.get(pk=cast.acme.id).plan == "enterprise"
    [entry] = [one for one in entries(cast.acme) if one.event == "workspace.plan_changed"]
    assert entry.reason == REASON
    assert do(olga, cast.acme, "plan", plan="nothing", reason=REASON).status_code == 422


def test_a_limit_is_raised_until_a_day_and_falls_back_by_itself(cast: Cast, olga: Client) -> None:
    with tenant_scope(cast.rival):
        plan = next(one.limit for one in limits.standings(cast.rival) if one.name == "seats")
    assert plan is not None
    until = clock.today() + timedelta(days=3)
    facts = {"name": "seats", "value": plan + 5, "until": until.isoformat(), "reason": REASON}
    assert do(olga, cast.rival, "raise", **facts).status_code == 302
    assert f"{plan + 5:,}" in page_of(olga, cast.rival) and REASON in page_of(olga, cast.rival)

    def seats() -> int | None:
        with tenant_scope(cast.rival):
            return next(one.limit for one in limits.standings(cast.rival) if one.name == "seats")

    assert seats() == plan + 5
    with clock.at(clock.now() + timedelta(days=2)):
        assert seats() == plan + 5
    with clock.at(clock.now() + timedelta(days=3)):
        assert seats() == plan and open_raises(cast.rival.id) == []
    with tenant_scope(cast.acme):
        assert not LimitRaise.objects.exists(), "it is nobody else's"
    [entry] = [one for one in entries(cast.rival) if one.event == "billing.limit_raised"]
    assert (entry.reason, entry.actor_id, entry.after["value"]) == (REASON, cast.olga.pk, plan + 5)  # type: ignore[index]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"value": 1}, "already"),
        ({"until": "2020-01-01"}, "to come"),
        ({"until": "2099-01-01"}, "A year is the longest"),
        ({"until": "tomorrow"}, "valid date"),
        ({"name": "everything"}, "Select a valid choice"),
        ({"value": "x"}, "whole number"),
    ],
)
def test_a_raise_that_cannot_be_is_refused(cast: Cast, olga: Client, facts: dict[str, Any], said: str) -> None:
    until = clock.today() + timedelta(days=3)
    whole = {"name": "seats", "value": 500, "until": until.isoformat(), "reason": REASON} | facts
    answer = do(olga, cast.rival, "raise", **whole)
    assert answer.status_code == 422 and said in answer.content.decode()
    with all_tenants():
        assert not LimitRaise.objects.exists()


def test_more_credits_pass_the_gate_and_are_ended_by_hand(cast: Cast, olga: Client) -> None:
    with tenant_scope(cast.rival):
        before = {one.name: one.limit for one in limits.standings(cast.rival)}
    assert before["credits_month"] is not None
    facts = {"until": (clock.today() + timedelta(days=3)).isoformat(), "reason": REASON}
    assert (
        do(olga, cast.rival, "raise", name="credits_month", value=before["credits_month"] * 3, **facts).status_code
        == 302
    )

    def month_of_the_gate() -> int:
        gate.forget()
        allowance = gate._read(cast.rival.id, "shared", clock.today())
        return next(cap.limit for cap in allowance.caps if cap.name == "tenant_month")

    raised = month_of_the_gate()
    with all_tenants():
        row = LimitRaise.objects.get()
    chosen = {"action": "end_now", "_selected_action": [row.pk]}
    assert "Counting today: 1, of 1 tenant." in olga.post("/admin/billing/limitraise/", chosen).content.decode()
    assert month_of_the_gate() == raised
    confirmed = chosen | {"confirmed": "1", "counted": 1}
    assert olga.post("/admin/billing/limitraise/", confirmed).status_code == 302
    assert month_of_the_gate() * 3 == pytest.approx(raised, abs=3)
    assert "billing.limit_raise_ended" in [entry.event for entry in entries(cast.rival)]


def test_a_plan_without_a_cap_gets_none_by_a_raise(cast: Cast) -> None:
    with tenant_scope(cast.globex):
        for one in limits.standings(cast.globex):
            assert one.name not in ("credits_day",) or one.limit is not None
    Plan.objects.filter(code="enterprise").update(daily_credits=None, monthly_credits=None)
    with all_tenants():
        LimitRaise.objects.create(
            tenant_id=cast.globex.id, name="credits_month", value=5, until=clock.today() + timedelta(days=9),
            reason="x", made_at=clock.now(),
        )  # fmt: skip
    with tenant_scope(cast.globex):
        assert "credits_month" not in {one.name for one in limits.standings(cast.globex)}
    gate.forget()
    assert not [
        cap for cap in gate._read(cast.globex.id, "shared", clock.today()).caps if cap.name.startswith("tenant")
    ]


def test_everybody_is_signed_out_and_nobody_elses_session_ends(cast: Cast, olga: Client) -> None:
    for user, host in ((cast.ana, "acme"), (cast.max, "acme"), (cast.rita, "rival")):
        client = Client(headers={"host": f"{host}.localhost"})
        client.force_login(user, backend=BACKEND)
    assert "2 members" in olga.get(f"/admin/accounts/tenant/{cast.acme.id}/do/sign-out/").content.decode()
    assert do(olga, cast.acme, "sign-out", reason=REASON).status_code == 302
    assert set(Session.objects.values_list("user_id", flat=True)) == {cast.rita.pk, cast.olga.pk}
    [entry] = entries(cast.acme)
    assert (entry.event, entry.after) == ("person.signed_out", {"sessions": 2})


def test_a_copy_of_all_there_is_has_no_secret_and_is_written_down(cast: Cast, olga: Client) -> None:
    own_keys.add_key(tenant=cast.acme, typed=OWN_KEY)
    with tenant_scope(cast.acme):
        make_account("of.acme")
        key = TenantKey.objects.get()
    answer = do(olga, cast.acme, "take-along", reason=REASON)
    content = b"".join(answer.streaming_content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("accounts.csv").decode())))
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert [row["username"] for row in rows] == ["of.acme"]
    assert key.secret.encode() not in everything and OWN_KEY.encode() not in everything
    [entry] = [one for one in entries(cast.acme) if one.event == "workspace.taken_along"]
    assert (entry.reason, entry.actor_kind) == (REASON, "staff")


def test_a_key_that_was_revoked_is_found_out_and_the_shared_one_takes_its_place(
    cast: Cast, olga: Client, upstream: Caller
) -> None:
    """The night's story “a tenant's key was revoked”, from its page on."""
    key_id = own_keys.add_key(tenant=cast.acme, typed=OWN_KEY)
    assert own_keys.check_key(tenant=cast.acme, key_id=key_id) == "active"
    assert own_keys.try_again(tenant=cast.acme) == "active"
    upstream.order("keys", {"revoked": [OWN_KEY]})
    assert own_keys.try_again(tenant=cast.acme) == "invalid"
    page = page_of(olga, cast.acme)
    assert "TikLiveAPI refused it." in page and "paused since" in page
    assert do(olga, cast.acme, "try-key").status_code == 422, "there is none in use"
    assert do(olga, cast.acme, "key-mode", mode="shared", reason=REASON).status_code == 302
    tenant = Tenant.objects.get(pk=cast.acme.id)
    assert (tenant.key_mode, tenant.fetching_paused_at) == ("shared", None)
    assert "goes on" in page_of(olga, cast.acme)
    events = [entry.event for entry in entries(cast.acme)]
    assert events.count("key.tried") == 2 and "key.invalid" in events and events[-1] != "key.invalid"


def test_a_budget_at_92_percent_on_day_18_is_seen_and_raised(cast: Cast, olga: Client) -> None:
    """The night's story “budget at 92 % on day 18”, from the tenant's page to the fix."""
    day = clock.now().replace(month=6, day=18, hour=3)
    month = 15_000
    set_budget(tenant_id=cast.acme.id, daily_credits=None, monthly_credits=month)
    with clock.at(day):
        with tenant_scope(cast.acme):
            UsageDaily.objects.create(
                day=day.date() - timedelta(days=1), key_id="shared", endpoint="user-posts", feature="posts",
                priority="pro", requests=month, ok=month, failed=0, unsettled=0,
                credits=round(month * 0.92), charged=round(month * 0.92), unsettled_credits=0, latency_ms=0,
            )  # fmt: skip
        page = page_of(olga, cast.acme)
        assert "(92%)" in page
        facts = {"name": "credits_month", "value": month * 2, "until": "2026-07-01", "reason": REASON}
        answer = do(olga, cast.acme, "raise", **facts | {"until": (day + timedelta(days=13)).date().isoformat()})
        assert answer.status_code == 302
        assert "(46%)" in page_of(olga, cast.acme)


def test_a_move_is_done_by_a_worker_and_stops_with_a_sentence(cast: Cast, olga: Client) -> None:
    assert "a schema of its own" in olga.get(f"/admin/accounts/tenant/{cast.acme.id}/do/move/").content.decode()
    assert do(olga, cast.acme, "move").status_code == 302
    # Globex has a schema of its own already: what was asked for cannot be.
    assert moving.carry_out(tenant=cast.globex, dedicated=True, is_busy=lambda tenant: False) is False
    assert [entry.event for entry in entries(cast.acme)] == ["workspace.move_asked"]
    [stopped] = entries(cast.globex)
    assert stopped.event == "workspace.move_stopped" and "already" in stopped.reason


def test_handles_are_looked_at_before_they_are_tracked(cast: Cast, olga: Client, upstream: Caller) -> None:
    there = f"/admin/tenants/{cast.globex.id}/handles/"
    with tenant_scope(cast.globex):
        make_account("known")
    text = "handle,reason,tags\nfresh.one,partner,summer\nknown,,\nnot a handle!,,\nfresh.one,,\n"
    looked = olga.post(there, {"handles": text, "reason": "competitor"}).content.decode()
    for said in ("1 of 4 rows", "is checked and tracked", "It is tracked already.", "It stands in the list already."):
        assert said in looked, said
    with tenant_scope(cast.globex):
        assert not FetchJob.objects.filter(kind="probe").exists() and not ImportBatch.objects.exists()
    token = "7a7a7a7a-7a7a-4a7a-8a7a-7a7a7a7a7a7a"
    begun = olga.post(there, {"handles": text, "reason": "competitor", "token": token, "confirmed": "1"})
    assert begun.status_code == 302
    shown = olga.get(begun["Location"]).content.decode()
    assert "4 rows: 0 tracked, 1 being checked, 3 refused" in shown
    assert shown.count(">refused</td>") == 3 and shown.count(">being checked</td>") == 1
    with tenant_scope(cast.globex):
        [job] = FetchJob.objects.filter(kind="probe")
        assert (job.params["handle"], job.params["reason"]) == ("fresh.one", "partner")
        assert TrackedAccount.objects.count() == 1
    with tenant_scope(cast.acme):
        assert not FetchJob.objects.exists()
    [entry] = entries(cast.globex)
    assert (entry.event, entry.actor_kind) == ("list.started", "staff")
    assert (
        olga.get(f"/admin/tenants/{cast.acme.id}/handles/?batch={begun['Location'].partition('=')[2]}").status_code
        == 404
    )


@pytest.mark.parametrize("handles", ["", "x" * 1_000_001])
def test_a_list_that_cannot_be_is_refused(cast: Cast, olga: Client, handles: str) -> None:
    answer = olga.post(f"/admin/tenants/{cast.acme.id}/handles/", {"handles": handles, "reason": "own"})
    assert answer.status_code in (413, 422)


def test_who_brings_handles_needs_the_permission(cast: Cast) -> None:
    user = User.objects.create_user("plain@tikdash.example", is_staff=True)
    User.objects.filter(pk=user.pk).update(password=cast.ana.password)
    give_app(user)
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.get(pk=user.pk), backend=BACKEND)
    there = f"/admin/tenants/{cast.acme.id}/handles/"
    assert client.get(there).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="bring_handles"))
    assert client.get(there).status_code == 200


@pytest.mark.parametrize("name", sorted(actions()))
def test_of_an_erased_workspace_nothing_is_done(cast: Cast, olga: Client, name: str) -> None:
    Tenant.objects.filter(pk=cast.rival.id).update(state="erased")
    there = f"/admin/accounts/tenant/{cast.rival.id}/do/{name}/"
    assert (olga.get(there).status_code, olga.post(there, {"reason": REASON}).status_code) == (404, 404)
    assert olga.get(f"/admin/accounts/tenant/{cast.rival.id}/look/").status_code == 404


def test_of_a_tenant_that_does_not_exist_there_is_no_page(olga: Client) -> None:
    for path in ("accounts/tenant/0/do/pause/", "accounts/tenant/0/look/", "tenants/0/handles/"):
        assert olga.get(f"/admin/{path}").status_code == 404
    assert olga.get("/admin/accounts/tenant/1/do/nothing/").status_code == 404
