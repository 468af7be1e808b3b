"""The client over real HTTP: what it returns, what it raises, and what it tells the meter."""

from __future__ import annotations

import json
import logging
import socket
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tiklive.ports import ListMeter, OneKey, client_to, ports
from tests.tiklive.upstream import KEY, Answer, Upstream, running_upstream
from tikdash.errors import BadInput, Unavailable
from tikdash.redis import server
from tikdash.tiklive import errors
from tikdash.tiklive.client import Client, client_for
from tikdash.tiklive.errors import TikLiveError
from tikdash.tiklive.ports import ApiKey, UsageRecord, uuid7

POSTS = {"videos": [{"video_id": "71", "play_count": 5}], "cursor": 1639312724000, "hasMore": 1}
PROFILE = {"user": {"id": "107955", "uniqueId": "lena"}, "stats": {"followerCount": 9}}


class NoKey:
    """There is no key."""

    def key_for(self, tenant_id: int) -> ApiKey:
        raise Unavailable("No key.")

    def refused(self, tenant_id: int, key_id: str) -> bool:
        return False

    def outdated(self, tenant_id: int) -> None:
        """It does not change."""


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream() as server:
        yield server


@pytest.fixture(autouse=True)
def _one_attempt() -> Iterator[None]:
    """What one request gives; repeating it is the matter of test_calling.py."""
    with override_settings(TIKLIVE_ATTEMPTS=1):
        yield


@pytest.fixture
def meter() -> ListMeter:
    return ListMeter()


@pytest.fixture
def client(upstream: Upstream, meter: ListMeter) -> Client:
    upstream.asked.clear()
    return client_to(upstream.base_url, meter)


def saying(value: object, **more: Any) -> Answer:
    return Answer(value if isinstance(value, bytes) else json.dumps(value).encode(), **more)


def test_userid(client: Client, upstream: Upstream, meter: ListMeter) -> None:
    upstream.answer = saying({"id": "107955"})
    assert client.userid(" @lena ").id == "107955"
    assert upstream.asked[0].path == "/userid/?username=lena"
    (event,) = meter.events
    assert (event.tenant_id, event.key_id, event.endpoint, event.feature, event.priority) == (
        7,
        "shared",
        "userid",
        "growth",
        "interactive",
    )
    assert (event.outcome, event.http_status, event.credits, event.attempts) == ("ok", 200, 1, 1)
    assert event.id.version == 7
    assert event.occurred_at.tzinfo is not None
    assert 0 <= event.latency_ms < 5_000


def test_userinfo_by_username(client: Client, upstream: Upstream, meter: ListMeter) -> None:
    upstream.answer = saying(PROFILE)
    info = client.userinfo_by_username("lena")
    assert (info.user.id, info.stats.follower_count) == ("107955", 9)
    assert [event.endpoint for event in meter.events] == ["userinfo-by-username"]


def test_user_posts_echoes_the_cursor_as_received(client: Client, upstream: Upstream) -> None:
    upstream.answer = saying(POSTS)
    page = client.user_posts("107955", count=99)
    assert (page.videos[0].id, page.cursor, page.has_more) == ("71", "1639312724000", True)
    client.user_posts("107955", cursor=page.cursor)
    first, second = (parse_qs(urlsplit(asked.path).query) for asked in upstream.asked)
    assert first == {"userid": ["107955"], "count": ["35"], "cursor": ["0"]}
    assert second == {"userid": ["107955"], "count": ["30"], "cursor": ["1639312724000"]}


@pytest.mark.parametrize(
    ("answer", "expected", "status", "credits"),
    [
        (saying({"message": "Api-Key is not available"}), errors.BadKey, 200, 0),
        (saying({"status": "error", "message": "Not found user"}), errors.EntityNotFound, 200, 0),
        (saying({"message": "Out of credits"}), errors.OutOfCredits, 200, 0),
        (saying(b"", status=429, headers={"Retry-After": "3"}), errors.RateLimited, 429, 0),
        (saying(b"<html>", status=500), errors.UpstreamDown, 500, 0),
        (saying(b"", status=302, headers={"Location": "http://evil.test/"}), errors.UnsafeRedirect, 302, 0),
        (saying(b"<html>"), errors.BadPayload, 200, 1),
        (saying({}), errors.BadPayload, 200, 1),
        (saying({"user": {"id": "1"}}), errors.BadPayload, 200, 1),
        (saying(b'{"user":', length=900), errors.BadPayload, 200, 1),
        (saying(PROFILE, pause_s=3), errors.UpstreamTimeout, None, 0),
        (Answer(hang_up=True), errors.ConnectionFailed, None, 0),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_every_failure_that_reached_the_upstream_is_metered_once_and_carries_its_request(
    client: Client,
    upstream: Upstream,
    meter: ListMeter,
    answer: Answer,
    expected: type[TikLiveError],
    status: int | None,
    credits: int,
) -> None:
    upstream.answer = answer
    with pytest.raises(expected) as caught:
        client.userinfo_by_username("lena")
    (event,) = meter.events
    error = caught.value
    assert (event.outcome, event.http_status, event.credits) == (expected.code, status, credits)
    assert (error.endpoint, error.http_status, error.request_id) == (
        "userinfo-by-username",
        status,
        str(event.id),
    )


def test_refused_connection_is_not_metered(meter: ListMeter) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        client = client_to(f"http://127.0.0.1:{unheard.getsockname()[1]}", meter)
        with pytest.raises(errors.ConnectionFailed) as caught:
            client.userid("lena")
    assert not meter.events
    assert caught.value.endpoint == "userid"


def test_input_that_cannot_be_asked_for_costs_nothing(client: Client, upstream: Upstream, meter: ListMeter) -> None:
    for wrong in ("", " @ ", "\x00"):
        with pytest.raises(BadInput):
            client.userid(wrong)
    for wrong in ("", "MS4wLjAB", "٧", "-1"):
        with pytest.raises(BadInput):
            client.user_posts(wrong)
    assert not upstream.asked
    assert not meter.events


def test_tenant_without_a_key_asks_nothing(upstream: Upstream, meter: ListMeter) -> None:
    client = client_to(upstream.base_url, meter, keys=NoKey())
    with pytest.raises(Unavailable):
        client.userid("lena")
    assert not meter.events


def test_work_stopped_in_mid_request_is_metered(
    client: Client, upstream: Upstream, meter: ListMeter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def strike(body: bytes) -> None:
        raise KeyboardInterrupt

    upstream.answer = saying({"id": "1"})
    monkeypatch.setattr("tikdash.tiklive.endpoints.error_for", lambda *_, **__: strike(b""))
    with pytest.raises(KeyboardInterrupt):
        client.userid("lena")
    assert [(event.outcome, event.http_status, event.credits) for event in meter.events] == [("interrupted", 200, 0)]


def test_meter_that_fails_is_not_silent(upstream: Upstream) -> None:
    class BrokenMeter(ListMeter):
        def record(self, event: UsageRecord) -> None:
            raise RuntimeError("no room")

    upstream.answer = saying({"id": "1"})
    with pytest.raises(RuntimeError, match="no room"):
        client_to(upstream.base_url, BrokenMeter()).userid("lena")


def test_threads_meter_each_request_once(client: Client, upstream: Upstream, meter: ListMeter) -> None:
    upstream.answer = saying({"id": "107955"})
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda n: client.userid(f"u{n}").id, range(64)))
    assert found == ["107955"] * 64
    assert len({event.id for event in meter.events}) == len(meter.events) == len(upstream.asked) == 64


@pytest.mark.parametrize(
    "answer",
    [
        saying({"message": f"Api-Key {KEY} is not available"}),
        saying(f"<html>{KEY}</html>".encode()),
        saying(f"key {KEY}".encode(), status=500),
        saying(b"", status=302, headers={"Location": f"http://evil.test/?key={KEY}"}),
        saying(b"x" * 10, length=900),
        saying(b"", pause_s=3),
        Answer(hang_up=True),
    ],
)
def test_key_shows_in_no_text_of_any_error(
    client: Client, upstream: Upstream, caplog: pytest.LogCaptureFixture, answer: Answer
) -> None:
    upstream.answer = answer
    with caplog.at_level(logging.DEBUG), pytest.raises(TikLiveError) as caught:
        client.userid("lena")
    error = caught.value
    # The test's own frame holds the answer, so the report begins in the client.
    ours = error.with_traceback(error.__traceback__ and error.__traceback__.tb_next)
    report = "".join(traceback.TracebackException.from_exception(ours, capture_locals=True).format())
    assert "in _attempt" in report
    assert "endpoint = " in report
    shown = report + str(error) + repr(error) + error.summary + repr(vars(error)) + caplog.text
    assert KEY not in shown
    assert KEY[:12] not in shown
    assert error.__context__ is None or error.__suppress_context__


def test_key_shows_in_no_repr(client: Client) -> None:
    key = OneKey().key_for(7)
    assert repr(client) == "Client(tenant_id=7, feature='growth', priority='interactive')"
    for shown in (
        repr(key),
        str(key),
        f"{key}",
        f"{key.secret}",
        f"{key.secret!r}",
        f"{key.secret:>50}",
        f"{key.secret!s}",
    ):
        assert KEY not in shown
    assert key.secret == KEY
    assert key.last_four == KEY[-4:]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_mutated_bodies_give_a_value_or_our_own_error_and_one_event(
    client: Client, upstream: Upstream, meter: ListMeter, data: st.DataObject
) -> None:
    meter.events.clear()
    # Nothing kept, no breaker open.
    server().connection.flushdb()
    body = json.dumps(POSTS).encode()
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, len(body)))
    upstream.answer = Answer(
        body[:start] + data.draw(st.binary(max_size=10)) + body[end:],
        data.draw(st.sampled_from([200, 404, 500])),
    )
    try:
        outcome = "ok" if client.user_posts("107955").videos is not None else ""
    except TikLiveError as error:
        outcome = error.code
    assert [event.outcome for event in meter.events] == [outcome]


def test_client_comes_with_a_purpose() -> None:
    with pytest.raises(ValueError):
        client_for(7, feature="", priority="interactive", ports=ports(), base_url="http://a.test")
    with pytest.raises(TypeError):
        client_for(7)  # type: ignore[call-arg]


PORTS = {
    "KEYS": "tests.tiklive.ports.OneKey",
    "GATE": "tests.tiklive.ports.OpenGate",
    "METER": "tests.tiklive.ports.ListMeter",
    "PACE": "tests.tiklive.ports.ClosedPace",
    "PEOPLE": "tikdash.tiklive.sieve.Everybody",
}


@override_settings(TIKLIVE_PORTS=PORTS)
def test_settings_are_read_when_a_client_is_made(upstream: Upstream) -> None:
    upstream.answer = saying({"id": "5"})
    with override_settings(TIKLIVE_BASE_URL=upstream.base_url + "/", TIKLIVE_READ_TIMEOUT_S=2):
        assert client_for(7, feature="x", priority="y").userid("lena").id == "5"
    with (
        override_settings(TIKLIVE_BASE_URL="not an address"),
        pytest.raises(ImproperlyConfigured, match="TIKLIVE_BASE_URL"),
    ):
        client_for(7, feature="x", priority="y")


@pytest.mark.parametrize("missing", PORTS)
def test_without_any_of_its_ports_there_is_no_client(missing: str) -> None:
    without = {name: path for name, path in PORTS.items() if name != missing}
    for wrong in (without, without | {missing: ""}):
        with (
            override_settings(TIKLIVE_PORTS=wrong, TIKLIVE_BASE_URL="http://a.test"),
            pytest.raises(ImproperlyConfigured, match=missing),
        ):
            client_for(7, feature="x", priority="y")


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        {},
        PORTS | {"KEYS": "no.such.module"},
        PORTS | {"KEYS": "tests.tiklive.ports.Nobody"},
        PORTS | {"KEYS": "tests.tiklive.ports.ListMeter"},
        PORTS | {"METER": "json.dumps"},
        PORTS | {"GATE": "tests.tiklive.ports.OneKey"},
    ],
)
def test_port_that_is_wrong_is_a_clear_error(wrong: dict[str, str] | None) -> None:
    with (
        override_settings(TIKLIVE_PORTS=wrong, TIKLIVE_BASE_URL="http://a.test"),
        pytest.raises(ImproperlyConfigured, match="TIKLIVE_PORTS"),
    ):
        client_for(7, feature="x", priority="y")


def test_request_ids_are_uuid7_and_grow_with_time() -> None:
    before = time.time_ns() // 1_000_000
    ids = [uuid7() for _ in range(200)]
    assert len(set(ids)) == 200
    for one in ids:
        assert one.version == 7
        assert one.variant == "specified in RFC 4122"
        assert before <= one.int >> 80 <= time.time_ns() // 1_000_000
