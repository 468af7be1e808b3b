"""Stories: all that TikTok shows, kept after it no longer shows them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.selectors import TenantRef
from billing.gate import gate
from billing.models import Plan
from snapshots.ingest.normalise import PostRow
from snapshots.ingest.stories import store_stories
from snapshots.models import FetchJob, Story, TrackedAccount
from snapshots.services.accounts import clean_wish
from snapshots.services.inline import fetch_now, track_now
from snapshots.services.jobs import RunReport
from tests.cast import Cast
from tests.factories import make_account, make_story
from tests.simulating import Caller
from tests.snapshots.conftest import both_clocks_at
from tikdash import clock
from tikdash.db.scope import tenant_scope

ASHA = "chai_aur_asha"


@pytest.fixture
def globex(cast: Cast, noon: datetime) -> Iterator[TenantRef]:
    """Globex' scope at noon: its plan has stories, and lets nobody wait."""
    Plan.objects.update(requests_per_minute=1_000_000, requests_burst=1_000)
    gate.forget()
    with tenant_scope(cast.globex):
        yield cast.globex
    gate.forget()


def track(tenant: TenantRef, handle: str = ASHA) -> None:
    track_now(tenant, clean_wish(handle=handle, reason="own", tags=""))


def read(tenant: TenantRef, handle: str = ASHA) -> RunReport:
    [report] = fetch_now(tenant, handle, "stories")
    return report


def truth_of(upstream: Caller, **params: str) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in upstream.look("truth/stories", handle=ASHA, **params)["stories"]}


def table() -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT xmin::text, s.* FROM stories s ORDER BY id")
        return cursor.fetchall()


def test_stories_are_those_that_are_true_upstream_and_expire_after_a_day(globex: TenantRef, upstream: Caller) -> None:
    track(globex)
    assert read(globex).outcome == "ok"
    truth = truth_of(upstream)
    stored = {story.aweme_id: story for story in Story.objects.all()}
    assert stored.keys() == truth.keys() != set()
    for aweme_id, story in stored.items():
        assert story.posted_at.timestamp() == truth[aweme_id]["create_time"]
        assert story.expires_at == story.posted_at + timedelta(hours=24)
        assert (story.first_seen_at, story.measured_at) == (clock.now(), clock.now())
        assert (story.play_count, story.digg_count) == (truth[aweme_id]["play_count"], truth[aweme_id]["digg_count"])


def test_the_same_answer_again_writes_no_row(committed_db: Cast, noon: datetime, upstream: Caller) -> None:
    with tenant_scope(committed_db.globex):
        track(committed_db.globex)
        read(committed_db.globex)
        before = table()
        assert read(committed_db.globex).text.endswith("0 new")
        assert table() == before


def test_hourly_readings_see_every_story_of_two_days_and_keep_those_that_vanished(
    globex: TenantRef, upstream: Caller, noon: datetime
) -> None:
    track(globex)
    for hours in range(0, 49, 6):
        with both_clocks_at(upstream, noon + timedelta(hours=hours)):
            read(globex)
    with both_clocks_at(upstream, noon + timedelta(hours=48)):
        since = (noon - timedelta(hours=24)).isoformat()
        truth, now = truth_of(upstream, since=since), clock.now()
    assert set(Story.objects.values_list("aweme_id", flat=True)) == truth.keys()
    gone = Story.objects.filter(expires_at__lt=now)
    assert gone.exists()
    for story in gone:
        assert story.play_count and story.measured_at <= story.expires_at
        assert story.first_seen_at - story.posted_at < timedelta(hours=24)


def test_all_pages_are_read(globex: TenantRef, upstream: Caller) -> None:
    track(globex)
    truth = truth_of(upstream)
    upstream.order("faults", [{"kind": "endless_cursor", "endpoint": "user-stories"}])
    report = read(globex)
    assert report.outcome == "ok" and " on 20 pages" in report.text, "and no more than so many"
    assert Story.objects.count() == 20 * len(truth)


def test_a_broken_page_in_the_middle_keeps_what_was_read(globex: TenantRef, upstream: Caller, settings: Any) -> None:
    settings.TIKLIVE_ATTEMPTS = 1
    track(globex)
    many = len(truth_of(upstream))
    upstream.order(
        "faults",
        [
            {"kind": "endless_cursor", "endpoint": "user-stories", "count": 2},
            {"kind": "truncated", "endpoint": "user-stories", "count": 1},
        ],
    )
    assert read(globex).outcome == "bad_payload"
    assert Story.objects.count() == 2 * many
    assert read(globex).outcome == "ok"
    assert Story.objects.count() == 3 * many


def test_an_account_without_stories_is_no_failure(globex: TenantRef, upstream: Caller, noon: datetime) -> None:
    track(globex, "northbay.coffee")
    for days in range(5):
        with both_clocks_at(upstream, noon + timedelta(days=days)):
            assert read(globex, "northbay.coffee").outcome == "ok"


def test_a_deleted_account_is_said_to_be_and_keeps_its_stories(
    globex: TenantRef, upstream: Caller, noon: datetime
) -> None:
    track(globex)
    read(globex)
    kept = Story.objects.count()
    upstream.order("overrides", {"deleted": [{"handle": ASHA, "at": noon.timestamp() - 60}]})
    report = read(globex)
    assert (report.outcome, report.text) == ("ok", "TikTok says: not found")
    assert TrackedAccount.objects.get().state == "not_found" and Story.objects.count() == kept


def test_the_job_runs_hourly_where_the_plan_has_it(cast: Cast, upstream: Caller, noon: datetime) -> None:
    for tenant, jobs in ((cast.globex, 1), (cast.acme, 0)):
        with tenant_scope(tenant), clock.at(noon):
            track(tenant)
            assert FetchJob.objects.filter(kind="stories").count() == jobs
    with tenant_scope(cast.globex), clock.at(noon):
        job = FetchJob.objects.get(kind="stories")
        assert noon < job.next_due_at <= noon + timedelta(hours=1)
        read(cast.globex)
        job.refresh_from_db()
        assert noon < job.next_due_at <= noon + timedelta(hours=1)


def test_no_other_tenant_sees_a_story(cast: Cast, noon: datetime) -> None:
    with tenant_scope(cast.acme), clock.at(noon):
        make_story(make_account())
    with tenant_scope(cast.rival):
        assert not Story.objects.exists()


def test_a_counter_that_is_missing_or_negative_keeps_its_last_value(acme: TenantRef, noon: datetime) -> None:
    account = make_account()

    def store(**counters: int | None) -> Story:
        row = PostRow(
            aweme_id="7600000000000000001", title="s", cover_url="", duration_s=9, kind="video", pinned=False,
            sound_id="", posted_at=noon,
            counters={"play_count": 9, "digg_count": 8, "comment_count": 7, "share_count": 6, "collect_count": 5}
            | counters,
        )  # fmt: skip
        store_stories(account.pk, [row], measured_at=clock.now())
        return Story.objects.get()

    store()
    story = store(play_count=10, digg_count=None, comment_count=-977_433_948)
    assert (story.play_count, story.digg_count, story.comment_count, story.share_count) == (10, 8, 7, 6)
