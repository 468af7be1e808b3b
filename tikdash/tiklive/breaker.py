"""Circuit breakers, one per key and one for the upstream: what an attempt says about each, and how they stand.

The states live in Redis and change in `lua/admit.lua` and `lua/finish.lua`: closed; open after TIKLIVE_BREAKER_FAILURES
failures in a row; after TIKLIVE_BREAKER_OPEN_S seconds one request probes (half-open), and its answer decides. A
tenant's dead key is a matter of that key alone; trouble of the upstream is a matter of no key.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import structlog
from prometheus_client.metrics_core import GaugeMetricFamily

from tikdash.redis import Server, server, where_there
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
#: The Redis key under which `lua/finish.lua` lists the breakers that are not closed.
NOT_CLOSED = "tlb:open"
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


def states(at: Server) -> dict[str, State]:
    """The breaker of the upstream (“upstream”), and those of keys (“key ID”) that are not closed. Raises RedisGone."""
    with at.reached() as connection:
        pipeline = connection.pipeline(transaction=False)
        pipeline.time()
        pipeline.zrange(NOT_CLOSED, 0, -1, withscores=True)
        (seconds, micros), opened = pipeline.execute()
    now = seconds * 1000 + micros // 1000
    return {UPSTREAM: State.CLOSED} | {
        name.decode(): State.OPEN if now < until else State.HALF_OPEN for name, until in opened
    }


def is_an_outage(error: TikLiveError) -> bool:
    """True where `error` is about the upstream as a whole, whose breaker says that it does not work at present."""
    if verdict_on(error).upstream >= 0:
        return False
    return where_there(lambda at: states(at)[UPSTREAM] != State.CLOSED, False)


def breaker_states() -> Iterator[GaugeMetricFamily]:
    """The states for a scrape; RedisGone where there is nobody to ask."""
    family = GaugeMetricFamily(
        "tikdash_upstream_breaker_state", "0 closed, 1 half-open (one request probes), 2 open.", labels=["breaker"]
    )
    for name, state in states(server()).items():
        family.add_metric([name], state)
    yield family
