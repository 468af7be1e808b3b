"""Hashtags, sounds, searches, lists and viral posts at the simulator."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Caller


def hashtag_id(simulator: Caller, name: str) -> str:
    return str(simulator.get("/challenge-info-name/", name=name)["id"])


def search(simulator: Caller, **params: str | int) -> list[dict[str, Any]]:
    return list(simulator.get("/search-video/", **{"keyword": "the", "count": 30} | params)["videos"])


@pytest.mark.parametrize("handle", ["lena.bakes", "noor.kitchen", "chai_aur_asha", "hikaru_no_neko"])
def test_hashtags_of_titles_have_names_and_ids_that_agree(simulator: Caller, handle: str) -> None:
    rows = simulator.get("/user-posts/", userid=simulator.account_id(handle), count=35)["videos"]
    titles = " ".join(row["title"] or "" for row in rows)
    truth = simulator.look("truth/hashtags", handle=handle)["hashtags"]
    written = [tag for tag in truth if f"#{tag['name']}" in titles]
    assert len(written) > 3
    for tag in written:
        by_name = simulator.get("/challenge-info-name/", name=tag["name"])
        assert by_name == simulator.get("/challenge-info-id/", id=tag["id"])
        assert (by_name["id"], by_name["cha_name"]) == (tag["id"], tag["name"])


def test_counts_of_hashtags_are_those_of_the_titles(simulator: Caller) -> None:
    since = "2026-10-20"
    truth = simulator.look("truth/hashtags", handle="northbay.coffee", since=since)["hashtags"]
    shown = simulator.look("truth/posts", handle="northbay.coffee", since=since)["posts"]
    titles = [simulator.get("/post-detail/", url=post["id"])["title"] or "" for post in shown if not post["deleted"]]
    assert {tag["name"]: tag["posts"] for tag in truth if tag["name"] == "coffee"} == {
        "coffee": sum("#coffee" in title for title in titles)
    }


def test_hashtag_info_is_flat_with_the_documented_fields(simulator: Caller) -> None:
    infos = [
        simulator.get("/challenge-info-name/", name=name) for name in ("baking", "مصر", "渋谷スカイ", "हिंदी", "🐺")
    ]
    for info in infos:
        assert info["id"].isdigit() and info["view_count"] > info["user_count"] > 0 and info["type"] == 1
        flags = ("is_pgcshow", "is_commerce", "is_challenge", "is_strong_music")
        assert all(isinstance(info[flag], bool) for flag in flags)
    assert simulator.get("/challenge-info-name/", name="BAKING") == infos[0]


def test_counts_of_a_hashtag_grow(simulator: Caller) -> None:
    now = simulator.get("/challenge-info-name/", name="baking")
    assert now["view_count"] == simulator.look("truth/hashtag", name="baking")["view_count"]
    simulator.set_clock("2026-08-01T00:00:00Z")
    then = simulator.get("/challenge-info-name/", name="baking")
    assert then["view_count"] < now["view_count"] and then["id"] == now["id"]


@pytest.mark.parametrize("name", ["#baking", "missing.tag", "two words", "x" * 101])
def test_impossible_hashtag_is_not_found(simulator: Caller, name: str) -> None:
    missing = {"status": "error", "message": "Not found challenge"}
    assert simulator.get("/challenge-info-name/", name=name) == missing
    assert simulator.get("/challenge-info-id/", id="42") == missing
    assert simulator.get("/challenge-posts/", challenge_id="42") == missing


def test_hashtag_that_nobody_writes_is_known_and_empty(simulator: Caller) -> None:
    page = simulator.get("/challenge-posts/", challenge_id=hashtag_id(simulator, "quitelonely"))
    assert page == {"videos": [], "cursor": 0, "hasMore": False}


def test_paging_a_hashtag_meets_posts_of_many_creators_once(simulator: Caller) -> None:
    pages = list(simulator.walk("/challenge-posts/", "videos", challenge_id=hashtag_id(simulator, "baking"), count=35))
    rows = [row for page in pages for row in page]
    assert [len(page) for page in pages[:-1]] == [35] * (len(pages) - 1) and len(pages) > 1
    assert all("#baking" in row["title"] for row in rows)
    assert len({row["video_id"] for row in rows}) == len(rows) and len({row["author"]["id"] for row in rows}) >= 4
    assert [row["video_id"] for row in rows] == simulator.look("truth/hashtag", name="baking")["posts"]
    first = simulator.get("/challenge-posts/", challenge_id=hashtag_id(simulator, "baking"))
    assert (first["cursor"], first["hasMore"]) == (10, True)


def test_hashtag_posts_of_a_region(simulator: Caller) -> None:
    rows = simulator.get("/challenge-posts/", challenge_id=hashtag_id(simulator, "baking"), region="de", count=35)
    assert rows["videos"] and {row["region"] for row in rows["videos"]} == {"DE"}


def test_row_of_a_hashtag_is_the_row_of_its_creator(simulator: Caller) -> None:
    rows = simulator.get("/challenge-posts/", challenge_id=hashtag_id(simulator, "baking"), count=5)["videos"]
    for row in rows:
        detail = simulator.get("/post-detail/", url=row["video_id"])
        assert detail["play_count"] == row["play_count"] and detail["author"] == row["author"]
        assert simulator.account_id(row["author"]["unique_id"]) == row["author"]["id"]


def test_post_that_vanishes_leaves_hashtag_and_search(simulator: Caller) -> None:
    gone = simulator.look("truth/hashtag", name="baking")["posts"][0]
    simulator.order("overrides", {"posts": [{"id": gone}]})
    page = simulator.get("/challenge-posts/", challenge_id=hashtag_id(simulator, "baking"), count=35)
    assert gone not in {row["video_id"] for row in page["videos"]} and len(page["videos"]) == 34


def test_search_has_number_for_has_more_and_no_collects(simulator: Caller) -> None:
    page = simulator.get("/search-video/", keyword="croissant")
    assert page["hasMore"] == 1 and type(page["hasMore"]) is int and page["cursor"] == 10
    rows = [row for rows in simulator.walk("/search-video/", "videos", keyword="croissant", count=30) for row in rows]
    assert len({row["video_id"] for row in rows}) == len(rows) > 30
    assert not any("collect_count" in row for row in rows)
    assert all("croissant" in (row["title"] or "").lower() for row in rows)
    assert len(search(simulator, count=99)) == 30


def test_search_without_a_hit_is_empty(simulator: Caller) -> None:
    page = simulator.get("/search-video/", keyword="zzqqxx")
    assert page == {"videos": [], "cursor": 0, "hasMore": 0} and type(page["hasMore"]) is int


@pytest.mark.parametrize("days", [1, 7, 30, 90])
def test_search_by_age(simulator: Caller, days: int) -> None:
    now = simulator.look("clock")["now_unix"]
    rows = search(simulator, keyword="#", publish_time=days, sort_by=1)
    assert rows and all(now - days * 86_400 <= row["create_time"] <= now for row in rows)


def test_search_orders_by_likes_and_by_date_under_both_numbers(simulator: Caller) -> None:
    newest = search(simulator, sort_by=2)
    times = [row["create_time"] for row in newest]
    assert times == sorted(times, reverse=True) and search(simulator, sort_by=3) == newest
    liked = search(simulator, sort_by=1, publish_time=90)
    likes = [row["digg_count"] for row in liked]
    assert sum(likes[:10]) > sum(likes[-10:]) and liked != newest
    assert search(simulator) not in (newest, liked)
    assert simulator.raw("/search-video/", keyword="the", sort_by=9).status == 400


def test_search_in_a_region(simulator: Caller) -> None:
    assert {row["region"] for row in search(simulator, keyword="#", region="JP")} == {"JP"}


def test_sound_is_the_one_of_the_row_under_either_name_of_original(simulator: Caller) -> None:
    rows = simulator.get("/user-posts/", userid=simulator.account_id("lena.bakes"), count=35)["videos"]
    names, kinds = set(), set()
    for sound in (row["music_info"] for row in rows if row.get("music_info")):
        info = simulator.get("/music-info/", music_id=sound["id"])
        names |= info.keys() & {"original", "is_original"}
        assert len(info.keys() & {"original", "is_original"}) == 1
        original = info.get("original", info.get("is_original"))
        kinds.add(original)
        assert original is sound["original"] and info["video_count"] >= 1
        assert all(info[name] == sound[name] for name in ("id", "title", "author", "album"))
        assert info["duration"] == int(sound["duration"])
        truth = simulator.look("truth/sound", id=sound["id"])
        assert (truth["video_count"], truth["original"]) == (info["video_count"], original)
    assert names == {"original", "is_original"} and kinds == {True, False}


@pytest.mark.parametrize("music_id", ["1", "abc", "6900000000000000001", "7300000000000000013"])
def test_unknown_sound_is_not_found(simulator: Caller, music_id: str) -> None:
    assert simulator.get("/music-info/", music_id=music_id) == {"status": "error", "message": "Not found music"}


def test_truth_counts_the_sounds_that_rows_tell(simulator: Caller) -> None:
    truth = simulator.look("truth/sounds", handle="chai_aur_asha", since="2026-10-15")["sounds"]
    posts = simulator.look("truth/posts", handle="chai_aur_asha", since="2026-10-15")["posts"]
    told: list[str] = []
    for post in posts:
        info = simulator.get("/post-detail/", url=post["id"]).get("music_info")
        told += [info["id"]] if info else []
    assert {sound["id"]: sound["posts"] for sound in truth} == {each: told.count(each) for each in told}


def test_playlist_is_flat_and_collection_is_in_an_envelope(simulator: Caller) -> None:
    playlist = simulator.get("/playlist-info/", playlist_id="7300000000000000001")
    envelope = simulator.get("/collection-info/", collection_id="7300000000000000001")
    assert playlist["id"] == envelope["collection_info"]["id"] == "7300000000000000001"
    assert list(envelope) == ["collection_info"]
    simulator.set_clock("2026-12-01T00:00:00Z")
    assert simulator.get("/playlist-info/", playlist_id="7300000000000000001")["name"] == playlist["name"]
    assert simulator.get("/playlist-info/", playlist_id="12")["message"] == "Not found playlist"
    assert simulator.get("/collection-info/", collection_id="mine")["message"] == "Not found collection"


def test_viral_posts_are_told_and_tower_over_the_others(simulator: Caller) -> None:
    viral = simulator.look("truth/viral", handle="lena.bakes", since="2026-10-01")["posts"]
    best = max(viral, key=lambda post: post["play_count"])
    assert best["times_usual"] == 34
    posts = simulator.look("truth/posts", handle="lena.bakes", since="2026-10-01")["posts"]
    assert max(posts, key=lambda post: post["play_count"])["id"] == best["id"]
    everywhere = simulator.look("truth/viral", since="2026-10-01")["posts"]
    assert best["id"] in {post["id"] for post in everywhere}
    assert len({post["handle"] for post in everywhere}) > 5
    assert all(post["times_usual"] >= 5 for post in everywhere)
