"""Somebody looks at an account: numbers older than the plan says come anew, and none is paid for without need."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client

from accounts.selectors import TenantRef, tenant_by_slug
from accounts.services.pausing import pause_tenant
from snapshots.models import AccountReading, AccountSnapshot, FetchJob, TrackedAccount
from snapshots.scheduling.dispatch import claim_these
from snapshots.selectors import refresh_state
from snapshots.services.jobs import run_jobs
from snapshots.services.planning import plan_jobs
from snapshots.services.viewing import note_view
from tests.cast import Cast
from tests.factories import make_account, make_job
from tests.simulating import Caller
from tests.snapshots.conftest import both_clocks_at
from tests.threads import at_once
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.errors import NotFound

HOUR = timedelta(hours=1)


def make_seen(noon: datetime, upstream: Caller | None = None, *, age: timedelta = 7 * HOUR) -> TrackedAccount:
    """An account that was last read `age` ago and comes next tomorrow night."""
    known = {"tiktok_user_id": upstream.account_id("lena.bakes")} if upstream else {}
    account = make_account("lena.bakes", measured_at=noon - age, tracked_since=noon - timedelta(days=90), **known)
    for kind in ("profile", "posts"):
        make_job(account, kind, next_due_at=noon + 14 * HOUR, succeeded_at=noon - age, cadence_s=86_400, why="Rests.")
    return account


def look(tenant: TenantRef, account: TrackedAccount) -> set[str]:
    return set(
        FetchJob.objects.filter(pk__in=note_view(tenant=tenant, account_id=account.pk)).values_list("kind", flat=True)
    )


def run(tenant: TenantRef, ids: list[int]) -> set[str]:
    claim_these(tenant, ids)
    return {report.outcome for report in run_jobs(tenant, ids)}


def test_numbers_older_than_the_plans_cadence_become_due_and_newer_ones_do_not(acme: TenantRef, noon: datetime) -> None:
    """Pro: profile every 6 h, posts every hour."""
    account = make_seen(noon, age=30 * timedelta(minutes=1))
    assert look(acme, account) == set()
    assert not refresh_state(account.pk).pending
    for age, kinds in ((61, {"posts"}), (360, {"posts"}), (361, {"profile", "posts"})):
        moment = noon - timedelta(minutes=age)
        TrackedAccount.objects.update(measured_at=moment)
        FetchJob.objects.update(succeeded_at=moment, next_due_at=noon + 14 * HOUR, queue="pro")
        assert look(acme, account) == kinds, age
        assert refresh_state(account.pk).pending
        # Looking again does not add to it.
        assert look(acme, account) == set()
    job = FetchJob.objects.get(kind="profile")
    assert (job.queue, job.next_due_at, job.requested_at) == ("interactive", noon, None)


def test_a_look_is_noted_to_the_hour(acme: TenantRef, noon: datetime) -> None:
    account = make_seen(noon, age=HOUR / 60)
    for minutes, hour in ((0, 12), (59, 12), (60, 13)):
        with clock.at(noon + timedelta(minutes=minutes)):
            look(acme, account)
            account.refresh_from_db()
            assert account.viewed_at == noon.replace(hour=hour)


def test_a_paused_tenant_and_failing_running_or_dead_jobs_are_left_alone(cast: Cast, noon: datetime) -> None:
    with tenant_scope(cast.acme):
        account = make_seen(noon)
        for odd in (
            {"attempts": 1},
            {"started_at": noon, "lease_until": noon + HOUR},
            {"state": "dead"},
            {"state": "paused"},
            {"next_due_at": noon - HOUR},
        ):
            usual = {"attempts": 0, "started_at": None, "lease_until": None, "state": "active"}
            FetchJob.objects.update(**usual | {"next_due_at": noon + HOUR} | odd)
            assert look(cast.acme, account) == set(), odd
        FetchJob.objects.update(state="active", next_due_at=noon + HOUR)
    pause_tenant(slug="acme", reason="The invoice is open.")
    with tenant_scope(cast.acme):
        assert look(tenant_by_slug("acme"), account) == set()
        account.refresh_from_db()
        assert account.viewed_at == noon


def test_what_tiktok_does_not_give_is_asked_for_once_in_half_a_cadence(acme: TenantRef, noon: datetime) -> None:
    """A private account keeps its old numbers, and every look would cost a credit."""
    account = make_seen(noon, age=timedelta(days=30))
    FetchJob.objects.update(succeeded_at=noon - 2.9 * HOUR)
    assert look(acme, account) == {"posts"}
    FetchJob.objects.update(succeeded_at=noon - 3.1 * HOUR, next_due_at=noon + HOUR)
    assert look(acme, account) == {"profile", "posts"}


def test_other_tenants_accounts_are_unknown(cast: Cast, noon: datetime) -> None:
    with tenant_scope(cast.acme):
        account = make_seen(noon)
    with tenant_scope(cast.rival), pytest.raises(NotFound):
        note_view(tenant=cast.rival, account_id=account.pk)


def test_of_ten_who_look_at_once_one_makes_it_due(committed_db: Cast, noon: datetime) -> None:
    acme = committed_db.acme
    with tenant_scope(acme):
        account = make_seen(noon)

    def one_looks() -> int:
        with clock.at(noon), tenant_scope(acme):
            return len(note_view(tenant=acme, account_id=account.pk))

    assert sum(at_once([one_looks] * 10)) == 2


def test_the_run_is_kept_as_a_reading_and_stands_for_the_next_night(
    acme: TenantRef, upstream: Caller, noon: datetime
) -> None:
    with both_clocks_at(upstream, noon):
        account = make_seen(noon, upstream)
        ids = note_view(tenant=acme, account_id=account.pk)
        assert run(acme, ids) == {"ok"}
        assert not refresh_state(account.pk).pending
        account.refresh_from_db()
        assert account.measured_at == noon
        assert AccountReading.objects.filter(account=account).count() == 1
        jobs = {job.kind: job for job in FetchJob.objects.all()}
        assert {job.next_due_at for job in jobs.values()} == {noon + timedelta(days=1)}
        assert {job.queue for job in jobs.values()} == {"pro"}
    # Nobody looks the next day: the scheduled run gives that day its row, and then it is in its rhythm again.
    with both_clocks_at(upstream, noon + timedelta(days=1)):
        assert run(acme, ids) == {"ok"}
        assert AccountSnapshot.objects.filter(account=account).count() == 2
        assert FetchJob.objects.get(kind="profile").next_due_at.date() == (noon + timedelta(days=2)).date()
        assert FetchJob.objects.get(kind="profile").next_due_at.hour == 2


def test_what_is_looked_at_is_paced_faster_from_then_on(acme: TenantRef, noon: datetime) -> None:
    account = make_seen(noon)
    TrackedAccount.objects.update(viewed_at=None)
    plan_jobs(acme)
    assert FetchJob.objects.get(account=account, kind="posts").cadence_s == 3 * 86_400
    note_view(tenant=acme, account_id=account.pk)
    plan_jobs(acme)
    assert FetchJob.objects.get(account=account, kind="posts").cadence_s == 6 * 3_600


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_page_says_that_it_is_seen_and_swaps_the_header_only_where_newer_numbers_come(
    ana: Client, cast: Cast, noon: datetime
) -> None:
    with tenant_scope(cast.acme):
        account = make_seen(noon)
    page = ana.get(f"/accounts/{account.pk}/").content.decode()
    assert f'hx-post="/accounts/{account.pk}/viewed/" hx-trigger="load"' in page
    with tenant_scope(cast.acme):
        account.refresh_from_db()
        # A browser that fetches a page ahead of a click has not shown it to anybody.
        assert account.viewed_at is None and not FetchJob.objects.filter(queue="interactive").exists()
    first = ana.post(f"/accounts/{account.pk}/viewed/")
    assert first.status_code == 200 and "Refreshing" in first.content.decode()
    assert "?was=pending" in first.content.decode()
    second = ana.post(f"/accounts/{account.pk}/viewed/")
    assert (second.status_code, second.content) == (204, b"")
    assert ana.get(f"/accounts/{account.pk}/viewed/").status_code == 405
    assert ana.post("/accounts/999999/viewed/").status_code == 404
