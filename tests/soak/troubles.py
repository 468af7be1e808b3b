"""What goes wrong during a long life: every kind of fault, and what happens to accounts and posts."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tikdash.tiklive.simulator.fault_kinds import KINDS
from tikdash.tiklive.simulator.world import Change, Overrides, PostChange, Rename, World

#: The read time-out of the run, s: what a `timeout` exceeds and nothing else does, also on a machine that is busy.
READ_TIMEOUT_S = 4.0
#: How often each kind strikes where nothing else is said, of so many requests.
RATE = 0.005
RATES = {"zeroed": 0.01, "duplicates": 0.01, "slow": 0.01, "endless_cursor": 0.003, "repeated_cursor": 0.004}
#: Kinds that have rules of their own.
FEW = ("timeout", "huge_page", "out_of_credits")


def faults_of(key: str, few: int, hangs: bool) -> list[dict[str, Any]]:
    """Rules for one key: all kinds of faults, each drawn by itself, rare enough that most fetches succeed at last.

    What costs megabytes or is about the key strikes `few` times; where it `hangs`, so do requests that get no answer.
    Rules of a key are hit by its requests alone, in their order, so a run can be repeated.
    """
    rules: list[dict[str, Any]] = [
        {"kind": "timeout", "seconds": READ_TIMEOUT_S + 1, "skip": 150, "every": 400, "count": few if hangs else 0},
        {"kind": "huge_page", "bytes": 9_000_000, "skip": 100, "every": 300, "count": few},
        {"kind": "huge_page", "bytes": 5_000_000, "skip": 50, "every": 310, "count": few},
        {"kind": "out_of_credits", "skip": 200, "every": 350, "count": few},
        {"kind": "http", "status": 401, "skip": 220, "every": 350, "count": few},
        {"kind": "http", "status": 429, "retry_after": 1, "every": 500},
        {"kind": "http", "status": 500, "probability": 0.01},
        {"kind": "http", "status": 503, "probability": RATE},
    ]
    others = sorted(KINDS.keys() - {"http", *FEW})
    rules += [{"kind": kind, "probability": RATES.get(kind, RATE)} for kind in others]
    return [rule | {"key": key, "seconds": rule.get("seconds", 0.02)} for rule in rules]


def outage(since: datetime, until: datetime) -> dict[str, Any]:
    """The upstream is down for everybody."""
    return {"kind": "http", "status": 503, "since": since.isoformat(), "until": until.isoformat()}


@dataclass
class History:
    """What is ordered on top of the drawn world, from which moment on; a later order replaces all before it."""

    orders: list[tuple[datetime, Overrides]] = field(default_factory=list)

    def at(self, moment: datetime) -> Overrides:
        return [overrides for since, overrides in self.orders if since <= moment][-1]

    def moments(self) -> list[datetime]:
        return [since for since, _ in self.orders]


def draw_history(world: World, handles: Sequence[str], start: datetime, days: int, chance: random.Random) -> History:
    """Renames, accounts that turn private or are deleted, some of which come back, and posts that vanish and return."""
    middle = start + timedelta(days=days * 0.6)
    victims = chance.sample(list(handles), max(8, len(handles) // 3))
    many = len(victims) // 8

    def moment(until: float) -> float:
        return (start + timedelta(days=1 + chance.random() * (days * until - 1))).timestamp()

    renamed, private, deleted, gone = (victims[n * many : (n + 1) * many] for n in range(4))
    renames = [Rename(old, f"{old}_now", moment(0.8)) for old in renamed]
    hidden = [Change(handle, moment(0.4)) for handle in private]
    away = [Change(handle, moment(0.4)) for handle in deleted]
    posts = [change for handle in handles for change in _posts_that_go(world, handle, start, days, chance)]
    for_good = [Change(handle, moment(0.7)) for handle in gone]
    stay_private, stay_away = hidden[::2], away[::2]
    return History(
        [
            (start, Overrides(renames, hidden, away + for_good, posts)),
            (middle, Overrides(renames, stay_private, stay_away + for_good, posts)),
        ]
    )


def _posts_that_go(world: World, handle: str, start: datetime, days: int, chance: random.Random) -> list[PostChange]:
    """Of the newest posts of each account one vanishes, and every second such post returns."""
    creator = world.find(handle, start.timestamp())
    if creator is None or chance.random() < 0.5:
        return []
    newest = [plan for plan, _ in zip(world.posts(creator, start.timestamp()), range(25), strict=False)]
    if not newest:
        return []
    gone = start.timestamp() + chance.uniform(1, days * 0.7) * 86_400
    back = gone + chance.uniform(0.5, days * 0.3) * 86_400
    change = PostChange(str(chance.choice(newest).id), gone)
    return [PostChange(change.id, gone, back) if chance.random() < 0.5 else change]
