"""The simulator's own time: real, shifted or frozen, moved by tests and by the demo."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime


def parse_time(text: str) -> float:
    """Unix seconds of an ISO 8601 date or moment; without an offset it is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def format_time(at: float) -> str:
    """ISO 8601 in UTC with a Z, to the second."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Clock:
    """Time for the whole process; safe for threads.

    Plain memory under a lock is enough because the server runs exactly one worker process.
    """

    def __init__(self, real: Callable[[], float] = time.time) -> None:
        self._real = real
        self._lock = threading.Lock()
        self._offset_s = 0.0
        self._frozen_at: float | None = None

    def now(self) -> float:
        """Simulator time in unix seconds."""
        with self._lock:
            return self._real() + self._offset_s if self._frozen_at is None else self._frozen_at

    def freeze(self, at: float) -> None:
        """Stop at this moment (unix seconds)."""
        with self._lock:
            self._frozen_at = at

    def shift(self, offset_s: float) -> None:
        """Run at real speed, this many seconds away from real time."""
        with self._lock:
            self._offset_s, self._frozen_at = offset_s, None

    def start_at(self, at: float) -> None:
        """Run at real speed from this moment (unix seconds)."""
        self.shift(at - self._real())

    def describe(self) -> dict[str, object]:
        """What `GET /_sim/clock` answers."""
        now = self.now()
        mode = "frozen" if self._frozen_at is not None else "offset" if self._offset_s else "real"
        return {
            "now": format_time(now),
            "now_unix": now,
            "mode": mode,
            "offset_s": round(now - self._real(), 3),
        }
