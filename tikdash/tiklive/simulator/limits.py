"""What a key may do: strict rate limits, which keys are valid, and how many credits they have."""

from __future__ import annotations

import math
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable

import msgspec

KEY_PREFIX = "sim-"


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Requests a minute and a second; 0 means no limit."""

    rpm: int = 0
    burst: int = 0

    def __post_init__(self) -> None:
        """Refuse negative limits; raises ValueError."""
        if self.rpm < 0 or self.burst < 0:
            raise ValueError("a limit is 0 (none) or more")


class LimitOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits from now on: `all` for every key that has none of its own, `keys` for single ones."""

    all: Limit | None = None
    keys: dict[str, Limit] = {}


class KeyOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which keys are revoked, and how many credits a key has from the last reset on; replaces earlier orders."""

    revoked: list[str] = []
    credits: dict[str, int] = {}


class RateLimit:
    """Strict moving windows: for each (allowed, seconds) at most `allowed` requests of a key in such a time.

    A refused request is not logged, so a client that hammers is let in again as early as one that waits.
    Time is real time: a limit does not care where a test has moved the simulator's clock.
    """

    def __init__(self, *windows: tuple[int, float], real: Callable[[], float] = time.monotonic) -> None:
        self._windows = [(allowed, seconds) for allowed, seconds in windows if allowed]
        self._longest_s = max((seconds for _, seconds in self._windows), default=0.0)
        self._real = real
        self._lock = threading.Lock()
        self._log: defaultdict[str, deque[float]] = defaultdict(deque)

    def wait_s(self, key: str) -> int:
        """0 when the request is let in (and logged), else whole seconds until one would be."""
        if not self._windows:
            return 0
        with self._lock:
            now = self._real()
            log = self._log[key]
            while log and log[0] <= now - self._longest_s:
                log.popleft()
            wait = max(
                log[-allowed] + seconds - now if len(log) >= allowed else 0 for allowed, seconds in self._windows
            )
            if wait > 0:
                return math.ceil(wait)
            log.append(now)
            return 0

    def reset(self) -> None:
        """Let every key start with an empty log."""
        with self._lock:
            self._log.clear()


class RateLimits:
    """The limit of each key, changeable while running; safe for threads. A changed limit starts with an empty log."""

    def __init__(self, start: Limit) -> None:
        self._start = start
        self.reset()

    def reset(self) -> None:
        """Every key has the limit of the start, and an empty log."""
        self._all, self._of_all = self._start, _rate_limit(self._start)
        self._keys: dict[str, tuple[Limit, RateLimit]] = {}

    def change(self, order: LimitOrder) -> None:
        """Put new limits in force; keys that are not named keep theirs."""
        if order.all is not None:
            self._all, self._of_all = order.all, _rate_limit(order.all)
        self._keys = self._keys | {key: (limit, _rate_limit(limit)) for key, limit in order.keys.items()}

    def wait_s(self, key: str) -> int:
        """0 when the request is let in (and logged), else whole seconds until one would be."""
        own = self._keys.get(key)
        return (own[1] if own else self._of_all).wait_s(key)

    def describe(self) -> LimitOrder:
        """The limits in force."""
        return LimitOrder(self._all, {key: limit for key, (limit, _) in self._keys.items()})


class Keys:
    """Which keys are valid: the configured ones, or all with the prefix; less the revoked ones."""

    def __init__(self, configured: Iterable[str]) -> None:
        self._configured = frozenset(configured)
        self.reset()

    def reset(self) -> None:
        """As at the start: nothing is revoked, and credits do not end."""
        self.order = KeyOrder()

    def is_valid(self, key: str) -> bool:
        """Whether the upstream knows the key now."""
        known = key in self._configured if self._configured else key.startswith(KEY_PREFIX)
        return known and key not in self.order.revoked

    def is_spent(self, key: str, spent: int) -> bool:
        """Whether a key that has spent so much has nothing left."""
        return spent >= self.order.credits.get(key, math.inf)


def _rate_limit(limit: Limit) -> RateLimit:
    return RateLimit((limit.rpm, 60), (limit.burst, 1))
