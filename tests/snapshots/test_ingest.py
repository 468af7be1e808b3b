"""From the upstream to the rows, through jobs: creators that rename, hide, vanish and come back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from accounts.selectors import TenantRef
from snapshots.analytics import accounts as analytics
from snapshots.models import FetchJob, Post, TrackedAccount
from snapshots.selectors import account_id_of
from snapshots.services.accounts import clean_wish
from snapshots.services.inline import Tracked, fetch_now, track_now
from tests.cast import Cast
from tests.simulating import Caller
from tests.snapshots.conftest import both_clocks_at
from tests.snapshots.test_upsert import whole_tables
from tests.threads import at_once
from tests.tiklive.upstream import Answer, running_upstream
from tikdash import clock
from tikdash.db.scope import tenant_scope


def track(tenant: TenantRef, handle: str) -> Tracked:
    return track_now(tenant, clean_wish(handle=handle, reason="competitor", tags=""))


def outcomes(tenant: TenantRef, handle: str, kind: str | None = None) -> list[str]:
    return [report.outcome for report in fetch_now(tenant, handle, kind)]


def test_a_tracked_creator_has_the_numbers_and_posts_that_are_true_upstream(acme: TenantRef, upstream: Caller) -> None:
    track(acme, "lena.bakes")
    truth = upstream.look("truth/account", handle="lena.bakes")
    account = TrackedAccount.objects.get()
    assert (account.tiktok_user_id, account.nickname) == (truth["id"], truth["nickname"])
    assert (account.follower_count, account.following_count) == (truth["followers"], truth["following"])
    assert (account.heart_count, account.video_count, account.digg_count) == (
        truth["hearts"],
        truth["videos"],
        truth["diggs"],
    )
    assert account.snapshots.get().follower_count == truth["followers"]  # type: ignore[attr-defined]
    true_posts = {row["id"]: row for row in upstream.look("truth/posts", handle="lena.bakes")["posts"]}
    stored = list(Post.objects.all())
    assert len(stored) == 60, "the plan keeps the newest 60 fresh"
    for post in stored:
        truth = true_posts[post.aweme_id]
        assert (post.play_count, post.digg_count) == (truth["play_count"], truth["digg_count"])
        assert post.posted_at.timestamp() == truth["create_time"] and post.pinned == truth["pinned"]
        assert post.snapshots.get().play_count == post.play_count  # type: ignore[attr-defined]


def test_fetching_the_same_answer_again_changes_nothing(real_acme: TenantRef, upstream: Caller) -> None:
    track(real_acme, "vanishing.vic")
    before = whole_tables()
    assert outcomes(real_acme, "vanishing.vic") == ["ok", "ok"]
    assert whole_tables() == before


def test_two_workers_on_one_creator_at_once_change_nothing(
    committed_db: Cast, noon: datetime, upstream: Caller
) -> None:
    acme = committed_db.acme
    track(acme, "lena.bakes")
    with tenant_scope(acme):
        before = whole_tables()
    reports = at_once([lambda: fetch_now(acme, "lena.bakes")] * 3)
    ran = [report for each in reports for report in each]
    assert {report.outcome for report in ran} == {"ok"} and len(ran) >= 2
    with tenant_scope(acme):
        assert whole_tables() == before


def test_a_renamed_creator_keeps_row_and_history_and_is_found_by_both_handles(
    acme: TenantRef, upstream: Caller
) -> None:
    before, after = datetime.fromisoformat("2026-10-16T12:00:00Z"), datetime.fromisoformat("2026-10-19T12:00:00Z")
    with both_clocks_at(upstream, before):
        tracked = track(acme, "mara.codes")
        posts = Post.objects.count()
    with both_clocks_at(upstream, after):
        fetch_now(acme, "mara.codes")
        header = analytics.header(tracked.id)
        assert (header.handle, header.former_handles) == ("marabuilds", ["mara.codes"])
        assert account_id_of("mara.codes") == account_id_of("@marabuilds") == tracked.id
        for text in ("mara.codes", "marabuilds"):
            assert [row.id for row in analytics.accounts_page(text=text).rows] == [tracked.id]
        fetch_now(acme, "marabuilds")
        account = TrackedAccount.objects.get()
        assert (account.state, account.snapshots.count()) == ("active", 2)  # type: ignore[attr-defined]
        assert account.follower_count == upstream.look("truth/account", handle="marabuilds")["followers"]
        assert Post.objects.count() > posts and not Post.objects.filter(deleted_at__isnull=False).exists()


def test_after_a_rename_nobody_reads_that_the_creator_is_gone(acme: TenantRef, upstream: Caller) -> None:
    with both_clocks_at(upstream, datetime.fromisoformat("2026-10-16T12:00:00Z")):
        tracked = track(acme, "mara.codes")
    with both_clocks_at(upstream, datetime.fromisoformat("2026-10-19T12:00:00Z")):
        fetch_now(acme, "mara.codes")
        assert analytics.header(tracked.id).state == "active"
        assert TrackedAccount.objects.get().measured_at == clock.now(), "read under the new handle at once"


def test_a_handle_that_now_belongs_to_somebody_else_changes_no_number(acme: TenantRef, upstream: Caller) -> None:
    tracked = track(acme, "lena.bakes")
    TrackedAccount.objects.update(tiktok_user_id="6950000000000000042", follower_count=17)
    [report] = fetch_now(acme, "lena.bakes", "profile")
    assert (report.outcome, report.text) == ("ok", "TikTok says: not found")
    account = TrackedAccount.objects.get(pk=tracked.id)
    assert (account.follower_count, account.state) == (17, "not_found")


def test_a_renamed_creator_is_found_by_its_number_also_where_no_post_tells_the_handle(
    acme: TenantRef, upstream: Caller
) -> None:
    before, after = datetime.fromisoformat("2026-10-16T12:00:00Z"), datetime.fromisoformat("2026-10-19T12:00:00Z")
    with both_clocks_at(upstream, before):
        tracked = track(acme, "mara.codes")
    upstream.order("overrides", {"private": [{"handle": "mara.codes", "at": before.timestamp() + 60}]})
    with both_clocks_at(upstream, after):
        [report] = fetch_now(acme, "mara.codes", "profile")
        assert report.outcome == "ok"
        account = TrackedAccount.objects.get(pk=tracked.id)
        assert (account.username, account.state, account.measured_at) == ("marabuilds", "private", after)
        assert account.follower_count == upstream.look("truth/account", handle="marabuilds")["followers"]


def test_a_vanished_post_is_flagged_and_the_flag_goes_when_it_returns(
    acme: TenantRef, upstream: Caller, noon: datetime
) -> None:
    track(acme, "northbay.coffee")
    victim = Post.objects.filter(pinned=False).order_by("-posted_at")[2]
    gone_at, back_at = noon + timedelta(hours=1), noon + timedelta(days=2)
    order = {"id": victim.aweme_id, "deleted_at": gone_at.timestamp(), "restored_at": back_at.timestamp()}
    upstream.order("overrides", {"posts": [order]})
    with both_clocks_at(upstream, noon + timedelta(days=1)):
        [report] = fetch_now(acme, "northbay.coffee", "posts")
        assert "1 gone, 0 back" in report.text
        flagged = Post.objects.get(deleted_at__isnull=False)
        assert flagged.aweme_id == victim.aweme_id and flagged.deleted_at == noon + timedelta(days=1)
        assert flagged.play_count == victim.play_count, "its last numbers stay"
    with both_clocks_at(upstream, noon + timedelta(days=3)):
        [report] = fetch_now(acme, "northbay.coffee", "posts")
        assert "0 gone, 1 back" in report.text
    victim.refresh_from_db()
    assert victim.deleted_at is None


def test_posts_older_than_what_was_read_are_not_taken_for_vanished(acme: TenantRef, upstream: Caller) -> None:
    tracked = track(acme, "chai_aur_asha")
    oldest = Post.objects.order_by("posted_at")[0]
    Post.objects.create(
        account_id=tracked.id,
        aweme_id="7000000000000000001",
        posted_at=oldest.posted_at - timedelta(days=30),
        first_seen_at=oldest.first_seen_at,
        measured_at=oldest.measured_at,
    )
    [report] = fetch_now(acme, "chai_aur_asha", "posts")
    assert "0 gone" in report.text
    assert not Post.objects.filter(deleted_at__isnull=False).exists()


def test_a_creator_who_turns_private_is_said_to_be_and_no_post_is_flagged(
    acme: TenantRef, upstream: Caller, noon: datetime
) -> None:
    tracked = track(acme, "lena.bakes")
    upstream.order("overrides", {"private": [{"handle": "lena.bakes", "at": noon.timestamp() + 60}]})
    with both_clocks_at(upstream, noon + timedelta(days=1)):
        reports = fetch_now(acme, "lena.bakes")
        assert [report.outcome for report in reports] == ["ok", "ok"], "a state of the account, not a failure"
        assert "0 posts on 1 page, 0 new, 0 gone" in reports[1].text
        assert analytics.header(tracked.id).state_text == "private on TikTok"
    assert not Post.objects.filter(deleted_at__isnull=False).exists()
    upstream.order("overrides", {})
    with both_clocks_at(upstream, noon + timedelta(days=2)):
        fetch_now(acme, "lena.bakes")
        assert analytics.header(tracked.id).state == "active"


def test_a_deleted_creator_is_said_to_be_gone_and_keeps_its_history(
    acme: TenantRef, upstream: Caller, noon: datetime
) -> None:
    tracked = track(acme, "lena.bakes")
    upstream.order("overrides", {"deleted": [{"handle": "lena.bakes", "at": noon.timestamp() + 60}]})
    with both_clocks_at(upstream, noon + timedelta(days=1)):
        assert outcomes(acme, "lena.bakes") == ["ok", "ok"]
        header = analytics.header(tracked.id)
    assert (header.state_text, header.as_of) == ("not found on TikTok", noon)
    assert Post.objects.count() == 60 and not Post.objects.filter(deleted_at__isnull=False).exists()
    assert set(FetchJob.objects.filter(account_id=tracked.id).values_list("state", "attempts")) == {("active", 0)}


@pytest.mark.parametrize("fault", ["nulls", "zeroed", "duplicates", "negative_hearts"])
def test_dirty_answers_leave_the_accounts_numbers_as_they_were(acme: TenantRef, upstream: Caller, fault: str) -> None:
    track(acme, "lena.bakes")
    names = ("follower_count", "heart_count", "video_count")
    before = TrackedAccount.objects.values_list(*names).get()
    plays = dict(Post.objects.values_list("aweme_id", "play_count"))
    upstream.order("faults", [{"kind": fault}])
    fetch_now(acme, "lena.bakes")
    assert TrackedAccount.objects.values_list(*names).get() == before
    assert dict(Post.objects.values_list("aweme_id", "play_count")) == plays
    assert not Post.objects.filter(deleted_at__isnull=False).exists()


def test_a_page_that_stops_in_the_middle_flags_nothing_and_keeps_what_came_before(
    acme: TenantRef, upstream: Caller
) -> None:
    track(acme, "lena.bakes")
    upstream.order("faults", [{"kind": "truncated", "endpoint": "user-posts", "skip": 1}])
    FetchJob.objects.filter(kind="posts").update(succeeded_at=None, requested_at=clock.now())
    [report] = fetch_now(acme, "lena.bakes", "posts")
    assert report.outcome == "bad_payload"
    assert Post.objects.count() == 60 and not Post.objects.filter(deleted_at__isnull=False).exists()


def test_a_page_with_rows_that_could_not_be_used_flags_nothing(
    acme: TenantRef, upstream: Caller, settings: Any, noon: datetime
) -> None:
    tracked = track(acme, "northbay.coffee")
    known = list(Post.objects.filter(pinned=False).order_by("-posted_at")[:3])
    seconds = [int(post.posted_at.timestamp()) for post in known]
    rows = [
        {"video_id": known[0].aweme_id, "create_time": seconds[0], "title": None, "play_count": 2**40},
        {"video_id": known[1].aweme_id, "create_time": 0},
        {"video_id": known[2].aweme_id, "create_time": seconds[2], "images": ["https://p16.example/1.jpg"]},
    ]
    with running_upstream() as other:
        settings.TIKLIVE_BASE_URL = other.base_url
        for page, gone in ((rows, 0), ([rows[0], rows[2]], 1)):
            other.answer = Answer(orjson.dumps({"videos": page, "cursor": "0", "hasMore": True}))
            [report] = fetch_now(acme, "northbay.coffee", "posts")
            assert f"{gone} gone" in report.text
    assert list(Post.objects.filter(deleted_at__isnull=False)) == [known[1]]
    newest = Post.objects.get(pk=known[0].pk)
    assert (newest.title, newest.play_count, newest.account_id) == ("", 2**40, tracked.id)
    assert Post.objects.get(pk=known[2].pk).kind == "photo"
