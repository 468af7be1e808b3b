"""Who may ask the upstream, and when: one script on the Redis server decides, for all workers of all hosts.

A request needs a token of its key, a token of its tenant's share where the key is shared, a place in flight, and two
breakers that let it pass (`lua/admit.lua`). The key's bucket gains less than the upstream allows, and holds little:
burst + refill × 60 s stays within the limit, so no window of 60 s ever holds more. What a shared key has to give goes
to its tenants by turns: who has had least lately is next, and those who want more share what is left over.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from os import urandom
from pathlib import Path
from struct import Struct
from typing import Any

from django.conf import settings

from tikdash.redis import Script, Server
from tikdash.tiklive import metrics
from tikdash.tiklive.breaker import NOT_CLOSED, Change, Verdict, note_changes
from tikdash.tiklive.errors import BreakerOpen, NotAdmitted, TooBusy
from tikdash.tiklive.ports import ApiKey, Share

ADMIT = Script(Path(__file__).parent / "lua" / "admit.lua")
FINISH = Script(Path(__file__).parent / "lua" / "finish.lua")
#: Of a key's tokens and places so many are left to people who wait in front of a page.
KEPT_FOR_PEOPLE = 2
#: A waiting tenant that does not come back within this time after its wait loses its turn.
_PATIENCE_MS = 5_000


class KeyChangedError(Exception):
    """The tenant's key is not the one with which the request would be made: look for it anew, and ask again."""


class Reason(IntEnum):
    """Why a request was not admitted; the numbers are those of `admit.lua`."""

    NONE = 0
    KEY_RATE = 1
    TURN = 2
    TENANT_RATE = 3
    IN_FLIGHT = 4
    KEY_BREAKER = 5
    UPSTREAM_BREAKER = 6
    PAUSED = 7
    KEY_CHANGED = 8

    @property
    def label(self) -> str:
        """The name for metrics and logs."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Rate:
    """A bucket: it gains `per_minute` and holds `burst` requests."""

    per_minute: int
    burst: int

    @classmethod
    def within(cls, limit: int, *, share: float, burst: int) -> Rate:
        """The bucket that uses `share` of `limit` requests a minute and never lets more than `limit` through in 60 s.

        ValueError below 2 a minute: one to hold and one to gain are the least.
        """
        if limit < 2:
            raise ValueError("A key needs at least 2 requests a minute.")
        per_minute = min(max(1, int(limit * share)), limit - 1)
        return cls(per_minute, max(1, min(burst, limit - per_minute)))


@dataclass(frozen=True, slots=True)
class Turn:
    """What one request asks for. `share` is None where the key is the tenant's own; all times are seconds."""

    key_id: str
    tenant_id: int
    rate: Rate
    in_flight: int
    share: Share | None
    for_people: bool
    lease_s: float
    version: tuple[str, bytes] | None = None

    @classmethod
    def of(cls, key: ApiKey, tenant_id: int, share: Share, *, for_people: bool, lease_s: float) -> Turn:
        """The turn of a tenant's request with `key`."""
        rate = _rate_within(key.per_minute, settings.TIKLIVE_KEY_SHARE, settings.TIKLIVE_KEY_BURST)
        share_of_key = share if key.shared else None
        return cls(key.id, tenant_id, rate, key.in_flight, share_of_key, for_people, lease_s, key.version)


@dataclass(frozen=True, slots=True)
class Decision:
    """`wait_ms` is when asking again makes sense; `probe` says that a breaker watches this request."""

    admitted: bool
    wait_ms: int
    reason: Reason
    probe: bool


@dataclass(frozen=True, slots=True)
class Slot:
    """An admitted request. It ends with `finish`, or with its lease."""

    turn: Turn
    lease: str


class Admission:
    """The limiter on one Redis server; every method raises RedisGone without it.

    `now_ms` is for simulations: the server's clock decides unless it gives a time.
    """

    def __init__(
        self,
        server: Server,
        *,
        sleep: Callable[[float], None] = time.sleep,
        now_ms: Callable[[], int] = lambda: 0,
    ) -> None:
        self._server, self._sleep, self._now_ms = server, sleep, now_ms

    def enter(self, turn: Turn) -> Slot:
        """A slot, after a sleep of at most TIKLIVE_PATIENCE_S.

        NotAdmitted with `retry_after` where it takes longer, KeyChangedError where the key was swapped meanwhile.
        """
        slept_ms, reason = 0, Reason.NONE
        while True:
            slot, decision = self.ask(turn)
            if slot is not None:
                metrics.waited(slept_ms, reason.label)
                return slot
            reason = decision.reason
            if reason is Reason.KEY_CHANGED:
                raise KeyChangedError
            metrics.refused(reason.label)
            if reason in _BREAKERS or slept_ms + decision.wait_ms > settings.TIKLIVE_PATIENCE_S * 1000:
                metrics.waited(slept_ms, reason.label)
                raise _refusal(decision)
            self._sleep(decision.wait_ms / 1000)
            slept_ms += decision.wait_ms

    def ask(self, turn: Turn) -> tuple[Slot | None, Decision]:
        """Asks once, without waiting."""
        lease = urandom(16).hex()
        names = _names(turn.key_id, turn.tenant_id)
        numbers = _packed(self._now_ms(), turn, settings.TIKLIVE_BREAKER_OPEN_S)
        arguments: tuple[str | bytes | int, ...] = (lease, turn.tenant_id, numbers)
        if turn.version is not None:
            names, arguments = (*names, turn.version[0]), (*arguments, turn.version[1])
        admitted, wait_ms, reason, probe = self._server.run(ADMIT, names, arguments)
        if admitted:
            return Slot(turn, lease), _PROBES if probe else _ADMITTED
        return None, Decision(False, wait_ms, Reason(reason), False)

    def finish(self, slot: Slot, verdict: Verdict, *, pause_s: float = 0) -> Change:
        """Frees the slot and tells the breakers; `pause_s` keeps the key still for so long."""
        change = Change(*self._server.run(FINISH, *self._end_of(slot, verdict, pause_s)))
        note_changes(slot.turn.key_id, change)
        return change

    def finish_soon(self, slot: Slot, verdict: Verdict, *, pause_s: float = 0) -> None:
        """As `finish`, with what else this thread has for the server; without Redis the slot ends with its lease."""
        key_id = slot.turn.key_id
        self._server.soon(
            FINISH, *self._end_of(slot, verdict, pause_s), then=lambda answer: note_changes(key_id, Change(*answer))
        )

    def _end_of(self, slot: Slot, verdict: Verdict, pause_s: float) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        """Keys and arguments of `finish.lua`."""
        return (
            _names(slot.turn.key_id, slot.turn.tenant_id),
            (
                self._now_ms(),
                slot.lease,
                verdict.upstream,
                verdict.key,
                settings.TIKLIVE_BREAKER_FAILURES,
                settings.TIKLIVE_BREAKER_OPEN_S * 1000,
                int(pause_s * 1000),
                slot.turn.key_id,
            ),
        )


_NUMBERS = Struct(">10d")
_NO_SHARE = Share(per_minute=0, burst=0)
_ADMITTED, _PROBES = (Decision(True, 0, Reason.NONE, probe) for probe in (False, True))
_BREAKERS = (Reason.KEY_BREAKER, Reason.UPSTREAM_BREAKER)


def _refusal(decision: Decision) -> NotAdmitted:
    wait_s = decision.wait_ms / 1000
    if decision.reason in _BREAKERS:
        return BreakerOpen(decision.reason.label, retry_after=wait_s)
    return TooBusy(reason=decision.reason.label, retry_after=wait_s)


@lru_cache(maxsize=1024)
def _rate_within(limit: int, share: float, burst: int) -> Rate:
    return Rate.within(limit, share=share, burst=burst)


def _packed(now_ms: int, turn: Turn, open_s: int) -> bytes:
    """The numbers of `admit.lua`, in its order."""
    share = turn.share or _NO_SHARE
    return _NUMBERS.pack(
        now_ms,
        turn.lease_s * 1000,
        turn.rate.per_minute,
        turn.rate.burst,
        turn.in_flight,
        share.per_minute,
        share.burst,
        0 if turn.for_people else KEPT_FOR_PEOPLE,
        open_s * 1000,
        _PATIENCE_MS,
    )


@lru_cache(maxsize=4096)
def _names(key_id: str, tenant_id: int) -> tuple[str, ...]:
    """The keys of both scripts, in their order."""
    key = f"tlk:{key_id}"
    return (key, f"{key}:t:{tenant_id}", f"{key}:flying", f"{key}:turns", f"{key}:waiting", "tlb:upstream", NOT_CLOSED)
