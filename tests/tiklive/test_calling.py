"""A whole call: how often it is tried, what it waits for, whom it asks first, and what is left behind."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from email.utils import formatdate
from typing import Any

import pytest
from django.test import override_settings

from tests.tiklive.ports import ClosedPace, ListMeter, OneKey, OpenGate, client_to
from tests.tiklive.upstream import KEY, Answer, Upstream, running_upstream
from tikdash import redis
from tikdash.errors import Unavailable
from tikdash.redis import server
from tikdash.tiklive import errors
from tikdash.tiklive.cache import LOOK
from tikdash.tiklive.endpoints import CATALOGUE
from tikdash.tiklive.ports import ApiKey, PlannedCall, Share
from tikdash.tiklive.transport import Timeouts

GOOD = Answer(b'{"id": "107955"}')
DOWN = Answer(b"<html>oops</html>", status=502)


class Scripted(Upstream):
    """Gives the answers of a list, one a request, and `GOOD` after the last."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Answer] = []

    def _give(self, handler: Any, answer: Answer) -> None:
        super()._give(handler, self.answers.pop(0) if self.answers else GOOD)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Scripted]:
    with running_upstream(Scripted) as running:
        assert isinstance(running, Scripted)
        yield running


@pytest.fixture(autouse=True)
def _begin(upstream: Scripted) -> None:
    upstream.asked.clear()
    upstream.answers = []


def userid(upstream: Upstream, meter: ListMeter | None = None, **given: Any) -> Any:
    client = client_to(upstream.base_url, meter, timeouts=Timeouts(1, 0.5), **given)
    return client.answer(CATALOGUE["userid"], {"username": "lena"})


# --- attempts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [
        DOWN,
        Answer(b"", status=429, headers={"Retry-After": "0"}),
        Answer(b'{"id":', length=900),
        Answer(b"<html>"),
        Answer(b"{}"),
        Answer(b"{}", pause_s=0.7),
        Answer(hang_up=True),
    ],
    ids=["5xx", "429", "truncated", "not_json", "empty", "slow", "cut"],
)
def test_trouble_that_passes_is_not_noticed_but_in_the_ledger(upstream: Scripted, trouble: Answer) -> None:
    upstream.answers, meter = [trouble, trouble], ListMeter()
    answer = userid(upstream, meter)
    assert (answer.value.id, answer.attempts) == ("107955", 3)
    assert [event.attempts for event in meter.events] == [1, 2, 3]
    assert [event.outcome == "ok" for event in meter.events] == [False, False, True]
    assert answer.credits == sum(event.credits for event in meter.events)
    assert len(upstream.asked) == 3


def test_after_the_third_attempt_the_last_error_comes_out(upstream: Scripted) -> None:
    upstream.answers, meter = [DOWN, Answer(b"<html>"), DOWN, GOOD], ListMeter()
    with pytest.raises(errors.UpstreamDown) as caught:
        userid(upstream, meter)
    assert len(upstream.asked) == len(meter.events) == 3
    assert caught.value.request_id == str(meter.events[-1].id)


@pytest.mark.parametrize(
    "refusal",
    [
        Answer(b'{"message":"Api-Key is not available"}'),
        Answer(b"", status=401),
        Answer(b"", status=403),
        Answer(b"", status=404),
        Answer(b"", status=400),
        Answer(b'{"status":"error","message":"Not found user"}'),
        Answer(b'{"user": "of another shape"}'),
    ],
)
def test_what_another_attempt_cannot_mend_is_asked_once(upstream: Scripted, refusal: Answer) -> None:
    upstream.answers = [refusal]
    with pytest.raises(errors.TikLiveError):
        userid(upstream)
    assert len(upstream.asked) == 1


def test_retry_after_is_obeyed_in_seconds_and_as_a_date(upstream: Scripted) -> None:
    for headers in ({"Retry-After": "1"}, {"Retry-After": formatdate(time.time() + 2, usegmt=True)}):
        server().connection.flushdb()
        upstream.answers = [Answer(b"", status=429, headers=headers)]
        began = time.monotonic()
        assert userid(upstream).attempts == 2
        # A date has whole seconds: of two, between one and two are left.
        assert time.monotonic() - began >= 0.98


def test_a_long_retry_after_is_left_to_the_job_and_stops_all_who_use_the_key(upstream: Scripted) -> None:
    upstream.answers = [Answer(b"", status=429, headers={"Retry-After": "30"})]
    began = time.monotonic()
    with pytest.raises(errors.RateLimited) as caught:
        userid(upstream)
    assert caught.value.retry_after == 30
    with pytest.raises(errors.TooBusy) as refused:
        userid(upstream, tenant_id=8)
    assert refused.value.reason == "paused" and 29 < (refused.value.retry_after or 0) <= 30
    assert time.monotonic() - began < 1
    assert len(upstream.asked) == 1
    own = OneKey(ApiKey("own", KEY, KEY[-4:], shared=False, per_minute=1_000_000, in_flight=9))
    assert userid(upstream, tenant_id=9, keys=own).value.id == "107955"


def test_another_attempt_that_is_not_admitted_leaves_the_error_of_the_first(upstream: Scripted) -> None:
    slow = OneKey(ApiKey("slow", KEY, KEY[-4:], per_minute=2, in_flight=9))
    upstream.answers = [DOWN]
    with pytest.raises(errors.UpstreamDown):
        userid(upstream, keys=slow)
    assert len(upstream.asked) == 1


@override_settings(TIKLIVE_BREAKER_FAILURES=2)
def test_a_breaker_that_opens_ends_the_attempts(upstream: Scripted) -> None:
    upstream.answers = [DOWN] * 9
    with pytest.raises(errors.UpstreamDown):
        userid(upstream)
    with pytest.raises(errors.BreakerOpen):
        userid(upstream)
    assert len(upstream.asked) == 2


# --- whom it asks first ----------------------------------------------------------------------------------------------


def test_every_attempt_asks_the_gate_and_an_answer_from_the_cache_does_not(upstream: Scripted) -> None:
    gate = OpenGate()
    upstream.answers = [DOWN]
    userid(upstream, gate=gate)
    userid(upstream, gate=gate)
    assert gate.planned == [PlannedCall(7, "userid", "growth", "interactive", 1, "shared")] * 2


def test_a_closed_gate_costs_nothing_and_takes_no_turn(upstream: Scripted) -> None:
    class Closed(OpenGate):
        def allow(self, call: PlannedCall) -> Share:
            raise errors.BudgetReached("Nothing left today.", retry_after=3600)

    meter = ListMeter()
    with pytest.raises(errors.BudgetReached, match="Nothing left today"):
        userid(upstream, meter, gate=Closed())
    assert not upstream.asked and not meter.events
    assert server().connection.keys("tlk:*") == []


def test_a_tenant_gets_its_share_of_a_shared_key_and_all_of_its_own(upstream: Scripted) -> None:
    class Narrow(OpenGate):
        def allow(self, call: PlannedCall) -> Share:
            return Share(per_minute=1, burst=1)

    def ask(key: ApiKey, number: int) -> None:
        client = client_to(upstream.base_url, timeouts=Timeouts(1, 0.5), keys=OneKey(key), gate=Narrow())
        client.userid(f"u{number}")

    shared = ApiKey("s", KEY, KEY[-4:], per_minute=1_000_000, in_flight=9)
    ask(shared, 1)
    with pytest.raises(errors.TooBusy) as caught:
        ask(shared, 2)
    assert caught.value.reason == "tenant_rate"
    for number in range(5):
        ask(ApiKey("o", KEY, KEY[-4:], shared=False, per_minute=1_000_000, in_flight=9), number)


@pytest.mark.parametrize("answer", [GOOD, DOWN, Answer(b"<html>"), Answer(hang_up=True)])
def test_the_place_in_flight_is_free_again_whatever_came(upstream: Scripted, answer: Answer) -> None:
    upstream.answers = [answer] * 3
    with suppress(errors.TikLiveError):
        userid(upstream)
    assert server().connection.zcard("tlk:shared:flying") == 0


def test_the_place_is_free_again_when_the_meter_fails(upstream: Scripted) -> None:
    class Broken(ListMeter):
        def record(self, event: Any) -> None:
            raise Unavailable("PostgreSQL is gone.")

    with pytest.raises(Unavailable):
        userid(upstream, Broken())
    assert server().connection.zcard("tlk:shared:flying") == 0
    assert server().connection.keys("*:flight") == []


# --- without Redis ---------------------------------------------------------------------------------------------------


@pytest.fixture
def redis_gone() -> Iterator[None]:
    redis._server.cache_clear()
    with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
        yield


class Paced(ClosedPace):
    def __init__(self, *waits: int) -> None:
        self.waits, self.asked = list(waits), list[tuple[str, int]]()

    def wait_ms(self, key_id: str, per_minute: int) -> int:
        self.asked.append((key_id, per_minute))
        return self.waits.pop(0)


@pytest.mark.usefixtures("redis_gone")
def test_without_redis_background_work_stops_and_sends_nothing(upstream: Scripted) -> None:
    pace = Paced()
    with pytest.raises(errors.LimiterGone) as caught:
        userid(upstream, priority="pro", pace=pace)
    assert caught.value.retry_after
    assert not upstream.asked and not pace.asked


@pytest.mark.usefixtures("redis_gone")
def test_without_redis_people_are_served_at_the_pace_of_another_clock(upstream: Scripted) -> None:
    pace, meter = Paced(0, 2_500), ListMeter()
    keys = OneKey(ApiKey("k", KEY, KEY[-4:], per_minute=200, in_flight=9))
    assert userid(upstream, meter, pace=pace, keys=keys).value.id == "107955"
    with pytest.raises(errors.TooBusy) as caught:
        userid(upstream, meter, pace=pace, keys=keys)
    assert (caught.value.reason, caught.value.retry_after) == ("without_redis", 2.5)
    assert pace.asked == [("k", 20)] * 2
    assert len(upstream.asked) == len(meter.events) == 1


def test_a_server_that_swallows_packets_is_not_knocked_at_by_every_request() -> None:
    with socket.create_server(("127.0.0.1", 0)) as hole:
        hole.setblocking(False)
        gone = redis.Server(f"redis://127.0.0.1:{hole.getsockname()[1]}/0")
        for _ in range(500):
            with pytest.raises(redis.RedisGone):
                gone.run(LOOK, (), ())
        knocks = 0
        with suppress(BlockingIOError):
            while True:
                hole.accept()
                knocks += 1
    assert knocks <= 2
