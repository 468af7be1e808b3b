"""Circuit breakers, one per key and one for the upstream: what an attempt says about each, and how they stand.

The states live in Redis and change in `lua/admit.lua` and `lua/finish.lua`: closed; open after TIKLIVE_BREAKER_FAILURES
failures in a row; after TIKLIVE_BREAKER_OPEN_S seconds one request probes (half-open), and its answer decides. A tenant's
dead key is a matter of that key alone; trouble of the upstream is a matter of no key.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import structlog

from tikdash.redis import Server
from tikdash.tiklive.errors import (
    BadKey,
    BadPayload,
    ConnectionFailed,
    Forbidden,
    OutOfCredits,
    RateLimited,
    TikLiveError,
    UpstreamDown,
    UpstreamTimeout,
)

log = structlog.get_logger(__name__)

UPSTREAM = "upstream"
_UPSTREAM_FAILS = (UpstreamDown, UpstreamTimeout, ConnectionFailed)
_KEY_FAILS = (BadKey, Forbidden, OutOfCredits, RateLimited)
#: Bodies that are no JSON come from something that stands in front of the upstream, or from one that is breaking down.
_BROKEN_BODIES = frozenset({"not_json", "truncated"})


class State(IntEnum):
    """How a breaker stands; the numbers are those of the metric."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an attempt says: 1 it works, -1 it failed, 0 nothing."""

    upstream: int
    key: int


@dataclass(frozen=True, slots=True)
class Change:
    """What became of the breakers: 0 nothing, 1 opened (again), 2 closed."""

    upstream: int
    key: int


NOTHING_SAID = Verdict(0, 0)
WORKS = Verdict(1, 1)


def verdict_on(error: TikLiveError) -> Verdict:
    """What a failed attempt says about the upstream and about its key.

    An answer that refuses the key proves that the upstream works; no answer says nothing about the key.
    """
    if isinstance(error, _KEY_FAILS):
        return Verdict(1, -1) if error.reached else NOTHING_SAID
    if isinstance(error, _UPSTREAM_FAILS):
        return Verdict(-1, 0)
    if isinstance(error, BadPayload):
        return Verdict(-1, 0) if error.reason in _BROKEN_BODIES else Verdict(0, 1)
    return WORKS


def note_changes(key_id: str, change: Change) -> None:
    """One log line for each breaker that opened or closed."""
    for name, what in ((UPSTREAM, change.upstream), (f"key {key_id}", change.key)):
        if what == 1:
            log.warning("breaker_opened", breaker=name)
        elif what == 2:
            log.info("breaker_closed", breaker=name)


def states(server: Server, key_ids: list[str]) -> dict[str, State]:
    """How the breakers of the upstream (named “upstream”) and of these keys stand now. Raises RedisGone."""
    names = {UPSTREAM: "tlb:upstream"} | {key_id: f"tlk:{key_id}" for key_id in key_ids}
    with server.reached() as connection:
        pipeline = connection.pipeline(transaction=False)
        pipeline.time()
        for name in names.values():
            pipeline.hget(name, "until")
        (seconds, micros), *ends = pipeline.execute()
    now = seconds * 1000 + micros // 1000
    return {name: _state(end, now) for name, end in zip(names, ends, strict=True)}


def _state(end: bytes | None, now_ms: int) -> State:
    if end is None:
        return State.CLOSED
    return State.OPEN if now_ms < int(end) else State.HALF_OPEN
