"""A record of what was answered, request by request, for referees that compare it with what a client made of it.

It is kept only while somebody wants it: a demo that runs for weeks must not remember every page.
"""

from __future__ import annotations

import threading
from typing import Any

import orjson

from .clock import format_time
from .reply import Reply, Request

#: Of a row of a list only what says which one it is, and its numbers.
ROW_FIELDS = (
    "video_id", "id", "aweme_id", "create_time", "is_top", "author",
    "play_count", "digg_count", "comment_count", "share_count", "collect_count",
)  # fmt: skip


class Served:
    """The answers since recording began, in the order in which they were made; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Forget everything and record nothing."""
        with self._lock:
            self._recording, self._number = False, 0
            self._entries: list[dict[str, Any]] = []

    def record(self, wanted: bool) -> None:
        """From now on keep answers, or no more."""
        self._recording = wanted

    def note(self, request: Request, reply: Reply) -> None:
        """One answer as it goes out, faults included; the head of it alone where it is no JSON object."""
        if not self._recording:
            return
        entry = {
            "at": format_time(request.at),
            "key": request.key,
            "endpoint": request.endpoint,
            "params": request.params,
            "status": reply.status,
            "outcome": reply.outcome,
            "credits": int(reply.billable),
            "bytes": len(reply.body),
            "reset": reply.reset,
            "delay_s": reply.delay_s,
            "body": _digest(reply.body),
        }
        with self._lock:
            self._number += 1
            self._entries.append({"number": self._number, **entry})

    def describe(self) -> list[dict[str, Any]]:
        """What `GET /_sim/served` answers."""
        with self._lock:
            return list(self._entries)

    def take(self) -> list[dict[str, Any]]:
        """The same, and forgets it; numbers go on."""
        with self._lock:
            taken, self._entries = self._entries, []
        return taken


def _digest(body: bytes) -> dict[str, Any] | None:
    """The object that was sent, its lists without what is long; None for what is no JSON object."""
    try:
        # What stands for texts that no encoder writes is of no interest here, but must not hide the rest.
        payload = orjson.loads(body.replace(b"\\ud83d", b"?"))
    except orjson.JSONDecodeError:
        return None
    if not isinstance(payload, dict):
        return None
    return {
        name: [_row(each) for each in value] if isinstance(value, list) else value for name, value in payload.items()
    }


def _row(row: Any) -> Any:
    return {name: row[name] for name in ROW_FIELDS if name in row} if isinstance(row, dict) else None
