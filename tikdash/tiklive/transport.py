"""One HTTP request to the upstream: the key in its header, time-outs, a capped body, no redirects."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    DecodeError,
    HTTPError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)

from tikdash.tiklive.endpoints import Endpoint
from tikdash.tiklive.errors import BadKey, BadPayload, ConnectionFailed, TikLiveError, UpstreamTimeout
from tikdash.tiklive.text import clean_text

MAX_BODY_BYTES = 8 * 1024 * 1024
USER_AGENT = "Tikdash/1 (TikLiveAPI client)"
_CHUNK_BYTES = 256 * 1024
_CONNECTIONS_PER_HOST = 32


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, and to wait for an answer (then once more, as a whole, for its body)."""

    connect_s: float
    read_s: float

    @property
    def longest_s(self) -> float:
        """More than any request can take: with both time-outs, and a while for all that is done around it."""
        return self.connect_s + 2 * self.read_s + 10


@dataclass(frozen=True, slots=True)
class Response:
    """An answer as it came, unpacked; `latency_ms` is from the first byte sent to the last one received.

    Headers and body do not show: an upstream that echoes the key would put it into error reports.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    latency_ms: int


def send(
    base_url: str, endpoint: Endpoint[Any], params: Mapping[str, object], key: str, timeouts: Timeouts
) -> Response:
    """The answer to one GET, whatever its status; a TikLiveError when no whole answer came.

    `base_url` has passed `checked_base_url`. A bad answer that breaks off in its body is returned with what
    came of it, because its status says enough; a good one that breaks off is BadPayload.
    """
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise _unsent_key()
    url = f"{base_url}{endpoint.path}?{_query(params)}"
    headers = {"X-Api-Key": key, "User-Agent": USER_AGENT, "Accept-Encoding": "gzip"}
    failure: TikLiveError
    started = time.monotonic()
    try:
        answer = _pool().request(
            "GET",
            url,
            headers=headers,
            timeout=urllib3.Timeout(connect=timeouts.connect_s, read=timeouts.read_s),
            retries=False,
            redirect=False,
            preload_content=False,
        )
    except HTTPError as error:
        failure = _no_answer(error)
    else:
        body = _read(answer, timeouts.read_s)
        return Response(answer.status, answer.headers, body, round((time.monotonic() - started) * 1000))
    # Raised out here, so that not even the context of the error leads to a frame that holds the header.
    raise failure


@lru_cache(maxsize=16)
def checked_base_url(url: str) -> str:
    """`url` without a closing slash.

    ValueError unless it is http or https with a host and without log-in, query or fragment.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("the address of TikLiveAPI must begin with http:// or https:// and name a host")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ValueError("the address of TikLiveAPI must not hold a log-in, a query or a fragment")
    if parts.port == 0 or any(character.isspace() for character in url):
        raise ValueError("the address of TikLiveAPI has a port or a character that cannot be used")
    return url.rstrip("/")


@lru_cache(maxsize=1)
def _pool() -> urllib3.PoolManager:
    return urllib3.PoolManager(maxsize=_CONNECTIONS_PER_HOST, retries=False)


# A forked worker must not share the sockets of its parent.
os.register_at_fork(after_in_child=_pool.cache_clear)


def _query(params: Mapping[str, object]) -> str:
    return urlencode({name: clean_text(str(value)) for name, value in params.items()})


def _read(answer: urllib3.BaseHTTPResponse, limit_s: float) -> bytes:
    """The body, as far as it came when the status is bad; raises when a good answer breaks off."""
    good = 200 <= answer.status < 300
    chunks: list[bytes] = []
    failure: TikLiveError | None = None
    try:
        failure = _collect(answer, chunks, time.monotonic() + limit_s)
    except HTTPError as error:
        failure = _broken_body(error)
    if failure is None:
        answer.release_conn()
        return b"".join(chunks)
    # A connection with an unread rest must not go back to the pool.
    answer.close()
    if not good:
        return b"".join(chunks)
    failure.http_status = answer.status
    raise failure


def _collect(answer: urllib3.BaseHTTPResponse, chunks: list[bytes], deadline: float) -> TikLiveError | None:
    """Fills `chunks` until the end of the body; the failure when it gets too large or too late."""
    size = 0
    # read1 returns what is there: a body that drips must meet the deadline, not only the time-out of each
    # read.
    while chunk := answer.read1(_CHUNK_BYTES, decode_content=True):
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            return BadPayload(f"more than {MAX_BODY_BYTES} bytes", reason="too_large")
        chunks.append(chunk)
        if time.monotonic() > deadline:
            return UpstreamTimeout("the body did not end in time")
    return None


def _no_answer(error: HTTPError) -> TikLiveError:
    # NewConnectionError is a kind of ConnectTimeoutError in urllib3; both mean that nothing was sent.
    if isinstance(error, NewConnectionError | ConnectTimeoutError):
        return ConnectionFailed("no connection: refused, unreachable or timed out")
    if isinstance(error, ReadTimeoutError):
        return UpstreamTimeout("no answer in time")
    if isinstance(error, SSLError):
        return ConnectionFailed("TLS could not be agreed on")
    if isinstance(error, ProtocolError):
        return ConnectionFailed("the connection was cut before an answer", reached=True)
    return ConnectionFailed(f"{type(error).__name__}")


def _broken_body(error: HTTPError) -> TikLiveError:
    if isinstance(error, ReadTimeoutError):
        return UpstreamTimeout("the body stopped coming")
    if isinstance(error, DecodeError):
        return BadPayload("the compressed body is damaged", reason="not_json")
    return BadPayload("the connection was cut within the body", reason="truncated")


def _unsent_key() -> BadKey:
    failure = BadKey("the key is empty or holds characters that a header cannot carry")
    failure.reached = False
    return failure
