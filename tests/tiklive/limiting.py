"""The limiter on a clock of its own, and a simulation of tenants that wait as the product's callers do."""

from __future__ import annotations

import heapq
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tikdash.redis import server
from tikdash.tiklive.admission import Admission, Decision, Rate, Slot, Turn
from tikdash.tiklive.breaker import WORKS
from tikdash.tiklive.ports import Share

MINUTE = 60_000
PLENTY = Share(per_minute=1_000_000, burst=1_000)


class Limiter:
    """Asks the real script on the real server; `now` is in milliseconds and moves when the test says so."""

    def __init__(self, limit: int = 200, *, share: float = 0.8, burst: int = 10, in_flight: int = 20) -> None:
        self.now = 1_700_000_000_000
        self.rate = Rate.within(limit, share=share, burst=burst)
        self.in_flight = in_flight
        self.admission = Admission(server(), sleep=self.sleep, now_ms=lambda: self.now)

    def sleep(self, seconds: float) -> None:
        self.now += round(seconds * 1000)

    def turn(self, tenant: int = 1, **given: Any) -> Turn:
        values = {
            "key_id": "k",
            "tenant_id": tenant,
            "rate": self.rate,
            "in_flight": self.in_flight,
            "share": PLENTY,
            "for_people": False,
            "lease_s": 50.0,
        }
        return Turn(**(values | given))

    def ask(self, tenant: int = 1, **given: Any) -> tuple[Slot | None, Decision]:
        return self.admission.ask(self.turn(tenant, **given))

    def pass_(self, tenant: int = 1, **given: Any) -> Decision:
        """Asks, and ends the request at once where it is admitted."""
        slot, decision = self.ask(tenant, **given)
        if slot is not None:
            self.admission.finish(slot, WORKS)
        return decision

    def drain(self, **given: Any) -> int:
        """How many requests are admitted at this moment."""
        return next(number for number in count() if not self.pass_(**given).admitted)


def most_in_a_minute(times: list[int]) -> int:
    """The most that any 60 s hold."""
    first = most = 0
    for last, time in enumerate(times):
        while times[first] <= time - MINUTE:
            first += 1
        most = max(most, last - first + 1)
    return most


@dataclass
class Outcome:
    """What tenants got in the measured minutes, and how long each admitted request had waited, in s."""

    minutes: int
    got: dict[int, int] = field(default_factory=dict)
    waits: dict[int, list[float]] = field(default_factory=dict)
    times: list[int] = field(default_factory=list)

    @property
    def jain(self) -> float:
        """Jain's index of fairness: 1 where all got the same, 1/n where one got all."""
        got = list(self.got.values())
        return sum(got) ** 2 / (len(got) * sum(number * number for number in got))

    def used(self, per_minute: int) -> float:
        return sum(self.got.values()) / (per_minute * self.minutes)

    def wait_at(self, quantile: float, tenants: list[int]) -> float:
        waits = sorted(wait for tenant in tenants for wait in self.waits[tenant])
        return waits[int(len(waits) * quantile)]


def simulate(
    demand: Mapping[int, float], *, minutes: int, warm_up: int = 1, outstanding: int = 8, latency_s: float = 0.75
) -> Outcome:
    """Tenants ask so many times a minute, at random; each has at most `outstanding` requests under way or waiting.

    A caller sleeps at most 2 s for its turn; what takes longer is put back and comes again after the wait it was told
    and up to a tick of the dispatcher (2 s).
    """
    limiter, chance, order = Limiter(), random.Random(5), count()
    start = limiter.now + warm_up * MINUTE
    end = start + minutes * MINUTE
    outcome = Outcome(minutes, dict.fromkeys(demand, 0), {tenant: [] for tenant in demand})
    waiting = dict.fromkeys(demand, 0)
    events: list[tuple[float, int, str, int, Any]] = []

    def later(at: float, what: str, tenant: int, extra: Any = None) -> None:
        heapq.heappush(events, (at, next(order), what, tenant, extra))

    for tenant, per_minute in demand.items():
        later(limiter.now + chance.expovariate(per_minute / MINUTE), "arrives", tenant)
    while events and events[0][0] <= end:
        at, _, what, tenant, extra = heapq.heappop(events)
        limiter.now = int(at)
        if what == "done":
            limiter.admission.finish(extra, WORKS)
            continue
        if what == "arrives":
            later(at + chance.expovariate(demand[tenant] / MINUTE), "arrives", tenant)
            if waiting[tenant] >= outstanding:
                continue
            waiting[tenant] += 1
            extra = (at, 0.0)
        since, slept = extra
        slot, decision = limiter.ask(tenant)
        if slot is not None:
            waiting[tenant] -= 1
            outcome.times.append(limiter.now)
            if at >= start:
                outcome.got[tenant] += 1
                outcome.waits[tenant].append((at - since) / 1000)
            later(at + 1000 * max(0.05, chance.gauss(latency_s, latency_s / 4)), "done", tenant, slot)
        elif slept + decision.wait_ms <= 2_000:
            later(at + decision.wait_ms, "tries", tenant, (since, slept + decision.wait_ms))
        else:
            later(at + max(500, decision.wait_ms) + chance.uniform(0, 2_000), "tries", tenant, (since, 0.0))
    return outcome
