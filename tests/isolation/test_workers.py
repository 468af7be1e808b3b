"""Commands and Celery tasks of one tenant touch nothing of another's."""

from __future__ import annotations

import time
from io import StringIO

import pytest
from celery.contrib.testing.worker import start_worker
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.selectors import TenantRef
from snapshots.models import FetchJob, Post, TrackedAccount
from snapshots.scheduling.dispatch import dispatch
from snapshots.services.accounts import REFRESHED, clean_wish
from snapshots.services.inline import track_now
from tests.cast import Cast
from tests.simulating import Caller
from tikdash import clock
from tikdash.celery import app
from tikdash.db.scope import all_tenants, tenant_scope

HANDLES = {
    "acme": ["lena.bakes", "noor.kitchen"],
    "rival": ["lena.bakes", "vanishing.vic"],
    "globex": ["chai_aur_asha"],
}


def track_all(cast: Cast) -> None:
    for tenant in cast.tenants:
        for handle in HANDLES[tenant.slug]:
            track_now(tenant, clean_wish(handle=handle, reason="own", tags=""))


def everything(tenant: TenantRef) -> list[tuple[object, ...]]:
    """All rows of the tenant with the transaction that wrote each: equal before and after means untouched."""
    rows: list[tuple[object, ...]] = []
    with tenant_scope(tenant), connection.cursor() as cursor:
        for table in ("accounts", "account_snapshots", "posts", "post_snapshots", "fetch_jobs", "usage_events"):
            cursor.execute(f"SELECT '{table}', t::text FROM {table} t ORDER BY 2")
            rows += cursor.fetchall()
    return rows


def run(*arguments: str) -> str:
    said = StringIO()
    call_command(*arguments, stdout=said, stderr=said)
    return said.getvalue()


def test_commands_of_one_tenant_leave_all_others_as_they_were(committed_db: Cast, upstream: Caller) -> None:
    track_all(committed_db)
    before = {tenant.slug: everything(tenant) for tenant in (committed_db.rival, committed_db.globex)}
    with all_tenants("shared"):
        jobs = FetchJob.objects.filter(tenant_id=committed_db.acme.id, kind__in=REFRESHED)
        jobs.update(next_due_at=clock.now())
    run("track", "acme", "tinyfermenter")
    run("fetch", "acme", "lena.bakes")
    run("drain", "--tenant", "acme")
    assert {tenant.slug: everything(tenant) for tenant in (committed_db.rival, committed_db.globex)} == before
    with tenant_scope(committed_db.acme):
        assert TrackedAccount.objects.count() == 3


def test_a_command_finds_nothing_of_another_tenant(committed_db: Cast, upstream: Caller) -> None:
    track_all(committed_db)
    with pytest.raises(CommandError, match="@vanishing.vic is not tracked here"):
        run("fetch", "acme", "vanishing.vic")
    with pytest.raises(CommandError, match="There is no tenant “nobody”"):
        run("track", "nobody", "lena.bakes")


def test_two_tenants_track_one_creator_each_with_rows_of_its_own(committed_db: Cast, upstream: Caller) -> None:
    track_all(committed_db)
    posts = {}
    for tenant in (committed_db.acme, committed_db.rival):
        with tenant_scope(tenant):
            account = TrackedAccount.objects.get(username="lena.bakes")
            posts[tenant.slug] = set(Post.objects.filter(account=account).values_list("pk", flat=True))
    assert all(posts.values())
    assert not posts["acme"] & posts["rival"]


def test_celery_workers_write_each_tenants_rows_to_that_tenant(committed_db: Cast, upstream: Caller) -> None:
    """One pool of threads, jobs of three tenants in turns, through the real broker."""
    track_all(committed_db)
    for _ in range(3):
        began = clock.now()
        _make_all_due(committed_db)
        with start_worker(app, pool="threads", concurrency=6, perform_ping_check=False, loglevel="ERROR",
                          queues=["interactive", "enterprise", "pro", "free"]):  # fmt: skip
            dispatch()
            _wait_until_idle(committed_db)
        for tenant in committed_db.tenants:
            with tenant_scope(tenant):
                # Pictures take several runs, with turns of others between.
                done = FetchJob.objects.exclude(kind__in=["probe", "pictures"])
                assert not done.filter(succeeded_at__lt=began).exists()
    for tenant in committed_db.tenants:
        with tenant_scope(tenant):
            assert set(TrackedAccount.objects.values_list("username", flat=True)) == set(HANDLES[tenant.slug])
            assert not FetchJob.objects.exclude(error="").exists()
            for account in TrackedAccount.objects.all():
                served = {str(post["id"]) for post in upstream.look("truth/posts", handle=account.username)["posts"]}
                stored = set(Post.objects.filter(account=account).values_list("aweme_id", flat=True))
                assert stored
                assert stored <= served


def _make_all_due(cast: Cast) -> None:
    for tenant in cast.tenants:
        with tenant_scope(tenant):
            # The other kinds take many requests, and a tenant's share of the key is small.
            FetchJob.objects.filter(kind__in=REFRESHED).update(next_due_at=clock.now(), lease_until=None)


def _wait_until_idle(cast: Cast) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        busy = 0
        for tenant in cast.tenants:
            with tenant_scope(tenant):
                busy += FetchJob.objects.filter(state="active", claimable_at__lte=clock.now()).count()
                busy += FetchJob.objects.filter(lease_until__isnull=False).count()
        if not busy:
            return
        # As beat does: a job that had to wait for its turn was put back, and is due again.
        dispatch()
        time.sleep(0.2)
    pytest.fail("the worker did not finish within a minute")
