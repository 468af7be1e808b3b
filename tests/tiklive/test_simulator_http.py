"""What the simulator answers over HTTP: data, documented errors, paging, limits, connections."""

from __future__ import annotations

import http.client
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from urllib.parse import urlsplit

import pytest

from tests.simulating import NOW
from tikdash.tiklive.simulator.endpoints import ENDPOINTS

from .conftest import Caller, StartSimulator

PATHS = tuple(f"/{slug}/" for slug in ENDPOINTS)


@pytest.mark.parametrize("path", PATHS)
def test_without_a_key_every_endpoint_asks_to_sign_up(simulator: Caller, path: str) -> None:
    response = simulator.raw(path, key=None, username="lena.bakes")
    assert (response.status, response.json()) == (200, {"message": "Please sign up to tikliveapi.com"})


@pytest.mark.parametrize("path", PATHS)
def test_unknown_key_is_refused_with_status_200(simulator: Caller, path: str) -> None:
    response = simulator.raw(path, key="live-123", username="lena.bakes")
    assert (response.status, response.json()) == (200, {"message": "Api-Key is not available"})


@pytest.mark.parametrize("handle", ["deleted.user", "missing_one", "nobody", "not a handle"])
@pytest.mark.parametrize("path", ["/userid/", "/userinfo-by-username/"])
def test_missing_user_is_an_error_body_with_status_200(simulator: Caller, path: str, handle: str) -> None:
    response = simulator.raw(path, username=handle)
    assert (response.status, response.json()) == (200, {"status": "error", "message": "Not found user"})


@pytest.mark.parametrize("userid", ["1", "7000000000000000000", "lena.bakes", "MS4wLjABAAAAabc", "²", "9" * 40])
def test_posts_of_an_unknown_id_are_not_found(simulator: Caller, userid: str) -> None:
    assert simulator.get("/user-posts/", userid=userid) == {"status": "error", "message": "Not found user"}


def test_all_seventeen_endpoints_are_there() -> None:
    assert len(PATHS) == 17


@pytest.mark.parametrize("path", PATHS)
def test_missing_parameter_is_a_bad_request(simulator: Caller, path: str) -> None:
    response = simulator.raw(path)
    assert (response.status, response.json()["message"].split(" ", 1)[1]) == (400, "is required")


def test_two_simulators_with_one_seed_answer_the_same(simulator: Caller, start_simulator: StartSimulator) -> None:
    account_id = simulator.account_id("lena.bakes")
    url = f"https://www.tiktok.com/@lena.bakes/video/{simulator.newest_post('lena.bakes')}"
    calls: dict[str, dict[str, str]] = {
        "userinfo-by-id": {"userid": account_id},
        "user-posts": {"userid": account_id},
        "post-detail": {"url": url},
        "post-comments": {"url": url},
        "user-followers": {"userid": account_id},
        "user-following": {"userid": account_id},
        "challenge-info-name": {"name": "baking"},
        "challenge-posts": {"challenge_id": simulator.get("/challenge-info-name/", name="baking")["id"]},
        "music-info": {"music_id": "6900000000000000000"},
        "search-video": {"keyword": "croissant"},
        "user-stories": {"userid": account_id},
        "playlist-info": {"playlist_id": "7300000000000000001"},
        "collection-info": {"collection_id": "7300000000000000001"},
        "download-video": {"url": url},
    }
    with start_simulator() as base_url:
        other = Caller(base_url)
        other.set_clock(NOW)
        for slug, params in calls.items():
            expected = simulator.raw(f"/{slug}/", **params).data.replace(simulator.base_url.encode(), base_url.encode())
            assert other.raw(f"/{slug}/", **params).data == expected, slug


@pytest.mark.parametrize("path", ["/", "/userid", "/no-such-endpoint/", "/media/avatar/x.gif"])
def test_other_paths_are_not_found(simulator: Caller, path: str) -> None:
    response = simulator.raw(path, username="lena.bakes")
    assert response.status == 404 and "message" in response.json()


def test_userid_and_userinfo_agree(simulator: Caller) -> None:
    info = simulator.get("/userinfo-by-username/", username="@Lena.Bakes")
    assert simulator.get("/userid/", username="lena.bakes") == {"id": info["user"]["id"]}
    assert info["user"]["uniqueId"] == "lena.bakes" and info["user"]["secUid"].startswith("MS4wLjABAAAA")
    assert set(info["stats"]) == {
        "followerCount",
        "followingCount",
        "heartCount",
        "heart",
        "videoCount",
        "diggCount",
    }


def test_private_account_has_a_profile_and_no_posts(simulator: Caller) -> None:
    info = simulator.get("/userinfo-by-username/", username="private.person")
    assert info["user"]["privateAccount"] is True and info["stats"]["videoCount"] > 0
    posts = simulator.get("/user-posts/", userid=info["user"]["id"])
    assert posts == {"videos": [], "cursor": "0", "hasMore": False}


@pytest.mark.parametrize("count", [7, 35])
def test_paging_reaches_every_visible_post_exactly_once(simulator: Caller, count: int) -> None:
    for handle in ("lena.bakes", "vanishing.vic"):
        account_id = simulator.account_id(handle)
        truth = simulator.look("truth/posts", handle=handle)["posts"]
        seen, cursor, more = [], "0", True
        while more:
            page = simulator.get("/user-posts/", userid=account_id, count=count, cursor=cursor)
            assert 0 < len(page["videos"]) <= count and page["cursor"].isdigit()
            seen += [row["video_id"] for row in page["videos"]]
            cursor, more = page["cursor"], page["hasMore"]
        assert len(seen) == len(set(seen))
        assert set(seen) == {post["id"] for post in truth if not post["deleted"]}


def test_last_page_says_no_more_and_keeps_a_cursor(simulator: Caller) -> None:
    oldest = simulator.look("truth/posts", handle="lena.bakes")["posts"][-3]
    page = simulator.get(
        "/user-posts/", userid=simulator.account_id("lena.bakes"), cursor=f"{oldest['create_time']}000"
    )
    assert page["hasMore"] is False and 0 < len(page["videos"]) <= 2
    assert page["cursor"] == f"{page['videos'][-1]['create_time']}000"


def test_page_size_defaults_to_ten_and_stops_at_35(simulator: Caller) -> None:
    account_id = simulator.account_id("lena.bakes")
    sizes = [
        len(simulator.get("/user-posts/", userid=account_id, count=count)["videos"])
        for count in ("", 1, 30, 99, "many")
    ]
    assert sizes == [10, 1, 30, 35, 10]


def test_first_page_shows_pinned_posts_first_then_newest_first(simulator: Caller) -> None:
    rows = simulator.get("/user-posts/", userid=simulator.account_id("lena.bakes"), count=30)["videos"]
    pinned = [row for row in rows if row["is_top"]]
    assert len(pinned) == 2 and rows[:2] == pinned
    assert all(newer["create_time"] > older["create_time"] for newer, older in pairwise(rows[2:]))


def test_served_counters_are_the_truth(simulator: Caller) -> None:
    truth = simulator.look("truth/account", handle="noor.kitchen")
    stats = simulator.get("/userinfo-by-username/", username="noor.kitchen")["stats"]
    assert stats["followerCount"] == truth["followers"] and stats["heartCount"] == truth["hearts"]
    posts = {post["id"]: post for post in simulator.look("truth/posts", handle="noor.kitchen")["posts"]}
    for row in simulator.get("/user-posts/", userid=truth["id"], count=35)["videos"]:
        assert row["play_count"] == posts[row["video_id"]]["play_count"]
        assert row["digg_count"] == posts[row["video_id"]]["digg_count"]


def test_hearts_are_negative_for_one_day_in_what_is_served_only(simulator: Caller) -> None:
    def served() -> int:
        return int(simulator.get("/userinfo-by-username/", username="glitchy.gus")["stats"]["heartCount"])

    simulator.set_clock("2026-10-20T12:00:00Z")
    before = served()
    simulator.set_clock("2026-10-21T12:00:00Z")
    assert served() < 0 < before < simulator.look("truth/account", handle="glitchy.gus")["hearts"]
    simulator.set_clock("2026-10-22T00:00:00Z")
    assert served() > before


def test_pictures_are_served_where_the_rows_say(simulator: Caller) -> None:
    row = simulator.get("/user-posts/", userid=simulator.account_id("lena.bakes"), count=1)["videos"][0]
    for address in (row["cover"], row["author"]["avatar"]):
        assert address.startswith(simulator.base_url) and "x-expires=" in address and "x-signature=" in address
        response = simulator.http.request("GET", address)
        assert response.status == 200 and response.headers["Content-Type"] == "image/png"
        assert response.data.startswith(b"\x89PNG") and len(response.data) < 3_000


def test_addresses_change_from_day_to_day(simulator: Caller) -> None:
    def avatar() -> str:
        return str(simulator.get("/userinfo-by-username/", username="lena.bakes")["user"]["avatarThumb"])

    first = avatar()
    assert avatar() == first
    simulator.set_clock("2026-11-16T12:00:00Z")
    assert avatar() != first


def test_connection_is_kept_alive(simulator: Caller) -> None:
    parts = urlsplit(simulator.base_url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    sockets = set()
    for _ in range(5):
        connection.request("GET", "/userid/?username=lena.bakes", headers={"X-Api-Key": "sim-a"})
        assert connection.getresponse().read().startswith(b'{"id"')
        sockets.add(connection.sock)
    connection.close()
    assert len(sockets) == 1 and None not in sockets


def test_credits_and_requests_are_counted_by_key(simulator: Caller) -> None:
    simulator.get("/userid/", key="sim-one", username="lena.bakes")
    simulator.get("/userid/", key="sim-one", username="deleted")
    simulator.get("/userid/", key="sim-two", username="lena.bakes")
    simulator.get("/userid/", key=None, username="lena.bakes")
    stats = simulator.look("stats")
    assert stats["by_key"] == {"sim-one": 2, "sim-two": 1, "": 1}
    assert stats["credits_by_key"] == {"sim-one": 1, "sim-two": 1}
    assert stats["by_endpoint"] == {"userid": 4} and stats["requests"] == 4
    assert stats["by_outcome"]["userid"] == {"ok": 2, "not_found": 1, "refused": 1}


def test_rate_limit_is_strict_and_per_key(start_simulator: StartSimulator) -> None:
    with start_simulator("--rpm", "20") as base_url, ThreadPoolExecutor(8) as pool:
        caller = Caller(base_url)
        replies = list(pool.map(lambda _: caller.raw("/userid/", key="sim-a", username="lena.bakes"), range(50)))
        statuses = [reply.status for reply in replies]
        assert (statuses.count(200), statuses.count(429)) == (20, 30)
        refused = next(reply for reply in replies if reply.status == 429)
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert caller.raw("/userid/", key="sim-b", username="lena.bakes").status == 200
        caller.order("reset")
        assert caller.raw("/userid/", key="sim-a", username="lena.bakes").status == 200


def test_configured_keys_replace_the_prefix_rule(start_simulator: StartSimulator) -> None:
    with start_simulator("--keys", "alpha,beta") as base_url:
        caller = Caller(base_url)
        assert "id" in caller.get("/userid/", key="beta", username="lena.bakes")
        assert caller.get("/userid/", key="sim-a", username="lena.bakes") == {"message": "Api-Key is not available"}


def test_rounded_option_rounds_large_profile_counts(start_simulator: StartSimulator) -> None:
    with start_simulator("--rounded") as base_url:
        stats = Caller(base_url).get("/userinfo-by-username/", username="professor.bubbles")["stats"]
        assert stats["followerCount"] % 100_000 == 0
