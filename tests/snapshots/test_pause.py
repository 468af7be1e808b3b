"""A pause leaves jobs as they are and nobody begins them; it costs the claim nothing, and the customer reads why."""

from __future__ import annotations

import html
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Tenant
from accounts.selectors import TenantRef, tenant_by_slug
from accounts.services.closing import ask_for_deletion, call_deletion_off
from accounts.services.pausing import FetchingPaused, pause_kind, pause_tenant, resume_kind, resume_tenant
from snapshots.models import FetchJob
from snapshots.scheduling.dispatch import claim, claim_these
from snapshots.services.accounts import clean_wish, request_tracking
from snapshots.services.inline import fetch_now
from snapshots.services.jobs import run_jobs
from snapshots.services.refresh import request_refresh
from tests.accounts.test_admin import browser
from tests.cast import Cast, clean_up
from tests.factories import make_account, make_job
from tests.meta.test_query_plans import nodes
from tests.tikdash.test_commands import error_of, manage
from tikdash import clock
from tikdash.db.scope import all_tenants, owner, tenant_scope
from tikdash.errors import BadInput, LimitReached, NotFound

ROOM = {"pro": 100, "free": 100, "interactive": 100}
WHY = "The invoice of October is open."


def claimed() -> list[int]:
    return [job.id for job in claim("shared", ROOM)]


# --- tenants ---------------------------------------------------------------------------------------------------------


def test_a_paused_tenants_jobs_stay_due_and_are_left_alone_until_it_is_resumed(cast: Cast, noon: datetime) -> None:
    with tenant_scope(cast.acme):
        jobs = [make_job(make_account(), queue=queue) for queue in ("pro", "interactive")]
        before = list(FetchJob.objects.order_by("id").values())
    with tenant_scope(cast.rival):
        theirs = make_job(make_account())
    assert pause_tenant(slug="acme", reason=WHY)
    assert claimed() == [theirs.pk]
    assert claim_these(cast.acme, [job.pk for job in jobs]) == []
    with tenant_scope(cast.acme):
        assert list(FetchJob.objects.order_by("id").values()) == before
    assert resume_tenant(slug="acme")
    assert sorted(claimed()) == [job.pk for job in jobs]


def test_what_was_claimed_before_the_pause_is_given_back_as_it_was(cast: Cast, noon: datetime) -> None:
    with tenant_scope(cast.acme):
        job = make_job(make_account())
        due = job.next_due_at
    assert claimed() == [job.pk]
    pause_tenant(slug="acme", reason=WHY)
    assert run_jobs(cast.acme, [job.pk]) == []
    with tenant_scope(cast.acme):
        job.refresh_from_db()
    assert (job.lease_until, job.started_at, job.next_due_at, job.attempts) == (None, None, due, 0)


def test_people_are_told_in_place_of_waiting(cast: Cast, noon: datetime) -> None:
    with tenant_scope(cast.acme):
        account = make_account("lena.bakes")
        make_job(account)
    pause_tenant(slug="acme", reason=WHY)
    acme, wish = tenant_by_slug("acme"), clean_wish(handle="new.one", reason="own", tags="")
    with tenant_scope(acme):
        for ask in (
            lambda: request_refresh(tenant=acme, account_id=account.pk),
            lambda: request_tracking(tenant=acme, wish=wish),
            lambda: fetch_now(acme, "lena.bakes"),
        ):
            with pytest.raises(FetchingPaused, match="invoice of October"):
                ask()


def test_pages_say_that_fetching_is_paused_and_why(cast: Cast, ana: Client) -> None:
    with tenant_scope(cast.acme):
        account = make_account("lena.bakes")
    pages = ("/accounts/", f"/accounts/{account.pk}/")
    assert not any("paused" in ana.get(page).content.decode() for page in pages)
    pause_tenant(slug="acme", reason=WHY)
    for page in pages:
        assert f"Fetching is paused for this workspace: {WHY}" in html.unescape(ana.get(page).content.decode())
    resume_tenant(slug="acme")
    pause_kind(kind="posts", reason="TikTok has changed its lists.")
    pause_kind(kind="stories", reason="Not in this plan.")
    for page in pages:
        shown = html.unescape(ana.get(page).content.decode())
        assert "Posts: fetching is paused. TikTok has changed its lists." in shown
    assert "Fetching is paused for this workspace" not in shown


def test_a_pause_needs_a_reason_and_says_whether_it_is_new(cast: Cast, noon: datetime) -> None:
    for reason in ("", "  \n ", "x" * 201):
        with pytest.raises(BadInput):
            pause_tenant(slug="acme", reason=reason)
    with pytest.raises(NotFound):
        pause_tenant(slug="nobody", reason=WHY)
    assert pause_tenant(slug="acme", reason="First.")
    with clock.at(noon + timedelta(hours=1)):
        assert not pause_tenant(slug="acme", reason="Second.")
    tenant = Tenant.objects.get(slug="acme")
    assert (tenant.fetching_paused_at, tenant.fetching_paused_reason) == (noon, "Second.")
    assert resume_tenant(slug="acme")
    assert not resume_tenant(slug="acme")


# --- kinds -----------------------------------------------------------------------------------------------------------


def test_a_paused_kind_runs_for_nobody_and_all_others_run(cast: Cast, noon: datetime) -> None:
    with tenant_scope(cast.acme):
        account = make_account()
        profile, posts = make_job(account), make_job(account, "posts")
    with tenant_scope(cast.rival):
        theirs = make_job(make_account(), "posts")
    pause_kind(kind="posts", reason="TikTok has changed its lists.")
    assert claimed() == [profile.pk]
    assert claim_these(cast.acme, [posts.pk]) == []
    resume_kind(kind="posts")
    assert sorted(claimed()) == sorted([posts.pk, theirs.pk])


# --- operators -------------------------------------------------------------------------------------------------------


def test_commands_pause_and_resume(committed_db: Cast) -> None:
    assert manage("pause", "acme", "--reason", WHY).stdout == "acme: fetching is paused.\n"
    assert tenant_by_slug("acme").paused_reason == WHY
    assert "paused already" in manage("pause", "acme", "--reason", WHY).stdout
    assert manage("resume", "acme").stdout == "acme: fetching goes on.\n"
    assert tenant_by_slug("acme").paused_reason == ""
    assert manage("pause", "--kind", "sound", "--reason", WHY).stdout == "sound: fetching is paused.\n"
    assert manage("resume", "--kind", "sound").stdout == "sound: fetching goes on.\n"
    assert manage("resume", "--kind", "sound").stdout == "sound: was not paused.\n"
    assert error_of(manage("pause", "--reason", WHY)) == "Name a tenant, or a kind with --kind."
    assert "There is no tenant" in error_of(manage("pause", "nobody", "--reason", WHY))


def test_staff_pause_and_resume_in_the_admin_with_a_reason(cast: Cast) -> None:
    olga = browser(cast.olga)

    def act(action: str, reason: str = "") -> str:
        chosen = [cast.acme.id, cast.rival.id]
        data = {"action": action, "_selected_action": chosen, "reason": reason, "confirmed": "1", "counted": 2}
        return html.unescape(olga.post("/admin/accounts/tenant/", data, follow=True).content.decode())

    assert "Say why: the customer reads the reason." in act("pause_fetching")
    assert tenant_by_slug("acme").paused_reason == ""
    assert "Pause fetching: done for 2 tenants." in act("pause_fetching", WHY)
    assert tenant_by_slug("rival").paused_reason == WHY
    assert f": {WHY}" in html.unescape(olga.get("/admin/accounts/tenant/").content.decode())
    assert "Resume fetching: done for 2 tenants." in act("resume_fetching")
    assert f"Pause fetching: {WHY}" in html.unescape(
        olga.get(f"/admin/accounts/tenant/{cast.acme.id}/history/").content.decode()
    )


# --- what it costs ---------------------------------------------------------------------------------------------------

JOBS = """
    INSERT INTO fetch_jobs (tenant_id, kind, queue, priority, cadence_s, offset_s, next_due_at, cursor, params,
                            attempts, state, error_code, error, created_at)
    SELECT %s, 'profile', 'pro', 0, 3600, 0, now() - n * interval '1 s', '', '{}', 0, 'active', '', '', now()
      FROM generate_series(1, %s) AS n
"""


@pytest.fixture
def backlog(_cast: Cast, django_db_blocker: Any) -> Iterator[TenantRef]:
    """Acme has 100,000 due jobs, 1,000 other tenants have one each."""
    with django_db_blocker.unblock():
        clean_up()
        with all_tenants("shared"), connection.cursor() as cursor:
            cursor.execute(JOBS, [_cast.acme.id, 100_000])
            cursor.execute(JOBS.replace("SELECT %s", "SELECT 1000000 + n"), [1_000])
        with owner("shared"), connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE fetch_jobs")
        yield _cast.acme
        resume_tenant(slug="acme")
        clean_up()
        connection.close()


@pytest.mark.parametrize("paused", [True, False], ids=["paused", "running"])
def test_a_tenant_with_100_000_due_jobs_does_not_slow_the_claim(
    backlog: TenantRef, django_db_blocker: Any, paused: bool
) -> None:
    with django_db_blocker.unblock():
        if paused:
            pause_tenant(slug="acme", reason=WHY)
        with CaptureQueriesContext(connection) as captured:
            found = claim("shared", {"pro": 200})
        assert len(found) == 200
        assert sum(job.tenant_id == backlog.id for job in found) <= (0 if paused else 1)
        statements = [query["sql"] for query in captured.captured_queries if "fetch_jobs" in query["sql"]]
        with all_tenants("shared"), connection.cursor() as cursor:
            for statement in statements:
                cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement.replace("%", "%%"), [])
                plan = cursor.fetchone()[0][0]["Plan"]
                read = sum(
                    node["Actual Rows"] * node["Actual Loops"] for node in nodes(plan) if "Scan" in node["Node Type"]
                    and node.get("Relation Name") == "fetch_jobs"
                )  # fmt: skip
                assert read < 20_000, [
                    (n["Node Type"], n.get("Actual Rows"), n.get("Actual Loops")) for n in nodes(plan)
                ]


def test_a_reason_is_a_sentence_on_the_page(committed_db: Cast) -> None:
    for typed, shown in (("The contract ends", "The contract ends."), ("Really?", "Really?"), (" Wait. ", "Wait.")):
        pause_tenant(slug="acme", reason=typed)
        assert tenant_by_slug("acme").paused_reason == shown
    resume_tenant(slug="acme")


# --- workspaces that are going to be deleted --------------------------------------------------------------------------


def test_nothing_is_fetched_for_a_workspace_that_is_going_to_be_deleted(committed_db: Cast, noon: datetime) -> None:
    acme = committed_db.acme
    with tenant_scope(acme):
        account = make_account("lena.bakes")
        jobs = [
            make_job(account, kind=kind, queue=queue) for kind, queue in (("profile", "pro"), ("posts", "interactive"))
        ]
        before = list(FetchJob.objects.order_by("id").values())
    ask_for_deletion(tenant=acme, by="owner", asker="ana@acme.example")
    closing = tenant_by_slug("acme")
    assert claimed() == [] and claim_these(closing, [job.pk for job in jobs]) == []
    assert run_jobs(closing, [job.pk for job in jobs]) == []
    with tenant_scope(closing):
        for asked in (
            lambda: request_refresh(tenant=closing, account_id=account.pk),
            lambda: request_tracking(tenant=closing, wish=clean_wish(handle="new.one", reason="own", tags="")),
        ):
            with pytest.raises(FetchingPaused):
                asked()
        assert list(FetchJob.objects.order_by("id").values()) == before
    with pytest.raises(LimitReached, match="suspended"):
        resume_tenant(slug="acme")
    call_deletion_off(tenant=closing)
    assert sorted(claimed()) == sorted(job.pk for job in jobs)
