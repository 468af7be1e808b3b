"""The record of what was answered: what referees compare the client's work with."""

from __future__ import annotations

from tests.simulating import Caller


def test_nothing_is_kept_unless_somebody_wants_it(simulator: Caller) -> None:
    simulator.account_id("lena.bakes")
    assert simulator.look("served") == []


def test_an_answer_is_recorded_as_it_was_sent_faults_included(simulator: Caller) -> None:
    lena = simulator.account_id("lena.bakes")
    simulator.order("served", {"record": True})
    simulator.order("faults", [{"kind": "zeroed", "endpoint": "userinfo-by-username"}])
    simulator.get("/userinfo-by-username/", username="lena.bakes")
    page = simulator.get("/user-posts/", key="sim-other", userid=lena, count=3)
    simulator.get("/userid/", username="nobody.at.all")
    zeroed, posts, missing = simulator.look("served")
    assert [each["number"] for each in (zeroed, posts, missing)] == [1, 2, 3]
    assert (zeroed["outcome"], zeroed["status"], zeroed["credits"]) == ("fault:zeroed", 200, 1)
    assert zeroed["body"]["user"]["id"] == lena and zeroed["body"]["stats"]["followerCount"] == 0
    assert (posts["key"], posts["endpoint"], posts["at"]) == ("sim-other", "user-posts", "2026-11-15T12:00:00Z")
    assert posts["params"] == {"userid": lena, "count": "3"}
    for row, sent in zip(posts["body"]["videos"], page["videos"], strict=True):
        assert row.items() <= sent.items() and row["video_id"] and "play_count" in row and "title" not in row
    assert posts["body"]["hasMore"] is True and posts["body"]["cursor"] == page["cursor"]
    assert (missing["outcome"], missing["credits"]) == ("not_found", 0)


def test_what_is_no_json_object_is_recorded_without_a_body(simulator: Caller) -> None:
    simulator.order("served", {"record": True})
    for kind, body in (("truncated", None), ("wrong_shape", None), ("lone_surrogates", dict), ("empty_object", dict)):
        simulator.order("faults", [{"kind": kind}])
        simulator.raw("/userinfo-by-username/", username="lena.bakes")
        [entry] = simulator.order("served", method="DELETE")
        assert entry["outcome"] == f"fault:{kind}"
        assert entry["body"] is None if body is None else isinstance(entry["body"], body)


def test_what_was_taken_is_gone_and_a_reset_ends_the_recording(simulator: Caller) -> None:
    simulator.order("served", {"record": True})
    simulator.account_id("lena.bakes")
    assert [each["number"] for each in simulator.order("served", method="DELETE")] == [1]
    simulator.account_id("lena.bakes")
    assert [each["number"] for each in simulator.order("served", method="DELETE")] == [2]
    simulator.order("reset")
    simulator.account_id("lena.bakes")
    assert simulator.look("served") == []
