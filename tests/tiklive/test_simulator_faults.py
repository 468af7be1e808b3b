"""Faults of paging, of texts and of whole minutes; the simpler kinds are in `test_simulator_control`."""

from __future__ import annotations

import json
import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from .conftest import Caller

PAGED = {
    "user-posts": ("videos", "cursor"),
    "post-comments": ("comments", "cursor"),
    "user-followers": ("followers", "time"),
    "challenge-posts": ("videos", "cursor"),
    "search-video": ("videos", "cursor"),
}


def params_of(simulator: Caller, endpoint: str) -> dict[str, str]:
    account_id = simulator.account_id("lena.bakes")
    return {
        "user-posts": {"userid": account_id},
        "post-comments": {"url": simulator.newest_post("lena.bakes")},
        "user-followers": {"userid": account_id},
        "challenge-posts": {"challenge_id": simulator.get("/challenge-info-name/", name="baking")["id"]},
        "search-video": {"keyword": "croissant"},
    }[endpoint]


@pytest.mark.parametrize("endpoint", PAGED)
def test_endless_cursor_always_has_new_rows_and_a_new_cursor(simulator: Caller, endpoint: str) -> None:
    rows, paging = PAGED[endpoint]
    params = params_of(simulator, endpoint)
    sound = simulator.get(f"/{endpoint}/", **params)
    simulator.order("faults", [{"kind": "endless_cursor"}])
    cursors, ids, more = [], [], dict[str, Any]()
    for _ in range(12):
        page = simulator.get(f"/{endpoint}/", **params, **more)
        assert page["hasMore"] and type(page["hasMore"]) is type(sound["hasMore"])
        assert type(page[paging]) is type(sound[paging])
        more = {paging: page[paging]}
        cursors.append(page[paging])
        ids += [row.get("video_id", row.get("id")) for row in page[rows]]
    assert len(set(cursors)) == 12 and len(set(ids)) == len(ids) == 12 * len(sound[rows])
    assert all(each.isdigit() and int(each) < 2**63 for each in ids)


@pytest.mark.parametrize("endpoint", PAGED)
def test_repeated_cursor_is_the_one_that_was_sent(simulator: Caller, endpoint: str) -> None:
    rows, paging = PAGED[endpoint]
    params = params_of(simulator, endpoint)
    second = simulator.get(f"/{endpoint}/", **params)[paging]
    simulator.order("faults", [{"kind": "repeated_cursor"}])
    page = simulator.get(f"/{endpoint}/", **params, **{paging: second})
    assert page[paging] == second and page["hasMore"] and page[rows]


def test_huge_page_is_good_json_over_eight_megabytes(simulator: Caller) -> None:
    account_id = simulator.account_id("lena.bakes")
    simulator.order("faults", [{"kind": "huge_page"}])
    for path, params in (("/user-posts/", {"userid": account_id}), ("/userid/", {"username": "lena.bakes"})):
        body = simulator.raw(path, **params).data
        assert 8 * 1024 * 1024 < len(body) < 10_000_000 and json.loads(body)
    simulator.order("faults", [{"kind": "huge_page", "bytes": 100_000}])
    assert 100_000 <= len(simulator.raw("/userid/", username="lena.bakes").data) < 101_000


@pytest.mark.parametrize(("kind", "spelled"), [("nul_text", b"\\u0000"), ("lone_surrogates", b"\\ud83d")])
def test_broken_text_is_in_everything_people_wrote(simulator: Caller, kind: str, spelled: bytes) -> None:
    comments = {"url": simulator.newest_post("lena.bakes")}
    account_id = simulator.account_id("lena.bakes")
    simulator.order("faults", [{"kind": kind}])
    broken = json.loads(b'"' + spelled + b'"')
    for path, params in (("/user-posts/", {"userid": account_id}), ("/post-comments/", comments)):
        body = simulator.raw(path, **params).data
        assert spelled in body
        rows = next(iter(json.loads(body).values()))
        texts = [row.get("text", row.get("title")) for row in rows]
        assert all(broken in text for text in texts if text is not None)
        assert all((row.get("video_id") or row["id"]).isdigit() for row in rows)
    assert broken in simulator.get("/userinfo-by-id/", userid=account_id)["user"]["nickname"]


def test_outage_of_ten_minutes_begins_and_ends_by_the_clock(simulator: Caller) -> None:
    rule = {"kind": "http", "status": 503, "since": "2026-11-15T12:00:00Z", "until": "2026-11-15T12:10:00Z"}
    simulator.order("faults", [rule])

    def status(now: str) -> int:
        simulator.set_clock(now)
        return simulator.raw("/userid/", username="lena.bakes").status

    assert status("2026-11-15T11:59:59Z") == 200
    assert status("2026-11-15T12:00:00Z") == 503
    assert status("2026-11-15T12:09:59Z") == 503
    assert status("2026-11-15T12:10:00Z") == 200


def test_retry_after_without_and_as_a_date(simulator: Caller) -> None:
    simulator.order("faults", [{"kind": "http", "status": 429}])
    assert "Retry-After" not in simulator.raw("/userid/", username="lena.bakes").headers
    simulator.order("faults", [{"kind": "http", "status": 429, "retry_after": 30, "retry_as_date": True}])
    told = simulator.raw("/userid/", username="lena.bakes").headers["Retry-After"]
    assert told.endswith(" GMT") and 28 <= parsedate_to_datetime(told).timestamp() - time.time() <= 31
    refused = simulator.order("faults", [{"kind": "http", "status": 429, "retry_as_date": True}])
    assert "retry_after" in refused["error"]


def test_hollow_post_has_neither_id_nor_plays(simulator: Caller) -> None:
    url = simulator.newest_post("lena.bakes")
    simulator.order("faults", [{"kind": "hollow", "endpoint": "post-detail"}])
    body = simulator.get("/post-detail/", url=url)
    assert "id" not in body and "play_count" not in body and body["author"]


def test_documented_variations_of_shape(simulator: Caller) -> None:
    def faulty(kind: str, path: str, **params: str) -> Any:
        simulator.order("faults", [{"kind": kind}])
        return simulator.get(path, **params)

    inside = faulty("stats_inside", "/userinfo-by-username/", username="lena.bakes")
    assert list(inside) == ["user"] and inside["user"]["stats"]["followerCount"] > 0
    assert faulty("enveloped", "/challenge-info-name/", name="baking")["challenge_info"]["cha_name"] == "baking"
    assert faulty("enveloped", "/music-info/", music_id="6900000000000000000")["music_info"]["id"]
    posts = faulty("numbers_as_text", "/user-posts/", userid=inside["user"]["id"])["videos"]
    assert all(row["play_count"].isdigit() and isinstance(row["is_ad"], bool) for row in posts)


@pytest.mark.parametrize(
    "kind", ["stats_inside", "endless_cursor", "repeated_cursor", "hollow", "huge_page", "lone_surrogates"]
)
def test_every_kind_can_hit_every_answer(simulator: Caller, kind: str) -> None:
    simulator.order("faults", [{"kind": kind, "bytes": 10_000}])
    for handle in ("lena.bakes", "nobody"):
        assert simulator.raw("/userid/", username=handle).status == 200
    assert simulator.raw("/userid/").status in (200, 400)
