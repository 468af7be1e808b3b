"""One run of a job: what the upstream does wrong ends in the row as a sentence, and every served request is counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction

from accounts.selectors import TenantRef
from billing.metering import UsageMeter, meter
from billing.models import UsageEvent
from snapshots.models import FetchJob, Post, TrackedAccount
from snapshots.scheduling.dispatch import claim_these
from snapshots.services.accounts import KINDS as KINDS_OF_ACCOUNTS
from snapshots.services.accounts import clean_wish, request_tracking
from snapshots.services.jobs import RunReport, run_jobs
from tests.cast import Cast
from tests.factories import make_account, make_job
from tests.simulating import Caller
from tests.snapshots.conftest import broken_table
from tikdash import clock
from tikdash.plans import limits_of
from tikdash.redis import server
from tikdash.tiklive.client import client_for
from tikdash.tiklive.ports import load_ports

SLOW_DOWN = "TikLiveAPI asks us to slow down. We will try again shortly."
DOWN = "TikLiveAPI has a problem at the moment. We will try again shortly."
TOO_LATE = "TikLiveAPI took too long to answer. We will try again shortly."
UNUSABLE = "TikLiveAPI sent an answer that cannot be used."
NO_CREDITS = "The TikLiveAPI credits of this key are used up."
BAD_KEY = "TikLiveAPI does not accept the API key."
KINDS = ("profile", "posts")


@pytest.fixture(autouse=True)
def _one_attempt_a_call(settings: Any) -> Iterator[None]:
    """Attempts within a call are told in tests/tiklive; and no pause or breaker of one test is left to the next."""
    settings.TIKLIVE_ATTEMPTS = 1
    cache.clear()
    yield
    cache.clear()


def make_lenas_job(upstream: Caller, kind: str, **fields: Any) -> FetchJob:
    account = make_account("lena.bakes", tiktok_user_id=upstream.account_id("lena.bakes"), follower_count=3)
    upstream.order("reset")
    upstream.set_clock(clock.now().isoformat())
    return make_job(account, kind, **fields)


def run(tenant: TenantRef, job: FetchJob) -> RunReport:
    claim_these(tenant, [job.pk])
    [report] = run_jobs(tenant, [job.pk])
    job.refresh_from_db()
    return report


def assert_usage_is_what_was_served(upstream: Caller) -> None:
    stats = upstream.look("stats")
    events = UsageEvent.objects.all()
    counted: dict[str, int] = {}
    for event in events:
        counted[event.endpoint] = counted.get(event.endpoint, 0) + 1
    assert counted == stats["by_endpoint"]
    assert sum(event.credits for event in events) == stats["credits"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_run_sets_the_next_due_time_by_plan_and_clears_the_last_error(
    acme: TenantRef, upstream: Caller, noon: datetime, kind: str
) -> None:
    job = make_lenas_job(
        upstream, kind, queue="interactive", cadence_s=86_400, offset_s=120, attempts=3, error="x", error_code="x"
    )
    report = run(acme, job)
    assert (report.outcome, report.handle, report.kind) == ("ok", "lena.bakes", kind)
    assert (job.attempts, job.error, job.error_code, job.state) == (0, "", "", "active")
    # The row was made under another plan: cadence and queue are today's of Acme.
    assert (job.queue, job.cadence_s) == ("pro", {"profile": 21_600, "posts": 3_600}[kind])
    assert job.succeeded_at == noon and job.next_due_at == noon + timedelta(seconds=120)
    assert_usage_is_what_was_served(upstream)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("fault", "code", "sentence"),
    [
        ({"kind": "http", "status": 429}, "rate_limited", SLOW_DOWN),
        ({"kind": "http", "status": 500}, "upstream_down", DOWN),
        ({"kind": "http", "status": 503}, "upstream_down", DOWN),
        ({"kind": "truncated"}, "bad_payload", UNUSABLE),
        ({"kind": "not_json"}, "bad_payload", UNUSABLE),
        ({"kind": "empty_object"}, "bad_payload", UNUSABLE),
        ({"kind": "wrong_shape"}, "bad_payload", UNUSABLE),
        ({"kind": "timeout", "seconds": 1.2}, "upstream_timeout", TOO_LATE),
    ],
    ids=lambda value: "-".join(str(part) for part in value.values()) if isinstance(value, dict) else None,
)
def test_trouble_upstream_is_a_sentence_in_the_row_and_a_later_try(
    acme: TenantRef,
    upstream: Caller,
    noon: datetime,
    settings: Any,
    kind: str,
    fault: dict[str, Any],
    code: str,
    sentence: str,
) -> None:
    settings.TIKLIVE_READ_TIMEOUT_S = 0.4 if fault["kind"] == "timeout" else 10
    job = make_lenas_job(upstream, kind)
    upstream.order("faults", [fault])
    report = run(acme, job)
    assert (report.outcome, report.text) == (code, sentence)
    assert (job.state, job.attempts, job.error_code, job.error) == ("active", 1, code, sentence)
    assert job.failed_at == noon and job.lease_until is None and job.started_at is None
    assert timedelta(seconds=45) <= job.next_due_at - noon <= timedelta(seconds=75)
    account = TrackedAccount.objects.get()
    assert (account.follower_count, account.state, Post.objects.count()) == (3, "active", 0)
    events = list(UsageEvent.objects.values_list("outcome", "feature", "priority", "attempts"))
    assert events == [(code, kind, "pro", 1)]
    if fault["kind"] == "timeout":
        # The upstream has sent into the void, and knows of no failure.
        assert upstream.look("stats")["requests"] == 1
    else:
        assert_usage_is_what_was_served(upstream)


@pytest.mark.parametrize("fault", [{"kind": "http", "status": 503}, {"kind": "truncated"}], ids=["503", "cut off"])
def test_an_outage_of_days_costs_no_job_its_life(
    acme: TenantRef, upstream: Caller, settings: Any, fault: dict[str, Any]
) -> None:
    settings.TIKLIVE_BREAKER_FAILURES = 3
    job, redis = make_lenas_job(upstream, "profile"), server().connection
    upstream.order("faults", [fault])
    for _ in range(3 + 3 * settings.JOB_ATTEMPTS):
        FetchJob.objects.filter(pk=job.pk).update(next_due_at=clock.now())
        # The breaker's time is over: this request finds out whether the outage is.
        if redis.hexists("tlb:upstream", "until"):
            redis.hset("tlb:upstream", "until", 1)
        assert run(acme, job).outcome in ("upstream_down", "bad_payload")
    assert (job.state, job.attempts) == ("active", 2), "those before the breaker opened"
    assert_usage_is_what_was_served(upstream)


def test_what_fails_while_the_upstream_works_is_the_jobs_own(acme: TenantRef, upstream: Caller, settings: Any) -> None:
    settings.TIKLIVE_BREAKER_FAILURES = 3
    job, other = make_lenas_job(upstream, "posts"), make_job(TrackedAccount.objects.get(), "profile")
    upstream.order("faults", [{"kind": "http", "status": 500, "endpoint": "user-posts"}])
    for _ in range(settings.JOB_ATTEMPTS):
        FetchJob.objects.update(next_due_at=clock.now())
        run(acme, job)
        FetchJob.objects.filter(pk=other.pk).update(next_due_at=clock.now(), succeeded_at=None)
        server().connection.delete(*server().connection.keys("tla:*") or ["nothing"])
        assert run(acme, other).outcome == "ok"
    assert (job.state, job.attempts) == ("dead", settings.JOB_ATTEMPTS)


def test_the_upstreams_own_waiting_time_is_kept(acme: TenantRef, upstream: Caller, noon: datetime) -> None:
    job = make_lenas_job(upstream, "profile")
    upstream.order("faults", [{"kind": "http", "status": 429, "retry_after": 1800}])
    run(acme, job)
    assert job.next_due_at == noon + timedelta(seconds=1800)


def test_an_upstream_that_is_not_there_costs_no_usage_event(acme: TenantRef, settings: Any) -> None:
    settings.TIKLIVE_BASE_URL = "http://127.0.0.1:9"
    job = make_job(make_account(), "profile")
    assert run(acme, job).outcome == "connection_failed"
    assert job.error == "TikLiveAPI cannot be reached at the moment. We will try again shortly."
    assert not UsageEvent.objects.exists()


@pytest.mark.parametrize(
    ("fault", "code", "sentence"),
    [
        ({"kind": "out_of_credits"}, "out_of_credits", NO_CREDITS),
        ({"kind": "http", "status": 401}, "bad_key", BAD_KEY),
    ],
)
def test_a_job_waits_for_a_better_key_and_does_not_die_of_it(
    acme: TenantRef, upstream: Caller, noon: datetime, fault: dict[str, Any], code: str, sentence: str
) -> None:
    job = make_lenas_job(upstream, "profile", attempts=9)
    upstream.order("faults", [fault])
    for number in range(3):
        with clock.at(noon + timedelta(hours=number)):
            assert run(acme, job).text == sentence
            assert job.next_due_at == clock.now() + timedelta(minutes=10)
    assert (job.state, job.attempts, job.error_code) == ("active", 9, code)
    upstream.order("faults", [])
    with clock.at(noon + timedelta(hours=4)):
        assert run(acme, job).outcome == "ok"


def test_pages_are_counted_one_by_one_when_the_second_fails(acme: TenantRef, upstream: Caller) -> None:
    job = make_lenas_job(upstream, "posts")
    upstream.order("faults", [{"kind": "http", "status": 500, "skip": 1}])
    assert run(acme, job).outcome == "upstream_down"
    assert UsageEvent.objects.count() == 2 and Post.objects.count() == 30
    assert_usage_is_what_was_served(upstream)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_of_ours_while_storing_leaves_the_usage_and_a_sentence(
    real_acme: TenantRef, upstream: Caller, kind: str
) -> None:
    job = make_lenas_job(upstream, kind)
    with broken_table(real_acme.schema_name, "account_snapshots", "post_snapshots"):
        report = run(real_acme, job)
    assert (report.outcome, report.text) == ("error", "An error of ours: IntegrityError.")
    assert (job.state, job.attempts, job.error) == ("active", 1, "An error of ours: IntegrityError.")
    assert UsageEvent.objects.count() == 1 and Post.objects.count() == 0
    assert TrackedAccount.objects.get().follower_count == 3, "nothing is stored by halves"
    assert_usage_is_what_was_served(upstream)


def test_usage_survives_a_rollback_because_the_meter_refuses_to_be_part_of_one(
    committed_db: Cast, upstream: Caller
) -> None:
    client = client_for(committed_db.acme.id, feature="profile", priority="pro")
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        client.userid("lena.bakes")


def test_a_batch_goes_on_after_a_failure_and_leaves_out_what_is_not_claimed(acme: TenantRef, upstream: Caller) -> None:
    good, unclaimed = make_lenas_job(upstream, "profile"), make_job(make_account("x.y"), "profile")
    bad = make_job(make_account("noor.kitchen", tiktok_user_id="1"), "posts")
    upstream.order("faults", [{"kind": "http", "status": 500, "endpoint": "user-posts"}])
    claim_these(acme, [bad.pk, good.pk])
    reports = run_jobs(acme, [bad.pk, unclaimed.pk, good.pk, good.pk])
    assert [(report.job_id, report.outcome) for report in reports] == [(bad.pk, "upstream_down"), (good.pk, "ok")]


# --- probes: somebody waits in front of a form -----------------------------------------------------------------------


def probe(tenant: TenantRef, handle: str) -> FetchJob:
    wish = clean_wish(handle=handle, reason="own", tags="bread, uk")
    return FetchJob.objects.get(pk=request_tracking(tenant=tenant, wish=wish))


def run_until_it_ends(tenant: TenantRef, job: FetchJob, noon: datetime) -> int:
    """How often the job ran, a try every two seconds for a minute."""
    for number in range(30):
        with clock.at(noon + timedelta(seconds=2 * number)):
            run(tenant, job)
        if job.state != "active":
            return number + 1
    return 30


def test_a_probe_tracks_the_account_with_reason_tags_and_jobs(
    acme: TenantRef, upstream: Caller, noon: datetime
) -> None:
    job = probe(acme, "@Lena.Bakes")
    assert run(acme, job).outcome == "ok"
    account = TrackedAccount.objects.get()
    assert (job.state, job.params["account_id"]) == ("done", account.pk)
    assert (account.username, account.tracked_reason, account.tags) == ("lena.bakes", "own", ["bread", "uk"])
    jobs = {job.kind: job for job in FetchJob.objects.filter(account=account)}
    assert jobs.keys() == (set(limits_of(acme).cadences) | {"pictures"}) & set(KINDS_OF_ACCOUNTS)
    assert jobs["posts"].next_due_at == noon and jobs["posts"].queue == "interactive"
    assert jobs["pictures"].next_due_at == noon and jobs["pictures"].queue == "pro"
    assert jobs["profile"].next_due_at > noon and jobs["profile"].queue == "pro"
    for kind in jobs.keys() - {"posts", "profile", "pictures"}:
        # Not after half a week, although that is how often it runs.
        assert noon < jobs[kind].next_due_at <= noon + timedelta(days=1), kind
        assert (jobs[kind].queue, jobs[kind].requested_at, jobs[kind].succeeded_at) == ("pro", None, None)
    assert_usage_is_what_was_served(upstream)


def test_an_unknown_handle_is_refused_after_the_cheapest_call(
    acme: TenantRef, upstream: Caller, noon: datetime
) -> None:
    upstream.order("overrides", {"deleted": [{"handle": "lena.bakes"}]})
    job = probe(acme, "lena.bakes")
    assert run(acme, job).outcome == "refused"
    sentence = "TikTok knows no @lena.bakes. Check the spelling; a deleted account cannot be tracked."
    assert (job.state, job.error) == ("refused", sentence)
    assert not TrackedAccount.objects.exists()
    assert upstream.look("stats")["by_endpoint"] == {"userid": 1}
    assert_usage_is_what_was_served(upstream)


def test_a_private_handle_is_refused(acme: TenantRef, upstream: Caller) -> None:
    upstream.order("overrides", {"private": [{"handle": "lena.bakes"}]})
    job = probe(acme, "lena.bakes")
    run(acme, job)
    sentence = "@lena.bakes is private on TikTok. Its numbers cannot be tracked until it is public."
    assert (job.state, job.error, TrackedAccount.objects.count()) == ("refused", sentence, 0)


def test_a_former_handle_of_a_tracked_account_is_refused_as_tracked(acme: TenantRef, upstream: Caller) -> None:
    make_account("mara.codes", tiktok_user_id=upstream.account_id("marabuilds"))
    job = probe(acme, "marabuilds")
    run(acme, job)
    assert (job.state, job.error) == ("refused", "@mara.codes is tracked already.")
    assert TrackedAccount.objects.count() == 1


@pytest.mark.parametrize(
    ("fault", "tries", "sentence"),
    [
        ({"kind": "http", "status": 500}, 3, DOWN),
        ({"kind": "http", "status": 429}, 3, SLOW_DOWN),
        ({"kind": "truncated"}, 3, UNUSABLE),
        ({"kind": "out_of_credits"}, 1, NO_CREDITS),
        ({"kind": "http", "status": 401}, 1, BAD_KEY),
    ],
    ids=["500", "429", "truncated", "credits", "key"],
)
def test_nobody_waits_for_ever_in_front_of_the_form(
    acme: TenantRef, upstream: Caller, noon: datetime, fault: dict[str, Any], tries: int, sentence: str
) -> None:
    job = probe(acme, "lena.bakes")
    upstream.order("faults", [fault])
    assert run_until_it_ends(acme, job, noon) == tries
    assert (job.state, job.error, TrackedAccount.objects.count()) == ("refused", sentence, 0)
    assert_usage_is_what_was_served(upstream)


def test_one_bad_answer_does_not_refuse_a_handle(acme: TenantRef, upstream: Caller, noon: datetime) -> None:
    job = probe(acme, "lena.bakes")
    upstream.order("faults", [{"kind": "http", "status": 500, "count": 1}])
    assert run_until_it_ends(acme, job, noon) == 2
    assert job.state == "done" and TrackedAccount.objects.get().username == "lena.bakes"


def test_the_meter_takes_an_event_once(acme: TenantRef, upstream: Caller) -> None:
    class Twice(UsageMeter):
        def record(self, event: Any) -> None:
            meter.record(event)
            meter.record(event)

    client_for(acme.id, feature="profile", priority="pro", ports=replace(load_ports(), meter=Twice())).userid(
        "lena.bakes"
    )
    assert UsageEvent.objects.count() == 1
