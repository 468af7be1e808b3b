"""Which measured values can be trusted. Pure: a value, the last sound one before it, and the rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: The upstream rounds as TikTok's pages do: 207.9 K to hundreds, 1.4 M to hundred thousands. (From, multiple of.)
ROUNDED_SIZES = ((1_000_000_000, 100_000_000), (1_000_000, 100_000), (10_000, 100))
ZEROED_ABOVE = 100
#: The share by which a cumulative counter may fall before the fall is taken for an error.
LARGEST_FALL = 0.01

OK, MISSING, ZEROED, NEGATIVE, ROUNDED, REGRESSED = "ok", "missing", "zeroed", "negative", "rounded", "regressed"
#: From the mildest to the worst; a row carries its worst counter's state. The numbers are stored.
STATES = {OK: 0, ROUNDED: 4, REGRESSED: 5, MISSING: 1, ZEROED: 2, NEGATIVE: 3}
_SEVERITY = {name: place for place, name in enumerate(STATES)}
#: Still good enough to be shown as a value.
USABLE = frozenset({OK, ROUNDED})


@dataclass(frozen=True)
class Judgement:
    """`state` is the row's worst state as stored, `suspect` maps counters that are not ok to their state, `sound`
    holds the values that may become the newest ones of account or post."""

    state: int
    suspect: dict[str, str]
    sound: dict[str, int]


def judge_value(value: int | None, previous: int | None, *, cumulative: bool) -> str:
    """The state of one value; `previous` is the last sound value, None when there was none."""
    if value is None:
        return MISSING
    if value < 0:
        return NEGATIVE
    if value == 0 and previous is not None and previous > ZEROED_ABOVE:
        return ZEROED
    if previous is None:
        return OK
    if cumulative and value < previous * (1 - LARGEST_FALL):
        return REGRESSED
    return ROUNDED if _rounded(value) and not _rounded(previous) else OK


def judge(
    values: Mapping[str, int | None], previous: Mapping[str, int | None], cumulative: frozenset[str]
) -> Judgement:
    """The states of all counters of one row."""
    states = {
        name: judge_value(value, previous.get(name), cumulative=name in cumulative) for name, value in values.items()
    }
    worst = max(states.values(), key=_SEVERITY.__getitem__, default=OK)
    return Judgement(
        state=STATES[worst],
        suspect={name: state for name, state in states.items() if state != OK},
        sound={name: value for name, value in values.items() if states[name] in USABLE and value is not None},
    )


def _rounded(value: int) -> bool:
    """True where `value` ends in the zeros of a rounded number of its size."""
    return next((value % multiple == 0 for least, multiple in ROUNDED_SIZES if value >= least), False)
