"""What goes back over the wire, and what came in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

JSON = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """One call as an endpoint sees it: parameters, simulator time and the address it was reached at."""

    endpoint: str
    params: dict[str, str]
    key: str
    at: float
    base_url: str


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `billable` marks served data, `handle` whom it is about; `delay_s`, `reset` are faults."""

    body: bytes
    status: int = 200
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = field(default=())
    billable: bool = False
    handle: str = ""
    outcome: str = "ok"
    delay_s: float = 0.0
    reset: bool = False


def json_reply(payload: Any, status: int = 200, **more: Any) -> Reply:
    """A reply whose body is this payload as JSON."""
    return Reply(orjson.dumps(payload), status, **more)


def refused(message: str) -> Reply:
    """HTTP 200 with nothing but a message: how the upstream speaks about keys."""
    return json_reply({"message": message}, outcome="refused")


def not_found(what: str) -> Reply:
    """HTTP 200 with an error body: the entity is missing."""
    return json_reply({"status": "error", "message": f"Not found {what}"}, outcome="not_found")


def bad_request(message: str) -> Reply:
    """HTTP 400. What the upstream answers to a missing parameter is not known."""
    return json_reply({"status": "error", "message": message}, 400, outcome="bad_request")
