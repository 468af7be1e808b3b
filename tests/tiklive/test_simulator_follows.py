"""Followers and followings at the simulator: `time` paging, bots, hidden lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tikdash.tiklive.simulator.follows import page_of

from .conftest import Caller

FLAGS = ("avatar", "signature", "aweme_count", "total_favorited")


def shows_every_flag(row: Mapping[str, Any]) -> bool:
    """What `people` documents of a bot; `following_count` is not in every row."""
    bare = not any(row[flag] for flag in FLAGS)
    return bare and row["follower_count"] <= 5 and row.get("following_count", 1_001) > 1_000


@pytest.mark.parametrize("count", [37, 200])
def test_walking_by_time_meets_every_follower_exactly_once(simulator: Caller, count: int) -> None:
    truth = simulator.look("truth/followers", handle="tinyfermenter")
    account_id = simulator.account_id("tinyfermenter")
    assert simulator.look("truth/account", handle="tinyfermenter")["followers"] == truth["followers"]
    if count < 100:
        simulator.set_clock("2025-08-01T00:00:00Z")
        truth = simulator.look("truth/followers", handle="tinyfermenter")
    pages = list(simulator.walk("/user-followers/", "followers", "time", userid=account_id, count=count))
    rows = [row for page in pages for row in page]
    assert all(0 < len(page) <= count for page in pages)
    assert (
        len(rows) == truth["followers"] == len({row["id"] for row in rows}) == len({row["unique_id"] for row in rows})
    )
    assert sum(map(shows_every_flag, rows)) == truth["bots"]


def test_bot_share_is_known_and_differs_by_account(simulator: Caller) -> None:
    shares = set()
    for handle in ("lena.bakes", "professor.bubbles", "maxwellpranks", "someone1", "someone2"):
        truth = simulator.look("truth/followers", handle=handle, limit=200)
        page = simulator.get("/user-followers/", userid=simulator.account_id(handle), count=200)
        bots = [row["id"] for row in page["followers"] if shows_every_flag(row)]
        assert page["total"] == truth["followers"]
        assert abs(truth["bots"] / truth["followers"] - truth["bot_share"]) < 0.01
        assert set(bots) <= set(truth["newest_bots"])
        assert abs(len(bots) / len(page["followers"]) - truth["bot_share"]) < 0.05
        shares.add(truth["bot_share"])
    assert len(shares) > 2


def test_pages_of_a_giant_follow_each_other_without_gap_or_repeat(simulator: Caller) -> None:
    account_id = simulator.account_id("professor.bubbles")
    seen: list[str] = []
    time = 0
    for _ in range(5):
        page = simulator.get("/user-followers/", userid=account_id, count=50, time=time)
        assert page["hasMore"] is True and isinstance(page["time"], int) and 0 < len(page["followers"]) <= 50
        assert time == 0 or page["time"] < time
        time = page["time"]
        seen += [row["id"] for row in page["followers"]]
    assert len(seen) == len(set(seen))
    together = simulator.get("/user-followers/", userid=account_id, count=200)["followers"]
    assert [row["id"] for row in together] == seen[: len(together)]


def test_page_size_defaults_to_fifty_and_stops_at_two_hundred(simulator: Caller) -> None:
    account_id = simulator.account_id("lena.bakes")
    for path, rows in (("/user-followers/", "followers"), ("/user-following/", "followings")):
        total = simulator.get(path, userid=account_id)["total"]
        sizes = [len(simulator.get(path, userid=account_id, count=count)[rows]) for count in ("", 1, 999)]
        assert sizes == [min(total, 50), 1, min(total, 200)]
        assert simulator.raw(path, userid=account_id, time="later").status == 400


def test_followings_are_as_many_as_the_profile_says(simulator: Caller) -> None:
    for handle in ("lena.bakes", "someone1", "someone2"):
        info = simulator.get("/userinfo-by-username/", username=handle)
        pages = list(
            simulator.walk("/user-following/", "followings", "time", userid=info["user"]["id"], count=60),
        )
        rows = [row for page in pages for row in page]
        assert len(rows) == len({row["id"] for row in rows}) == info["stats"]["followingCount"]
        assert not any(map(shows_every_flag, rows))


def test_rows_carry_the_upstreams_names_and_some_lack_the_newer_ones(simulator: Caller) -> None:
    rows = simulator.get("/user-followers/", userid=simulator.account_id("lena.bakes"), count=200)["followers"]
    for row in rows:
        assert isinstance(row["id"], str) and "avatarThumb" not in row and "uniqueId" not in row
        assert row["sec_uid"].startswith("MS4wLjABAAAA")
        assert row["avatar"] == "" or row["avatar"].startswith(simulator.base_url)
    assert {"following_count" in row for row in rows} == {True, False}


def test_id_of_a_follower_leads_to_the_same_handle_and_back(simulator: Caller) -> None:
    for row in simulator.get("/user-followers/", userid=simulator.account_id("lena.bakes"), count=50)["followers"]:
        assert simulator.account_id(row["unique_id"]) == row["id"]
        info = simulator.get("/userinfo-by-id/", userid=row["id"])
        assert info["user"]["uniqueId"] == row["unique_id"]


@pytest.mark.parametrize("handle", ["private.person", "hidden.lists"])
def test_hidden_lists_are_empty(simulator: Caller, handle: str) -> None:
    info = simulator.get("/userinfo-by-username/", username=handle)
    account_id = info["user"]["id"]
    assert info["stats"]["followerCount"] > 0 and simulator.look("truth/followers", handle=handle)["hidden"] is True
    for path, rows in (("/user-followers/", "followers"), ("/user-following/", "followings")):
        page = simulator.get(path, userid=account_id)
        assert page == {rows: [], "total": 0, "time": 0, "hasMore": False}
    assert bool(simulator.get("/user-posts/", userid=account_id)["videos"]) is (handle == "hidden.lists")


@pytest.mark.parametrize("path", ["/user-followers/", "/user-following/", "/userinfo-by-id/"])
def test_unknown_account_is_not_found(simulator: Caller, path: str) -> None:
    assert simulator.get(path, userid="1") == {"status": "error", "message": "Not found user"}


def test_profile_by_id_is_the_profile_by_name(simulator: Caller) -> None:
    by_name = simulator.get("/userinfo-by-username/", username="lena.bakes")
    assert simulator.get("/userinfo-by-id/", userid=by_name["user"]["id"]) == by_name


@pytest.mark.parametrize("a_second", [1, 2, 3])
def test_token_of_seconds_loses_nobody_who_came_in_the_same_second(a_second: int) -> None:
    seen: list[int] = []
    before, more = 0, True
    while more:
        page = page_of(1_000, lambda place: 5_000 + place // a_second, before, 10)
        assert 0 < len(page.places) <= 10
        seen += page.places
        before, more = page.time, page.has_more
    assert seen == list(range(999, -1, -1))
