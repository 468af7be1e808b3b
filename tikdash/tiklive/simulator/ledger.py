"""Who asked for what: request statistics and credits by key."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict

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

    def credits_of(self, key: str) -> int:
        """What the key has spent since the start or the last reset."""
        return self._credits.get(key, 0)

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
