"""The kinds of trouble a fault rule can name; a kind is one function."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import orjson

from .reply import Reply, Request, json_reply, refused

if TYPE_CHECKING:
    from .faults import Rule

STATUS_TEXTS = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests"}
SERVER_ERROR_PAGE = b"<html><head><title>500</title></head><body><h1>Internal Server Error</h1></body></html>"
WRITTEN_BY_PEOPLE = ("title", "nickname", "signature", "text", "desc", "cha_name", "name", "author", "content_desc")
MARK = "\uf8ff"
"""A letter nobody writes, in place of what an encoder would refuse to write."""
ENDLESS_FROM = 9_000_000_000_000
LONG_ID = 1 << 60

Answer = Callable[[Request], Reply]


@dataclass(frozen=True, slots=True)
class Call:
    """One call that a rule has hit: the request, which hit of the rule it is, and how to get another page."""

    request: Request
    rule: Rule
    hit: int
    answer: Answer


Kind = Callable[[Reply, Call], Reply]
KINDS: dict[str, Kind] = {}


def kind(function: Kind) -> Kind:
    """Register a fault under its function's name."""
    KINDS[function.__name__] = function
    return function


@kind
def http(reply: Reply, call: Call) -> Reply:
    """The HTTP status `status`: JSON below 500, a page of HTML from 500 on."""
    rule = call.rule
    after = rule.retry_after
    if rule.retry_as_date and isinstance(after, int):
        after = formatdate(time.time() + after, usegmt=True)
    extra = () if after is None else (("Retry-After", str(after)),)
    if rule.status >= 500:
        return Reply(SERVER_ERROR_PAGE, rule.status, "text/html; charset=utf-8", extra)
    return json_reply({"message": STATUS_TEXTS.get(rule.status, "Error")}, rule.status, headers=extra)


@kind
def out_of_credits(reply: Reply, call: Call) -> Reply:
    """The key has no credits left; the true wording is not known."""
    return refused("Insufficient credits, please top up your balance")


@kind
def timeout(reply: Reply, call: Call) -> Reply:
    """Silence for longer than any client waits (30 s unless `seconds`)."""
    return replace(reply, delay_s=30.0 if call.rule.seconds is None else call.rule.seconds)


@kind
def slow(reply: Reply, call: Call) -> Reply:
    """A good answer, late (3 s unless `seconds`)."""
    return replace(reply, delay_s=3.0 if call.rule.seconds is None else call.rule.seconds)


@kind
def reset(reply: Reply, call: Call) -> Reply:
    """The connection is reset in the middle of the body."""
    return replace(reply, reset=True)


@kind
def truncated(reply: Reply, call: Call) -> Reply:
    """A whole HTTP answer whose JSON stops in the middle."""
    return replace(reply, body=reply.body[: len(reply.body) * 2 // 3])


@kind
def not_json(reply: Reply, call: Call) -> Reply:
    """HTTP 200 with a page of HTML."""
    return replace(
        reply,
        body=b"<!doctype html><title>One moment</title><p>Checking your browser.</p>",
        content_type="text/html; charset=utf-8",
    )


@kind
def wrong_shape(reply: Reply, call: Call) -> Reply:
    """JSON, but a list where an object belongs and one level too deep."""
    return _with(reply, [{"result": {"payload": _payload(reply)}}])


@kind
def empty_object(reply: Reply, call: Call) -> Reply:
    """HTTP 200 with `{}`."""
    return _with(reply, {})


@kind
def nulls(reply: Reply, call: Call) -> Reply:
    """Every value inside the objects is null; the frame stays."""
    return _with(reply, _each_leaf(_payload(reply), lambda name, value: None))


@kind
def negative_hearts(reply: Reply, call: Call) -> Reply:
    """Heart counts overflowed below zero."""
    return _with(reply, _each_leaf(_payload(reply), _negate_hearts))


@kind
def zeroed(reply: Reply, call: Call) -> Reply:
    """Every counter is 0."""
    return _with(reply, _each_leaf(_payload(reply), _zero_counter))


@kind
def duplicates(reply: Reply, call: Call) -> Reply:
    """Every third row is there twice."""
    payload = _payload(reply)
    for name, rows in payload.items():
        if isinstance(rows, list):
            payload[name] = [row for index, row in enumerate(rows) for _ in range(2 if index % 3 == 0 else 1)]
    return _with(reply, payload)


@kind
def hollow(reply: Reply, call: Call) -> Reply:
    """A post that is neither missing nor usable: its id and play count are left out."""
    return _with(reply, {name: value for name, value in _payload(reply).items() if name not in ("id", "play_count")})


@kind
def endless_cursor(reply: Reply, call: Call) -> Reply:
    """Every page is full of posts never seen, has a cursor never seen, and says that more follow."""
    first = {name: value for name, value in call.request.params.items() if name not in ("cursor", "time")}
    payload = _payload(call.answer(replace(call.request, params=first)))
    for name, value in payload.items():
        if isinstance(value, list):
            payload[name] = [_renumbered(row, call.hit) for row in value]
        elif name in ("cursor", "time"):
            payload[name] = type(value)(ENDLESS_FROM + call.hit)
        elif name == "hasMore":
            payload[name] = type(value)(1)
    return _with(reply, payload)


@kind
def repeated_cursor(reply: Reply, call: Call) -> Reply:
    """More pages are promised, and the cursor is the one that was sent."""
    payload = _payload(reply)
    for name in {"cursor", "time"} & payload.keys():
        payload[name] = type(payload[name])(call.request.params.get(name) or 0)
        payload["hasMore"] = type(payload["hasMore"])(1)
    return _with(reply, payload)


@kind
def huge_page(reply: Reply, call: Call) -> Reply:
    """Good JSON of at least `bytes` bytes: the rows again and again, or padding where there are none."""
    payload = _payload(reply)
    missing = call.rule.bytes - len(reply.body)
    if missing <= 0:
        return reply
    rows = next((value for value in payload.values() if isinstance(value, list) and value), None)
    if rows is None:
        payload["padding"] = "x" * missing
    else:
        rows *= 1 + -(-missing // len(orjson.dumps(rows)[1:-1]))
    return _with(reply, payload)


@kind
def nul_text(reply: Reply, call: Call) -> Reply:
    """A NUL in the middle of every text that people wrote."""
    return _with(reply, _each_leaf(_payload(reply), _mark_text), {MARK: b"\\u0000"})


@kind
def lone_surrogates(reply: Reply, call: Call) -> Reply:
    """Half of a pair of surrogates in the middle of every text that people wrote."""
    return _with(reply, _each_leaf(_payload(reply), _mark_text), {MARK: b"\\ud83d"})


@kind
def numbers_as_text(reply: Reply, call: Call) -> Reply:
    """Every integer is a string of digits."""
    return _with(reply, _each_leaf(_payload(reply), lambda name, value: str(value) if type(value) is int else value))


@kind
def stats_inside(reply: Reply, call: Call) -> Reply:
    """A profile whose counters are inside the user instead of beside it."""
    payload = _payload(reply)
    if "stats" in payload:
        payload["user"]["stats"] = payload.pop("stats")
    return _with(reply, payload)


@kind
def enveloped(reply: Reply, call: Call) -> Reply:
    """A flat object one level down, under the name of its endpoint."""
    name = call.request.endpoint.removesuffix("-name").removesuffix("-id").replace("-", "_")
    return _with(reply, {name: _payload(reply)})


def _payload(reply: Reply) -> Any:
    return orjson.loads(reply.body)


def _with(reply: Reply, payload: Any, written: dict[str, bytes] | None = None) -> Reply:
    """The reply with another payload; `written` says what marks in texts become, for what no encoder writes."""
    body = orjson.dumps(payload)
    for mark, text in (written or {}).items():
        body = body.replace(mark.encode(), text)
    return replace(reply, body=body)


def _each_leaf(value: Any, change: Callable[[str, Any], Any], name: str = "") -> Any:
    """The same structure with every value that is not a container changed."""
    if isinstance(value, dict):
        return {key: _each_leaf(item, change, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_each_leaf(item, change, name) for item in value]
    return change(name, value)


def _negate_hearts(name: str, value: Any) -> Any:
    return -abs(value) if name in ("heartCount", "heart", "digg_count", "total_favorited") else value


def _zero_counter(name: str, value: Any) -> Any:
    counter = name == "heart" or name.endswith(("Count", "_count"))
    return 0 if counter and isinstance(value, int) else value


def _mark_text(name: str, value: Any) -> Any:
    if name in WRITTEN_BY_PEOPLE and isinstance(value, str):
        return value[: len(value) // 2] + MARK + value[len(value) // 2 :]
    return value


def _renumbered(row: Any, hit: int) -> Any:
    return {name: _other_id(int(value), hit) if name in ("id", "video_id") else value for name, value in row.items()}


def _other_id(known: int, hit: int) -> str:
    # A long id tells a time: it moves into the past. A short one has no room there.
    return str(known - (hit << 40) if known > LONG_ID else known + (hit << 40))
