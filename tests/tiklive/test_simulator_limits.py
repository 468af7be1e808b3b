"""Rate limits, keys and credits of the simulator, changed while it runs."""

from __future__ import annotations

import json

import pytest

from tikdash.tiklive.simulator.limits import Limit, LimitOrder, RateLimits
from tikdash.tiklive.simulator.options import Options, read_options

from .conftest import Caller, StartSimulator


def statuses(simulator: Caller, key: str, times: int) -> list[int]:
    return [simulator.raw("/userid/", key=key, username="lena.bakes").status for _ in range(times)]


def test_limit_of_one_key_leaves_the_others_alone(simulator: Caller) -> None:
    told = simulator.order("limits", {"keys": {"sim-a": {"rpm": 3}}})
    assert told["keys"] == {"sim-a": {"rpm": 3, "burst": 0}} == simulator.look("limits")["keys"]
    assert statuses(simulator, "sim-a", 5) == [200, 200, 200, 429, 429]
    assert statuses(simulator, "sim-b", 5) == [200] * 5


def test_limits_change_while_running_and_reset_brings_back_the_first_ones(simulator: Caller) -> None:
    simulator.order("limits", {"all": {"rpm": 2}})
    assert statuses(simulator, "sim-a", 3) == [200, 200, 429]
    simulator.order("limits", {"keys": {"sim-a": {"rpm": 4}}})
    assert statuses(simulator, "sim-a", 5) == [200, 200, 200, 200, 429]
    assert statuses(simulator, "sim-b", 3) == [200, 200, 429]
    simulator.order("limits", {"all": {}})
    assert statuses(simulator, "sim-b", 3) == [200] * 3
    simulator.order("reset")
    assert statuses(simulator, "sim-a", 5) == [200] * 5 and simulator.look("limits")["keys"] == {}


def test_burst_is_refused_within_a_second(simulator: Caller) -> None:
    simulator.order("limits", {"all": {"rpm": 200, "burst": 5}})
    first = statuses(simulator, "sim-a", 7)
    assert first[:5] == [200] * 5 and first[-1] == 429
    refused = simulator.raw("/userid/", key="sim-a", username="lena.bakes")
    assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
    assert simulator.look("stats")["by_outcome"]["userid"]["rate_limited"] >= 2


@pytest.mark.parametrize("order", [{"all": {"rpm": -1}}, {"al": {}}, {"keys": {"sim-a": 5}}, []])
def test_bad_limits_are_refused_with_a_sentence(simulator: Caller, order: object) -> None:
    response = simulator.http.request("POST", simulator.base_url + "/_sim/limits", body=json.dumps(order))
    assert response.status == 400 and response.json()["error"]


def test_documented_limits_have_a_burst_of_fifty() -> None:
    assert read_options({"rpm": 200, "burst": None}).burst == 50
    assert read_options({"rpm": 0, "burst": None}).burst == 0 == Options().burst
    assert read_options({"rpm": 200, "burst": 0}).burst == 0


def test_changing_one_key_keeps_the_log_of_the_others() -> None:
    limits = RateLimits(Limit(rpm=1))
    assert limits.wait_s("a") == 0
    limits.change(LimitOrder(keys={"b": Limit(rpm=5)}))
    assert limits.wait_s("a") > 0


def test_rpm_of_the_command_line_is_what_limits_say(start_simulator: StartSimulator) -> None:
    with start_simulator("--rpm", "200") as base_url:
        caller = Caller(base_url)
        assert caller.look("limits") == {"all": {"rpm": 200, "burst": 50}, "keys": {}}


def test_revoked_key_is_unknown_until_it_is_given_back(simulator: Caller) -> None:
    unknown = {"message": "Api-Key is not available"}
    simulator.order("keys", {"revoked": ["sim-a"]})
    assert simulator.get("/userid/", key="sim-a", username="lena.bakes") == unknown
    assert "id" in simulator.get("/userid/", key="sim-b", username="lena.bakes")
    assert simulator.look("keys")["revoked"] == ["sim-a"]
    simulator.order("keys", {})
    assert "id" in simulator.get("/userid/", key="sim-a", username="lena.bakes")
    simulator.order("keys", {"revoked": ["sim-a"]})
    simulator.order("reset")
    assert "id" in simulator.get("/userid/", key="sim-a", username="lena.bakes")


def test_key_without_credits_gets_no_data_and_pays_nothing_more(simulator: Caller) -> None:
    simulator.order("keys", {"credits": {"sim-a": 2}})
    answers = [simulator.get("/userid/", key="sim-a", username="lena.bakes") for _ in range(4)]
    assert ["id" in answer for answer in answers] == [True, True, False, False]
    assert "credits" in answers[-1]["message"]
    assert simulator.look("stats")["credits_by_key"] == {"sim-a": 2}
    assert "id" in simulator.get("/userid/", key="sim-b", username="lena.bakes")
