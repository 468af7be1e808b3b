"""What the client needs from the apps, as protocols, and how it finds them: dotted paths in the settings."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol, cast
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from tikdash.redaction import hide
from tikdash.tiklive.sieve import People
from tikdash.tiklive.text import Secret

_METHOD_OF_PORT = {"KEYS": "key_for", "METER": "record", "GATE": "allow", "PACE": "wait_ms", "PEOPLE": "is_left_out"}


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key for the upstream: our `id` for it, the secret itself, and its last four characters for people.

    `shared` between tenants, or the tenant's own; `per_minute` is what the upstream allows it, of which we use a part;
    `in_flight` is how many requests may be under way at a time. `version` is where Redis says which version of the
    tenant's key is the newest, and which one this is: another one is not admitted. None where keys do not change.
    """

    id: str
    secret: str = field(repr=False)
    last_four: str
    shared: bool = True
    per_minute: int = 200
    in_flight: int = 20
    version: tuple[str, bytes] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.secret, Secret):
            object.__setattr__(self, "secret", Secret(self.secret))
            hide(self.secret)

    def at_version(self, name: str, version: bytes) -> ApiKey:
        """The same key, with its version: `name` is where Redis has the newest one."""
        return replace(self, version=(name, version))


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """One attempt that reached the upstream. `id` is the request id (UUID version 7), `occurred_at` is UTC.

    `outcome` is `ok` or the code of the error; `http_status` is None when no answer came; `credits` is what
    the answer cost; `attempts` is the number of this attempt within its call, from 1; `latency_ms` is whole
    milliseconds.
    """

    id: UUID
    tenant_id: int
    occurred_at: datetime
    key_id: str
    endpoint: str
    feature: str
    priority: str
    outcome: str
    http_status: int | None
    credits: int
    attempts: int
    latency_ms: int


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A request that is about to be made: who pays, for what, what it will cost at most, in credits, and which key
    will be used.
    """

    tenant_id: int
    endpoint: str
    feature: str
    priority: str
    credits: int
    key_id: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """What a tenant may take of a shared key: so many requests a minute, and so many of them at once."""

    per_minute: int
    burst: int


class Keys(Protocol):
    """Who pays: finds the API key of a tenant (its own, or the shared one)."""

    def key_for(self, tenant_id: int) -> ApiKey:
        """The key to use now, as this process knows it; raises a TikdashError when there is none."""
        ...

    def refused(self, tenant_id: int, key_id: str) -> bool:
        """The upstream did not accept that key; True where the tenant has another one by now."""
        ...

    def outdated(self, tenant_id: int) -> None:
        """What this process knows of the tenant's key is old, or may be: the next answer is looked up."""
        ...


class Meter(Protocol):
    """Keeps every attempt that reached the upstream, also when the work that follows is rolled back, or never ends."""

    def begin(self, event: UsageRecord) -> None:
        """Stores durably, before a request is sent, that it is about to be: a worker that is killed says no more."""
        ...

    def record(self, event: UsageRecord) -> None:
        """Stores durably, before it returns, how the request ended."""
        ...

    def take_back(self, event: UsageRecord) -> None:
        """Forgets a request that has begun and was never sent."""
        ...

    def saved(self, *, tenant_id: int, endpoint: str, feature: str, way: str, credits: int) -> None:
        """Counts an answer that cost nothing: `way` is `cache`, `flight` or `shared`, `credits` what it would have."""
        ...


class Gate(Protocol):
    """Whether a tenant may spend, asked before every request."""

    def allow(self, call: PlannedCall) -> Share:
        """The tenant's share of a shared key; raises BudgetReached where the call must not be made now."""
        ...


class Pace(Protocol):
    """A slow limiter on another clock than Redis', for people who wait while Redis is gone."""

    def wait_ms(self, key_id: str, per_minute: int) -> int:
        """0 when a request is admitted (and counted), else the milliseconds until one would be (nothing is taken)."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """All that a client needs of the apps; without any of them there is no client."""

    keys: Keys
    gate: Gate
    meter: Meter
    pace: Pace
    people: People


def load_ports() -> Ports:
    """The ports of the settings; ImproperlyConfigured when one is missing or wrong."""
    return Ports(
        keys=cast(Keys, _load_port("KEYS")),
        gate=cast(Gate, _load_port("GATE")),
        meter=cast(Meter, _load_port("METER")),
        pace=cast(Pace, _load_port("PACE")),
        people=cast(People, _load_port("PEOPLE")),
    )


def uuid7() -> UUID:
    """A UUID version 7 (RFC 9562, section 5.7): 48 bits of unix milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (1 << 48) - 1) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0b11 << 62) | 0b10 << 62
    return UUID(int=value)


def _load_port(name: str) -> Any:
    paths = getattr(settings, "TIKLIVE_PORTS", None)
    if not isinstance(paths, dict) or not paths.get(name):
        raise ImproperlyConfigured(f"TIKLIVE_PORTS['{name}'] must be a dotted path to the client's port.")
    return _port_at(name, paths[name])


@lru_cache(maxsize=32)
def _port_at(name: str, path: str) -> Any:
    try:
        port = import_string(path)
    except ImportError as error:
        raise ImproperlyConfigured(f"TIKLIVE_PORTS['{name}'] cannot be imported: {error}") from error
    if isinstance(port, type):
        port = port()
    method = _METHOD_OF_PORT[name]
    if not callable(getattr(port, method, None)):
        raise ImproperlyConfigured(f"TIKLIVE_PORTS['{name}'] = '{path}' has no method {method}().")
    return port
