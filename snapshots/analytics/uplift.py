"""Do posts with something get more views than those without? Pure: no Django, no I/O."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import median

from tikdash.words import gettext

#: Fewer posts on either side say nothing about what is usual there.
FEWEST = 3
RESAMPLES = 1_000
_SIDE = int(RESAMPLES * 0.025)


@dataclass(frozen=True)
class Uplift:
    """`value` 0.51 means half as many views again; `low` and `high` bound it with 95 %.

    Without a value `reason` says why; otherwise it is empty.
    """

    value: float | None
    low: float | None
    high: float | None
    n_with: int
    n_without: int
    reason: str = ""


def uplift(with_: Sequence[float], without: Sequence[float]) -> Uplift:
    """median(with) / median(without) − 1 with its bootstrap interval (percentiles of `RESAMPLES` resamples).

    The same numbers always give the same interval. Without a value where either side has fewer than `FEWEST`, or where
    the median without is 0.
    """
    n_with, n_without = len(with_), len(without)
    if min(n_with, n_without) < FEWEST:
        reason = gettext(
            "Needs at least {fewest} posts with it and {fewest} without; there are {n_with} and {n_without}."
        ).format(fewest=FEWEST, n_with=n_with, n_without=n_without)
        return Uplift(None, None, None, n_with, n_without, reason)
    ours, others = sorted(with_), sorted(without)
    base = median(others)
    if base <= 0:
        return Uplift(
            None, None, None, n_with, n_without, gettext("The posts without it have no views to compare with.")
        )
    quotients = sorted(
        (ours[i] + ours[j]) / (others[k] + others[m])
        for (i, j), (k, m) in zip(_middles(n_with, "with"), _middles(n_without, "without"), strict=True)
        if others[k] + others[m] > 0
    )
    side = min(_SIDE, (len(quotients) - 1) // 2)
    return Uplift(median(ours) / base - 1, quotients[side] - 1, quotients[-1 - side] - 1, n_with, n_without)


@lru_cache(maxsize=512)
def _middles(n: int, stream: str) -> tuple[tuple[int, int], ...]:
    """The places of the two middle values (one where `n` is odd) in `RESAMPLES` resamples of `n` sorted values.

    A resample draws n places at random; the k-th smallest of n uniform draws has a beta distribution, so its middle can
    be drawn without drawing the rest. What is drawn depends on `n` only and is kept: a page has many rows.
    """
    draw = random.Random(f"{stream} {n}")  # noqa: S311  (chance, not a secret)
    lower = (n + 1) // 2
    found = []
    for _ in range(RESAMPLES):
        first = draw.betavariate(lower, n - lower + 1)
        # The next draw is the smallest of those that are left above the first one.
        second = first if n % 2 else 1 - (1 - first) * (1 - draw.betavariate(1, n - lower))
        found.append((min(int(first * n), n - 1), min(int(second * n), n - 1)))
    return tuple(found)
