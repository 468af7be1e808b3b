"""How long a run is, and which one of all possible runs it is."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """`accounts` of the tenants that read often, daily, and daily in a schema of their own; `shared` of them all track.

    `few` is how often each key's rare faults strike; `kills` are of workers, and `creators` is how many accounts each
    tenant of that run has.
    """

    days: int
    accounts: tuple[int, int, int]
    shared: int
    few: int
    kills: int
    creators: int


SHORT = Size(days=21, accounts=(3, 14, 14), shared=2, few=1, kills=4, creators=8)
FULL = Size(days=90, accounts=(10, 145, 145), shared=5, few=5, kills=50, creators=40)


def size() -> Size:
    """The full length where SOAK=full is set, as `make soak` does."""
    return FULL if os.environ.get("SOAK") == "full" else SHORT


def seed() -> int:
    """The number from which everything is drawn: SOAK_SEED, or a new one."""
    return int(os.environ.get("SOAK_SEED") or random.SystemRandom().randrange(1, 1_000_000))
