"""The video of a post: links that are fetched at the click, shown once and kept nowhere."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from billing.models import UsageEvent
from snapshots.models import Post, TrackedAccount
from tests.cast import Cast
from tests.factories import make_account, make_post
from tests.simulating import NOW, Caller
from tests.snapshots.conftest import browser_of
from tests.snapshots.test_pages import text_of
from tikdash.db.scope import tenant_scope
from tikdash.redis import server


@pytest.fixture
def lena(committed_db: Cast, noon: Any, upstream: Caller) -> Post:
    """The newest post of lena.bakes, as Acme has it."""
    with tenant_scope(committed_db.acme):
        account: TrackedAccount = make_account("lena.bakes", tiktok_user_id=upstream.account_id("lena.bakes"))
        post = make_post(account, aweme_id=upstream.newest_post("lena.bakes"), title="Bread")
    upstream.order("reset")
    upstream.set_clock(NOW)
    return post


@pytest.fixture
def ana(committed_db: Cast, noon: Any) -> Client:
    return browser_of(committed_db.ana, "acme.localhost")


def events(cast: Cast) -> list[tuple[str, str, int]]:
    with tenant_scope(cast.acme):
        found = UsageEvent.objects.order_by("occurred_at")
        return list(found.values_list("endpoint", "feature", "credits"))


def test_a_click_gives_fresh_links_for_one_credit_and_nothing_keeps_them(
    ana: Client, committed_db: Cast, lena: Post
) -> None:
    cache.clear()
    for times in (1, 2):
        answer = ana.post(f"/posts/{lena.pk}/video/", headers={"hx-request": "true"})
        page = text_of(answer)
        assert answer.status_code == 200
        assert "Save the video in HD" in page and 'rel="noopener noreferrer external"' in page
        assert answer["Cache-Control"] == "no-store"
        assert events(committed_db) == times * [("download-video", "downloads", 1)]
    with server().reached() as redis:
        kept = [key for key in redis.keys("*") if b"download" in key and b"tla:" in key]
    assert kept == []


def test_without_javascript_the_page_of_the_post_has_them(ana: Client, lena: Post) -> None:
    page = text_of(ana.post(f"/posts/{lena.pk}/video/"))
    assert "Save the video in HD" in page and "Views by age" in page
    assert "Get the video" in text_of(ana.get(f"/posts/{lena.pk}/"))


def test_where_the_plan_of_the_key_has_no_downloads_the_detail_of_the_post_names_them(
    ana: Client, committed_db: Cast, lena: Post, upstream: Caller
) -> None:
    upstream.order("faults", [{"kind": "http", "status": 403, "endpoint": "download-video"}])
    assert "Save the video" in text_of(ana.post(f"/posts/{lena.pk}/video/", headers={"hx-request": "true"}))
    assert events(committed_db)[-1] == ("post-detail", "downloads", 1)


def test_photos_and_posts_that_are_gone_have_no_video_and_say_so(
    ana: Client, committed_db: Cast, lena: Post, upstream: Caller
) -> None:
    with tenant_scope(committed_db.acme):
        photo = make_post(TrackedAccount.objects.get(), kind="photo")
        gone = make_post(TrackedAccount.objects.get(), aweme_id="7000000000000000001")
    answer = ana.post(f"/posts/{photo.pk}/video/", headers={"hx-request": "true"})
    assert answer.status_code == 422 and "made of photos" in text_of(answer)
    assert "Get the video" not in text_of(ana.get(f"/posts/{photo.pk}/"))
    assert events(committed_db) == []
    answer = ana.post(f"/posts/{gone.pk}/video/", headers={"hx-request": "true"})
    assert answer.status_code == 422 and "does not have this post any more" in text_of(answer)


def test_an_upstream_that_is_down_is_said_beside_the_button(ana: Client, lena: Post, upstream: Caller) -> None:
    upstream.order("faults", [{"kind": "http", "status": 503}])
    answer = ana.post(f"/posts/{lena.pk}/video/", headers={"hx-request": "true"})
    assert answer.status_code == 422
    assert 'role="alert"' in text_of(answer) and "Get the video" in text_of(answer)


def test_another_workspaces_post_has_no_video_here(committed_db: Cast, lena: Post) -> None:
    rita = browser_of(committed_db.rita, "rival.localhost")
    assert rita.post(f"/posts/{lena.pk}/video/").status_code == 404
