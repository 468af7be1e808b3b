"""Jobs whose turn it is not: they are put back as if nobody had begun them, and no count of failures knows of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.selectors import TenantRef
from billing.gate import gate
from billing.models import Plan, UsageEvent
from snapshots.models import FetchJob, TrackedAccount
from snapshots.scheduling import leases
from snapshots.scheduling.dispatch import claim_these
from snapshots.selectors import handle_check, refresh_state
from snapshots.services.accounts import clean_wish, request_tracking
from snapshots.services.jobs import RunReport, run_jobs
from snapshots.services.refresh import request_refresh
from tests.factories import make_account, make_job
from tests.simulating import Caller
from tikdash import clock

NO_REDIS = "redis://127.0.0.1:9/0"
USED_UP = "The 2 credits a day of the Pro plan are used up"
OPENS = "Fetching goes on at 00:00 UTC."


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """Nothing is counted, kept or remembered."""
    gate.forget()
    cache.clear()
    yield
    gate.forget()
    cache.clear()


@pytest.fixture
def no_redis(settings: Any) -> None:
    """Redis does not answer: background work is not admitted for five seconds."""
    settings.REDIS_URL = NO_REDIS


def make_lena(upstream: Caller, *kinds: str, **fields: Any) -> list[FetchJob]:
    account = make_account("lena.bakes", tiktok_user_id=upstream.account_id("lena.bakes"))
    return [make_job(account, kind, **fields) for kind in kinds]


def run(tenant: TenantRef, *jobs: FetchJob) -> list[RunReport]:
    ids = [job.pk for job in jobs]
    claim_these(tenant, ids)
    reports = run_jobs(tenant, ids)
    for job in jobs:
        job.refresh_from_db()
    return reports


def seconds_until_due(job: FetchJob, now: datetime) -> float:
    return (job.next_due_at - now).total_seconds()


# --- one job ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_redis")
def test_a_job_that_is_not_admitted_is_as_it_was_but_due_later(acme: TenantRef, noon: datetime) -> None:
    job = make_job(make_account(), attempts=9, error="It was down.", error_code="upstream_down", failed_at=noon)
    before = FetchJob.objects.values().get()
    [report] = run(acme, job)
    after = FetchJob.objects.values().get()
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"next_due_at", "claimable_at"}
    assert 5 <= seconds_until_due(job, noon) <= 5.5
    assert report.outcome == "limiter_gone"
    assert report.wait_s == pytest.approx(seconds_until_due(job, noon), abs=0.001)
    assert not UsageEvent.objects.exists()


@pytest.mark.usefixtures("no_redis")
def test_a_job_may_be_put_back_for_ever_and_does_not_die_of_it(acme: TenantRef, noon: datetime) -> None:
    job = make_job(make_account(), attempts=9)
    for number in range(20):
        with clock.at(noon + timedelta(minutes=number)):
            assert [report.outcome for report in run(acme, job)] == ["limiter_gone"]
    assert (job.state, job.attempts, job.error) == ("active", 9, "")


def test_the_next_run_is_as_good_as_the_first(acme: TenantRef, upstream: Caller, noon: datetime, settings: Any) -> None:
    [job] = make_lena(upstream, "profile")
    there, settings.REDIS_URL = settings.REDIS_URL, NO_REDIS
    run(acme, job)
    settings.REDIS_URL = there
    assert run(acme, job) == [], "before it is due nobody takes it"
    with clock.at(noon + timedelta(seconds=6)):
        assert [report.outcome for report in run(acme, job)] == ["ok"]


@pytest.mark.usefixtures("no_redis")
def test_who_lost_the_lease_puts_nothing_back(acme: TenantRef, noon: datetime) -> None:
    job = make_job(make_account())
    claim_these(acme, [job.pk])
    ghost = leases.begin(job.pk)
    assert ghost is not None
    with clock.at(noon + timedelta(hours=1)):
        claim_these(acme, [job.pk])
        assert leases.begin(job.pk) is not None
        before = FetchJob.objects.values().get()
        assert leases.put_back(ghost, noon) is False
        assert FetchJob.objects.values().get() == before


# --- the rest of the batch -------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_redis")
def test_the_rest_of_a_batch_is_put_back_untried_one_behind_the_other(acme: TenantRef, noon: datetime) -> None:
    jobs = [make_job(make_account(), attempts=2) for _ in range(20)]
    reports = run(acme, *jobs)
    assert [report.job_id for report in reports] == [job.pk for job in jobs]
    assert {report.outcome for report in reports} == {"limiter_gone"}
    first, *rest = (seconds_until_due(job, noon) for job in jobs)
    assert 5 <= first <= 5.5
    steps = [later - earlier for earlier, later in pairwise(rest)]
    assert all(5 <= step <= 5.5 for step in steps[:8])
    assert rest[-3:] == [60, 60, 60], "nobody waits for longer than a minute for his turn in the row"
    assert {(job.attempts, job.lease_until, job.started_at) for job in jobs} == {(2, None, None)}


@pytest.mark.usefixtures("no_redis")
def test_a_job_of_the_batch_that_ran_elsewhere_meanwhile_keeps_its_own_time(acme: TenantRef, noon: datetime) -> None:
    first, elsewhere, paused = (make_job(make_account()) for _ in range(3))
    ids = [first.pk, elsewhere.pk, paused.pk]
    claim_these(acme, ids)
    begun = leases.begin(elsewhere.pk)
    assert begun is not None
    tomorrow = noon + timedelta(days=1)
    leases.succeed(begun, queue="pro", cadence_s=86_400, next_due_at=tomorrow, result={})
    FetchJob.objects.filter(pk=paused.pk).update(state="paused")
    assert [report.job_id for report in run_jobs(acme, ids)] == [first.pk]
    elsewhere.refresh_from_db()
    assert elsewhere.next_due_at == tomorrow


def test_an_open_breaker_puts_a_batch_back_and_stores_nothing(
    acme: TenantRef, upstream: Caller, noon: datetime, settings: Any
) -> None:
    settings.TIKLIVE_BREAKER_FAILURES = 1
    settings.TIKLIVE_ATTEMPTS = 1
    jobs = [*make_lena(upstream, "profile", "posts"), make_job(make_account())]
    upstream.order("reset")
    upstream.order("faults", [{"kind": "http", "status": 500}])
    reports = run(acme, *jobs)
    assert [report.outcome for report in reports] == ["upstream_down", "breaker_open", "breaker_open"]
    # The one that opened the breaker waits, too: an outage is not its fault.
    assert [(job.attempts, job.error_code) for job in jobs] == [(0, "upstream_down"), (0, ""), (0, "")]
    assert upstream.look("stats")["requests"] == 1


# --- the budget ------------------------------------------------------------------------------------------------------


def test_a_customer_whose_budget_is_used_up_sees_why_and_the_job_looks_again_every_hour(
    acme: TenantRef, upstream: Caller, noon: datetime
) -> None:
    Plan.objects.filter(code="pro").update(daily_credits=2)
    profile, posts, other = [*make_lena(upstream, "profile", "posts"), make_job(make_account(), attempts=9)]
    reports = run(acme, profile, posts, other)
    assert [report.outcome for report in reports] == ["ok", "budget_reached", "budget_reached"]
    for job, attempts in ((posts, 0), (other, 9)):
        assert (job.state, job.attempts, job.error_code) == ("active", attempts, "budget_reached")
        assert job.error == f"{USED_UP}. {OPENS}"
        assert 3_300 <= seconds_until_due(job, noon) <= 3_600
    almost_midnight = noon.replace(hour=23, minute=50)
    with clock.at(almost_midnight):
        run(acme, posts)
        assert 600 <= seconds_until_due(posts, almost_midnight) <= 660
    with clock.at(noon + timedelta(days=1)):
        upstream.set_clock(clock.now().isoformat())
        assert [report.outcome for report in run(acme, posts)] == ["ok"]
    assert (posts.error, posts.error_code) == ("", "")


def test_a_refresh_beyond_the_reserve_says_so_on_the_button(acme: TenantRef, upstream: Caller, noon: datetime) -> None:
    jobs = make_lena(upstream, "profile", "posts")
    Plan.objects.filter(code="pro").update(daily_credits=2)
    account = TrackedAccount.objects.get()
    ids = request_refresh(tenant=acme, account_id=account.pk)
    claim_these(acme, ids)
    assert [report.outcome for report in run_jobs(acme, ids)] == ["ok", "budget_reached"]
    gate.forget()
    with clock.at(noon + timedelta(minutes=10)):
        ids = request_refresh(tenant=acme, account_id=account.pk)
        claim_these(acme, ids)
        run_jobs(acme, ids)
        state = refresh_state(account.pk)
        assert not state.pending
        assert state.text == f"{USED_UP}, and so is the reserve for refreshes. {OPENS}"
    assert len(jobs) == 2


# --- people in front of the form -------------------------------------------------------------------------------------


def probe(tenant: TenantRef, handle: str) -> FetchJob:
    wish = clean_wish(handle=handle, reason="own", tags="")
    return FetchJob.objects.get(pk=request_tracking(tenant=tenant, wish=wish))


def test_a_handle_is_never_refused_because_it_is_not_its_turn(
    acme: TenantRef, upstream: Caller, noon: datetime, settings: Any
) -> None:
    settings.TIKLIVE_BREAKER_FAILURES = 1
    settings.TIKLIVE_ATTEMPTS = 1
    [job] = make_lena(upstream, "profile")
    upstream.order("faults", [{"kind": "http", "status": 500, "count": 1}])
    run(acme, job)
    check = probe(acme, "noor.kitchen")
    for number in range(8):
        with clock.at(noon + timedelta(minutes=2 * number)):
            [report] = run(acme, check)
            assert report.outcome == "breaker_open"
    assert (check.state, check.attempts, check.error) == ("active", 0, "")
    assert handle_check(check.pk).state == "pending"
    cache.clear()
    with clock.at(noon + timedelta(hours=1)):
        assert [report.outcome for report in run(acme, check)] == ["ok"]
    assert TrackedAccount.objects.filter(username="noor.kitchen").exists()


def test_a_person_whose_handle_waits_for_the_budget_reads_why(
    acme: TenantRef, upstream: Caller, ana: Client, noon: datetime
) -> None:
    Plan.objects.filter(code="pro").update(daily_credits=2)
    [job] = make_lena(upstream, "profile")
    run(acme, job)
    check = probe(acme, "noor.kitchen")
    run(acme, check)
    page = ana.get(f"/accounts/checks/{check.pk}/").content.decode()
    assert "Looking for" in page
    assert USED_UP in page
    assert check.state == "active"
