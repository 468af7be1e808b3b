"""Comments: those of the newest posts whose number of comments has changed, page by page, each once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from django.db import connection

from accounts.selectors import TenantRef
from billing.gate import gate
from billing.models import Plan
from snapshots.ingest.comments import comment_rows, posts_to_read, store_comments
from snapshots.models import Comment, FetchJob, Post
from snapshots.scheduling.dispatch import claim_these
from snapshots.services.accounts import clean_wish
from snapshots.services.inline import fetch_now, track_now
from snapshots.services.jobs import RunReport, run_jobs
from tests.cast import Cast
from tests.factories import make_account, make_comment, make_post
from tests.simulating import Caller
from tests.snapshots.conftest import both_clocks_at
from tests.threads import at_once
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.tiklive.shapes import decode_comment_page

#: Hundreds of comments a post, and a few.
LENA, MAY = "lena.bakes", "mingalar.may"


@pytest.fixture
def acme(acme: TenantRef) -> Iterator[TenantRef]:
    """Acme with a plan that lets nobody wait."""
    Plan.objects.update(requests_per_minute=1_000_000, requests_burst=1_000)
    gate.forget()
    yield acme
    gate.forget()


def track(tenant: TenantRef, handle: str = LENA) -> int:
    return track_now(tenant, clean_wish(handle=handle, reason="own", tags="")).id


def read(tenant: TenantRef, handle: str = LENA) -> RunReport:
    [report] = fetch_now(tenant, handle, "comments")
    return report


def newest(most: int = 10) -> list[Post]:
    """The posts that a run reads first."""
    return list(Post.objects.filter(comment_count__gt=0).order_by("-posted_at")[:most])


def calls(upstream: Caller) -> int:
    return int(upstream.look("stats")["by_endpoint"].get("post-comments", 0))


def table() -> list[Any]:
    """Every column of every comment, and the transaction that last wrote it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT xmin::text, c.* FROM comments c ORDER BY id")
        return cursor.fetchall()


def test_comments_of_the_ten_newest_posts_are_those_that_are_true_upstream(acme: TenantRef, upstream: Caller) -> None:
    account_id = track(acme)
    assert read(acme).outcome == "ok"
    posts = newest()
    assert set(Comment.objects.values_list("post_id", flat=True)) == {post.pk for post in posts}
    for post in posts:
        truth = upstream.look("truth/comments", handle=LENA, id=post.aweme_id)
        stored = list(Comment.objects.filter(post=post))
        assert len(stored) == min(truth["total"], 100)
        assert sorted(row.written_at.timestamp() for row in stored) == truth["create_times"][: len(stored)]
        assert {row.account_id for row in stored} == {account_id}
        [page] = [
            upstream.get("/post-comments/", url=f"https://www.tiktok.com/@{LENA}/video/{post.aweme_id}", count=50)
        ]
        for given in page["comments"]:
            row = next(row for row in stored if row.comment_id == given["id"])
            assert (row.text, row.digg_count, row.reply_count) == (
                given["text"], given["digg_count"], given["reply_total"],
            )  # fmt: skip
            assert (row.author_username, row.author_id) == (given["user"]["unique_id"].lower(), given["user"]["id"])


def test_posts_that_have_been_read_cost_nothing_until_they_have_other_comments(
    acme: TenantRef, upstream: Caller, noon: datetime, settings: Any
) -> None:
    settings.COMMENTS_POSTS, settings.COMMENTS_PER_POST = 100, 1_000
    track(acme, MAY)
    read(acme, MAY)
    asked, before = calls(upstream), table()
    assert "of 0 posts" in read(acme, MAY).text
    assert (calls(upstream), table()) == (asked, before)
    with both_clocks_at(upstream, noon + timedelta(days=1)):
        fetch_now(acme, MAY, "posts")
        recent = Post.objects.filter(posted_at__gte=noon - timedelta(days=29), comment_count__gt=0)
        changed = {post.pk for post in recent if post.comment_count != post.comments_read_count}
        assert changed and f" of {len(changed)} posts on " in read(acme, MAY).text
        written = Comment.objects.filter(measured_at__gt=noon).select_related("post")
        assert set(written.values_list("post_id", flat=True)) <= changed
        assert written.filter(first_seen_at__gt=noon).exists(), "some are new"
        liked = written.filter(first_seen_at=noon).order_by("-digg_count")[0]
        url = f"https://www.tiktok.com/@{MAY}/video/{liked.post.aweme_id}"
        page = upstream.get("/post-comments/", url=url, count=50)["comments"]
        assert liked.digg_count == next(row["digg_count"] for row in page if row["id"] == liked.comment_id)


def test_the_same_comments_again_write_no_row_and_end_after_a_page(
    real_acme: TenantRef, upstream: Caller, noon: datetime, settings: Any
) -> None:
    settings.COMMENTS_POSTS = 2
    track(real_acme)
    read(real_acme)
    asked, before = calls(upstream), table()
    Post.objects.update(comments_read_count=None, comments_read_at=None)
    with clock.at(noon + timedelta(hours=1)):
        assert read(real_acme).text == "0 new and 0 changed comments of 2 posts on 2 pages"
    assert calls(upstream) == asked + 2
    assert table() == before


def test_settings_say_how_many_posts_and_comments_are_read(acme: TenantRef, upstream: Caller, settings: Any) -> None:
    settings.COMMENTS_POSTS, settings.COMMENTS_PER_POST = 2, 60
    track(acme)
    read(acme)
    expected = {post.pk: min(60, post.comment_count or 0) for post in newest(2)}
    assert {post_id: Comment.objects.filter(post_id=post_id).count() for post_id in expected} == expected
    assert Comment.objects.count() == sum(expected.values())
    read(acme)
    assert set(Comment.objects.values_list("post_id", flat=True)) == {post.pk for post in newest(4)}, "the next two"


def test_old_vanished_and_silent_posts_are_not_asked_for(acme: TenantRef, noon: datetime) -> None:
    account = make_account()
    make_post(account, posted_at=noon - timedelta(days=31))
    make_post(account, posted_at=noon, deleted_at=noon)
    make_post(account, posted_at=noon, comment_count=0)
    make_post(account, posted_at=noon, comment_count=7, comments_read_count=7)
    unknown = make_post(account, posted_at=noon, comment_count=None)
    grown = make_post(account, posted_at=noon - timedelta(days=29), comment_count=8, comments_read_count=7)
    found = posts_to_read(account.pk, since=noon - timedelta(days=30), most=10)
    assert [(post.id, post.comment_count) for post in found] == [(unknown.pk, -1), (grown.pk, 8)]


def test_a_broken_page_keeps_what_was_read_and_the_other_posts(
    acme: TenantRef, upstream: Caller, settings: Any
) -> None:
    settings.TIKLIVE_ATTEMPTS = 1
    track(acme)
    upstream.order("faults", [{"kind": "truncated", "endpoint": "post-comments", "skip": 1, "count": 1}])
    posts = newest()
    assert all((post.comment_count or 0) > 50 for post in posts), "each has a second page"
    report = read(acme)
    assert report.outcome == "ok" and report.text.endswith("; 1 posts could not be read")
    counts = [Comment.objects.filter(post=post).count() for post in posts]
    assert counts == [50, *(min(post.comment_count or 0, 100) for post in posts[1:])]
    read(acme)
    assert not posts_to_read(posts[0].account_id, since=posts[-1].posted_at, most=10), "the next run has read it"


def test_a_run_that_can_read_nothing_fails_and_is_tried_again(acme: TenantRef, upstream: Caller, settings: Any) -> None:
    # Fewer than open a breaker.
    settings.TIKLIVE_ATTEMPTS, settings.COMMENTS_POSTS = 1, 3
    track(acme)
    upstream.order("faults", [{"kind": "not_json", "endpoint": "post-comments"}])
    assert read(acme).outcome == "bad_payload"
    assert FetchJob.objects.get(kind="comments").attempts == 1 and not Comment.objects.exists()
    upstream.order("faults", [])
    assert " of 3 posts on " in read(acme).text


def test_a_run_that_is_put_back_is_gone_on_with_and_not_repeated(
    acme: TenantRef, upstream: Caller, settings: Any
) -> None:
    account_id = track(acme)
    settings.TIKLIVE_KEY_PER_MINUTE, settings.TIKLIVE_KEY_BURST, settings.TIKLIVE_PATIENCE_S = 100, 5, 0.0
    job = FetchJob.objects.get(account_id=account_id, kind="comments")
    FetchJob.objects.filter(pk=job.pk).update(next_due_at=clock.now())
    claim_these(acme, [job.pk])
    [report] = run_jobs(acme, [job.pk])
    assert report.outcome == "too_busy" and report.wait_s is not None
    read_so_far, done = Comment.objects.count(), Post.objects.filter(comments_read_count__isnull=False).count()
    assert read_so_far >= 100 and 1 <= done < 10
    job.refresh_from_db()
    assert (job.attempts, job.error) == (0, "")
    settings.TIKLIVE_KEY_PER_MINUTE, settings.TIKLIVE_KEY_BURST, settings.TIKLIVE_PATIENCE_S = 1_000_000, 10, 2.0
    assert f" of {10 - done} posts on " in read(acme).text, "what is left of the ten, not ten more"


def test_a_deleted_post_keeps_its_comments_and_is_not_asked_for_again(
    acme: TenantRef, upstream: Caller, noon: datetime, settings: Any
) -> None:
    settings.COMMENTS_POSTS = 100
    track(acme)
    read(acme)
    victim = newest()[3]
    kept = set(Comment.objects.filter(post=victim).values_list("comment_id", flat=True))
    Post.objects.filter(pk=victim.pk).update(comments_read_count=1)
    upstream.order("overrides", {"posts": [{"id": victim.aweme_id, "deleted_at": noon.timestamp() - 60}]})
    asked = calls(upstream)
    report = read(acme)
    assert (report.outcome, calls(upstream)) == ("ok", asked + 1)
    assert "1 posts do not show theirs" in report.text
    assert set(Comment.objects.filter(post=victim).values_list("comment_id", flat=True)) == kept != set()
    read(acme)
    assert calls(upstream) == asked + 1


def test_two_tenants_keep_the_comments_of_one_creator_apart(
    cast: Cast, acme: TenantRef, upstream: Caller, noon: datetime, settings: Any
) -> None:
    settings.COMMENTS_POSTS = 2
    for tenant in (cast.acme, cast.globex):
        with clock.at(noon):
            track(tenant)
            read(tenant)
    for tenant in (cast.acme, cast.globex):
        with tenant_scope(tenant):
            assert Comment.objects.count() > 100
    with tenant_scope(cast.rival):
        assert not Comment.objects.exists()
    with tenant_scope(cast.acme):
        ids = list(Comment.objects.values_list("comment_id", flat=True))
        Comment.objects.all().delete()
    with tenant_scope(cast.globex):
        assert Comment.objects.filter(comment_id__in=ids).count() == len(ids)


def test_two_workers_with_one_page_at_once_make_no_duplicate(committed_db: Cast, noon: datetime) -> None:
    acme = committed_db.acme
    with tenant_scope(acme):
        post = make_post(make_account())

    def worker(likes: int) -> None:
        rows = comment_rows(page([comment(str(number), digg_count=likes) for number in range(200)]), now=noon)
        for _ in range(5):
            with tenant_scope(acme):
                store_comments(post.account_id, post.pk, rows[:: 1 if likes else -1], measured_at=noon)

    at_once([lambda n=n: worker(n) for n in range(3)])
    with tenant_scope(acme):
        assert Comment.objects.count() == 200


def comment(comment_id: object, **fields: object) -> dict[str, object]:
    return {"id": comment_id, "text": "nice", "create_time": 1_790_000_000, "digg_count": 1, "reply_total": 0} | fields


def page(comments: list[dict[str, object]]) -> Any:
    body = orjson.dumps({"comments": comments, "total": len(comments), "cursor": 0, "hasMore": False})
    return decode_comment_page(body).comments


def test_ids_are_texts_whatever_they_look_like(acme: TenantRef, noon: datetime) -> None:
    post = make_post(make_account())
    given = ["0071", "71", "aZ_9-x", 7_400_000_000_000_000_123]
    rows = comment_rows(page([comment(comment_id) for comment_id in given]), now=noon)
    assert store_comments(post.account_id, post.pk, rows, measured_at=noon).new == 4
    assert set(Comment.objects.values_list("comment_id", flat=True)) == set(map(str, given))


def test_extreme_rows_are_stored_by_rule_and_harm_no_other(acme: TenantRef, noon: datetime) -> None:
    post = make_post(make_account())
    rows = comment_rows(
        page(
            [
                comment("a", text="🥐" * 5_000, digg_count=-977_433_948, reply_total=2**63 - 1, create_time=-5),
                comment("b", text="null\x00byte \ud83d".encode("utf-8", "replace").decode(), create_time=2**62),
                comment("c", text=None, digg_count=None, reply_total=None, create_time=None, user=None),
                comment("d", user={"id": "x" * 90, "unique_id": "U" * 90, "nickname": "n" * 900}),
                comment("d", text="the same again"),
            ]
        ),
        now=noon,
    )
    assert store_comments(post.account_id, post.pk, rows, measured_at=noon).new == 4
    a, b, c, d = Comment.objects.order_by("comment_id")
    assert (len(a.text), a.digg_count, a.reply_count, a.written_at) == (4_000, None, 2**63 - 1, None)
    assert b.text.startswith("nullbyte") and b.written_at is None
    assert (c.text, c.digg_count, c.author_username) == ("", None, "")
    assert d.written_at == datetime.fromtimestamp(1_790_000_000, UTC)
    assert (d.text, d.author_id) == ("the same again", "")


def test_a_counter_that_is_missing_now_keeps_its_last_value(acme: TenantRef, noon: datetime) -> None:
    known = make_comment(make_post(make_account()), "nice", comment_id="71", digg_count=40, reply_count=3)
    for fields, expected in (({"digg_count": None}, (40, 3)), ({"digg_count": 41, "reply_total": 4}, (41, 4))):
        rows = comment_rows(page([comment("71", **{"reply_total": 3} | fields)]), now=noon)
        store_comments(known.account_id, known.post_id, rows, measured_at=noon)
        known.refresh_from_db()
        assert (known.digg_count, known.reply_count) == expected


@pytest.mark.parametrize("kind", ["duplicates", "nul_text", "lone_surrogates", "numbers_as_text", "repeated_cursor"])
def test_no_variation_of_the_upstream_stops_a_run_or_makes_a_duplicate(
    acme: TenantRef, upstream: Caller, settings: Any, kind: str
) -> None:
    settings.COMMENTS_POSTS = 3
    track(acme)
    upstream.order("faults", [{"kind": kind, "endpoint": "post-comments"}])
    assert read(acme).outcome == "ok"
    assert Comment.objects.count() >= 3 * 50
    assert calls(upstream) <= 9
