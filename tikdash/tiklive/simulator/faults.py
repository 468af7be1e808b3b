"""Faults as data: which calls go wrong, how, and how often. A kind is one function."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import msgspec
import orjson

from .chance import number
from .clock import parse_time
from .reply import Reply, Request, json_reply, refused

Kind = Callable[[Reply, "Rule"], Reply]
KINDS: dict[str, Kind] = {}

STATUS_TEXTS = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests"}
SERVER_ERROR_PAGE = b"<html><head><title>500</title></head><body><h1>Internal Server Error</h1></body></html>"


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of trouble for the calls that match. Without `every` or `probability` each match is hit.

    `since` and `until` are ISO 8601 in simulator time, `count` is the most hits, `skip` lets the first
    matches pass.
    """

    kind: str
    endpoint: str = "*"
    key: str | None = None
    handle: str | None = None
    every: int = 1
    probability: float = 1.0
    count: int | None = None
    skip: int = 0
    since: str | None = None
    until: str | None = None
    status: int = 500
    retry_after: int | str | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        """Refuse what could never work; raises ValueError with a sentence."""
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind {self.kind!r}; known: {', '.join(sorted(KINDS))}")
        if self.every < 1:
            raise ValueError("every must be 1 or more")
        for moment in (self.since, self.until):
            if moment is not None:
                parse_time(moment)

    def matches(self, request: Request, reply: Reply) -> bool:
        """Whether the rule is about this call at all."""
        return (
            self.endpoint in ("*", request.endpoint)
            and self.key in (None, request.key)
            and self.handle in (None, reply.handle)
            and (self.since is None or request.at >= parse_time(self.since))
            and (self.until is None or request.at < parse_time(self.until))
        )


class Faults:
    """The rules in force, with how often each matched and hit; safe for threads."""

    def __init__(self, seed: int, rules: Iterable[Rule] = ()) -> None:
        self._seed = seed
        self._lock = threading.Lock()
        self.replace(rules)

    def replace(self, rules: Iterable[Rule]) -> None:
        """Put these rules in force instead of all former ones."""
        with self._lock:
            self._rules = tuple(rules)
            self._matched = [0] * len(self._rules)
            self._hit = [0] * len(self._rules)

    def apply(self, request: Request, reply: Reply) -> Reply:
        """The reply after the first rule that hits, or the reply as it was."""
        if not self._rules:
            return reply
        rule = self._choose(request, reply)
        return replace(KINDS[rule.kind](reply, rule), outcome=f"fault:{rule.kind}") if rule else reply

    def describe(self) -> list[dict[str, object]]:
        """The rules with their counts, for `GET /_sim/faults`."""
        with self._lock:
            return [
                {**msgspec.to_builtins(rule), "matched": matched, "hit": hit}
                for rule, matched, hit in zip(self._rules, self._matched, self._hit, strict=True)
            ]

    def _choose(self, request: Request, reply: Reply) -> Rule | None:
        with self._lock:
            for index, rule in enumerate(self._rules):
                if rule.matches(request, reply) and self._strikes(index, rule):
                    return rule
        return None

    def _strikes(self, index: int, rule: Rule) -> bool:
        """Count one match and say whether it is hit; the draws are the same in every run."""
        self._matched[index] += 1
        match = self._matched[index] - rule.skip
        if match < 1 or match % rule.every or (rule.count is not None and self._hit[index] >= rule.count):
            return False
        if number(self._seed, "fault", index, match) >= rule.probability * 2**64:
            return False
        self._hit[index] += 1
        return True


def kind(function: Kind) -> Kind:
    """Register a fault under its function's name."""
    KINDS[function.__name__] = function
    return function


@kind
def http(reply: Reply, rule: Rule) -> Reply:
    """The HTTP status `status`: JSON below 500, a page of HTML from 500 on."""
    extra = () if rule.retry_after is None else (("Retry-After", str(rule.retry_after)),)
    if rule.status >= 500:
        return Reply(SERVER_ERROR_PAGE, rule.status, "text/html; charset=utf-8", extra)
    return json_reply({"message": STATUS_TEXTS.get(rule.status, "Error")}, rule.status, headers=extra)


@kind
def out_of_credits(reply: Reply, rule: Rule) -> Reply:
    """The key has no credits left; the true wording is not known."""
    return refused("Insufficient credits, please top up your balance")


@kind
def timeout(reply: Reply, rule: Rule) -> Reply:
    """Silence for longer than any client waits (30 s unless `seconds`)."""
    return replace(reply, delay_s=30.0 if rule.seconds is None else rule.seconds)


@kind
def slow(reply: Reply, rule: Rule) -> Reply:
    """A good answer, late (3 s unless `seconds`)."""
    return replace(reply, delay_s=3.0 if rule.seconds is None else rule.seconds)


@kind
def reset(reply: Reply, rule: Rule) -> Reply:
    """The connection is reset in the middle of the body."""
    return replace(reply, reset=True)


@kind
def truncated(reply: Reply, rule: Rule) -> Reply:
    """A whole HTTP answer whose JSON stops in the middle."""
    return replace(reply, body=reply.body[: len(reply.body) * 2 // 3])


@kind
def not_json(reply: Reply, rule: Rule) -> Reply:
    """HTTP 200 with a page of HTML."""
    return replace(
        reply,
        body=b"<!doctype html><title>One moment</title><p>Checking your browser.</p>",
        content_type="text/html; charset=utf-8",
    )


@kind
def wrong_shape(reply: Reply, rule: Rule) -> Reply:
    """JSON, but a list where an object belongs and one level too deep."""
    return _with(reply, [{"result": {"payload": _payload(reply)}}])


@kind
def empty_object(reply: Reply, rule: Rule) -> Reply:
    """HTTP 200 with `{}`."""
    return _with(reply, {})


@kind
def nulls(reply: Reply, rule: Rule) -> Reply:
    """Every value inside the objects is null; the frame stays."""
    return _with(reply, _each_leaf(_payload(reply), lambda name, value: None))


@kind
def negative_hearts(reply: Reply, rule: Rule) -> Reply:
    """Heart counts overflowed below zero."""
    return _with(reply, _each_leaf(_payload(reply), _negate_hearts))


@kind
def zeroed(reply: Reply, rule: Rule) -> Reply:
    """Every counter is 0."""
    return _with(reply, _each_leaf(_payload(reply), _zero_counter))


@kind
def duplicates(reply: Reply, rule: Rule) -> Reply:
    """Every third row is there twice."""
    payload = _payload(reply)
    for name, rows in payload.items():
        if isinstance(rows, list):
            payload[name] = [row for index, row in enumerate(rows) for _ in range(2 if index % 3 == 0 else 1)]
    return _with(reply, payload)


def _payload(reply: Reply) -> Any:
    return orjson.loads(reply.body)


def _with(reply: Reply, payload: Any) -> Reply:
    return replace(reply, body=orjson.dumps(payload))


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
