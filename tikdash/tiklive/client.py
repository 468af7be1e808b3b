"""The client of TikLiveAPI: the only way to spend credits, always for a tenant and a feature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from tikdash import clock
from tikdash.errors import BadInput
from tikdash.tiklive import endpoints
from tikdash.tiklive.endpoints import Endpoint
from tikdash.tiklive.errors import TikLiveError, error_for
from tikdash.tiklive.ports import ApiKey, Keys, Meter, UsageRecord, load_keys, load_meter, uuid7
from tikdash.tiklive.shapes import PostPage, UserId, UserInfo
from tikdash.tiklive.text import clean_text
from tikdash.tiklive.transport import Response, Timeouts, checked_base_url, send

T = TypeVar("T")

_CONNECT_TIMEOUT_S = 5.0
_READ_TIMEOUT_S = 20.0


def client_for(
    tenant_id: int,
    *,
    feature: str,
    priority: str,
    keys: Keys | None = None,
    meter: Meter | None = None,
    base_url: str | None = None,
    timeouts: Timeouts | None = None,
) -> Client:
    """The client of a tenant. `feature` and `priority` say in each usage event what credits went to.

    Ports, address and time-outs come from the settings unless given; ImproperlyConfigured without them.
    """
    if not feature or not priority:
        raise ValueError("feature and priority must say what the calls are for")
    return Client(
        tenant_id=tenant_id,
        feature=feature,
        priority=priority,
        keys=load_keys() if keys is None else keys,
        meter=load_meter() if meter is None else meter,
        base_url=_base_url(base_url),
        timeouts=_timeouts() if timeouts is None else timeouts,
    )


@dataclass(slots=True)
class _Attempt:
    """What is known of one request so far, so that it can be metered whatever cuts it short."""

    endpoint: Endpoint[Any]
    key_id: str
    number: int
    id: UUID = field(default_factory=uuid7)
    occurred_at: datetime = field(default_factory=lambda: clock.now())
    started: float = field(default_factory=monotonic)
    reached: bool = True
    outcome: str = "interrupted"
    http_status: int | None = None
    credits: int = 0
    latency_ms: int | None = None

    def answered(self, response: Response) -> None:
        self.http_status = response.status
        self.latency_ms = response.latency_ms

    def succeeded(self) -> None:
        self.outcome = "ok"
        self.credits = self.endpoint.credits

    def failed(self, error: TikLiveError) -> None:
        """Takes over what the error says, and tells the error which request it belongs to."""
        error.endpoint = self.endpoint.slug
        error.request_id = str(self.id)
        error.http_status = self.http_status = error.http_status or self.http_status
        self.reached = error.reached
        self.outcome = error.code
        self.credits = self.endpoint.credits if error.billable else 0


class Client:
    """Typed calls to the upstream; each attempt that reaches it leaves exactly one usage event."""

    def __init__(
        self,
        *,
        tenant_id: int,
        feature: str,
        priority: str,
        keys: Keys,
        meter: Meter,
        base_url: str,
        timeouts: Timeouts,
    ) -> None:
        self.tenant_id = tenant_id
        self.feature = feature
        self.priority = priority
        self._keys = keys
        self._meter = meter
        self._base_url = base_url
        self._timeouts = timeouts

    def __repr__(self) -> str:
        return f"Client(tenant_id={self.tenant_id}, feature={self.feature!r}, priority={self.priority!r})"

    def userid(self, username: str) -> UserId:
        """The numeric id behind a handle: the cheapest probe. TikLiveError when there is no usable answer."""
        return self._call(endpoints.USERID, {"username": _handle(username)})

    def userinfo_by_username(self, username: str) -> UserInfo:
        """Profile and counters behind a handle. TikLiveError when there is no usable answer."""
        return self._call(endpoints.USERINFO_BY_USERNAME, {"username": _handle(username)})

    def user_posts(self, userid: str, *, count: int = 30, cursor: str = "0") -> PostPage:
        """One page of an account's posts, newest first after the pinned ones. `userid` is the numeric id.

        `count` is brought into the upstream's range; `cursor` is `"0"` or what the last page gave, unchanged.
        TikLiveError when there is no usable answer.
        """
        if not (userid.isascii() and userid.isdigit()):
            raise BadInput("The posts of an account are found by its numeric TikTok id.")
        size = min(max(count, 1), endpoints.USER_POSTS.page_size_max or count)
        return self._call(endpoints.USER_POSTS, {"userid": userid, "count": size, "cursor": cursor})

    def _call(self, endpoint: Endpoint[T], params: Mapping[str, object]) -> T:
        endpoint.check(params)
        return self._attempt(endpoint, params, number=1)

    def _attempt(self, endpoint: Endpoint[T], params: Mapping[str, object], *, number: int) -> T:
        """One request, metered before anything is returned or raised."""
        key = self._keys.key_for(self.tenant_id)
        attempt = _Attempt(endpoint, key.id, number)
        try:
            response = send(self._base_url, endpoint, params, key.secret, self._timeouts)
            attempt.answered(response)
            value = _value(endpoint, response, key)
            attempt.succeeded()
            return value
        except TikLiveError as error:
            attempt.failed(error)
            raise
        finally:
            # Also when a worker's time limit strikes in mid-request: the upstream may have charged for it.
            if attempt.reached:
                self._meter.record(self._usage(attempt))

    def _usage(self, attempt: _Attempt) -> UsageRecord:
        latency_ms = attempt.latency_ms
        return UsageRecord(
            id=attempt.id,
            tenant_id=self.tenant_id,
            occurred_at=attempt.occurred_at,
            key_id=attempt.key_id,
            endpoint=attempt.endpoint.slug,
            feature=self.feature,
            priority=self.priority,
            outcome=attempt.outcome,
            http_status=attempt.http_status,
            credits=attempt.credits,
            attempts=attempt.number,
            latency_ms=round((monotonic() - attempt.started) * 1000) if latency_ms is None else latency_ms,
        )


def _value(endpoint: Endpoint[T], response: Response, key: ApiKey) -> T:
    error = error_for(endpoint.slug, response.status, response.headers, response.body, secret=key.secret)
    if error is not None:
        raise error
    if endpoint.decode is None:
        raise NotImplementedError(f"{endpoint.slug} has no decoder")
    return endpoint.decode(response.body)


def _handle(username: str) -> str:
    handle = clean_text(username).strip().lstrip("@").strip()
    if not handle:
        raise BadInput("Please give a TikTok handle.")
    return handle


def _base_url(given: str | None) -> str:
    url = getattr(settings, "TIKLIVE_BASE_URL", "") if given is None else given
    try:
        return checked_base_url(url)
    except ValueError as error:
        raise ImproperlyConfigured(f"TIKLIVE_BASE_URL: {error}.") from None


def _timeouts() -> Timeouts:
    return Timeouts(
        connect_s=float(getattr(settings, "TIKLIVE_CONNECT_TIMEOUT_S", _CONNECT_TIMEOUT_S)),
        read_s=float(getattr(settings, "TIKLIVE_READ_TIMEOUT_S", _READ_TIMEOUT_S)),
    )
