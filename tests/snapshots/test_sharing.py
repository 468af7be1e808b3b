"""One fetch for all tenants on the shared key that track the same creator, as long as it is fresh enough for each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache

from accounts.models import Tenant
from accounts.selectors import TenantRef
from billing.models import UsageEvent
from snapshots.models import AccountSnapshot, Comment, FetchJob, Post, TrackedAccount
from snapshots.scheduling.dispatch import claim_these
from snapshots.scheduling.sharing import SHARED_CREATORS, count_shared_creators, is_shared
from snapshots.services.jobs import run_jobs
from tests.cast import Cast
from tests.factories import make_account, make_job
from tests.simulating import Caller
from tests.snapshots.conftest import both_clocks_at
from tikdash.db.scope import all_tenants, tenant_scope
from tikdash.redis import server

NIGHT = datetime(2026, 11, 16, 2, 10, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    cache.clear()
    server().connection.delete(SHARED_CREATORS)
    yield
    cache.clear()
    server().connection.delete(SHARED_CREATORS)


def track(tenant: TenantRef, upstream: Caller, cadence_s: int, last: datetime, *kinds: str) -> TrackedAccount:
    with tenant_scope(tenant):
        account = make_account("lena.bakes", tiktok_user_id=upstream.account_id("lena.bakes"))
        for kind in kinds or ("profile", "posts"):
            make_job(account, kind, cadence_s=cadence_s, next_due_at=last, succeeded_at=last, why="As the plan says.")
        return account


def run(tenant: TenantRef, **fields: Any) -> None:
    with tenant_scope(tenant):
        if fields:
            FetchJob.objects.update(**fields)
        ids = list(FetchJob.objects.order_by("pk").values_list("pk", flat=True))
        assert len(claim_these(tenant, ids)) == len(ids)
        assert {report.outcome for report in run_jobs(tenant, ids)} == {"ok"}


def calls(upstream: Caller) -> int:
    return int(upstream.look("stats")["requests"])


def test_creators_are_counted_over_tenants_on_the_shared_key(cast: Cast, upstream: Caller) -> None:
    lena = track(cast.acme, upstream, 86_400, NIGHT).tiktok_user_id
    assert count_shared_creators() == 0 and not is_shared(lena)
    track(cast.rival, upstream, 86_400, NIGHT)
    assert count_shared_creators() == 1 and is_shared(lena)
    # A tenant in a shard of its own counts, one with a key of its own does not.
    Tenant.objects.filter(pk=cast.rival.id).update(key_mode="own")
    assert count_shared_creators() == 0 and not is_shared(lena)
    track(cast.globex, upstream, 86_400, NIGHT)
    assert count_shared_creators() == 1 and is_shared(lena)


def test_the_second_tenant_pays_nothing_and_has_the_same_numbers(cast: Cast, upstream: Caller) -> None:
    for tenant in (cast.acme, cast.rival):
        track(tenant, upstream, 86_400, NIGHT - DAY)
    count_shared_creators()
    with both_clocks_at(upstream, NIGHT):
        run(cast.acme)
    paid = calls(upstream)
    with both_clocks_at(upstream, NIGHT + 40 * timedelta(minutes=1)):
        run(cast.rival)
    assert calls(upstream) == paid
    rows, posts = [], []
    for tenant in (cast.acme, cast.rival):
        with tenant_scope(tenant):
            rows.append(list(AccountSnapshot.objects.values_list("captured_on", "captured_at", "follower_count")))
            posts.append(sorted(Post.objects.values_list("aweme_id", "play_count", "measured_at")))
            assert UsageEvent.objects.exists() is (tenant == cast.acme)
    # The smaller plan reads one page of the two.
    assert rows[0] == rows[1] and set(posts[1]) < set(posts[0]) and len(posts[1]) >= 30
    assert rows[0][0][1] == NIGHT


def test_comments_are_shared_too_though_nobody_else_keeps_them(cast: Cast, upstream: Caller) -> None:
    for tenant in (cast.acme, cast.rival):
        track(tenant, upstream, 86_400, NIGHT - DAY, "posts", "comments")
    count_shared_creators()
    with both_clocks_at(upstream, NIGHT):
        run(cast.acme)
        paid = calls(upstream)
        run(cast.rival)
    assert calls(upstream) == paid
    with tenant_scope(cast.rival):
        assert Comment.objects.count() > 0


@pytest.mark.parametrize(
    ("cadence_s", "last", "first", "second", "shared"),
    [
        # Hourly: not quite half an hour old will do, more will not.
        (3_600, NIGHT - HOUR, NIGHT, NIGHT + HOUR / 2 - timedelta(seconds=1), True),
        (3_600, NIGHT - HOUR, NIGHT, NIGHT + HOUR / 2, False),
        # Daily: of the same UTC day, or that day would go without a number.
        (86_400, NIGHT - DAY, NIGHT, NIGHT + 11 * HOUR, True),
        (86_400, NIGHT - DAY, NIGHT - 3 * HOUR, NIGHT, False),
        # Not what was measured before the own last number.
        (86_400, NIGHT + HOUR, NIGHT, NIGHT + 2 * HOUR, False),
    ],
)
def test_what_is_taken_is_fresh_enough_for_whoever_takes_it(
    cast: Cast, upstream: Caller, cadence_s: int, last: datetime, first: datetime, second: datetime, shared: bool
) -> None:
    for tenant in (cast.acme, cast.rival):
        track(tenant, upstream, cadence_s, NIGHT - 2 * DAY, "profile")
    count_shared_creators()
    with both_clocks_at(upstream, first):
        run(cast.acme)
    paid = calls(upstream)
    with both_clocks_at(upstream, second):
        run(cast.rival, succeeded_at=last)
    assert (calls(upstream) == paid) is shared


def test_who_presses_refresh_gets_numbers_of_that_moment(cast: Cast, upstream: Caller) -> None:
    for tenant in (cast.acme, cast.rival):
        track(tenant, upstream, 86_400, NIGHT - DAY, "profile")
    count_shared_creators()
    with both_clocks_at(upstream, NIGHT):
        run(cast.acme)
    paid = calls(upstream)
    asked = NIGHT + timedelta(minutes=5)
    with both_clocks_at(upstream, asked):
        run(cast.rival, requested_at=asked, queue="interactive")
    assert calls(upstream) == paid + 1


def test_a_tenant_with_its_own_key_and_creators_of_one_tenant_are_fetched_by_themselves(
    cast: Cast, upstream: Caller
) -> None:
    for tenant in (cast.acme, cast.rival):
        track(tenant, upstream, 86_400, NIGHT - DAY, "profile")
    # Without the hint, as after a loss of Redis, everybody fetches for itself.
    with both_clocks_at(upstream, NIGHT):
        run(cast.acme)
        paid = calls(upstream)
        run(cast.rival)
    assert calls(upstream) == paid + 1


def test_the_count_tells_no_tenant_what_others_track(cast: Cast, upstream: Caller) -> None:
    for tenant in (cast.acme, cast.rival):
        track(tenant, upstream, 86_400, NIGHT - DAY)
    with all_tenants(cast.acme.schema_name):
        before = list(TrackedAccount.objects.order_by("pk").values()), list(FetchJob.objects.order_by("pk").values())
    count_shared_creators()
    with all_tenants(cast.acme.schema_name):
        after = list(TrackedAccount.objects.order_by("pk").values()), list(FetchJob.objects.order_by("pk").values())
    assert after == before
