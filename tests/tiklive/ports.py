"""Ports for clients that tests make by hand: one key for everybody, an open gate, a meter that remembers."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.tiklive.upstream import KEY
from tikdash.tiklive.client import Client, client_for
from tikdash.tiklive.ports import ApiKey, PlannedCall, Ports, Share, UsageRecord
from tikdash.tiklive.sieve import Everybody
from tikdash.tiklive.transport import Timeouts

QUICK = Timeouts(connect_s=1, read_s=0.3)


@dataclass
class OneKey:
    """The same key for everybody, with limits that no test reaches unless it wants to."""

    key: ApiKey = field(default_factory=lambda: ApiKey("shared", KEY, KEY[-4:], per_minute=1_000_000, in_flight=1_000))

    def key_for(self, tenant_id: int) -> ApiKey:
        return self.key

    def refused(self, tenant_id: int, key_id: str) -> bool:
        return False

    def outdated(self, tenant_id: int) -> None:
        """It does not change."""


class ListMeter:
    """Remembers the events."""

    def __init__(self) -> None:
        self.events: list[UsageRecord] = []
        self.free: list[dict[str, object]] = []

    def begin(self, event: UsageRecord) -> None:
        """What has only begun is none yet."""

    take_back = begin

    def record(self, event: UsageRecord) -> None:
        self.events.append(event)

    def saved(self, **what: object) -> None:
        self.free.append(what)


class OpenGate:
    """Everybody may spend; remembers what was planned."""

    def __init__(self) -> None:
        self.planned: list[PlannedCall] = []

    def allow(self, call: PlannedCall) -> Share:
        self.planned.append(call)
        return Share(per_minute=1_000_000, burst=1_000)


class ClosedPace:
    """Without Redis nobody passes."""

    def wait_ms(self, key_id: str, per_minute: int) -> int:
        return 60_000


def ports(**given: object) -> Ports:
    """Ports for tests; `keys`, `gate`, `meter` and `pace` replace single ones."""
    chosen = {
        "keys": OneKey(), "gate": OpenGate(), "meter": ListMeter(), "pace": ClosedPace(), "people": Everybody()
    } | given  # fmt: skip
    return Ports(**chosen)  # type: ignore[arg-type]


def client_to(
    base_url: str,
    meter: ListMeter | None = None,
    *,
    tenant_id: int = 7,
    priority: str = "interactive",
    timeouts: Timeouts = QUICK,
    **given: object,
) -> Client:
    """A client of an upstream at `base_url`."""
    return client_for(
        tenant_id,
        feature="growth",
        priority=priority,
        ports=ports(meter=meter or ListMeter(), **given),
        base_url=base_url,
        timeouts=timeouts,
    )
