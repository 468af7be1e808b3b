"""Answers kept for a while, and one fetch for all who ask the same at the same time (single flight).

An answer is kept as it came, with the moment at which it was measured, under `tla:{scope}:{endpoint}:{hash}`; the scope
is the tenant, or `shared` for metadata that the shared key has fetched. Whoever finds nothing leads a flight: a lease
in Redis that is renewed while the leader lives. The others look again until the answer is there, take over where the
leader has died, and get its error where it failed. Without Redis everybody fetches.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any, cast
from uuid import uuid4

import orjson
from backports import zstd

from tikdash import clock
from tikdash.redis import RedisGone, Script, Server, where_there
from tikdash.tiklive import metrics
from tikdash.tiklive.errors import FlightLost, NotAdmitted, TikLiveError
from tikdash.tiklive.people import Person

LOOK = Script(Path(__file__).parent / "lua" / "look.lua")
LAND = Script(Path(__file__).parent / "lua" / "land.lua")
#: A leader that has not been heard of for so long has died.
LEASE_MS = 6_000
_RENEW_EVERY_S = 1.5
#: Long enough for all who wait to see it when they look again.
_ERROR_KEPT_MS = 1_000
_LOOK_AGAIN_S = (0.02, 0.25)
_FOLLOW_AT_MOST_S = 60.0
_LARGEST_BODY = 1024 * 1024
_WORTH_PACKING = 2048
_STAMP = 13


@dataclass(frozen=True, slots=True)
class Entry:
    """Where an answer is kept, and for how long."""

    name: str
    ttl_s: int
    shared: bool = False

    @classmethod
    def of(cls, scope: str, endpoint: str, params: Mapping[str, object], ttl_s: int) -> Entry:
        """The entry of one question; the same parameters in another order are the same question."""
        asked = orjson.dumps({name: str(value) for name, value in params.items()}, option=orjson.OPT_SORT_KEYS)
        return cls(f"tla:{scope}:{endpoint}:{blake2b(asked, digest_size=16).hexdigest()}", ttl_s, scope == "shared")


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it came, when that was, and whether somebody else was just fetching it."""

    body: bytes
    measured_at: datetime
    waited: bool = False


class Cache:
    """The cache on one Redis server. `sleep` is given by tests."""

    def __init__(self, server: Server, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._server, self._sleep = server, sleep

    def look(self, entry: Entry, fresh_since: datetime | None) -> Kept | Flight:
        """The answer, or the flight that the caller now leads: to be used as a context, and landed.

        Answers measured at or before `fresh_since` are passed over. Waits while somebody else is fetching; raises that
        one's TikLiveError, and FlightLost where it takes too long.
        """
        # By our own clock, too: where it is moved (demo, tests), what Redis still keeps may be months old.
        since = _milliseconds(clock.now()) - entry.ttl_s * 1000
        if fresh_since is not None:
            since = max(since, _milliseconds(fresh_since))
        began, wait, leader = time.monotonic(), _LOOK_AGAIN_S[0], b""
        flight = Flight(self._server, entry)
        while True:
            try:
                found, *more = self._server.run(LOOK, flight.names, (flight.token, LEASE_MS, since, leader))
            except RedisGone:
                return Flight(None, entry)
            if found == 1:
                metrics.cached("shared" if leader else "hit")
                return _unpacked(more[0], bool(leader))
            if found == 2:
                metrics.cached("miss")
                return flight
            if found == 4:
                metrics.cached("shared")
                raise _error_from(more[0])
            if time.monotonic() - began > _FOLLOW_AT_MOST_S:
                raise FlightLost(retry_after=5.0)
            leader = more[0]
            self._sleep(wait)
            wait = min(wait * 1.5, _LOOK_AGAIN_S[1])

    def forget(self, entry: Entry) -> None:
        """Drops an answer that cannot be used (any more)."""
        try:
            with self._server.reached() as connection:
                connection.delete(entry.name)
        except RedisGone:
            return


def forget_answers(person: Person, *, really: bool = True) -> list[str]:
    """Drops kept answers in which the person stands, and returns their names. Empty without Redis: what it keeps
    goes by itself within two weeks, and `tikdash.tiklive.sieve` looks at it before anybody uses it."""
    finds = re.compile(f"{person.names_pattern}|{person.ids_pattern}", re.IGNORECASE)

    def search(redis_server: Server) -> list[str]:
        found = []
        with redis_server.reached() as redis:
            for key in redis.scan_iter(match="tla:*", count=1000):
                if redis.type(key) != b"string" or (kept := cast("bytes | None", redis.get(key))) is None:
                    continue
                if finds.search(_readable(kept)):
                    found.append(key.decode("utf-8", "replace"))
                    if really:
                        redis.delete(key)
        return found

    return where_there(search, [])


class Flight:
    """Fetching something that others may be waiting for. Leaving the block ends it, whatever has happened."""

    def __init__(self, server: Server | None, entry: Entry) -> None:
        self._server, self._entry = server, entry
        self._landed = False
        self.token = uuid4().hex
        self.names = (entry.name, f"{entry.name}:flight")

    def __enter__(self) -> Flight:
        if self._server is not None:
            _keeper(os.getpid()).keep(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            _keeper(os.getpid()).let_go(self)
        if self._landed:
            return
        # Who was not admitted speaks for itself alone: the next one may be.
        if isinstance(error, TikLiveError) and not isinstance(error, NotAdmitted):
            self._say("error", _packed_error(error), _ERROR_KEPT_MS)
        else:
            self._say("nothing", b"", 1)

    def land(self, body: bytes, measured_at: datetime) -> None:
        """Keeps the answer for all who wait, and for those who come later."""
        if len(body) > _LARGEST_BODY:
            return
        self._landed = True
        self._say("answer", _packed(body, measured_at), self._entry.ttl_s * 1000)

    def renew(self) -> None:
        """Says that the leader lives."""
        self._say("renew", b"", LEASE_MS)

    def _say(self, what: str, payload: bytes, kept_ms: int) -> None:
        if self._server is None:
            return
        # Without Redis the lease ends by itself.
        self._server.soon(LAND, self.names, (self.token, what, payload, kept_ms))


class _Keeper:
    """Renews the flights of this process, in a thread that lives as long as there are any."""

    def __init__(self) -> None:
        self._flights: set[Flight] = set()
        self._changed = threading.Condition()
        self._running = False

    def keep(self, flight: Flight) -> None:
        with self._changed:
            self._flights.add(flight)
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="tikdash-flights", daemon=True).start()

    def let_go(self, flight: Flight) -> None:
        with self._changed:
            self._flights.discard(flight)

    def _run(self) -> None:
        while True:
            time.sleep(_RENEW_EVERY_S)
            with self._changed:
                flights = list(self._flights)
            for flight in flights:
                flight.renew()


@lru_cache(maxsize=1)
def _keeper(process: int) -> _Keeper:
    """The keeper of a process: threads do not survive a fork."""
    return _Keeper()


def _packed(body: bytes, measured_at: datetime) -> bytes:
    """13 digits of milliseconds, a letter that says how the rest is packed, the rest."""
    stamp = b"%013d" % _milliseconds(measured_at)
    return stamp + (b"s" + zstd.compress(body, 1) if len(body) >= _WORTH_PACKING else b"-" + body)


def _unpacked(kept: bytes, waited: bool = False) -> Kept:
    measured_at = datetime.fromtimestamp(int(kept[:_STAMP]) / 1000, UTC)
    rest = kept[_STAMP + 1 :]
    return Kept(zstd.decompress(rest) if kept[_STAMP : _STAMP + 1] == b"s" else rest, measured_at, waited)


def _readable(kept: bytes) -> str:
    """The text of a kept answer, or of whatever else stands there."""
    try:
        body = _unpacked(kept).body
    except (ValueError, zstd.ZstdError):
        body = kept
    return body.decode("utf-8", "replace")


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _packed_error(error: TikLiveError) -> bytes:
    """What an error says, without anything of the key."""
    facts: dict[str, Any] = {
        "code": error.code,
        "detail": error.detail,
        "endpoint": error.endpoint,
        "http_status": error.http_status,
        "request_id": error.request_id,
        "retry_after": error.retry_after,
    }
    if reason := getattr(error, "reason", None):
        facts["reason"] = reason
    return orjson.dumps(facts)


def _error_from(packed: bytes) -> TikLiveError:
    facts = orjson.loads(packed)
    error = _error_classes()[facts.pop("code")](facts.pop("detail"), **facts)
    # This caller has sent nothing.
    error.reached = error.billable = False
    return error


@lru_cache(maxsize=1)
def _error_classes() -> dict[str, type[TikLiveError]]:
    classes, found = [TikLiveError], dict[str, type[TikLiveError]]()
    while classes:
        one = classes.pop()
        found[one.code] = one
        classes += one.__subclasses__()
    return found
