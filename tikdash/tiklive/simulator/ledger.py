"""Who asked for what: request statistics, credits by key and the rate limit of each key."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable

from .clock import format_time


class Ledger:
    """Counts of one run; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Forget everything and start anew."""
        with self._lock:
            self._started_at = time.time()
            self._endpoints: Counter[str] = Counter()
            self._keys: Counter[str] = Counter()
            self._credits: Counter[str] = Counter()
            self._outcomes: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def note(self, endpoint: str, key: str, outcome: str, credits: int) -> None:
        """One served request; `credits` is what it cost its key."""
        with self._lock:
            self._endpoints[endpoint] += 1
            self._keys[key] += 1
            self._outcomes[endpoint][outcome] += 1
            if credits:
                self._credits[key] += credits

    def describe(self) -> dict[str, object]:
        """What `GET /_sim/stats` answers."""
        with self._lock:
            return {
                "started_at": format_time(self._started_at),
                "requests": sum(self._endpoints.values()),
                "by_endpoint": dict(self._endpoints),
                "by_key": dict(self._keys),
                "by_outcome": {endpoint: dict(outcomes) for endpoint, outcomes in self._outcomes.items()},
                "credits": sum(self._credits.values()),
                "credits_by_key": dict(self._credits),
            }


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
