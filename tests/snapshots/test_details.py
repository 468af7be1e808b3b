"""Details of posts: asked for once, of young posts whose rows in lists lack a counter, and judged as any reading."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import orjson
import pytest

from accounts.selectors import TenantRef
from billing.gate import gate
from billing.models import Plan, UsageEvent
from snapshots.ingest.details import posts_to_ask, store_detail
from snapshots.ingest.upsert import store_posts
from snapshots.models import FetchJob, Post, PostReading, PostSnapshot, TrackedAccount
from snapshots.models.fields import DataState
from snapshots.services.accounts import clean_wish, make_missing_jobs
from snapshots.services.inline import fetch_now, track_now
from snapshots.services.jobs import RunReport
from tests.cast import Cast
from tests.factories import make_account, make_job, make_post
from tests.simulating import Caller
from tests.snapshots.conftest import both_clocks_at
from tests.snapshots.test_upsert import post as row
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.tiklive.shapes import PostDetail, decode_post_detail

ASHA = "chai_aur_asha"
DAY = timedelta(days=1)


@pytest.fixture
def globex(cast: Cast, noon: datetime) -> Iterator[TenantRef]:
    """Globex' scope at noon; nobody waits."""
    Plan.objects.update(requests_per_minute=1_000_000, requests_burst=1_000)
    gate.forget()
    with tenant_scope(cast.globex):
        yield cast.globex
    gate.forget()


def lacking(account: TrackedAccount, **fields: Any) -> Post:
    """A post of two days ago of which no list has given the saves, in a day and a half."""
    now = clock.now()
    return make_post(
        account,
        **{
            "posted_at": now - 2 * DAY,
            "first_seen_at": now - 1.5 * DAY,
            "measured_at": now - timedelta(hours=1),
            "collect_count": None,
            "play_count": 1_000,
        }
        | fields,
    )


def ask(tenant: TenantRef, handle: str = ASHA) -> RunReport:
    [report] = fetch_now(tenant, handle, "detail")
    return report


def asked(account: TrackedAccount) -> list[int]:
    return [post.pk for post in posts_to_ask(account.pk, most=5)]


def track(tenant: TenantRef, upstream: Caller, noon: datetime) -> list[Post]:
    """Tracks Asha with lists that give no saves for a day and a half; returns her posts that could be asked for."""
    track_now(tenant, clean_wish(handle=ASHA, reason="own", tags=""))
    Post.objects.update(collect_count=None, first_seen_at=noon - 1.5 * DAY)
    PostSnapshot.objects.all().delete()
    PostReading.objects.all().delete()
    account = TrackedAccount.objects.get()
    return list(posts_to_ask(account.pk, most=100))


def detail_of(post: Post, **fields: Any) -> PostDetail:
    body = {
        "id": post.aweme_id, "title": "another", "create_time": int(post.posted_at.timestamp()), "play_count": 9_000,
        "digg_count": 800, "comment_count": 70, "share_count": 60, "collect_count": 50,
    } | fields  # fmt: skip
    return decode_post_detail(orjson.dumps({name: value for name, value in body.items() if value is not None}))


@pytest.mark.parametrize(
    "fields",
    [
        {"collect_count": 3},
        {"posted_at": "8 days ago"},
        {"first_seen_at": "an hour ago"},
        {"measured_at": "when it was first seen"},
        {"deleted_at": "a day ago"},
        {"detail_asked_at": "a day ago"},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_a_post_is_asked_for_only_while_it_is_young_and_lists_have_had_their_chance(
    globex: TenantRef, noon: datetime, fields: dict[str, Any]
) -> None:
    moments = {
        "8 days ago": noon - 8 * DAY,
        "a day ago": noon - DAY,
        "an hour ago": noon - DAY / 24,
        "when it was first seen": noon - 1.5 * DAY,
    }
    account = make_account()
    wanted = lacking(account)
    lacking(account, **{name: moments.get(value, value) for name, value in fields.items()})
    assert asked(account) == [wanted.pk]


def test_every_counter_counts_and_the_newest_posts_come_first(globex: TenantRef, noon: datetime) -> None:
    account = make_account()
    names = ("play_count", "digg_count", "comment_count", "share_count")
    posts = [
        lacking(account, **{"collect_count": 1, name: None}, posted_at=noon - (2 + number) * DAY)
        for number, name in enumerate(names)
    ]
    assert asked(account) == [post.pk for post in posts]


def test_details_fill_what_lists_omit_at_a_credit_a_post_and_never_twice(
    globex: TenantRef, upstream: Caller, noon: datetime
) -> None:
    posts = track(globex, upstream, noon)
    assert len(posts) > 5
    upstream.order("reset")
    with both_clocks_at(upstream, noon + timedelta(minutes=20)):
        # Two days later in a row, and then there is nothing left to ask.
        first, rest = ask(globex), ask(globex)
        assert first.text.startswith("5 details asked for") and first.outcome == rest.outcome == "ok"
        while not ask(globex).text.startswith("0 details"):
            pass
        truth = {row["id"]: row for row in upstream.look("truth/posts", handle=ASHA)["posts"]}
    filled = [post for post in Post.objects.filter(detail_asked_at__isnull=False) if post.collect_count is not None]
    assert Post.objects.filter(detail_asked_at__isnull=False).count() == len(posts) and filled
    for post in filled:
        assert post.collect_count == truth[post.aweme_id]["collect_count"]
        reading = PostReading.objects.get(post=post)
        assert (reading.collect_count, reading.measured_at) == (post.collect_count, noon + timedelta(minutes=20))
        assert PostSnapshot.objects.get(post=post).collect_count == post.collect_count
    stats = upstream.look("stats")
    events = UsageEvent.objects.filter(feature="detail")
    assert sum(event.credits for event in events) == events.count() == stats["credits"] == len(posts)


def test_the_next_list_keeps_what_the_detail_gave(globex: TenantRef, noon: datetime) -> None:
    account = make_account()
    post = lacking(account)
    assert store_detail(account, post, detail_of(post), measured_at=noon) == ["collect_count"]
    listed = row(1, noon, play_count=9_100, collect_count=None)
    store_posts(account.pk, [msgspec.structs.replace(listed, aweme_id=post.aweme_id)], measured_at=noon + DAY)
    post.refresh_from_db()
    assert (post.play_count, post.collect_count) == (9_100, 50)


def test_texts_and_times_of_a_post_stay_as_lists_gave_them(globex: TenantRef, noon: datetime) -> None:
    account = make_account()
    post = lacking(account, pinned=True, cover_url="https://x.example/c.png", sound_id="77", title="as it was")
    store_detail(account, post, detail_of(post, create_time=1_700_000_000), measured_at=noon)
    after = Post.objects.get()
    kept = ("title", "cover_url", "pinned", "sound_id", "posted_at", "kind", "first_seen_at")
    assert [getattr(after, name) for name in kept] == [getattr(post, name) for name in kept]
    assert (after.play_count, after.collect_count, after.measured_at) == (9_000, 50, noon)


def test_a_detail_is_judged_as_a_row_of_a_list_is(globex: TenantRef, noon: datetime) -> None:
    account = make_account()
    post = lacking(account, play_count=100_000)
    store_detail(account, post, detail_of(post, play_count=0), measured_at=noon)
    snapshot = PostSnapshot.objects.get()
    post.refresh_from_db()
    assert (snapshot.state, snapshot.suspect) == (DataState.ZEROED, {"play_count": "zeroed"})
    assert (post.play_count, post.collect_count) == (100_000, 50)


@pytest.mark.parametrize(
    "fields",
    [{"collect_count": None}, {"share_count": None}, {"id": "7400000000000099999"}, {"create_time": None}],
    ids=["brings nothing", "lacks what is known", "another post", "without a time"],
)
def test_an_answer_that_brings_nothing_or_less_or_another_post_is_not_stored(
    globex: TenantRef, noon: datetime, fields: dict[str, Any]
) -> None:
    account = make_account()
    post = lacking(account)
    assert store_detail(account, post, detail_of(post, **fields), measured_at=noon) == []
    assert not PostSnapshot.objects.exists() and Post.objects.get().collect_count is None


def test_an_answer_without_an_id_is_about_the_post_that_was_asked_for(globex: TenantRef, noon: datetime) -> None:
    account = make_account()
    post = lacking(account)
    assert store_detail(account, post, detail_of(post, id=None), measured_at=noon) == ["collect_count"]
    assert Post.objects.get().collect_count == 50


def test_a_post_that_tiktok_does_not_find_has_vanished(globex: TenantRef, upstream: Caller, noon: datetime) -> None:
    account = make_account(ASHA)
    post = lacking(account)
    make_job(account, "detail")
    assert ask(globex).text.endswith("0 gave what lists omit, 1 posts are gone")
    post.refresh_from_db()
    assert (post.deleted_at, post.detail_asked_at) == (noon, noon)


def test_an_unusable_answer_is_a_failed_refresh_and_no_deletion(
    globex: TenantRef, upstream: Caller, noon: datetime, settings: Any
) -> None:
    settings.TIKLIVE_ATTEMPTS = 1
    posts = track(globex, upstream, noon)
    upstream.order("faults", [{"kind": "hollow", "endpoint": "post-detail"}])
    assert ask(globex).outcome == "ok"
    asked_for = Post.objects.filter(detail_asked_at=noon)
    assert asked_for.count() == 5 and not Post.objects.filter(deleted_at__isnull=False).exists()
    assert len(posts) > 5


def test_what_is_down_is_asked_again(globex: TenantRef, upstream: Caller, noon: datetime, settings: Any) -> None:
    settings.TIKLIVE_ATTEMPTS = 1
    track(globex, upstream, noon)
    upstream.order("faults", [{"kind": "http", "status": 500, "endpoint": "post-detail", "skip": 2}])
    report = ask(globex)
    assert report.outcome != "ok" and Post.objects.filter(detail_asked_at=noon).count() <= 2
    upstream.order("faults", [])
    assert ask(globex).outcome == "ok"


def test_only_plans_that_have_details_get_the_job_and_others_ask_for_nothing(
    cast: Cast, upstream: Caller, noon: datetime
) -> None:
    for tenant, jobs in ((cast.globex, 1), (cast.acme, 0), (cast.rival, 0)):
        with tenant_scope(tenant):
            account = make_account(ASHA)
            make_missing_jobs(tenant)
            assert FetchJob.objects.filter(kind="detail").count() == jobs
            if not jobs:
                lacking(account)
                make_job(account, "detail")
                assert ask(tenant).outcome == "ok"
    assert upstream.look("stats")["credits"] == 0
