"""Fifty tenants on one shared key, five of them asking twenty times as often: who gets how much, and is all of it used.

Events in simulated time, the real script on the real server. Requests come at random, whether or not earlier ones have
been made; each waits as the product does: it sleeps at most 2 s, what takes longer is put back and dispatched again.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from django.conf import settings

from tests.bench.frame import Figure, at_least
from tikdash.redis import Server
from tikdash.tiklive.admission import Admission, Slot, Turn
from tikdash.tiklive.breaker import WORKS
from tikdash.tiklive.ports import ApiKey, Share

TENANTS, GREEDY, TIMES_AS_OFTEN = 50, 5, 20
#: What a quiet tenant asks for, in fair shares of the key.
DEMAND = 1.15
#: What a plan allows a tenant of a shared key.
SHARE = Share(per_minute=30, burst=5)
#: Requests of a quiet tenant that ask at the same time; of a greedy one there are as many more as it asks more often.
#: What comes on top stands behind them, as the rest of a batch does, and is never given up.
ASKING = 1
WARM_UP_S, MEASURED_S, LEASE_S = 600, 3_600, 25.0
SEED = 20_261_115


@dataclass
class Market:
    """The simulated hour: `admitted` counts the requests of each tenant that were let through in it."""

    server: Server
    now_ms: int = 1_800_000_000_000
    admitted: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._admission = Admission(self.server, now_ms=lambda: self.now_ms)
        self._chance = random.Random(SEED)
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()
        self._asking: Counter[int] = Counter()
        self._behind: Counter[int] = Counter()
        self._key = ApiKey("bench-market", "none", "none")
        turn = self._turn(0)
        self.per_minute = turn.rate.per_minute
        self._measured_from = self.now_ms + WARM_UP_S * 1_000
        self.ends_ms = self._measured_from + MEASURED_S * 1_000
        for tenant in range(TENANTS):
            self._in(self._until_next(tenant), lambda tenant=tenant: self._arrive(tenant))

    def run(self) -> None:
        """Until the hour is over."""
        while self._events and self._events[0][0] < self.ends_ms:
            self.now_ms, _, happen = heapq.heappop(self._events)
            happen()

    def _arrive(self, tenant: int) -> None:
        self._in(self._until_next(tenant), lambda: self._arrive(tenant))
        self._behind[tenant] += 1
        self._let_ask(tenant)

    def _let_ask(self, tenant: int) -> None:
        if self._behind[tenant] and self._asking[tenant] < ASKING * _times(tenant):
            self._behind[tenant] -= 1
            self._asking[tenant] += 1
            self._ask(tenant, 0)

    def _ask(self, tenant: int, slept_ms: int) -> None:
        slot, decision = self._admission.ask(self._turn(tenant))
        if slot is not None:
            self._begin(tenant, slot)
        elif slept_ms + decision.wait_ms <= settings.TIKLIVE_PATIENCE_S * 1_000:
            self._in(decision.wait_ms, lambda: self._ask(tenant, slept_ms + decision.wait_ms))
        else:
            # Put back, and found due by the next dispatch after that.
            late_ms = self._chance.uniform(0, settings.DISPATCH_EVERY_S * 1_000)
            self._in(decision.wait_ms + late_ms, lambda: self._ask(tenant, 0))

    def _begin(self, tenant: int, slot: Slot) -> None:
        self._asking[tenant] -= 1
        if self.now_ms >= self._measured_from:
            self.admitted[tenant] += 1
        self._in(self._chance.uniform(300, 1_500), lambda: self._end(slot))
        self._in(1, lambda: self._let_ask(tenant))

    def _end(self, slot: Slot) -> None:
        self._admission.finish(slot, WORKS)

    def _in(self, wait_ms: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now_ms + max(1, round(wait_ms)), next(self._order), happen))

    def _until_next(self, tenant: int) -> float:
        a_minute = DEMAND * self.per_minute / TENANTS * _times(tenant)
        return self._chance.expovariate(a_minute / 60_000)

    def _turn(self, tenant: int) -> Turn:
        return Turn.of(self._key, tenant, SHARE, for_people=False, lease_s=LEASE_S)


def _times(tenant: int) -> int:
    return TIMES_AS_OFTEN if tenant < GREEDY else 1


def fairness(server: Server) -> Iterator[Figure]:
    """Jain's index over what the tenants got in the hour, and how much of what the key gives that was in all."""
    server.connection.flushdb()
    market = Market(server)
    market.run()
    got = [market.admitted[tenant] for tenant in range(TENANTS)]
    facts = {"greedy_least": min(got[:GREEDY]), "greedy_most": max(got[:GREEDY])}
    facts |= {"quiet_least": min(got[GREEDY:]), "quiet_most": max(got[GREEDY:])}
    # (Σx)² / (n · Σx²): 1 where all got the same, 1/n where one got everything.
    jain = sum(got) ** 2 / (TENANTS * sum(each * each for each in got))
    yield Figure("limiter", "jain", "1", jain, None, 1, at_least(0.95), facts)
    used = sum(got) / (market.per_minute * MEASURED_S / 60)
    yield Figure("limiter", "budget_used", "1", used, None, 1, at_least(0.95), {"requests": sum(got)})
