"""Numbers carry the time at which they were measured: an answer that was kept is as old as it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.cache import cache

from accounts.selectors import TenantRef
from billing.models import UsageEvent
from snapshots.models import AccountSnapshot, FetchJob, Post, PostSnapshot, TrackedAccount
from snapshots.scheduling.dispatch import claim_these
from snapshots.services.accounts import clean_wish, request_tracking
from snapshots.services.jobs import run_jobs
from snapshots.services.refresh import request_refresh
from tests.factories import make_account, make_job, make_post
from tests.simulating import Caller
from tests.snapshots.conftest import both_clocks_at
from tikdash import clock
from tikdash.tiklive.client import client_for

BEFORE_MIDNIGHT = datetime(2026, 11, 15, 23, 58, tzinfo=UTC)
AFTER_MIDNIGHT = datetime(2026, 11, 16, 0, 3, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def make_lena(upstream: Caller, **fields: object) -> tuple[TrackedAccount, list[FetchJob]]:
    account = make_account("lena.bakes", tiktok_user_id=upstream.account_id("lena.bakes"))
    due = BEFORE_MIDNIGHT - timedelta(hours=1)
    return account, [make_job(account, kind, next_due_at=due, **fields) for kind in ("profile", "posts")]


def keep_answers(tenant: TenantRef, upstream: Caller, account: TrackedAccount, moment: datetime) -> None:
    """Somebody asks for profile and posts, whose answers are kept for a while."""
    with both_clocks_at(upstream, moment):
        client = client_for(tenant.id, feature="compare", priority="interactive")
        client.userinfo_by_username(account.username)
        client.user_posts(account.tiktok_user_id, count=30)


def run(tenant: TenantRef, jobs: list[FetchJob]) -> set[str]:
    ids = [job.pk for job in jobs]
    claim_these(tenant, ids)
    return {report.outcome for report in run_jobs(tenant, ids)}


def test_what_is_stored_after_midnight_counts_for_the_day_on_which_it_was_measured(
    acme: TenantRef, upstream: Caller
) -> None:
    account, jobs = make_lena(upstream)
    keep_answers(acme, upstream, account, BEFORE_MIDNIGHT)
    with both_clocks_at(upstream, AFTER_MIDNIGHT):
        assert run(acme, jobs) == {"ok"}
    account.refresh_from_db()
    assert account.measured_at == BEFORE_MIDNIGHT
    assert AccountSnapshot.objects.values_list("captured_on", "captured_at").get() == (
        date(2026, 11, 15),
        BEFORE_MIDNIGHT,
    )
    first_page = PostSnapshot.objects.filter(captured_on=date(2026, 11, 15))
    assert first_page.count() >= 30
    assert set(first_page.values_list("captured_at", flat=True)) == {BEFORE_MIDNIGHT}
    assert set(Post.objects.values_list("measured_at", flat=True)) == {BEFORE_MIDNIGHT}
    assert not UsageEvent.objects.filter(feature="profile").exists(), "the kept answer was used"


def test_a_refresh_is_not_answered_with_what_was_measured_before_it(acme: TenantRef, upstream: Caller) -> None:
    account, _ = make_lena(upstream)
    keep_answers(acme, upstream, account, BEFORE_MIDNIGHT)
    with both_clocks_at(upstream, AFTER_MIDNIGHT):
        ids = request_refresh(tenant=acme, account_id=account.pk)
        assert run(acme, list(FetchJob.objects.filter(pk__in=ids))) == {"ok"}
    account.refresh_from_db()
    assert account.measured_at == AFTER_MIDNIGHT
    assert UsageEvent.objects.filter(feature="profile").count() == 1


def test_two_runs_never_store_one_measurement_twice(acme: TenantRef, upstream: Caller) -> None:
    _, jobs = make_lena(upstream)
    for moment in (BEFORE_MIDNIGHT, AFTER_MIDNIGHT):
        with both_clocks_at(upstream, moment):
            FetchJob.objects.update(next_due_at=clock.now())
            assert run(acme, jobs) == {"ok"}
    assert list(AccountSnapshot.objects.order_by("captured_on").values_list("captured_at", flat=True)) == [
        BEFORE_MIDNIGHT,
        AFTER_MIDNIGHT,
    ]


def test_a_post_that_is_younger_than_the_list_has_not_vanished_from_it(acme: TenantRef, upstream: Caller) -> None:
    account, jobs = make_lena(upstream)
    keep_answers(acme, upstream, account, BEFORE_MIDNIGHT)
    younger = make_post(account, posted_at=BEFORE_MIDNIGHT + timedelta(minutes=1))
    older = make_post(account, posted_at=BEFORE_MIDNIGHT - timedelta(minutes=1))
    with both_clocks_at(upstream, AFTER_MIDNIGHT):
        assert run(acme, jobs) == {"ok"}
    assert Post.objects.get(pk=younger.pk).deleted_at is None
    assert Post.objects.get(pk=older.pk).deleted_at is not None


def test_a_new_account_begins_with_the_day_of_its_profile(acme: TenantRef, upstream: Caller) -> None:
    with both_clocks_at(upstream, BEFORE_MIDNIGHT):
        check = request_tracking(tenant=acme, wish=clean_wish(handle="lena.bakes", reason="own", tags=""))
        claim_these(acme, [check])
        run_jobs(acme, [check])
    assert AccountSnapshot.objects.get().captured_at == BEFORE_MIDNIGHT
