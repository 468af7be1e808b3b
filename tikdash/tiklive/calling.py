"""How a call is made: cache, single flight, attempts; and for each attempt gate, turn, request, meter."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import monotonic, sleep
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.conf import settings

from tikdash import clock
from tikdash.redis import RedisGone, server
from tikdash.tiklive import metrics
from tikdash.tiklive.admission import Admission, KeyChangedError, Slot, Turn
from tikdash.tiklive.breaker import NOTHING_SAID, WORKS, Verdict, verdict_on
from tikdash.tiklive.cache import Cache, Entry, Kept
from tikdash.tiklive.endpoints import Endpoint
from tikdash.tiklive.errors import BadKey, LimiterGone, NotAdmitted, RateLimited, TikLiveError, TooBusy, without_secret
from tikdash.tiklive.parameters import cleaned
from tikdash.tiklive.ports import ApiKey, PlannedCall, Ports, Share, UsageRecord, uuid7
from tikdash.tiklive.retry import wait_before_next
from tikdash.tiklive.sieve import PersonLeftOut, sieved
from tikdash.tiklive.transport import Response, Timeouts, send

T = TypeVar("T")

#: The priority of people who wait in front of a page.
FOR_PEOPLE = "interactive"
#: How long a key keeps still after a 429 that does not say how long, and at most, s.
_SHORT_PAUSE_S, _LONGEST_PAUSE_S = 2.0, 900.0
_WITHOUT_REDIS_S = 5.0
_CHANCE = random.Random()  # noqa: S311  (it spreads retries, it hides nothing)


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """A usable answer: when it was measured, whether it was kept from then, and what it took this time."""

    value: T
    measured_at: datetime
    from_cache: bool = False
    attempts: int = 0
    credits: int = 0
    latency_ms: int = 0


@dataclass(slots=True)
class _Attempt:
    """What is known of one request so far, so that it can be metered whatever cuts it short."""

    endpoint: Endpoint[Any]
    key_id: str
    number: int
    id: UUID = field(default_factory=uuid7)
    occurred_at: datetime = field(default_factory=lambda: clock.now())
    started: float = field(default_factory=monotonic)
    reached: bool = False
    begun: bool = False
    outcome: str = "interrupted"
    verdict: Verdict = NOTHING_SAID
    pause_s: float = 0.0
    http_status: int | None = None
    credits: int = 0
    latency_ms: int | None = None

    def answered(self, response: Response) -> None:
        self.http_status = response.status
        self.latency_ms = response.latency_ms

    def succeeded(self) -> None:
        self.outcome = "ok"
        self.verdict = WORKS
        self.credits = self.endpoint.credits

    def failed(self, error: TikLiveError) -> None:
        """Takes over what the error says, and tells the error which request it belongs to."""
        error.endpoint = self.endpoint.slug
        error.request_id = str(self.id)
        error.http_status = self.http_status = error.http_status or self.http_status
        self.reached = error.reached
        self.outcome = error.code
        self.verdict = verdict_on(error)
        self.credits = self.endpoint.credits if error.billable else 0
        if isinstance(error, RateLimited):
            # For all who use the key, not only for this call.
            self.pause_s = min(_SHORT_PAUSE_S if error.retry_after is None else error.retry_after, _LONGEST_PAUSE_S)

    def ended(self) -> None:
        if self.latency_ms is None:
            self.latency_ms = round((monotonic() - self.started) * 1000)


class Caller:
    """Makes calls for one tenant and purpose; each attempt that reaches the upstream leaves exactly one usage event."""

    def __init__(
        self,
        *,
        tenant_id: int,
        feature: str,
        priority: str,
        fresh_since: datetime | None,
        shared_within: timedelta,
        ports: Ports,
        base_url: str,
        timeouts: Timeouts,
    ) -> None:
        self.tenant_id = tenant_id
        self.feature = feature
        self.priority = priority
        #: When the oldest answer that this client has given was measured; None before the first.
        self.measured_at: datetime | None = None
        self._fresh_since = fresh_since
        self._shared_within_s = round(shared_within.total_seconds())
        self._ports = ports
        self._base_url = base_url
        self._timeouts = timeouts
        self._server = server()
        self._cache = Cache(self._server)
        self._admission = Admission(self._server)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(tenant_id={self.tenant_id}, feature={self.feature!r}, priority={self.priority!r})"
        )

    def call(self, endpoint: Endpoint[T], params: Mapping[str, object]) -> T:
        """The decoded answer of any endpoint of the catalogue; the client's methods are this with names and types.

        ValueError for parameters that the endpoint does not have, BadInput for values that cannot be asked for,
        TikLiveError when there is no usable answer. Nothing is sent in the first two cases.
        """
        return self.answer(endpoint, params).value

    def answer(self, endpoint: Endpoint[T], params: Mapping[str, object]) -> Answer[T]:
        """As `call`, with when the answer was measured, where it is from, and what it took."""
        asked = cleaned(endpoint, params)
        entry = self._entry(endpoint, asked)
        # What follows an answer (its credits, the end of its slot, the answer itself) reaches Redis in one round trip.
        with self._server.together():
            answer = self._fresh(endpoint, asked) if entry is None else self._kept_or_fetched(endpoint, asked, entry)
        if self.measured_at is None or answer.measured_at < self.measured_at:
            self.measured_at = answer.measured_at
        return answer

    def _entry(self, endpoint: Endpoint[T], params: Mapping[str, object]) -> Entry | None:
        """Where the answer is kept, for whom and for how long; None where it is not."""
        by_all = endpoint.of_creator and self._shared_within_s > 0
        if endpoint.ttl_s is None and not by_all:
            return None
        if (by_all or endpoint.cache_scope == "shared") and self._ports.keys.key_for(self.tenant_id).shared:
            ttl_s = max(endpoint.ttl_s or 0, self._shared_within_s) if by_all else endpoint.ttl_s or 0
            return Entry.of("shared", endpoint.slug, params, ttl_s)
        return None if endpoint.ttl_s is None else Entry.of(str(self.tenant_id), endpoint.slug, params, endpoint.ttl_s)

    def _kept_or_fetched(self, endpoint: Endpoint[T], params: Mapping[str, object], entry: Entry) -> Answer[T]:
        found = self._cache.look(entry, self._fresh_since)
        if isinstance(found, Kept):
            try:
                value = endpoint.value(Response(200, {}, found.body, 0))
            except TikLiveError:
                # Kept by a version of ours that read other shapes.
                self._cache.forget(entry)
                return self._fresh(endpoint, params)
            self._count_saved(endpoint, entry, found)
            return Answer(self._sieved(value, entry), found.measured_at, from_cache=True)
        with found as flight:
            answer, body = self._fetch(endpoint, params)
            value = self._sieved(answer.value, entry)
            if value is answer.value:
                flight.land(body, answer.measured_at)
        return replace(answer, value=value)

    def _fresh(self, endpoint: Endpoint[T], params: Mapping[str, object]) -> Answer[T]:
        answer = self._fetch(endpoint, params)[0]
        return replace(answer, value=sieved(answer.value, self._ports.people))

    def _sieved(self, value: T, entry: Entry) -> T:
        """The answer without people who are left out; where one was in it, it is kept no longer."""
        try:
            found = sieved(value, self._ports.people)
        except PersonLeftOut:
            self._cache.forget(entry)
            raise
        if found is not value:
            self._cache.forget(entry)
        return found

    def _count_saved(self, endpoint: Endpoint[Any], entry: Entry, found: Kept) -> None:
        way = "flight" if found.waited else "shared" if entry.shared else "cache"
        self._ports.meter.saved(
            tenant_id=self.tenant_id, endpoint=endpoint.slug, feature=self.feature, way=way, credits=endpoint.credits
        )

    def _fetch(self, endpoint: Endpoint[T], params: Mapping[str, object]) -> tuple[Answer[T], bytes]:
        """A fresh answer and its body, after as many attempts as make sense within a call."""
        attempts: list[_Attempt] = []
        failure: TikLiveError | None = None
        while True:
            try:
                value, body = self._attempt(endpoint, params, attempts)
                break
            except NotAdmitted:
                if failure is None:
                    raise
            except BadKey as error:
                # Outside of the attempt, which is metered and over. Once: a second key that is refused says enough.
                changed = self._ports.keys.refused(self.tenant_id, attempts[-1].key_id)
                if changed and not isinstance(failure, BadKey):
                    failure = error
                    continue
                failure = error
            except TikLiveError as error:
                failure = error
                wait = wait_before_next(error, attempts=len(attempts), chance=_CHANCE, **_retry_rules())
                if wait is not None:
                    metrics.retried(endpoint.slug, error.code)
                    self._server.send_kept()
                    sleep(wait)
                    continue
            # Also where another try was not admitted: what went wrong says more than that.
            raise failure
        spent = sum(attempt.credits for attempt in attempts)
        took = sum(attempt.latency_ms or 0 for attempt in attempts)
        return Answer(value, clock.now(), attempts=len(attempts), credits=spent, latency_ms=took), body

    def _attempt(self, endpoint: Endpoint[T], params: Mapping[str, object], made: list[_Attempt]) -> tuple[T, bytes]:
        """One request, metered before anything is returned or raised; `made` grows by it once it is admitted."""
        key, slot = self._enter(endpoint)
        attempt = _Attempt(endpoint, key.id, len(made) + 1)
        made.append(attempt)
        try:
            self._ports.meter.begin(self._record(attempt, "begun"))
            attempt.begun = attempt.reached = True
            response = send(self._base_url, endpoint, params, key.secret, self._timeouts)
            attempt.answered(response)
            value = endpoint.value(response, secret=key.secret)
            attempt.succeeded()
            return value, without_secret(response.body, key.secret)
        except TikLiveError as error:
            attempt.failed(error)
            raise
        finally:
            # Also when a worker's time limit strikes in mid-request: the upstream may have charged for it.
            attempt.ended()
            try:
                if attempt.reached:
                    self._meter(attempt)
                elif attempt.begun:
                    self._ports.meter.take_back(self._record(attempt, "begun"))
            finally:
                self._leave(slot, attempt)

    def _enter(self, endpoint: Endpoint[Any]) -> tuple[ApiKey, Slot | None]:
        """The key to use, the budget's consent, then a slot; None where PostgreSQL's clock has admitted the request in
        Redis' place."""
        for_people = self.priority == FOR_PEOPLE
        while True:
            key = self._ports.keys.key_for(self.tenant_id)
            share = self._allowed(endpoint, key)
            turn = Turn.of(key, self.tenant_id, share, for_people=for_people, lease_s=self._timeouts.longest_s)
            try:
                return key, self._admission.enter(turn)
            except KeyChangedError:
                self._ports.keys.outdated(self.tenant_id)
            except RedisGone:
                if not for_people:
                    raise LimiterGone(retry_after=_WITHOUT_REDIS_S) from None
                return self._enter_without_redis(endpoint), None

    def _enter_without_redis(self, endpoint: Endpoint[Any]) -> ApiKey:
        """The key to use, once PostgreSQL's clock admits the request. What this process knew of the key may be old."""
        self._ports.keys.outdated(self.tenant_id)
        key = self._ports.keys.key_for(self.tenant_id)
        self._allowed(endpoint, key)
        per_minute = max(1, int(key.per_minute * settings.TIKLIVE_SHARE_WITHOUT_REDIS))
        wait_ms = self._ports.pace.wait_ms(key.id, per_minute)
        if wait_ms:
            raise TooBusy(reason="without_redis", retry_after=wait_ms / 1000)
        return key

    def _allowed(self, endpoint: Endpoint[Any], key: ApiKey) -> Share:
        planned = PlannedCall(self.tenant_id, endpoint.slug, self.feature, self.priority, endpoint.credits, key.id)
        return self._ports.gate.allow(planned)

    def _leave(self, slot: Slot | None, attempt: _Attempt) -> None:
        if slot is not None:
            self._admission.finish_soon(slot, attempt.verdict, pause_s=attempt.pause_s)

    def _meter(self, attempt: _Attempt) -> None:
        latency_ms = attempt.latency_ms or 0
        metrics.attempted(attempt.endpoint.slug, attempt.outcome, latency_ms, attempt.credits, self.feature)
        self._ports.meter.record(self._record(attempt, attempt.outcome))

    def _record(self, attempt: _Attempt, outcome: str) -> UsageRecord:
        return UsageRecord(
            id=attempt.id,
            tenant_id=self.tenant_id,
            occurred_at=attempt.occurred_at,
            key_id=attempt.key_id,
            endpoint=attempt.endpoint.slug,
            feature=self.feature,
            priority=self.priority,
            outcome=outcome,
            http_status=attempt.http_status,
            credits=attempt.credits,
            attempts=attempt.number,
            latency_ms=attempt.latency_ms or 0,
        )


def _retry_rules() -> dict[str, Any]:
    return {"most": settings.TIKLIVE_ATTEMPTS, "patience_s": settings.TIKLIVE_PATIENCE_S}
