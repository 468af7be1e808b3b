"""A backfill: what it costs is said first, it keeps to its cap, goes on where it stopped, and can be called off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from accounts.selectors import TenantRef
from snapshots.ingest.kinds import backfill as kind
from snapshots.models import FetchJob, Post, TrackedAccount
from snapshots.scheduling.dispatch import claim_these
from snapshots.services.backfill import cancel_backfill, estimate, progress_of, start_backfill
from snapshots.services.jobs import RunReport, run_jobs
from tests.cast import Cast
from tests.factories import make_account
from tests.simulating import NOW, Caller
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.errors import BadInput, LimitReached, NotFound

HANDLE = "lena.bakes"


@pytest.fixture
def tenant(committed_db: Cast, upstream: Caller) -> Iterator[TenantRef]:
    """Acme at the simulator's noon."""
    with clock.at(datetime.fromisoformat(NOW)), tenant_scope(committed_db.acme):
        yield committed_db.acme


@pytest.fixture
def account(tenant: TenantRef, upstream: Caller) -> TrackedAccount:
    return make_account(HANDLE, tiktok_user_id=upstream.account_id(HANDLE), video_count=len(visible(upstream)))


def visible(upstream: Caller) -> dict[str, datetime]:
    """The posts that the upstream gives, with when they were published."""
    posts = upstream.look("truth/posts", handle=HANDLE, limit=2000)["posts"]
    return {str(post["id"]): datetime.fromtimestamp(post["create_time"], UTC) for post in posts if not post["deleted"]}


def run(tenant: TenantRef) -> RunReport:
    job = FetchJob.objects.get(kind="backfill")
    FetchJob.objects.filter(pk=job.pk).update(next_due_at=clock.now())
    claim_these(tenant, [job.pk])
    [report] = run_jobs(tenant, [job.pk])
    return report


def run_all(tenant: TenantRef) -> list[str]:
    """Runs until it is done; the outcomes."""
    outcomes = [run(tenant).outcome]
    while FetchJob.objects.get(kind="backfill").state == "active" and len(outcomes) < 50:
        outcomes.append(run(tenant).outcome)
    return outcomes


def start(tenant: TenantRef, account: TrackedAccount, **given: Any) -> None:
    start_backfill(tenant=tenant, account_id=account.pk, **({"months": 120} | given))


def stored() -> set[str]:
    return set(Post.objects.values_list("aweme_id", flat=True))


def test_it_reads_every_post_that_there_is(tenant: TenantRef, account: TrackedAccount, upstream: Caller) -> None:
    posts = visible(upstream)
    cost = estimate(account.pk)
    start(tenant, account)
    assert run_all(tenant)[-1] == "ok"
    progress = progress_of(account.pk)
    assert stored() == set(posts)
    assert (progress.state, progress.posts, progress.stopped) == ("done", len(posts), "end")
    assert progress.oldest == min(posts.values())
    served = upstream.look("stats")["by_endpoint"]["user-posts"]
    assert progress.credits_spent == progress.pages == served <= cost.credits


def test_it_stops_at_the_wished_day(tenant: TenantRef, account: TrackedAccount, upstream: Caller) -> None:
    start(tenant, account, months=1)
    since = clock.now() - timedelta(days=30.44)
    run(tenant)
    progress = progress_of(account.pk)
    assert progress.stopped == "far_enough"
    wished = {aweme_id for aweme_id, moment in visible(upstream).items() if moment >= since}
    assert wished <= stored() < set(visible(upstream))


def test_the_cap_holds_and_a_larger_one_goes_on_where_it_ended(
    tenant: TenantRef, account: TrackedAccount, upstream: Caller
) -> None:
    start(tenant, account, credit_cap=2)
    run(tenant)
    progress = progress_of(account.pk)
    assert (progress.state, progress.stopped, progress.credits_spent) == ("done", "credit_cap", 2)
    with pytest.raises(LimitReached, match="has spent 2 credits"):
        start(tenant, account, credit_cap=2)
    start(tenant, account, credit_cap=100)
    run_all(tenant)
    assert stored() == set(visible(upstream))
    pages = progress_of(account.pk).pages
    assert upstream.look("stats")["by_endpoint"]["user-posts"] == pages == progress_of(account.pk).credits_spent


def test_a_failure_half_way_costs_no_page_twice(
    tenant: TenantRef, account: TrackedAccount, upstream: Caller, settings: Any
) -> None:
    settings.TIKLIVE_ATTEMPTS = 1
    upstream.order("faults", [{"kind": "http", "status": 500, "endpoint": "user-posts", "every": 3}])
    start(tenant, account)
    outcomes = run_all(tenant)
    assert outcomes.count("upstream_down") > 2 and outcomes[-1] == "ok"
    assert stored() == set(visible(upstream))
    progress = progress_of(account.pk)
    assert progress.pages == progress.credits_spent == upstream.look("stats")["credits"] - 1


def test_others_have_their_turn_between_two_runs(
    tenant: TenantRef, account: TrackedAccount, upstream: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind, "PAGES_A_RUN", 2)
    start(tenant, account)
    reports = [run(tenant)]
    while reports[-1].outcome != "ok":
        assert (reports[-1].outcome, reports[-1].wait_s is not None) == ("continues", True)
        job = FetchJob.objects.get(kind="backfill")
        assert (job.state, job.attempts, job.error) == ("active", 0, "")
        reports.append(run(tenant))
    assert len(reports) > 2
    assert stored() == set(visible(upstream))


def test_called_off_in_mid_run_it_ends_with_the_page_and_keeps_what_it_read(
    tenant: TenantRef, account: TrackedAccount, upstream: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(tenant, account)
    noted = kind._noted

    def called_off(*given: Any) -> bool:
        cancel_backfill(account.pk)
        return noted(*given)

    monkeypatch.setattr(kind, "_noted", called_off)
    run(tenant)
    assert progress_of(account.pk).state == "cancelled"
    assert 0 < len(stored()) < len(visible(upstream))
    monkeypatch.setattr(kind, "_noted", noted)
    start(tenant, account)
    run_all(tenant)
    assert stored() == set(visible(upstream))


def test_what_cannot_be_is_said_in_a_sentence(tenant: TenantRef, account: TrackedAccount) -> None:
    for months in (0, 121):
        with pytest.raises(BadInput, match="between 1 and 120"):
            start(tenant, account, months=months)
    with pytest.raises(BadInput, match="at least one credit"):
        start(tenant, account, credit_cap=0)
    with pytest.raises(NotFound):
        cancel_backfill(account.pk)
    start(tenant, account)
    with pytest.raises(LimitReached, match="under way"):
        start(tenant, account)
    assert FetchJob.objects.filter(kind="backfill").count() == 1


def test_the_command_says_the_cost_before_it_starts(tenant: TenantRef, account: TrackedAccount) -> None:
    def backfill(*arguments: str) -> Any:
        out = StringIO()
        call_command("backfill", "acme", HANDLE, *arguments, "--json", stdout=out)
        return json.loads(out.getvalue())

    cost = backfill()
    assert cost["credits"] == -(-account.video_count // 35)
    assert not FetchJob.objects.filter(kind="backfill").exists()
    assert backfill("--months", "3", "--cap", "40", "--yes")["credit_cap"] == 40
    assert backfill("--show")["state"] == "active"
    assert backfill("--cancel")["state"] == "cancelled"
    # Once more says how it ended.
    assert backfill("--cancel")["state"] == "cancelled"


def test_it_is_read_in_utc() -> None:
    assert kind._Read.so_far({"oldest": "2026-01-02T03:04:05+00:00"}).oldest == datetime(
        2026, 1, 2, 3, 4, 5, tzinfo=UTC
    )
