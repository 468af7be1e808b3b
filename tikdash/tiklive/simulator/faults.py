"""Faults as data: which calls go wrong, how, and how often. The kinds themselves are in `fault_kinds`."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace

import msgspec

from .chance import number
from .clock import parse_time
from .fault_kinds import KINDS, Answer, Call
from .reply import Reply, Request


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of trouble for the calls that match. Without `every` or `probability` each match is hit.

    `since` and `until` are ISO 8601 in simulator time (an outage of ten minutes is `http` between two
    moments), `count` is the most hits, `skip` lets the first matches pass. `retry_after` is in seconds, or
    a text sent as it is; `retry_as_date` sends the moment in real time instead. `bytes` is the size of a
    huge page.
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
    retry_as_date: bool = False
    seconds: float | None = None
    bytes: int = 9_000_000

    def __post_init__(self) -> None:
        """Refuse what could never work; raises ValueError with a sentence."""
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind {self.kind!r}; known: {', '.join(sorted(KINDS))}")
        if self.every < 1:
            raise ValueError("every must be 1 or more")
        if self.retry_as_date and not isinstance(self.retry_after, int):
            raise ValueError("retry_as_date needs retry_after in seconds")
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

    def apply(self, request: Request, reply: Reply, answer: Answer) -> Reply:
        """The reply after the first rule that hits, or the reply as it was; `answer` gives other pages."""
        if not self._rules:
            return reply
        struck = self._choose(request, reply)
        if struck is None:
            return reply
        rule, hit = struck
        spoiled = KINDS[rule.kind](reply, Call(request, rule, hit, answer))
        return replace(spoiled, outcome=f"fault:{rule.kind}")

    def describe(self) -> list[dict[str, object]]:
        """The rules with their counts, for `GET /_sim/faults`."""
        with self._lock:
            return [
                {**msgspec.to_builtins(rule), "matched": matched, "hit": hit}
                for rule, matched, hit in zip(self._rules, self._matched, self._hit, strict=True)
            ]

    def _choose(self, request: Request, reply: Reply) -> tuple[Rule, int] | None:
        with self._lock:
            for index, rule in enumerate(self._rules):
                if rule.matches(request, reply) and self._strikes(index, rule):
                    return rule, self._hit[index]
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
