"""Requests over real sockets, and everything that can go wrong on the way."""

from __future__ import annotations

import gzip
import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.tiklive.upstream import KEY, Answer, Upstream, running_upstream
from tikdash.tiklive.endpoints import CATALOGUE, USERID
from tikdash.tiklive.errors import BadKey, BadPayload, ConnectionFailed, TikLiveError, UpstreamTimeout
from tikdash.tiklive.transport import MAX_BODY_BYTES, Response, Timeouts, _pool, checked_base_url, send

SHORT = Timeouts(connect_s=0.3, read_s=0.3)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with running_upstream() as server:
        yield server


def ask(base_url: str, username: str = "lena", key: str = KEY, timeouts: Timeouts = SHORT) -> Response:
    return send(base_url, USERID, {"username": username}, key, timeouts)


def failure(upstream: Upstream, answer: Answer) -> TikLiveError:
    upstream.answer = answer
    with pytest.raises(TikLiveError) as caught:
        ask(upstream.base_url)
    return caught.value


def test_key_travels_in_its_header_only(upstream: Upstream) -> None:
    response = ask(upstream.base_url, "naïve &=#🍞")
    asked = upstream.asked[0]
    assert (response.status, response.body) == (200, b"{}")
    assert response.latency_ms >= 0
    assert asked.headers["x-api-key"] == KEY
    assert asked.headers["user-agent"].startswith("Tikdash/")
    assert urlsplit(asked.path).path == "/userid/"
    assert parse_qs(urlsplit(asked.path).query) == {"username": ["naïve &=#🍞"]}
    assert [name for name, value in asked.headers.items() if KEY in value] == ["x-api-key"]
    assert KEY not in asked.path


def test_text_that_utf8_cannot_carry_is_cleaned_before_it_is_sent(upstream: Upstream) -> None:
    ask(upstream.base_url, "a\ud800b\x00")
    assert parse_qs(urlsplit(upstream.asked[0].path).query) == {"username": ["a\ufffdb"]}


@pytest.mark.parametrize("status", [200, 204, 400, 401, 404, 429, 500, 503])
def test_any_status_is_an_answer(upstream: Upstream, status: int) -> None:
    upstream.answer = Answer(b"" if status == 204 else b"hello", status, {"Retry-After": "3"})
    response = ask(upstream.base_url)
    assert response.status == status
    assert response.headers["retry-after"] == "3"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(upstream: Upstream, status: int) -> None:
    upstream.answer = Answer(b"", status, {"Location": f"{upstream.base_url}/elsewhere/"})
    assert ask(upstream.base_url).status == status
    assert len(upstream.asked) == 1


def test_nothing_is_retried(upstream: Upstream) -> None:
    upstream.answer = Answer(b"", 503, {"Retry-After": "0"})
    assert ask(upstream.base_url).status == 503
    assert len(upstream.asked) == 1


def test_gzip_is_unpacked(upstream: Upstream) -> None:
    upstream.answer = Answer(gzip.compress(b'{"id":"1"}' * 1000), headers={"Content-Encoding": "gzip"})
    assert ask(upstream.base_url).body == b'{"id":"1"}' * 1000
    assert upstream.asked[0].headers["accept-encoding"] == "gzip"


def test_damaged_gzip_is_bad_payload(upstream: Upstream) -> None:
    error = failure(upstream, Answer(b"no gzip at all", headers={"Content-Encoding": "gzip"}))
    assert isinstance(error, BadPayload)
    assert error.reason == "not_json"
    assert error.http_status == 200


@pytest.mark.parametrize("packed", [False, True])
def test_body_beyond_the_cap_is_refused(upstream: Upstream, packed: bool) -> None:
    body = b" " * (MAX_BODY_BYTES + 1)
    answer = Answer(gzip.compress(body), headers={"Content-Encoding": "gzip"}) if packed else Answer(body)
    error = failure(upstream, answer)
    assert isinstance(error, BadPayload)
    assert error.reason == "too_large"
    assert not error.retryable
    assert error.billable


def test_body_at_the_cap_is_read(upstream: Upstream) -> None:
    upstream.answer = Answer(b" " * MAX_BODY_BYTES)
    assert len(ask(upstream.base_url, timeouts=Timeouts(1, 10)).body) == MAX_BODY_BYTES


def test_body_that_breaks_off_is_bad_payload(upstream: Upstream) -> None:
    error = failure(upstream, Answer(b'{"videos":[', length=5000))
    assert isinstance(error, BadPayload)
    assert error.reason == "truncated"
    assert error.reached
    assert error.http_status == 200


def test_bad_status_counts_more_than_its_broken_body(upstream: Upstream) -> None:
    upstream.answer = Answer(b"<html>", 502, length=5000)
    response = ask(upstream.base_url)
    assert (response.status, response.body) == (502, b"<html>")


def test_answer_that_does_not_begin_in_time(upstream: Upstream) -> None:
    error = failure(upstream, Answer(pause_s=5))
    assert isinstance(error, UpstreamTimeout)
    assert error.reached
    assert not error.billable


@pytest.mark.parametrize("answer", [Answer(b"x" * 100, drip_s=0.05), Answer(b"x", length=100, drip_s=5)])
def test_body_that_drips_or_stops_is_a_time_out(upstream: Upstream, answer: Answer) -> None:
    assert isinstance(failure(upstream, answer), UpstreamTimeout)


def test_connection_cut_before_an_answer_has_reached_the_upstream(upstream: Upstream) -> None:
    error = failure(upstream, Answer(hang_up=True))
    assert isinstance(error, ConnectionFailed)
    assert error.reached
    assert error.retryable


def test_refused_connection_has_not_reached_the_upstream() -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionFailed) as caught:
            ask(f"http://127.0.0.1:{unheard.getsockname()[1]}")
    assert not caught.value.reached
    assert caught.value.retryable


def test_connection_time_out_is_apart_from_the_read_time_out() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        with pytest.raises(ConnectionFailed) as caught:
            ask(f"http://127.0.0.1:{address[1]}", timeouts=Timeouts(connect_s=0.2, read_s=30))
        for one in waiting:
            one.close()
    assert not caught.value.reached


def test_plain_text_where_tls_is_expected(upstream: Upstream) -> None:
    with pytest.raises(ConnectionFailed) as caught:
        ask(upstream.base_url.replace("http://", "https://"))
    assert not caught.value.reached


@pytest.mark.parametrize("key", ["", "a b", "a\r\nX-Evil: 1", "a\nb", "ключ", "a\x00b", "a\ud800"])
def test_key_that_no_header_can_carry_is_never_sent(upstream: Upstream, key: str) -> None:
    with pytest.raises(BadKey) as caught:
        ask(upstream.base_url, key=key)
    assert not caught.value.reached
    assert not upstream.asked
    assert not key or key not in repr(caught.value)


def test_connections_are_kept_and_shared_by_threads(upstream: Upstream) -> None:
    for _ in range(5):
        ask(upstream.base_url)
    assert upstream.connections == 1
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda n: ask(upstream.base_url, f"u{n}", timeouts=Timeouts(5, 5)), range(80)))
    assert {response.body for response in answers} == {b"{}"}
    assert upstream.connections <= 9


def test_broken_connection_is_not_used_again(upstream: Upstream) -> None:
    failure(upstream, Answer(b"x" * 10, length=100))
    upstream.answer = Answer(b'{"id":"1"}')
    assert ask(upstream.base_url).body == b'{"id":"1"}'


def test_forked_process_has_a_pool_of_its_own() -> None:
    pool = _pool()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, b"own" if _pool() is not pool else b"shared")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 10) == b"own"
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.test",
        "ftp://api.test",
        "http://",
        "http://u:p@api.test",
        "http://api.test/?k=1",
        "http://a.test/#x",
        "http://a.test:99999",
        "http://a.test:x",
        "http://a.test:0",
        "http://a b.test",
        "http://[::1",
    ],
)
def test_base_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        checked_base_url(url)


def test_base_url_may_hold_a_path_and_a_closing_slash() -> None:
    assert checked_base_url("https://api.tikliveapi.com/") == "https://api.tikliveapi.com"
    assert checked_base_url("http://127.0.0.1:8100/v1/") == "http://127.0.0.1:8100/v1"


def test_catalogue_holds_the_17_endpoints_with_coherent_facts() -> None:
    assert len(CATALOGUE) == 17
    for slug, endpoint in CATALOGUE.items():
        assert endpoint.path == f"/{slug}/"
        assert endpoint.required
        assert endpoint.credits == 1
        assert endpoint.paging is None or endpoint.paging in endpoint.optional
        assert (endpoint.paging is None) == (endpoint.result_key is None)
        assert endpoint.cache_scope == "tenant" or endpoint.ttl_s == 14 * 86_400
    assert CATALOGUE["download-video"].ttl_s is None
    with pytest.raises(ValueError, match="username"):
        USERID.check({})
    with pytest.raises(ValueError, match="secUid"):
        USERID.check({"username": "x", "secUid": "y"})


def test_no_thread_is_left_behind(upstream: Upstream) -> None:
    before = threading.active_count()
    ask(upstream.base_url)
    assert threading.active_count() <= before + 1
