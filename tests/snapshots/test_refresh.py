"""The refresh button: at once, but not more often than every five minutes, and it says how long that takes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from accounts.selectors import TenantRef
from snapshots.models import FetchJob, TrackedAccount
from snapshots.scheduling.dispatch import claim_these
from snapshots.selectors import refresh_state
from snapshots.services.jobs import run_jobs
from snapshots.services.refresh import request_refresh
from tests.cast import Cast
from tests.factories import make_account, make_job
from tests.simulating import Caller
from tests.threads import at_once
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.errors import LimitReached, NotFound


def make_fetched(noon: datetime, **fields: object) -> TrackedAccount:
    """An account whose two jobs are due in an hour."""
    account = make_account("lena.bakes")
    for kind in ("profile", "posts"):
        make_job(account, kind, next_due_at=noon + timedelta(hours=1), **fields)
    return account


def test_a_refresh_makes_both_jobs_due_now_in_front_of_everything_else(acme: TenantRef, noon: datetime) -> None:
    account = make_fetched(noon)
    ids = request_refresh(tenant=acme, account_id=account.pk)
    jobs = FetchJob.objects.in_bulk(ids)
    assert {job.kind for job in jobs.values()} == {"profile", "posts"}
    for job in jobs.values():
        assert (job.queue, job.priority, job.next_due_at, job.requested_at) == ("interactive", 10, noon, noon)
    assert refresh_state(account.pk).pending


def test_within_five_minutes_it_is_refused_with_the_time_left(acme: TenantRef, noon: datetime) -> None:
    account = make_fetched(noon)
    request_refresh(tenant=acme, account_id=account.pk)
    for seconds, minutes in ((0, 5), (1, 5), (60, 4), (61, 4), (299, 1)):
        with clock.at(noon + timedelta(seconds=seconds)):
            with pytest.raises(LimitReached) as refused:
                request_refresh(tenant=acme, account_id=account.pk)
            assert str(refused.value) == f"This account was refreshed a moment ago. Again in {minutes} min."
            assert refused.value.data["wait_s"] == 300 - seconds
    with clock.at(noon + timedelta(seconds=300)):
        assert len(request_refresh(tenant=acme, account_id=account.pk)) == 2


def test_of_many_clicks_at_once_one_counts(committed_db: Cast, noon: datetime) -> None:
    acme = committed_db.acme
    with tenant_scope(acme):
        account = make_fetched(noon)

    def click() -> bool:
        try:
            with tenant_scope(acme):
                request_refresh(tenant=acme, account_id=account.pk)
        except LimitReached:
            return False
        return True

    assert sorted(at_once([click] * 6)) == [False] * 5 + [True]


def test_after_the_run_the_job_is_back_in_its_own_queue(acme: TenantRef, upstream: Caller, noon: datetime) -> None:
    account = make_fetched(noon)
    TrackedAccount.objects.update(tiktok_user_id=upstream.account_id("lena.bakes"))
    ids = request_refresh(tenant=acme, account_id=account.pk)
    claim_these(acme, ids)
    assert [report.outcome for report in run_jobs(acme, ids)] == ["ok", "ok"]
    assert set(FetchJob.objects.values_list("queue", flat=True)) == {"pro"}
    state = refresh_state(account.pk)
    assert (state.pending, state.allowed, state.wait_s, state.text) == (False, False, 300, "Again in 5 min")
    with clock.at(noon + timedelta(minutes=5)):
        assert refresh_state(account.pk).allowed


def test_a_refreshed_job_does_not_stand_in_front_of_everything_for_ever(
    acme: TenantRef, upstream: Caller, noon: datetime
) -> None:
    account = make_fetched(noon)
    TrackedAccount.objects.update(tiktok_user_id=upstream.account_id("lena.bakes"))
    ids = request_refresh(tenant=acme, account_id=account.pk)
    claim_these(acme, ids)
    run_jobs(acme, ids)
    assert set(FetchJob.objects.values_list("priority", flat=True)) == {0}


def test_a_refresh_that_failed_says_why_and_ends_the_waiting(acme: TenantRef, upstream: Caller, noon: datetime) -> None:
    account = make_fetched(noon)
    upstream.order("faults", [{"kind": "http", "status": 500}])
    ids = request_refresh(tenant=acme, account_id=account.pk)
    claim_these(acme, ids)
    run_jobs(acme, ids)
    state = refresh_state(account.pk)
    assert not state.pending
    assert state.text == "TikLiveAPI has a problem at the moment. We will try again shortly."


def test_a_slow_refresh_says_so_after_half_a_minute(acme: TenantRef, noon: datetime) -> None:
    account = make_fetched(noon)
    request_refresh(tenant=acme, account_id=account.pk)
    assert refresh_state(account.pk).text == ""
    with clock.at(noon + timedelta(seconds=31)):
        assert refresh_state(account.pk).text == "Taking longer than usual; the old numbers stay."


def test_a_refresh_wakes_a_job_that_had_given_up(acme: TenantRef, noon: datetime) -> None:
    account = make_fetched(noon, state="dead", attempts=10, error="TikLiveAPI has a problem at the moment.")
    state = refresh_state(account.pk)
    assert state.allowed and state.text == "The last attempts failed: TikLiveAPI has a problem at the moment."
    request_refresh(tenant=acme, account_id=account.pk)
    assert set(FetchJob.objects.values_list("state", "attempts")) == {("active", 0)}


def test_an_account_of_another_tenant_cannot_be_refreshed(cast: Cast, noon: datetime) -> None:
    with tenant_scope(cast.acme):
        account = make_fetched(noon)
    with tenant_scope(cast.rival), pytest.raises(NotFound):
        request_refresh(tenant=cast.rival, account_id=account.pk)
    with tenant_scope(cast.acme):
        assert set(FetchJob.objects.values_list("requested_at", flat=True)) == {None}
