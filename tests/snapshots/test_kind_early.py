"""Early readings: young posts are read at 1, 3, 6, 12, 24 and 48 h of age, by as few requests as that takes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from django.db import connection

from accounts.selectors import TenantRef
from billing.gate import gate
from billing.models import Plan, UsageEvent
from snapshots.ingest.early import ASLEEP, settle
from snapshots.ingest.upsert import store_posts
from snapshots.models import FetchJob, Post, PostReading, TrackedAccount
from snapshots.scheduling import leases
from snapshots.scheduling.dispatch import claim_these
from snapshots.scheduling.marks import MARKS, YOUNG_FOR, marks_of, window_at
from snapshots.services.accounts import clean_wish, make_missing_jobs
from snapshots.services.inline import drain, fetch_now, track_now
from snapshots.services.jobs import RunReport
from tests.cast import Cast
from tests.factories import make_account, make_job, make_post
from tests.simulating import Caller
from tests.snapshots.conftest import both_clocks_at
from tests.snapshots.test_upsert import post as row
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.redis import server

ASHA = "chai_aur_asha"
HOUR, DAY_S = timedelta(hours=1), 86_400
DAILY = {"profile": DAY_S, "posts": DAY_S, "early": 3_600}
HALF_HOURLY = DAILY | {"posts": 1_800}


@pytest.fixture
def wide(upstream: Caller, settings: Any) -> Iterator[None]:
    """Nobody waits for the pace of a key: days pass within seconds."""
    settings.TIKLIVE_PORTS = settings.TIKLIVE_PORTS | {"KEYS": "tikdash.demo.HistoryKeys"}
    upstream.order("limits", {"all": {"rpm": 1_000_000, "burst": 10_000}})
    # Put back by hand, too: one test really commits.
    before = list(Plan.objects.all())
    Plan.objects.update(requests_per_minute=1_000_000, requests_burst=1_000)
    gate.forget()
    yield
    Plan.objects.bulk_update(before, ["requests_per_minute", "requests_burst"])
    gate.forget()


@pytest.fixture
def globex(cast: Cast, noon: datetime, wide: None) -> Iterator[TenantRef]:
    """Globex' scope at noon; its posts are read once a day, and at their marks."""
    set_cadences(DAILY)
    with tenant_scope(cast.globex):
        yield cast.globex


def set_cadences(cadences: dict[str, int], code: str = "enterprise") -> None:
    Plan.objects.filter(code=code).update(cadences=cadences)


def track(tenant: TenantRef, handle: str = ASHA) -> TrackedAccount:
    track_now(tenant, clean_wish(handle=handle, reason="own", tags=""))
    # These come from elsewhere.
    FetchJob.objects.filter(kind="pictures").delete()
    return TrackedAccount.objects.get(username=handle)


def make_newest_young(posted_at: datetime) -> Post:
    """The account's newest post was made at this moment, and nobody has read it or kept an answer."""
    post = Post.objects.latest("posted_at")
    Post.objects.filter(pk=post.pk).update(posted_at=posted_at)
    PostReading.objects.all().delete()
    server().connection.flushdb()
    return Post.objects.get(pk=post.pk)


def early_job() -> FetchJob:
    return FetchJob.objects.get(kind="early")


def live_until(end: datetime, tenant: TenantRef, upstream: Caller) -> list[RunReport]:
    """Runs what falls due, each job at its time."""
    reports: list[RunReport] = []
    active = FetchJob.objects.filter(state="active")
    while (due := active.earliest("next_due_at").next_due_at) <= end:
        with both_clocks_at(upstream, due):
            ran = drain(tenant)
        assert ran, f"nothing ran at {due}"
        reports += ran
    return reports


def calls(feature: str = "early") -> int:
    return UsageEvent.objects.filter(feature=feature).count()


def read_marks(post: Post) -> list[float]:
    """The marks, in hours, of which there is a reading."""
    found = (window_at(post.posted_at, moment) for moment in post.readings.values_list("measured_at", flat=True))  # type: ignore[attr-defined]
    return sorted({mark.age / HOUR for mark in found if mark is not None})


def posts_between(first: datetime, last: datetime) -> list[Post]:
    return list(Post.objects.filter(posted_at__gte=first, posted_at__lte=last, deleted_at=None).order_by("posted_at"))


def test_posts_of_an_account_that_is_read_daily_have_readings_at_all_marks_after_they_were_found(
    globex: TenantRef, upstream: Caller, noon: datetime
) -> None:
    track(globex)
    live_until(noon + 5 * 24 * HOUR, globex, upstream)
    posts = posts_between(noon, noon + 2.5 * 24 * HOUR)
    assert len(posts) >= 4
    for post in posts:
        found_at = post.first_seen_at
        expected = [mark.age / HOUR for mark in marks_of(post.posted_at) if mark.closes_at >= found_at]
        assert read_marks(post) == expected and len(expected) >= 1
    assert calls("early") > 0


def test_a_post_found_at_once_is_read_at_the_six_marks_with_the_numbers_that_are_true_then(
    globex: TenantRef, upstream: Caller, noon: datetime
) -> None:
    track(globex)
    moment = next_post_of(upstream, noon)
    with both_clocks_at(upstream, moment + timedelta(minutes=5)):
        fetch_now(globex, ASHA, "posts")
    post = Post.objects.latest("posted_at")
    assert post.posted_at == moment
    live_until(moment + YOUNG_FOR, globex, upstream)
    assert read_marks(post) == [1, 3, 6, 12, 24, 48]
    at_the_mark = {mark.at for mark in marks_of(post.posted_at)}
    assert post.readings.filter(measured_at__in=at_the_mark).count() >= 3, "to the second, but for what comes anyway"  # type: ignore[attr-defined]
    for mark in marks_of(post.posted_at):
        reading = next(each for each in post.readings.order_by("measured_at") if mark.holds(each.measured_at))  # type: ignore[attr-defined]
        upstream.set_clock(reading.measured_at.isoformat())
        [truth] = [each for each in upstream.look("truth/posts", handle=ASHA)["posts"] if each["id"] == post.aweme_id]
        assert (reading.play_count, reading.digg_count) == (truth["play_count"], truth["digg_count"])


def next_post_of(upstream: Caller, after: datetime) -> datetime:
    """When the account posts next."""
    upstream.set_clock((after + 3 * 24 * HOUR).isoformat())
    posts = upstream.look("truth/posts", handle=ASHA, since=after.isoformat())["posts"]
    return datetime.fromtimestamp(min(post["create_time"] for post in posts), after.tzinfo)


def test_where_posts_are_read_every_half_hour_early_readings_cost_nothing_and_no_mark_is_missing(
    globex: TenantRef, upstream: Caller, noon: datetime
) -> None:
    set_cadences(HALF_HOURLY)
    track(globex)
    live_until(noon + 72 * HOUR, globex, upstream)
    assert calls("early") == 0 and calls("posts") > 144
    posts = posts_between(noon, noon + 72 * HOUR - YOUNG_FOR)
    assert posts and all(read_marks(post) == [1, 3, 6, 12, 24, 48] for post in posts)


def test_several_young_posts_share_a_request(globex: TenantRef, upstream: Caller, noon: datetime) -> None:
    track(globex)
    posts = list(Post.objects.order_by("-posted_at")[:5])
    for number, post in enumerate(posts):
        Post.objects.filter(pk=post.pk).update(posted_at=noon - number * timedelta(minutes=2))
    PostReading.objects.all().delete()
    upstream.order("reset")
    with both_clocks_at(upstream, noon + HOUR):
        [report] = fetch_now(globex, ASHA, "early")
    assert report.outcome == "ok" and report.text.startswith("5 posts read at their age on 1 page")
    assert PostReading.objects.filter(post__in=posts, measured_at=noon + HOUR).count() == 5
    assert upstream.look("stats")["credits"] == calls("early") == 1


def test_an_account_without_a_young_post_sleeps_and_a_new_post_wakes_it(
    globex: TenantRef, upstream: Caller, noon: datetime
) -> None:
    account = make_account(ASHA, tiktok_user_id=upstream.account_id(ASHA))
    make_missing_jobs(globex)
    job = early_job()
    assert (job.next_due_at, job.why) == (noon + ASLEEP, "Asleep: no young post.")
    moment = next_post_of(upstream, noon)
    with both_clocks_at(upstream, moment + timedelta(minutes=30)):
        fetch_now(globex, ASHA, "posts")
    job.refresh_from_db()
    post = Post.objects.filter(account=account).latest("posted_at")
    assert (job.next_due_at, post.posted_at) == (moment + HOUR, moment)
    assert job.why.startswith("Next: 1 h after “") and len(job.why) <= 120


def test_a_job_goes_back_to_sleep_after_the_last_mark(globex: TenantRef, upstream: Caller, noon: datetime) -> None:
    make_post(make_account(ASHA), posted_at=noon - 61 * HOUR)
    make_missing_jobs(globex)
    [report] = fetch_now(globex, ASHA, "early")
    assert (report.outcome, report.text) == ("ok", "no young post is at an age to be read")
    assert early_job().next_due_at == noon + ASLEEP and calls() == 0


def test_an_account_that_gets_the_job_later_is_read_at_the_next_mark_of_the_posts_it_has(
    globex: TenantRef, noon: datetime
) -> None:
    make_post(make_account(), posted_at=noon - 2 * HOUR, title="x" * 500)
    make_missing_jobs(globex)
    assert early_job().next_due_at == noon + HOUR
    assert early_job().why == f"Next: 3 h after “{'x' * 60}…”."


def test_a_plan_without_early_readings_has_none_and_a_tenant_that_had_them_asks_for_nothing(
    cast: Cast, noon: datetime, wide: None, upstream: Caller
) -> None:
    with tenant_scope(cast.acme):
        account = track(cast.acme)
        assert not FetchJob.objects.filter(kind="early").exists()
        # As after a change to a smaller plan.
        make_job(account, "early")
        live = Post.objects.latest("posted_at")
        Post.objects.filter(pk=live.pk).update(posted_at=noon - HOUR)
        PostReading.objects.all().delete()
        FetchJob.objects.filter(kind="posts").update(next_due_at=noon + 24 * HOUR)
        [report] = fetch_now(cast.acme, ASHA, "early")
        assert report.outcome == "ok" and calls() == 0


def test_a_mark_that_was_missed_is_not_made_up_for(globex: TenantRef, upstream: Caller, noon: datetime) -> None:
    track(globex)
    moment = next_post_of(upstream, noon)
    with both_clocks_at(upstream, moment + timedelta(minutes=10)):
        fetch_now(globex, ASHA, "posts")
    # The worker was away for the first marks, and is back at an age between two.
    with both_clocks_at(upstream, moment + 4 * HOUR):
        [report] = drain_of("early", globex)
        assert report.outcome == "ok" and calls() == 0
        assert early_job().next_due_at == moment + 6 * HOUR
    assert read_marks(Post.objects.get(posted_at=moment)) == []


def drain_of(kind: str, tenant: TenantRef) -> list[RunReport]:
    return [report for report in drain(tenant) if report.kind == kind]


def test_the_same_run_again_asks_for_nothing_and_changes_nothing(
    committed_db: Cast, wide: None, upstream: Caller, noon: datetime
) -> None:
    before = Plan.objects.get(code="enterprise").cadences
    try:
        set_cadences(DAILY)
        with tenant_scope(committed_db.globex):
            track(committed_db.globex)
            make_newest_young(noon - HOUR)
            with both_clocks_at(upstream, noon + timedelta(minutes=2)):
                fetch_now(committed_db.globex, ASHA, "early")
                stored = readings()
                fetch_now(committed_db.globex, ASHA, "early")
                assert readings() == stored != [] and calls() == 1
    finally:
        set_cadences(before)


def readings() -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT xmin::text, r.* FROM post_readings r ORDER BY post_id, measured_at")
        return cursor.fetchall()


def test_a_failed_run_is_tried_again_soon_and_not_an_hour_later(
    globex: TenantRef, upstream: Caller, noon: datetime, settings: Any
) -> None:
    settings.TIKLIVE_ATTEMPTS = 1
    track(globex)
    post = make_newest_young(noon)
    upstream.order("faults", [{"kind": "truncated", "endpoint": "user-posts", "count": 1}])
    with both_clocks_at(upstream, noon + HOUR):
        [report] = fetch_now(globex, ASHA, "early")
    job = early_job()
    assert report.outcome == "bad_payload" and timedelta() < job.next_due_at - noon - HOUR < timedelta(minutes=2)
    Post.objects.filter(pk=post.pk).update(posted_at=noon)
    with both_clocks_at(upstream, job.next_due_at):
        [report] = drain_of("early", globex)
        assert report.outcome == "ok" and PostReading.objects.filter(post=post, measured_at=clock.now()).exists()


def test_a_post_that_tiktok_no_longer_shows_is_flagged_and_not_asked_for_again_and_again(
    globex: TenantRef, upstream: Caller, noon: datetime
) -> None:
    account = track(globex)
    make_newest_young(noon - 2 * HOUR)
    gone = make_post(account, posted_at=noon - HOUR)
    [report] = fetch_now(globex, ASHA, "early")
    gone.refresh_from_db()
    assert (report.outcome, gone.deleted_at, calls()) == ("ok", noon, 1)
    assert early_job().next_due_at > noon and "Post" not in early_job().why


def test_an_account_that_is_gone_is_not_asked_for_at_every_tick(
    globex: TenantRef, upstream: Caller, noon: datetime
) -> None:
    track(globex)
    make_newest_young(noon - HOUR)
    upstream.order("overrides", {"deleted": [{"handle": ASHA, "at": noon.timestamp() - 60}]})
    [report] = fetch_now(globex, ASHA, "early")
    assert (report.outcome, report.text) == ("ok", "TikTok says: not found")
    assert early_job().next_due_at >= noon + 2 * HOUR


def test_a_post_that_comes_while_the_job_ends_is_not_slept_through(globex: TenantRef, noon: datetime) -> None:
    account = make_account()
    make_missing_jobs(globex)
    FetchJob.objects.filter(kind="early").update(next_due_at=noon)
    claim_these(globex, [early_job().pk])
    running = leases.begin(early_job().pk)
    assert running is not None
    # It has looked, and found nothing; now another worker stores this.
    make_post(account, posted_at=noon)
    assert settle(running, account.pk, noon, None) == noon + HOUR


def test_the_first_reading_at_a_mark_is_kept_although_nothing_moved(globex: TenantRef, noon: datetime) -> None:
    account = make_account()
    posted = noon + timedelta(minutes=5)
    for minutes in (5, 20, 40, 50, 60, 70, 170, 190, 200):
        with clock.at(posted + timedelta(minutes=minutes)):
            same = msgspec.structs.replace(row(1, posted), posted_at=posted)
            store_posts(account.pk, [same], measured_at=clock.now(), intraday=True)
    ages = [(reading.measured_at - posted).total_seconds() / 60 for reading in PostReading.objects.order_by("pk")]
    assert ages == [5, 50, 170]


def test_every_credit_that_the_upstream_counts_is_counted_here(
    globex: TenantRef, upstream: Caller, noon: datetime
) -> None:
    track(globex)
    live_until(noon + 30 * HOUR, globex, upstream)
    stats = upstream.look("stats")
    assert sum(event.credits for event in UsageEvent.objects.all()) == stats["credits"]
    assert calls("early") <= len(MARKS) * len(posts_between(noon - YOUNG_FOR, noon + 30 * HOUR))


def test_no_early_reading_is_made_for_another_tenants_post(cast: Cast, noon: datetime, wide: None) -> None:
    set_cadences(DAILY)
    set_cadences(DAILY, "pro")
    with tenant_scope(cast.acme):
        make_post(make_account(), posted_at=noon - 30 * timedelta(minutes=1))
    with tenant_scope(cast.globex):
        account = make_account()
        make_missing_jobs(cast.globex)
        assert early_job().next_due_at == noon + ASLEEP and account.pk
