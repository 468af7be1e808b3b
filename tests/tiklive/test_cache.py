"""What is kept, for whom and for how long, and that of many who ask at once one fetches."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tiklive.bodies import BODIES, PAGE, encoded
from tests.tiklive.ports import ListMeter, OneKey, client_to
from tests.tiklive.upstream import KEY, Answer, Upstream, running_upstream
from tikdash import clock
from tikdash.redis import server
from tikdash.tiklive import cache, errors
from tikdash.tiklive.cache import Cache, Entry, Flight, Kept
from tikdash.tiklive.client import Client
from tikdash.tiklive.endpoints import CATALOGUE
from tikdash.tiklive.ports import ApiKey
from tikdash.tiklive.transport import Timeouts

ENTRY = Entry.of("7", "userid", {"username": "lena"}, 600)
URL = "https://www.tiktok.com/@a/video/7201234567890123456"
#: F7: what is kept, for how many seconds; whatever is not named here is never kept.
KEPT_FOR = {
    "userid": 600, "userinfo-by-username": 600, "userinfo-by-id": 600, "user-posts": 600, "challenge-posts": 600,
    "challenge-info-name": 1_209_600, "challenge-info-id": 1_209_600, "music-info": 1_209_600,
    "playlist-info": 1_209_600, "collection-info": 1_209_600,
}  # fmt: skip


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream() as running:
        yield running


@pytest.fixture(autouse=True)
def _nothing_asked(upstream: Upstream) -> None:
    upstream.asked.clear()
    upstream.answer = Answer(b'{"id": "107955"}')


@pytest.fixture
def now() -> datetime:
    """When the test began: what is kept is kept for ten minutes, and the tests before may take longer."""
    return datetime.now(UTC).replace(microsecond=0)


def client(upstream: Upstream, tenant_id: int = 7, **given: Any) -> Client:
    return client_to(upstream.base_url, tenant_id=tenant_id, timeouts=Timeouts(1, 5), **given)


def own_key() -> OneKey:
    return OneKey(ApiKey("own", KEY, KEY[-4:], shared=False, per_minute=1_000_000, in_flight=1_000))


# --- what is kept ----------------------------------------------------------------------------------------------------


def test_exactly_the_endpoints_of_f7_are_kept_for_their_time() -> None:
    assert {slug: endpoint.ttl_s for slug, endpoint in CATALOGUE.items() if endpoint.ttl_s} == KEPT_FOR


@pytest.mark.parametrize("slug", CATALOGUE)
def test_asking_twice_fetches_once_where_the_answer_may_be_kept(upstream: Upstream, slug: str) -> None:
    upstream.answer = Answer(encoded(BODIES[slug]))
    values = {"username": "lena", "url": URL, "name": "bread", "keyword": "bread"}
    params = {name: values.get(name, "71") for name in CATALOGUE[slug].required}
    first, second = (client(upstream).answer(CATALOGUE[slug], params) for _ in range(2))
    assert first.value == second.value
    assert (first.from_cache, second.from_cache) == (False, slug in KEPT_FOR)
    assert len(upstream.asked) == (1 if slug in KEPT_FOR else 2)
    keys = [name.decode() for name in server().connection.keys("tla:*")]
    assert [name.rsplit(":", 1)[0] for name in keys] == (
        [f"tla:{'shared' if KEPT_FOR[slug] > 600 else '7'}:{slug}"] if slug in KEPT_FOR else []
    )
    assert all(0 < server().connection.pttl(name) <= KEPT_FOR[slug] * 1000 for name in keys)


def test_an_answer_from_the_cache_has_its_own_time_and_no_usage_event(upstream: Upstream, now: datetime) -> None:
    meter = ListMeter()
    with clock.at(now):
        client(upstream, meter=meter).userid("lena")
    again = client(upstream, meter=meter)
    with clock.at(now + timedelta(minutes=9)):
        answer = again.answer(CATALOGUE["userid"], {"username": "lena"})
    assert (answer.measured_at, answer.from_cache, answer.credits, answer.attempts) == (now, True, 0, 0)
    assert again.measured_at == now
    assert len(meter.events) == 1


def test_other_parameters_are_another_question_and_their_order_is_not() -> None:
    one = Entry.of("7", "user-posts", {"userid": "1", "cursor": "0"}, 600)
    assert one == Entry.of("7", "user-posts", {"cursor": "0", "userid": "1"}, 600)
    others = [
        {"userid": "1", "cursor": "1"},
        {"userid": "2", "cursor": "0"},
        {"userid": "1"},
        {"userid": "1", "time": "0"},
    ]
    assert len({one.name, *(Entry.of("7", "user-posts", other, 600).name for other in others)}) == 5
    assert Entry.of("8", "user-posts", {"userid": "1", "cursor": "0"}, 600).name != one.name


def test_what_a_tenant_has_fetched_is_its_own_but_metadata_of_the_shared_key_is_everybodys(upstream: Upstream) -> None:
    client(upstream, 7).userid("lena")
    client(upstream, 8).userid("lena")
    assert len(upstream.asked) == 2
    upstream.answer = Answer(encoded(BODIES["challenge-info-name"]))
    client(upstream, 7).challenge_info_by_name("bread")
    client(upstream, 8).challenge_info_by_name("bread")
    assert len(upstream.asked) == 3
    # Who pays with a key of its own neither takes from the others nor gives to them.
    client(upstream, 9, keys=own_key()).challenge_info_by_name("bread")
    client(upstream, 9, keys=own_key()).challenge_info_by_name("bread")
    assert len(upstream.asked) == 4


def test_who_needs_newer_numbers_is_not_given_older_ones(upstream: Upstream, now: datetime) -> None:
    with clock.at(now):
        client(upstream).userid("lena")
    for since, fetched in ((now - timedelta(milliseconds=1), 1), (now, 2)):
        asking = client_to(upstream.base_url, timeouts=Timeouts(1, 5))
        asking._fresh_since = since
        with clock.at(now + timedelta(minutes=1)):
            asking.userid("lena")
        assert len(upstream.asked) == fetched
    # The newer one is kept for all.
    assert client(upstream).answer(CATALOGUE["userid"], {"username": "lena"}).measured_at == now + timedelta(minutes=1)


def test_where_the_clock_is_moved_an_answer_is_as_old_as_the_clock_says(upstream: Upstream, now: datetime) -> None:
    with clock.at(now):
        client(upstream).userid("lena")
    with clock.at(now + timedelta(seconds=601)):
        assert not client(upstream).answer(CATALOGUE["userid"], {"username": "lena"}).from_cache


def test_only_answers_are_kept(upstream: Upstream) -> None:
    for answer in (Answer(b"<html>", status=400), Answer(b'{"status":"error","message":"Not found user"}')):
        upstream.answer = answer
        for _ in range(2):
            with pytest.raises(errors.TikLiveError):
                client(upstream).userid("lena")
    assert len(upstream.asked) == 4
    upstream.answer = Answer(b'{"id": "107955"}')
    assert client(upstream).userid("lena").id == "107955"


def test_a_kept_answer_that_cannot_be_read_is_fetched_anew(upstream: Upstream) -> None:
    client(upstream).userid("lena")
    (name,) = server().connection.keys("tla:*")
    server().connection.set(name, b"1700000000000-" + b'{"another": "shape"}', px=60_000)
    assert client(upstream).userid("lena").id == "107955"
    assert len(upstream.asked) == 2


@given(st.binary(max_size=5_000), st.integers(0, 4_102_444_800_000))
def test_bytes_and_moment_come_back_as_they_were(body: bytes, milliseconds: int) -> None:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    kept = cache._unpacked(cache._packed(body, moment))
    assert kept.body == body
    assert abs(kept.measured_at - moment) <= timedelta(milliseconds=1)


def test_pages_take_little_room_and_huge_ones_none(upstream: Upstream) -> None:
    page = encoded({**PAGE, "videos": PAGE["videos"] * 200})
    upstream.answer = Answer(page)
    client(upstream).user_posts("71")
    (name,) = server().connection.keys("tla:*")
    assert server().connection.strlen(name) < len(page) / 4
    server().connection.flushdb()
    upstream.answer = Answer(encoded({**PAGE, "more": "x" * 1_100_000}))
    client(upstream).user_posts("71")
    assert server().connection.keys("tla:*") == []


def test_a_key_that_the_upstream_echoes_is_not_kept(upstream: Upstream) -> None:
    upstream.answer = Answer(encoded({**BODIES["challenge-info-name"], "desc": f"asked with {KEY}"}))
    client(upstream).challenge_info_by_name("bread")
    (name,) = server().connection.keys("tla:*")
    kept = cache._unpacked(server().connection.get(name) or b"").body
    assert b"asked with [key]" in kept and KEY.encode() not in kept


# --- single flight ---------------------------------------------------------------------------------------------------


def together(number: int, work: Callable[[int], Any]) -> list[Any]:
    """What each of `number` threads gets that begin at the same moment; errors are results, too."""
    start = threading.Barrier(number)

    def one(index: int) -> Any:
        start.wait(10)
        try:
            return work(index)
        except errors.TikLiveError as error:
            return error

    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(one, range(number)))


def test_of_many_who_ask_at_once_one_fetches(upstream: Upstream) -> None:
    upstream.answer = Answer(encoded(BODIES["challenge-info-name"]), pause_s=0.4)
    meter = ListMeter()
    found = together(100, lambda n: client(upstream, n, meter=meter).challenge_info_by_name("bread"))
    assert len(upstream.asked) == len(meter.events) == 1
    assert all(hashtag == found[0] for hashtag in found)
    assert server().connection.keys("*:flight") == []


def test_those_who_wait_get_the_error_of_the_one_who_fetches_and_the_next_tries_anew(upstream: Upstream) -> None:
    upstream.answer = Answer(b'{"status":"error","message":"Not found challenge"}', pause_s=0.4)
    meter = ListMeter()
    found = together(50, lambda n: client(upstream, n, meter=meter).challenge_info_by_name("bread"))
    assert {type(error) for error in found} == {errors.EntityNotFound}
    assert len({str(error) + error.detail for error in found}) == 1
    assert len({id(error) for error in found}) == 50
    assert len(upstream.asked) == len(meter.events) == 1
    upstream.answer = Answer(encoded(BODIES["challenge-info-name"]))
    client(upstream).challenge_info_by_name("bread")
    assert len(upstream.asked) == 2


def test_who_was_not_admitted_speaks_for_itself_alone(upstream: Upstream) -> None:
    class Closed:
        def allow(self, call: Any) -> Any:
            time.sleep(0.3)
            raise errors.BudgetReached("Nothing left today.", retry_after=60)

    upstream.answer = Answer(encoded(BODIES["challenge-info-name"]), pause_s=0.2)

    def ask(number: int) -> Any:
        if number == 0:
            return client(upstream, 0, gate=Closed()).challenge_info_by_name("bread")
        time.sleep(0.1)
        return client(upstream, number).challenge_info_by_name("bread")

    refused, *served = together(10, ask)
    assert isinstance(refused, errors.BudgetReached)
    assert not [error for error in served if isinstance(error, errors.TikLiveError)]
    assert len(upstream.asked) == 1


def test_a_leader_that_is_interrupted_is_followed_at_once(now: datetime) -> None:
    here = Cache(server())
    with pytest.raises(KeyboardInterrupt), _led(here):
        raise KeyboardInterrupt
    with _led(here) as flight:
        flight.land(b"{}", now)
    assert here.look(ENTRY, None) == Kept(b"{}", now)


def test_a_leader_that_is_not_heard_of_is_followed_after_its_lease(
    monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    monkeypatch.setattr(cache, "LEASE_MS", 300)
    lost = Cache(server()).look(ENTRY, None)
    assert isinstance(lost, Flight)
    began = time.monotonic()
    with _led(Cache(server())) as flight:
        assert 0.2 < time.monotonic() - began < 2
        # The lost one comes back: its answer is as good, but it must not end the flight of the other.
        lost.land(b'"early"', now)
        assert server().connection.get(flight.names[1]) == b"L" + flight.token.encode()
        flight.land(b'"late"', now)
    assert Cache(server()).look(ENTRY, None) == Kept(b'"late"', now)


def test_a_leader_that_takes_long_keeps_its_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "LEASE_MS", 400)
    monkeypatch.setattr(cache, "_RENEW_EVERY_S", 0.1)
    cache._keeper.cache_clear()
    with _led(Cache(server())) as flight:
        time.sleep(1)
        assert server().connection.get(flight.names[1]) == b"L" + flight.token.encode()
    cache._keeper.cache_clear()


def test_who_waits_too_long_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_FOLLOW_AT_MOST_S", 0.2)
    with _led(Cache(server())):
        began = time.monotonic()
        with pytest.raises(errors.FlightLost) as caught:
            Cache(server()).look(ENTRY, None)
        assert time.monotonic() - began < 1
    assert caught.value.retry_after and not caught.value.reached


def test_an_error_that_travels_keeps_its_facts() -> None:
    sent = errors.BadPayload("oops", reason="truncated", http_status=200, endpoint="userid", request_id="r")
    got = cache._error_from(cache._packed_error(sent))
    assert isinstance(got, errors.BadPayload)
    assert (got.summary, got.reason, got.request_id) == (sent.summary, "truncated", "r")
    # Who only waited has sent nothing and pays nothing.
    assert (got.reached, got.billable) == (False, False)
    for kind in cache._error_classes().values():
        assert type(cache._error_from(cache._packed_error(kind()))) is kind


def _led(where: Cache) -> Flight:
    """A flight that the caller leads, waiting for it if need be."""
    flight = where.look(ENTRY, None)
    assert isinstance(flight, Flight)
    return flight
