"""Which measured values can be trusted. Pure: a value, the last sound one before it, and the rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: From here on, a value that ends in zeros where the one before did not was rounded by the upstream.
ROUNDED_FROM = 10_000
ROUNDED_ZEROS = 100
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
    if value >= ROUNDED_FROM and value % ROUNDED_ZEROS == 0 and previous % ROUNDED_ZEROS and value != previous:
        return ROUNDED
    return OK


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
        suspect={name: state for name, state in states.items() if state not in USABLE},
        sound={name: value for name, value in values.items() if states[name] in USABLE and value is not None},
    )
