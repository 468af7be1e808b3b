"""One post at the simulator: its detail, comments and files, and the stories beside the posts."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tikdash.tiklive.simulator.clock import format_time

from .conftest import Caller

MISSING = {"status": "error", "message": "Not found post"}
PER_POST = ("/post-detail/", "/post-comments/", "/download-video/")


def address(post_id: str, handle: str = "placeholder") -> str:
    return f"https://www.tiktok.com/@{handle}/video/{post_id}"


def test_detail_is_the_row_with_id_and_better_film(simulator: Caller) -> None:
    for row in simulator.get("/user-posts/", userid=simulator.account_id("lena.bakes"), count=35)["videos"]:
        detail = simulator.get("/post-detail/", url=address(row["video_id"]))
        assert detail["id"] == row["video_id"] and "video_id" not in detail
        assert detail["title"] == row["title"] and detail["play_count"] == row["play_count"]
        assert detail["is_top"] == row["is_top"] and detail["author"]["unique_id"] == "lena.bakes"
        if detail["duration"]:
            assert detail["hdplay"].startswith(simulator.base_url) and detail["hd_size"] > detail["size"]


def test_photo_post_has_no_better_film(simulator: Caller) -> None:
    detail = simulator.get("/post-detail/", url=address(simulator.newest_post("stillframe.studio")))
    assert detail["images"] and detail["duration"] == 0 and "hdplay" not in detail and "hd_size" not in detail


@pytest.mark.parametrize(
    "form",
    [
        "{id}",
        "https://www.tiktok.com/@lena.bakes/video/{id}",
        "https://www.tiktok.com/@placeholder/video/{id}?lang=en",
        "https://m.tiktok.com/@/photo/{id}/",
    ],
)
def test_any_form_of_address_finds_the_post(simulator: Caller, form: str) -> None:
    post_id = simulator.newest_post("lena.bakes")
    assert simulator.get("/post-detail/", url=form.format(id=post_id))["id"] == post_id


@pytest.mark.parametrize("path", PER_POST)
@pytest.mark.parametrize("url", [address("7300000000000000000"), "https://vm.example/abc", "abc", "-1", "9" * 30])
def test_unknown_post_is_not_found(simulator: Caller, path: str, url: str) -> None:
    assert simulator.get(path, url=url) == MISSING


@pytest.mark.parametrize("path", PER_POST)
def test_deleted_and_private_posts_are_not_found(simulator: Caller, path: str) -> None:
    posts = simulator.look("truth/posts", handle="vanishing.vic")["posts"]
    deleted = next(post["id"] for post in posts if post["deleted"])
    hidden = simulator.look("truth/posts", handle="private.person")["posts"][0]["id"]
    assert simulator.get(path, url=address(deleted, "vanishing.vic")) == MISSING
    assert simulator.get(path, url=address(hidden, "private.person")) == MISSING
    ordered = simulator.newest_post("lena.bakes")
    assert simulator.get(path, url=address(ordered)) != MISSING
    simulator.order("overrides", {"posts": [{"id": ordered}]})
    assert simulator.get(path, url=address(ordered)) == MISSING


def test_paging_reaches_as_many_comments_as_the_counter_says(simulator: Caller) -> None:
    posts = simulator.look("truth/posts", handle="tinyfermenter")["posts"]
    post = next(post for post in posts if 60 < post["comment_count"] < 3_000 and not post["deleted"])
    url = address(post["id"])
    first = simulator.get("/post-comments/", url=url)
    assert first["total"] == post["comment_count"] == simulator.get("/post-detail/", url=url)["comment_count"]
    assert (len(first["comments"]), first["cursor"], first["hasMore"]) == (10, 10, True)
    comments = [row for rows in simulator.walk("/post-comments/", "comments", url=url, count=50) for row in rows]
    assert len({row["id"] for row in comments}) == len(comments) == post["comment_count"]
    truth = simulator.look("truth/comments", id=post["id"])
    assert truth["total"] == len(comments)
    assert truth["create_times"] == [row["create_time"] for row in comments[:100]]


def test_comment_has_its_fields_and_a_user_without_counts(simulator: Caller) -> None:
    post = simulator.newest_post("professor.bubbles")
    rows = simulator.get("/post-comments/", url=address(post), count=50)["comments"]
    for row in rows:
        assert 1 <= row["create_time"] - (int(row["id"]) >> 32) <= 56 and row["status"] == 1
        assert row["create_time"] > int(post) >> 32 and "cid" not in row
        user = row["user"]
        assert user["id"].isdigit() and user["unique_id"] and user["region"]
        counts = ("aweme_count", "follower_count", "favoriting_count", "total_favorited")
        assert all(user[name] == 0 for name in counts) and user.get("following_count", 0) == 0
    assert len({row["user"]["id"] for row in rows}) == len({row["user"]["unique_id"] for row in rows}) == len(rows)


def test_comments_stay_and_new_ones_follow_while_time_moves(simulator: Caller) -> None:
    url = address(simulator.newest_post("lena.bakes"))
    before = simulator.get("/post-comments/", url=url, count=50)
    simulator.set_clock("2026-11-16T12:00:00Z")
    after = simulator.get("/post-comments/", url=url, count=50)
    known = [row["id"] for row in before["comments"]]
    assert after["total"] > before["total"] and [row["id"] for row in after["comments"]][: len(known)] == known
    assert all(newer["create_time"] >= older["create_time"] for older, newer in pairwise(after["comments"]))


def test_comments_past_the_end_are_an_empty_last_page(simulator: Caller) -> None:
    url = address(simulator.newest_post("lena.bakes"))
    page = simulator.get("/post-comments/", url=url, cursor=10_000_000)
    assert (page["comments"], page["cursor"], page["hasMore"]) == ([], 10_000_000, False)
    assert simulator.raw("/post-comments/", url=url, cursor="soon").status == 400


def test_download_gives_two_addresses(simulator: Caller) -> None:
    files = simulator.get("/download-video/", url=address(simulator.newest_post("lena.bakes")))
    assert set(files) == {"video", "video_hd"} and files["video"] != files["video_hd"]
    assert all(link.startswith(simulator.base_url) and "x-expires=" in link for link in files.values())


def test_stories_are_of_the_last_day_and_no_posts(simulator: Caller) -> None:
    account_id = simulator.account_id("chai_aur_asha")
    met = set()
    for day in range(10, 15):
        simulator.set_clock(f"2026-11-{day}T12:00:00Z")
        now = simulator.look("clock")["now_unix"]
        page = simulator.get("/user-stories/", userid=account_id)
        truth = simulator.look("truth/stories", handle="chai_aur_asha")["stories"]
        assert [row["video_id"] for row in page["videos"]] == [story["id"] for story in truth]
        assert all(now - 86_400 < row["create_time"] <= now for row in page["videos"])
        assert page["hasMore"] is False and isinstance(page["cursor"], str)
        met |= {row["video_id"] for row in page["videos"]}
    assert met
    posts = {post["id"] for post in simulator.look("truth/posts", handle="chai_aur_asha")["posts"]}
    assert not met & posts


def test_story_expires_after_exactly_a_day(simulator: Caller) -> None:
    story = simulator.look("truth/stories", handle="chai_aur_asha", since="2026-11-10")["stories"][0]
    account_id = simulator.account_id("chai_aur_asha")

    def shown(at: float) -> tuple[bool, bool]:
        simulator.set_clock(format_time(at))
        rows = simulator.get("/user-stories/", userid=account_id, count=35)["videos"]
        detail = simulator.get("/post-detail/", url=address(story["id"]))
        return story["id"] in {row["video_id"] for row in rows}, detail != MISSING

    assert story["expires_at"] == story["create_time"] + 86_400
    assert shown(story["create_time"] - 1) == (False, False)
    assert shown(story["create_time"]) == (True, True)
    assert shown(story["expires_at"] - 1) == (True, True)
    assert shown(story["expires_at"]) == (False, False)
    assert simulator.look("truth/stories", handle="chai_aur_asha", since="2026-11-10")["stories"]


def test_stories_page_like_posts_and_private_ones_are_hidden(simulator: Caller) -> None:
    account_id = simulator.account_id("chai_aur_asha")
    truth: list[dict[str, str]] = []
    for day in range(1, 15):
        simulator.set_clock(f"2026-11-{day:02}T22:00:00Z")
        truth = simulator.look("truth/stories", handle="chai_aur_asha")["stories"]
        if len(truth) > 1:
            break
    pages = list(simulator.walk("/user-stories/", "videos", userid=account_id, count=1))
    assert [row["video_id"] for rows in pages for row in rows] == [story["id"] for story in truth]
    assert len(pages) == len(truth) > 1
    private = simulator.get("/user-stories/", userid=simulator.account_id("private.person"))
    assert private == {"videos": [], "cursor": "0", "hasMore": False}
    assert simulator.get("/user-stories/", userid="123")["message"] == "Not found user"
