"""The audit log: who did what, in the transaction of what was done, for its tenant alone, unchangeable, no secrets."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from accounts.audit_events import AREAS, EVENTS, sentence_of
from accounts.audit_log import Wanted, find_entries
from accounts.models import AuditEntry, User
from accounts.services.auditing import Actor, Target, acting, record
from accounts.services.pausing import pause_kind, pause_tenant, resume_tenant
from accounts.services.tenants import create_tenant
from snapshots.services import bulk
from snapshots.services.accounts import clean_wish, request_tracking
from snapshots.services.removals import stop_tracking, undo_removal
from tests.cast import Cast
from tests.factories import make_account, make_job
from tikdash import clock
from tikdash.db.rls import grant_tables
from tikdash.db.scope import all_tenants, no_scope, owner, tenant_scope
from tikdash.errors import LimitReached
from tikdash.redaction import hide
from tikdash.tiklive.text import Secret

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
AS_OPS = "UPDATE audit_log SET reason = 'another'", "DELETE FROM audit_log", "TRUNCATE audit_log"


def entries(tenant: Any) -> list[AuditEntry]:
    with tenant_scope(tenant):
        return list(AuditEntry.objects.order_by("id"))


def events(tenant: Any) -> list[str]:
    return [entry.event for entry in entries(tenant)]


def browser(user: User, host: str = "acme.localhost") -> Client:
    client = Client(headers={"host": host})
    client.force_login(user, backend=BACKEND)
    return client


def test_an_entry_says_who_did_what_before_and_after_and_why(cast: Cast) -> None:
    with tenant_scope(cast.acme), acting(Actor("user", cast.ana.pk, cast.ana.email)):
        record(
            "workspace.changed", target=Target("tenant", 7, "acme"), before={"plan": "free"},
            after={"fields": ["plan"], "plan": "pro"}, reason="They asked for it",
        )  # fmt: skip
    entry = entries(cast.acme)[-1]
    assert (entry.tenant_id, entry.actor_kind, entry.actor_label) == (cast.acme.id, "user", "ana@acme.example")
    assert (entry.before, entry.after["plan"], entry.reason) == ({"plan": "free"}, "pro", "They asked for it")
    assert sentence_of(entry.event, entry.target_label, entry.before, entry.after) == "Changed the workspace: plan"


def test_an_entry_that_counts_one_says_so() -> None:
    assert sentence_of("account.paused", "@lena", None, {"count": 1}) == "Paused 1 account: @lena"
    assert sentence_of("account.paused", "two", None, {"count": 2}) == "Paused 2 accounts: two"
    assert sentence_of("account.paused", "", None, None) == "Paused – accounts: –"


def test_a_page_names_its_visitor_and_its_request(cast: Cast) -> None:
    with tenant_scope(cast.acme):
        account = make_account("lena.bakes")
        make_job(account)
    answer = browser(cast.max).post("/accounts/selected/", {"action": "pause", "ids": [account.pk]})
    entry = entries(cast.acme)[-1]
    assert (entry.event, entry.actor_kind, entry.actor_id) == ("account.paused", "user", cast.max.pk)
    assert (entry.target_id, entry.target_label) == (str(account.pk), "@lena.bakes")
    assert entry.request_id == answer["X-Request-Id"]


def test_staff_in_the_admin_is_named_to_operators_and_not_to_the_customer(cast: Cast) -> None:
    client = browser(cast.olga, "localhost")
    data = {"action": "pause_fetching", "_selected_action": [cast.acme.id], "reason": "Unpaid"}
    client.post("/admin/accounts/tenant/", data | {"confirmed": "1", "counted": 1})
    entry = entries(cast.acme)[-1]
    assert (entry.event, entry.actor_kind, entry.actor_label) == ("fetching.paused", "staff", cast.olga.email)
    assert entry.reason == "Unpaid."
    page = browser(cast.ana).get("/settings/audit/").content.decode()
    assert "Paused all fetching" in page and "Tikdash staff" in page and cast.olga.email not in page
    listed = client.get("/admin/accounts/auditentryrow/?q=acme").content.decode()
    assert "Paused all fetching" in listed and cast.olga.email in listed


def test_what_the_admin_changes_of_a_tenant_is_written_with_both_values(cast: Cast) -> None:
    client = browser(cast.olga, "localhost")
    path = f"/admin/accounts/tenant/{cast.acme.id}/change/"
    form = client.get(path).context["adminform"].form
    data = {name: form[name].value() or "" for name in form.fields} | {"plan": "enterprise", "name": "Acme II"}
    for inline in ("domains", "memberships"):
        data |= {f"{inline}-TOTAL_FORMS": 0, f"{inline}-INITIAL_FORMS": 0}
    assert client.post(path, data).status_code == 302
    plan, name = entries(cast.acme)[-2:]
    assert (plan.event, plan.before["plan"], plan.after["plan"]) == ("workspace.plan_changed", "pro", "enterprise")
    assert (name.event, name.before, name.after["name"]) == ("workspace.changed", {"name": "Acme Talent"}, "Acme II")
    assert (plan.actor_kind, plan.actor_label) == ("staff", cast.olga.email)


def test_services_write_what_they_did(cast: Cast) -> None:
    with tenant_scope(cast.acme):
        pair = [make_account("one"), make_account("two")]
        ids = [account.pk for account in pair]
        for account in pair:
            make_job(account)
        request_tracking(tenant=cast.acme, wish=clean_wish(handle="@three", reason="own", tags="top"))
        bulk.add_tags(account_ids=ids, tags=["bakery"])
        bulk.remove_tags(account_ids=ids, tags=["bakery"])
        bulk.pause_accounts(account_ids=ids)
        bulk.resume_accounts(account_ids=ids)
        bulk.refresh_accounts(tenant=cast.acme, account_ids=ids)
        stopped = stop_tracking(tenant=cast.acme, account_ids=ids)
        undo_removal(tenant=cast.acme, removal_id=stopped.removal_id)
    pause_tenant(slug="acme", reason="Unpaid")
    resume_tenant(slug="acme")
    assert events(cast.acme)[-10:] == [
        "account.requested", "account.tagged", "account.untagged", "account.paused", "account.resumed",
        "account.refreshed", "account.stopped", "account.stop_undone", "fetching.paused", "fetching.resumed",
    ]  # fmt: skip
    stop = next(entry for entry in entries(cast.acme) if entry.event == "account.stopped")
    assert (stop.target_label, stop.after) == ("@one, @two", {"count": 2, "accounts": ids})


def test_what_changed_nothing_writes_nothing(cast: Cast) -> None:
    before = events(cast.acme)
    with tenant_scope(cast.acme):
        assert bulk.pause_accounts(account_ids=[1_000_000]) == 0
        assert bulk.remove_tags(account_ids=[1_000_000], tags=["bakery"]) == 0
    assert resume_tenant(slug="acme") is False
    assert events(cast.acme) == before


def test_what_is_rolled_back_takes_its_entry_with_it(cast: Cast) -> None:
    before = events(cast.acme)
    with pytest.raises(LimitReached), transaction.atomic():
        pause_tenant(slug="acme", reason="Unpaid")
        raise LimitReached
    assert events(cast.acme) == before


def test_a_tenant_sees_its_own_entries_and_operators_see_all(cast: Cast) -> None:
    pause_kind(kind="stories", reason="Broken upstream")
    for tenant in cast.tenants:
        pause_tenant(slug=tenant.slug, reason=f"Reason of {tenant.slug}")
    for tenant in cast.tenants:
        assert {entry.tenant_id for entry in entries(tenant)} == {tenant.id}
    with no_scope():
        assert not AuditEntry.objects.exists()
    with all_tenants():
        assert {None, *(tenant.id for tenant in cast.tenants)} <= set(
            AuditEntry.objects.values_list("tenant_id", flat=True)
        )


def test_nobody_writes_an_entry_for_another_tenant(cast: Cast) -> None:
    with tenant_scope(cast.acme), pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
        facts = {"occurred_at": clock.now(), "event": "fetching.paused", "actor_kind": "user"}
        AuditEntry.objects.create(id="018f0000-0000-7000-8000-000000000000", tenant_id=cast.rival.id, **facts)


@pytest.mark.parametrize("statement", AS_OPS)
def test_the_roles_of_the_application_cannot_change_what_was_written(cast: Cast, statement: str) -> None:
    pause_tenant(slug="acme", reason="Unpaid")
    for scope in (tenant_scope(cast.acme), all_tenants()):
        with scope, pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            connection.cursor().execute(statement)


@pytest.mark.parametrize("statement", AS_OPS[:2])
def test_a_right_too_many_does_not_open_the_log(cast: Cast, statement: str) -> None:
    pause_tenant(slug="acme", reason="Unpaid")
    with owner(), connection.cursor() as cursor:
        cursor.execute("GRANT UPDATE, DELETE ON audit_log TO tikdash, tikdash_ops")
    for scope in (tenant_scope(cast.acme), all_tenants()):
        with scope, pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            connection.cursor().execute(statement)
    with owner():
        grant_tables(connection, "public")
    with all_tenants(), pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        connection.cursor().execute(statement)


def test_no_secret_gets_into_the_log(cast: Cast) -> None:
    """Whatever it is called, however deep it lies, also where it only looks like one."""
    hide("upstream-key-0123456789")
    secrets = {
        "password": "correct-horse-battery",
        "note": "they typed upstream-key-0123456789 into the box",
        "token": "tkd_ab12cd34ef56_0123456789abcdef0123456789abcdef",
        "rows": [{"api_key": "plain-and-unknown"}, "see tkd_ab12cd34ef56_0123456789abcdef0123456789abcdef"],
        "sealed": "gAAAAABn" + "x" * 90,
        "object": Secret("another-unknown-secret"),
    }
    with tenant_scope(cast.acme), acting(Actor("user", 1, "upstream-key-0123456789@example.com")):
        record(
            "workspace.changed", target=Target("tenant", "x", "upstream-key-0123456789"), before=secrets, after=secrets,
            reason="because upstream-key-0123456789",
        )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute("SELECT a::text FROM audit_log a ORDER BY id DESC LIMIT 1")
            row = cursor.fetchone()[0]
    for secret in (
        "correct-horse", "upstream-key", "0123456789abcdef", "plain-and-unknown", "gAAAA", "another-unknown",
    ):  # fmt: skip
        assert secret not in row
    assert "they typed [key] into the box" in row


def test_an_entry_is_bounded_and_takes_any_text(cast: Cast) -> None:
    with tenant_scope(cast.acme):
        record(
            "account.stopped", target=Target("account", "", "\x00\ud800" + "x" * 5_000),
            after={"count": 5_000, "accounts": list(range(5_000)), "text": "y" * 100_000}, reason="z" * 5_000,
        )  # fmt: skip
    entry = entries(cast.acme)[-1]
    assert (len(entry.target_label), len(entry.reason), len(entry.after["accounts"])) == (200, 400, 50)
    assert len(entry.after["text"]) == 400


@pytest.mark.parametrize("event", ["nobody.knows", "fetching.paused"])
def test_an_unknown_event_and_one_without_its_tenant_are_mistakes_of_ours(cast: Cast, event: str) -> None:
    with pytest.raises(ValueError, match=event):
        record(event)


def test_every_event_belongs_to_a_part_that_the_page_offers() -> None:
    assert {event.area for event in EVENTS.values()} <= AREAS.keys()
    assert all(len(name) <= 40 for name in EVENTS)


def test_the_page_filters_pages_and_stays_within_its_tenant(cast: Cast) -> None:
    with tenant_scope(cast.acme):
        with acting(Actor("user", cast.max.pk, cast.max.email)):
            for number in range(60):
                record("list.cancelled", target=Target("list", number), after={"cancelled": number})
        with acting(Actor("task", label="snapshots.run_jobs")):
            record("account.tracked", target=Target("account", 1, "@lena.bakes"))
    with tenant_scope(cast.rival):
        record("account.tracked", target=Target("account", 1, "@rivals.own"))
    ana = browser(cast.ana)
    first = ana.get("/settings/audit/?area=list")
    page = first.content.decode()
    assert "Called off 59 checks" in page and "Called off 9 checks" not in page and "lena.bakes" not in page
    rest = ana.get(first.context["next_url"], headers={"hx-request": "true"}).content.decode()
    assert "Called off 9 checks" in rest and "Called off 59 checks" not in rest and "<html" not in rest
    automatic = ana.get("/settings/audit/?who=automatic").content.decode()
    assert "lena.bakes" in automatic and "Called off" not in automatic and "rivals.own" not in automatic
    of_max = ana.get(f"/settings/audit/?who={cast.max.pk}&area=account").content.decode()
    assert "No entry matches" in of_max


def test_entries_of_one_instant_are_neither_lost_nor_shown_twice(cast: Cast, monkeypatch: Any) -> None:
    now = clock.now()
    monkeypatch.setattr("accounts.services.auditing.clock.now", lambda: now)
    with tenant_scope(cast.acme):
        for number in range(25):
            record("list.cancelled", target=Target("list", number), after={"cancelled": number})
        seen, key = [], ""
        while key is not None:
            page = find_entries(Wanted(area="list"), after=key or "", most=4)
            seen += [entry.target_id for entry in page.entries]
            key = page.next_key
    assert sorted(map(int, seen)) == list(range(25))


@pytest.mark.parametrize(
    "query",
    ["area=nothing", "who=nobody", "who=٣", "from=yesterday", "from=2026-02-02&to=2026-01-01", "after=x", "after=1-x",
     "after=99999999999999999999999-018f0000-0000-7000-8000-000000000000", "who=99999999999999999999999999999"],
)  # fmt: skip
def test_a_filter_that_cannot_be_is_answered_in_words(cast: Cast, query: str) -> None:
    answer = browser(cast.ana).get(f"/settings/audit/?{query}")
    assert answer.status_code == (200 if query.startswith("who=9") else 422)
    assert browser(cast.ana).get(f"/settings/audit/export.csv?{query}").status_code in (200, 400)


def test_the_file_holds_what_the_filter_leaves_and_no_formula(cast: Cast) -> None:
    with tenant_scope(cast.acme), acting(Actor("user", cast.max.pk, cast.max.email)):
        record("account.requested", target=Target("check", 1, '=HYPERLINK("http://evil")'), after={"tags": ["a"]})
        record("list.cancelled", target=Target("list", 1), after={"cancelled": 3})
    answer = browser(cast.ana).get("/settings/audit/export.csv?area=account")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [row["event"] for row in rows] == ["account.requested"]
    assert rows[0]["target"] == '\'=HYPERLINK("http://evil")'
    assert (rows[0]["who"], rows[0]["after"]) == ("max@acme.example", '{"tags":["a"]}')


def test_days_are_included_on_both_ends(cast: Cast) -> None:
    with tenant_scope(cast.acme):
        record("list.cancelled", target=Target("list", 1), after={"cancelled": 3})
        today = clock.today()
        for since, until, there in [(today, today, 1), (None, today - timedelta(days=1), 0), (today, None, 1)]:
            found = find_entries(Wanted(area="list", since=since, until=until))
            assert len(found.entries) == there


def test_members_may_not_read_the_log(cast: Cast) -> None:
    assert browser(cast.max).get("/settings/audit/").status_code == 403
    assert browser(cast.max).get("/settings/audit/export.csv").status_code == 403
    assert "Audit log" not in browser(cast.max).get("/accounts/").content.decode()
    assert "Audit log" in browser(cast.ana).get("/accounts/").content.decode()


def test_a_new_tenant_begins_its_log(cast: Cast) -> None:
    tenant = create_tenant(slug="fresh", name="Fresh")
    assert events(tenant) == ["workspace.created"]
