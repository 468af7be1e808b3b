"""Nights of operations in the browser: from the front page to what mends it, and how the pages look."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from celery import current_app
from django.core.cache import cache
from playwright.sync_api import expect

from accounts.models import Tenant, UpstreamIncident
from billing.models import QueueSample, UsageEvent, UsageHourly
from snapshots.models import AccountSnapshot, FetchJob
from snapshots.scheduling.dispatch import LAST_TICK
from tests.cast import Cast
from tests.e2e.stack import Stack, wait_for
from tests.e2e.test_capacity_planner import olga
from tests.e2e.test_looks import PICTURES, SCHEMES, SIZES, serious_faults
from tests.e2e.visitors import Visitors, overflow
from tests.factories import make_account, make_job, make_snapshots
from tikdash import clock
from tikdash.db.scope import all_tenants, tenant_scope


def pause(world: Cast) -> None:
    """Nothing of Acme runs: what a story makes is looked at, not fetched."""
    Tenant.objects.filter(pk=world.acme.id).update(
        fetching_paused_at=clock.now(), fetching_paused_reason="A story is told.", fetching_paused_cause="ops"
    )


def storm(world: Cast) -> None:
    """A quarter of the answers of the last minutes were refused for the rate, and six jobs died of it."""
    now = clock.now()
    with tenant_scope(world.acme):
        for number in range(40):
            UsageEvent.objects.create(
                id=uuid.uuid4(), occurred_at=now - timedelta(seconds=number * 9), key_id="shared", endpoint="userinfo",
                feature="profile", priority="pro", outcome="ok" if number % 4 else "rate_limited", credits=1,
                attempts=1, latency_ms=200 + number * 20,
            )  # fmt: skip
        for number in range(6):
            make_job(
                make_account(), state="dead", attempts=10, error_code="rate_limited", error="Too many requests.",
                failed_at=now - timedelta(minutes=30 - number),
            )  # fmt: skip
    with all_tenants():
        for hour in range(40):
            UsageHourly.objects.create(
                hour=now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=hour), endpoint="userinfo",
                requests=50 + hour * 7 % 90, credits=50 + hour * 7 % 90,
            )  # fmt: skip
        for minutes in range(120):
            QueueSample.objects.create(
                sampled_at=now - timedelta(minutes=minutes + 1), queue="pro", waiting=minutes * 13 % 70, oldest_s=20,
                in_flight=3, ended_per_s=1.5, threads=8,
            )  # fmt: skip


def test_a_429_storm_is_seen_marked_and_its_dead_come_back(visitors: Visitors, stack: Stack, world: Cast) -> None:
    pause(world)
    storm(world)
    page = olga(visitors, stack)
    expect(page.locator("#tile-upstream")).to_contain_text("25.0%")
    page.locator("#tile-upstream").get_by_role("link", name="25.0%").click()
    expect(page.get_by_text("rate_limited").first).to_be_visible()
    page.goto(stack.url("", "/admin/"))
    page.locator("#tile-jobs").get_by_role("link", name="rate_limited").click()
    expect(page.get_by_role("cell", name="Too many requests.")).to_be_visible()
    page.get_by_label("Note that customers read").fill("TikLiveAPI refused requests.")
    page.get_by_role("button", name="Mark the outage").click()
    expect(page.get_by_text("The outage is marked")).to_be_visible()
    assert UpstreamIncident.objects.get(by_hand=True).note == "TikLiveAPI refused requests."
    page.get_by_role("link", name=re.compile("Retry all of these")).click()
    expect(page.get_by_text("Tenants concerned: 1. When they run they cost at least 6 credits.")).to_be_visible()
    page.get_by_role("button", name="Retry 6").click()
    expect(page.get_by_text("Active again, one behind the other: 6 jobs.")).to_be_visible()
    expect(page.get_by_text("No job is dead.")).to_be_visible()
    with tenant_scope(world.acme):
        assert set(FetchJob.objects.values_list("state", flat=True)) == {"active"}


@contextmanager
def no_worker(stack: Stack) -> Iterator[None]:
    """Inside the block the worker takes nothing more, as if all of them had gone an hour ago."""
    replies = current_app.control.cancel_consumer("control", reply=True, timeout=5)
    assert replies, "no worker heard it"
    try:
        # A tick that was under way has written its time by then.
        time.sleep(0.5)
        cache.set(LAST_TICK, time.time() - 3_600)
        yield
    finally:
        current_app.control.add_consumer("control", reply=True, timeout=5)


def test_a_fleet_that_is_dead_for_an_hour_is_seen_and_its_return_too(
    visitors: Visitors, stack: Stack, world: Cast
) -> None:
    page = olga(visitors, stack)
    with no_worker(stack):
        cache.delete_many([f"ops:tile:{code}" for code in ("jobs", "fleet", "queues")])
        with tenant_scope(world.acme):
            for number in range(3):
                make_job(make_account(f"waits{number}"), next_due_at=clock.now() - timedelta(minutes=61))
        with all_tenants():
            QueueSample.objects.all().delete()
            QueueSample.objects.create(
                sampled_at=clock.now() - timedelta(minutes=60), queue="pro", waiting=3, oldest_s=60, in_flight=0,
                ended_per_s=0, threads=8,
            )  # fmt: skip
        page.reload()
        fleet, jobs = page.locator("#tile-fleet"), page.locator("#tile-jobs")
        expect(fleet).to_contain_text("nobody has sampled for 60 min")
        expect(fleet).to_contain_text(re.compile(r"Last tick\s*60 min ago"))
        expect(jobs).to_contain_text(re.compile(r"Overdue\s*3"))
        jobs.locator(".ops-figure", has_text="Overdue").get_by_role("link").click()
        expect(page.get_by_text("@waits0").first).to_be_visible()
    # The workers are back: their backlog goes down, and the page says so.
    with tenant_scope(world.acme):
        waiting = FetchJob.objects.filter(state="active", started_at=None, lease_until=None)
        wait_for(lambda: not waiting.filter(next_due_at__lte=clock.now()).exists(), "the backlog")
    cache.delete_many([f"ops:tile:{code}" for code in ("jobs", "fleet", "queues")])
    page.goto(stack.url("", "/admin/"))
    expect(page.locator("#tile-jobs")).to_contain_text(re.compile(r"Overdue\s*0"))
    expect(page.locator("#tile-fleet")).not_to_contain_text("60 min ago")


def test_a_customer_says_the_number_is_wrong_and_it_is_put_right(visitors: Visitors, stack: Stack, world: Cast) -> None:
    pause(world)
    with tenant_scope(world.acme):
        lena = make_account("lena.bakes", follower_count=20_105)
        make_snapshots(lena, [20_060, 20_075, 20_088, 20_105])
        AccountSnapshot.objects.filter(account=lena).delete()
        make_snapshots(lena, [20_075, 20_088, 20_105, 26_003])
        today = AccountSnapshot.objects.filter(account=lena, captured_on=clock.today())
        today.update(state=6, suspect={"follower_count": "spike"})
    page = olga(visitors, stack)
    page.locator('a[href="/admin/snapshots/trackedaccount/"]').first.click()
    page.locator("#searchbar").fill("@lena")
    page.locator("#searchbar").press("Enter")
    page.get_by_role("link", name="lena.bakes").first.click()
    expect(page.get_by_text("Doubted values: 1")).to_be_visible()
    page.get_by_label("Reason").fill("TikTok shows it, too.")
    page.get_by_role("button", name="It is true").click()
    expect(page.get_by_text("Shown now: 26,003")).to_be_visible()
    expect(page.get_by_text("Doubted values: 0")).to_be_visible()
    with tenant_scope(world.acme):
        lena.refresh_from_db()
    assert lena.follower_count == 26_003


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_pages_fit_every_screen_and_are_read_aloud(
    visitors: Visitors, stack: Stack, world: Cast, scheme: str
) -> None:
    pause(world)
    storm(world)
    with tenant_scope(world.acme):
        lena = make_account("lena.bakes")
        make_snapshots(lena, [20_075, 20_088, None, 20_105, 26_003])
    page = olga(visitors, stack, scheme)
    paths = {
        "front": "/admin/", "dead": "/admin/snapshots/fetchjob/dead/", "retry": "/admin/snapshots/fetchjob/retry/",
        "account": f"/admin/snapshots/trackedaccount/{lena.pk}/change/",
    }  # fmt: skip
    for name, path in paths.items():
        page.goto(stack.url("", path))
        assert [fault for fault in serious_faults(page) if "ops-" in fault] == [], name
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            assert overflow(page) <= 0, (name, size)
            page.screenshot(path=PICTURES / f"ops-{name}-{size}-{scheme}.png", full_page=True)
        page.set_viewport_size({"width": SIZES["wide"][0], "height": SIZES["wide"][1]})
