"""The most requests that any window of 60 s holds while callers do their worst: a simulated hour for each way."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import limits
from django.conf import settings

from tests.bench.frame import Figure, at_most
from tikdash.redis import Server
from tikdash.tiklive.admission import Admission, Turn
from tikdash.tiklive.ports import ApiKey, Share

LIMIT, WINDOW_MS, HOUR_MS = 200, 60_000, 3_600_000
#: What every tenant of these hours may take: more than there is.
SHARE = Share(LIMIT, LIMIT)
CALLERS = 16
#: The limit of the upstream in each quarter of the hour in which it changes.
CHANGES = (200, 120, 200, 60)
SEED = 20_261_115


@dataclass
class Hour:
    """One key through a simulated hour: when it let requests through, and what the limit was from when on."""

    server: Server
    name: str
    now_ms: int = 1_800_000_000_000
    shared: bool = False
    admitted: list[int] = field(default_factory=list)
    limits: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._admission = Admission(self.server, now_ms=lambda: self.now_ms)
        self.ends_ms = self.now_ms + HOUR_MS
        self.allow(LIMIT)

    @property
    def left_ms(self) -> int:
        return self.ends_ms - self.now_ms

    def allow(self, limit: int) -> None:
        """From now on the upstream allows so many a minute."""
        self.limits.append((self.now_ms, limit))

    def ask(self, tenant: int = 1, *, for_people: bool = True) -> bool:
        """One request, which ends after a second."""
        key = ApiKey(self.name, "none", "none", self.shared, self.limits[-1][1], 10 * LIMIT)
        slot, _ = self._admission.ask(Turn.of(key, tenant, SHARE, for_people=for_people, lease_s=1))
        if slot is not None:
            self.admitted.append(self.now_ms)
        return slot is not None

    def hammer(self, length_ms: int, every_ms: int) -> None:
        """Asks until it is refused, again and again; with a key of one's own one caller is as bad as many."""
        until = min(self.now_ms + length_ms, self.ends_ms)
        while self.now_ms < until:
            while self.ask():
                pass
            self.now_ms += every_ms

    def most_over(self) -> int:
        """By how much the fullest window went over the largest limit that held in it; below 0 where none did."""
        worst, first = -LIMIT, 0
        for number, moment in enumerate(self.admitted):
            while self.admitted[first] <= moment - WINDOW_MS:
                first += 1
            worst = max(worst, number - first + 1 - self._limit_between(moment - WINDOW_MS, moment))
        return worst

    def _limit_between(self, start: int, end: int) -> int:
        before = [limit for since, limit in self.limits if since <= start][-1:]
        return max(before + [limit for since, limit in self.limits if start < since <= end])


def windows(server: Server) -> Iterator[Figure]:
    """One figure for the worst of all hours, with each of them as a fact."""
    facts: dict[str, int] = {}
    for spend in (bursts_after_idling, sixteen_who_never_wait, a_limit_that_changes, a_flush_now_and_then):
        server.connection.flushdb()
        hour = Hour(server, "bench-hour", shared=spend is sixteen_who_never_wait)
        spend(hour)
        facts[spend.__name__] = hour.most_over()
    worst = max(0, *facts.values())
    facts["fixed_window_of_limits"] = _over_in_fixed_windows(server)
    yield Figure("limiter", "overshoot", "1", worst, None, len(facts) - 1, at_most(0), facts)


def bursts_after_idling(hour: Hour) -> None:
    """Nothing for seconds or minutes, then all at once for as long."""
    chance = random.Random(SEED)
    while hour.left_ms > 0:
        hour.now_ms += chance.choice((1_000, 4_000, 30_000, 59_000, 61_000, 120_000))
        hour.hammer(chance.choice((100, 2_000, 30_000, 90_000)), every_ms=50)


def sixteen_who_never_wait(hour: Hour) -> None:
    """Sixteen tenants of a shared key, half of them people, each asking every 2 s whatever it was told."""
    while hour.left_ms > 0:
        for caller in range(CALLERS):
            hour.ask(caller, for_people=caller % 2 == 0)
            hour.now_ms += 2_000 // CALLERS


def a_limit_that_changes(hour: Hour) -> None:
    """The key's limit is lowered and raised while everything that is allowed is taken."""
    for limit in CHANGES:
        hour.allow(limit)
        hour.hammer(HOUR_MS // len(CHANGES), every_ms=150)


def a_flush_now_and_then(hour: Hour) -> None:
    """Redis forgets everything every few minutes while everything that is allowed is taken."""
    while hour.left_ms > 0:
        hour.hammer(7 * WINDOW_MS // 2, every_ms=150)
        hour.server.connection.flushdb()


def _over_in_fixed_windows(server: Server, window_s: int = 2) -> int:
    """What a fixed window lets through beyond the limit, within the length of a window; in real time."""
    pool = server.connection.connection_pool
    storage = limits.storage.RedisStorage(settings.REDIS_URL, connection_pool=pool)
    hit: Callable[..., bool] = limits.strategies.FixedWindowRateLimiter(storage).hit
    item = limits.RateLimitItemPerSecond(LIMIT, window_s)
    admitted = [time.monotonic()] if hit(item, "bench") else []
    time.sleep(window_s * 0.8)
    until = time.monotonic() + window_s * 0.6
    while time.monotonic() < until:
        if hit(item, "bench"):
            admitted.append(time.monotonic())
        else:
            time.sleep(0.01)
    return sum(1 for moment in admitted if moment > admitted[-1] - window_s) - LIMIT
