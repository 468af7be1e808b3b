"""Moving the simulator: clock, faults, overrides, truth, start and stop."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import urllib3

from tikdash.tiklive.simulator.clock import Clock
from tikdash.tiklive.simulator.limits import RateLimit

from .conftest import Caller, StartSimulator


def test_clock_freezes_shifts_and_returns_to_real_time(simulator: Caller) -> None:
    frozen = simulator.order("clock", {"now": "2026-08-24T02:00:00Z"})
    assert (frozen["now"], frozen["mode"]) == ("2026-08-24T02:00:00Z", "frozen")
    assert simulator.look("clock")["now"] == "2026-08-24T02:00:00Z"
    shifted = simulator.order("clock", {"offset_s": -86_400})
    assert shifted["mode"] == "offset" and abs(shifted["now_unix"] - (time.time() - 86_400)) < 2
    running = simulator.order("clock", {"now": "2026-08-24T02:00:00Z", "running": True})
    assert running["mode"] == "offset" and running["now"].startswith("2026-08-24T02:00:0")
    real = simulator.order("clock", {"real": True})
    assert real["mode"] == "real" and abs(real["now_unix"] - time.time()) < 2


@pytest.mark.parametrize("order", [{}, {"now": "soon"}, {"at": 1}, []])
def test_clock_refuses_what_it_does_not_understand(simulator: Caller, order: object) -> None:
    response = simulator.http.request("POST", simulator.base_url + "/_sim/clock", body=json.dumps(order))
    assert response.status == 400 and response.json()["error"]
    assert simulator.look("clock")["mode"] == "frozen"


def test_shifted_clock_runs_at_real_speed() -> None:
    real = [1_000.0]
    clock = Clock(lambda: real[0])
    clock.start_at(5_000)
    real[0] += 7
    assert clock.now() == 5_007


def test_moving_the_clock_moves_the_world(simulator: Caller) -> None:
    now = simulator.get("/userinfo-by-username/", username="lena.bakes")["stats"]
    simulator.set_clock("2026-08-24T02:00:00Z")
    then = simulator.get("/userinfo-by-username/", username="lena.bakes")["stats"]
    assert then["followerCount"] < now["followerCount"] and then["videoCount"] < now["videoCount"]


def test_deleted_post_vanishes_and_truth_says_so(simulator: Caller) -> None:
    account_id = simulator.account_id("vanishing.vic")
    truth = simulator.look("truth/posts", handle="vanishing.vic", since="2026-09-01")["posts"]
    served = set()
    cursor = "0"
    for _ in range(4):
        page = simulator.get("/user-posts/", userid=account_id, count=35, cursor=cursor)
        served |= {row["video_id"] for row in page["videos"]}
        cursor = page["cursor"]
    deleted = {post["id"] for post in truth if post["deleted"]}
    assert deleted and not deleted & served
    assert {post["id"] for post in truth} - deleted <= served


def test_truth_of_posts_can_be_shortened(simulator: Caller) -> None:
    assert len(simulator.look("truth/posts", handle="lena.bakes", limit=5)["posts"]) == 5
    recent = simulator.look("truth/posts", handle="lena.bakes", since="2026-11-01")["posts"]
    assert recent and min(post["create_time"] for post in recent) >= 1_793_491_200


def test_truth_knows_who_does_not_exist(simulator: Caller) -> None:
    assert simulator.look("truth/account", handle="nobody")["exists"] is False
    assert simulator.look("truth/account")["error"] == "say handle or id"


def test_renamed_handle_over_http(simulator: Caller) -> None:
    simulator.set_clock("2026-10-16T00:00:00Z")
    account_id = simulator.account_id("mara.codes")
    simulator.set_clock("2026-11-15T00:00:00Z")
    assert simulator.get("/userid/", username="mara.codes")["status"] == "error"
    assert simulator.account_id("marabuilds") == account_id
    rows = simulator.get("/user-posts/", userid=account_id)["videos"]
    assert {row["author"]["unique_id"] for row in rows} == {"marabuilds"}


def test_overrides_over_http(simulator: Caller) -> None:
    account_id = simulator.account_id("lena.bakes")
    post_id = simulator.get("/user-posts/", userid=account_id)["videos"][-1]["video_id"]
    simulator.order("overrides", {"posts": [{"id": post_id}], "private": [{"handle": "hikaru_no_neko"}]})
    rows = simulator.get("/user-posts/", userid=account_id, count=35)["videos"]
    assert post_id not in {row["video_id"] for row in rows}
    info = simulator.get("/userinfo-by-username/", username="hikaru_no_neko")
    assert info["user"]["privateAccount"] is True
    simulator.order("reset")
    simulator.set_clock("2026-11-15T12:00:00Z")
    assert simulator.get("/userinfo-by-username/", username="hikaru_no_neko")["user"]["privateAccount"] is False


def test_cast_is_listed(simulator: Caller) -> None:
    cast = simulator.look("cast")
    assert len(cast) >= 14
    assert all("id" in simulator.get("/userid/", username=each["renamed_to"] or each["handle"]) for each in cast)


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_http_fault_answers_with_the_status(simulator: Caller, status: int) -> None:
    simulator.order("faults", [{"kind": "http", "status": status, "retry_after": 3}])
    response = simulator.raw("/userid/", username="lena.bakes")
    assert response.status == status and response.headers["Retry-After"] == "3"
    assert response.headers["Content-Type"].startswith("text/html" if status >= 500 else "application/json")
    simulator.order("faults", [{"kind": "http", "status": status}])
    assert "Retry-After" not in simulator.raw("/userid/", username="lena.bakes").headers


def faulty(simulator: Caller, kind: str, **rule: object) -> urllib3.BaseHTTPResponse:
    """A page of posts spoiled by one rule."""
    account_id = simulator.account_id("lena.bakes")
    simulator.order("faults", [{"kind": kind, "endpoint": "user-posts", **rule}])
    return simulator.raw("/user-posts/", userid=account_id)


def test_broken_bodies(simulator: Caller) -> None:
    for kind in ("truncated", "not_json"):
        with pytest.raises(json.JSONDecodeError):
            json.loads(faulty(simulator, kind).data)
    assert faulty(simulator, "empty_object").json() == {}
    assert isinstance(faulty(simulator, "wrong_shape").json(), list)
    assert "credits" in faulty(simulator, "out_of_credits").json()["message"]


def test_spoiled_values(simulator: Caller) -> None:
    def rows(kind: str) -> list[dict[str, Any]]:
        return list(faulty(simulator, kind).json()["videos"])

    assert all(row["play_count"] is None and row["author"]["id"] is None for row in rows("nulls"))
    assert all(row["digg_count"] < 0 < row["play_count"] for row in rows("negative_hearts"))
    assert all(row["play_count"] == 0 and row["create_time"] > 0 for row in rows("zeroed"))
    ids = [row["video_id"] for row in rows("duplicates")]
    assert len(ids) == 14 and len(set(ids)) == 10


def test_reset_breaks_the_connection_in_the_middle(simulator: Caller) -> None:
    with pytest.raises(urllib3.exceptions.ProtocolError):
        faulty(simulator, "reset")
    simulator.order("faults", method="DELETE")
    assert simulator.account_id("lena.bakes")


def test_slow_and_timeout_keep_the_client_waiting(simulator: Caller) -> None:
    started = time.monotonic()
    assert faulty(simulator, "slow", seconds=0.3).status == 200
    assert time.monotonic() - started >= 0.3
    simulator.order("faults", [{"kind": "timeout", "seconds": 1}])
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        simulator.http.request(
            "GET",
            simulator.base_url + "/userid/?username=lena.bakes",
            headers={"X-Api-Key": "sim-a"},
            timeout=0.2,
        )


def test_fault_rules_choose_their_calls(simulator: Caller) -> None:
    def statuses(key: str = "sim-a", handle: str = "lena.bakes", times: int = 6) -> list[int]:
        return [simulator.raw("/userid/", key=key, username=handle).status for _ in range(times)]

    simulator.order("faults", [{"kind": "http", "every": 3}])
    assert statuses() == [200, 200, 500, 200, 200, 500]
    simulator.order("faults", [{"kind": "http", "count": 2, "skip": 1}])
    assert statuses() == [200, 500, 500, 200, 200, 200]
    simulator.order("faults", [{"kind": "http", "key": "sim-b"}])
    assert statuses(times=1) == [200] and statuses("sim-b", times=1) == [500]
    simulator.order("faults", [{"kind": "http", "handle": "hikaru_no_neko"}])
    assert statuses(times=1) == [200] and statuses(handle="hikaru_no_neko", times=1) == [500]
    simulator.order("faults", [{"kind": "http", "endpoint": "user-posts"}])
    assert statuses(times=1) == [200]
    simulator.order("faults", [{"kind": "http", "since": "2026-11-16", "until": "2026-11-17"}])
    assert statuses(times=1) == [200]
    simulator.set_clock("2026-11-16T12:00:00Z")
    assert statuses(times=1) == [500]
    assert [(rule["matched"], rule["hit"]) for rule in simulator.look("faults")] == [(1, 1)]


def test_fault_probability_is_met_and_repeats(simulator: Caller) -> None:
    def run() -> list[int]:
        simulator.order("faults", [{"kind": "http", "probability": 0.3}])
        return [simulator.raw("/userid/", username="lena.bakes").status for _ in range(200)]

    first = run()
    assert 35 <= first.count(500) <= 85 and run() == first


@pytest.mark.parametrize("rule", [{"kind": "meteor"}, {"kind": "http", "evry": 2}, {"kind": "http", "every": 0}, {}])
def test_bad_fault_rules_are_refused_with_a_sentence(simulator: Caller, rule: dict[str, object]) -> None:
    response = simulator.http.request("POST", simulator.base_url + "/_sim/faults", body=json.dumps([rule]))
    assert response.status == 400 and response.json()["error"]
    assert simulator.look("faults") == []


def test_faulted_answers_without_data_cost_nothing(simulator: Caller) -> None:
    simulator.order("faults", [{"kind": "http"}])
    simulator.raw("/userid/", username="lena.bakes")
    stats = simulator.look("stats")
    assert stats["credits"] == 0 and stats["by_outcome"]["userid"] == {"fault:http": 1}


def test_rate_limit_frees_a_slot_exactly_when_it_leaves_the_window() -> None:
    now = [100.0]
    limit = RateLimit((2, 60), (0, 1), real=lambda: now[0])
    assert [limit.wait_s("k"), limit.wait_s("k"), limit.wait_s("k")] == [0, 0, 60]
    now[0] = 159.5
    assert limit.wait_s("k") == 1
    now[0] = 160.0
    assert limit.wait_s("k") == 0


def test_scenarios_and_scenario_files(start_simulator: StartSimulator, tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    path.write_text('[{"kind": "http", "status": 404, "endpoint": "userid"}]')
    for scenario, status in (("down", 503), (str(path), 404)):
        with start_simulator("--scenario", scenario) as base_url:
            assert Caller(base_url).raw("/userid/", username="lena.bakes").status == status


def test_taken_port_is_one_clear_line(simulator_process: str) -> None:
    port = str(urlsplit(simulator_process).port)
    command = [sys.executable, "-m", "tikdash.tiklive.simulator", "--port", port]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and port in done.stderr and "in use" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_quickly_and_silently(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "tikdash.tiklive.simulator", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and "ready" in process.stdout.readline()
    started = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    assert time.monotonic() - started < 3
    assert (process.returncode, out, err) == (0, "", "")
