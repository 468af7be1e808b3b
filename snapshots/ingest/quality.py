"""Which measured values can be trusted. Pure: a value, what was measured before it, and the rules.

A first look (`judge`) needs the last sound value only. What it doubts (`doubts`) gets a second look with the rows of
the last weeks (`judge_with_past`): is the change of a day far outside of what is usual, and does the value agree with
one that was kept aside before?
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import fmean, median

#: The upstream rounds as TikTok's pages do: 207.9 K to hundreds, 1.4 M to hundred thousands. (From, multiple of.)
ROUNDED_SIZES = ((1_000_000_000, 100_000_000), (1_000_000, 100_000), (10_000, 100))
ZEROED_ABOVE = 100
#: The share by which a cumulative counter may fall before the fall is taken for an error.
LARGEST_FALL = 0.01

OK, MISSING, ZEROED, NEGATIVE, ROUNDED, REGRESSED = "ok", "missing", "zeroed", "negative", "rounded", "regressed"
SPIKE, REJECTED = "spike", "rejected"
#: From the mildest to the worst; a row carries its worst counter's state. The numbers are stored.
STATES = {OK: 0, ROUNDED: 4, SPIKE: 6, REGRESSED: 5, MISSING: 1, ZEROED: 2, NEGATIVE: 3, REJECTED: 7}
_SEVERITY = {name: place for place, name in enumerate(STATES)}
#: Still good enough to be shown as a value.
USABLE = frozenset({OK, ROUNDED})

#: Days of which the daily changes are compared, and how many changes that takes.
PAST_DAYS = 28
FEWEST_DELTAS = 7
SPIKE_ABOVE = 8.0
#: A change that is no larger than one of so many last ones is no spike: a surge that was confirmed goes on for days.
SURGE_DELTAS = 7
#: What clears itself, and for how long the upstream must keep saying so: an answer may be repeated from a cache for
#: ten minutes, and an upstream that answers zeros does so for days. What is below zero or missing never becomes true.
CLEARED_AFTER = {SPIKE: timedelta(minutes=10), REGRESSED: timedelta(minutes=10), ZEROED: timedelta(days=3)}
_NEAR = 0.01


@dataclass(frozen=True)
class Jump:
    """How large a change must be in itself to be looked at: `least`, and `share` of the smaller of the two values."""

    least: int
    share: float

    def is_large(self, value: int, previous: int) -> bool:
        change = abs(value - previous)
        return change >= self.least and change >= self.share * min(value, previous)


#: Followers and hearts move by shares of a percent a day.
ACCOUNT_JUMP = Jump(100, 0.01)
#: A post that suddenly does well is what people want to see at once; only a change of the order of magnitude is odd.
POST_JUMP = Jump(10_000, 9.0)


@dataclass(frozen=True)
class Judgement:
    """`state` is the row's worst state as stored, `suspect` maps counters that are not ok to their state, `sound`
    holds the values that may become the newest ones of account or post. `cleared` names values of days before that
    this row has shown to be true: (day, counter)."""

    state: int
    suspect: dict[str, str]
    sound: dict[str, int]
    cleared: list[tuple[date, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Measured:
    """What was stored of one day: the values last read on it, when, and which of them are suspect."""

    day: date
    at: datetime
    values: Mapping[str, int | None]
    suspect: Mapping[str, str]


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
    # Whatever its size, a rounded number ends in two zeros; most numbers do not.
    return ROUNDED if value % 100 == 0 and _rounded(value) and not _rounded(previous) else OK


def judge(
    values: Mapping[str, int | None], previous: Mapping[str, int | None], cumulative: frozenset[str]
) -> Judgement:
    """The states of all counters of one row."""
    suspect, sound = {}, {}
    for name, value in values.items():
        state = judge_value(value, previous.get(name), cumulative=name in cumulative)
        if state != OK:
            suspect[name] = state
        if state in USABLE and value is not None:
            sound[name] = value
    return Judgement(state_of(suspect), suspect, sound)


def doubts(values: Mapping[str, int | None], previous: Mapping[str, int | None], first: Judgement, jump: Jump) -> bool:
    """True where the past may change the judgement `first` of `values`."""
    for name, value in values.items():
        before = previous.get(name)
        if before is None or value is None:
            continue
        state = first.suspect.get(name, OK)
        if state in CLEARED_AFTER or (
            abs(value - before) >= jump.least and state in USABLE and jump.is_large(value, before)
        ):
            return True
    return False


def judge_with_past(
    values: Mapping[str, int | None],
    previous: Mapping[str, int | None],
    first: Judgement,
    *,
    jump: Jump,
    past: Sequence[Measured],
    at: datetime,
) -> Judgement:
    """The judgement `first`, looked at again with the rows of the last `PAST_DAYS` days, the oldest first.

    `at` is when `values` were measured. A row of the same day is the reading before this one.
    """
    states, cleared = {}, []
    for name, value in values.items():
        states[name], before = first.suspect.get(name, OK), previous.get(name)
        if value is None or before is None:
            continue
        large = states[name] in USABLE and jump.is_large(value, before)
        if large and _is_spike(name, value, before, past, at):
            states[name] = SPIKE
        if not large and states[name] not in CLEARED_AFTER:
            continue
        run = list(_agreeing(name, value, before, past, at))
        if any(row.suspect[name] == REJECTED for row in run):
            states[name] = REJECTED
        elif run and at - run[-1].at >= CLEARED_AFTER.get(states[name], timedelta()):
            states[name] = ROUNDED if first.suspect.get(name) == ROUNDED else OK
            cleared += [(row.day, name) for row in run]
    return _judgement(values, states, cleared)


def agrees(value: int, suspect: int, before: int) -> bool:
    """True where `value` says the same as `suspect`, which was kept aside because it was so far from `before`.

    At least half of the way is kept, and the same way is not gone once more: after 10,000, a suspect 14,000 is backed
    by all from 12,000 to 18,000.
    """
    way = suspect - before
    least, most = sorted((before + way / 2, suspect + way))
    return least <= value <= most or abs(value - suspect) <= _NEAR * abs(suspect)


def robust_z(delta: float, deltas: Sequence[float]) -> float:
    """How far `delta` lies from the median of `deltas`, in robust standard deviations: 1.4826 × MAD.

    Where more than half of the deltas are equal, the MAD is 0 and 1.2533 × the mean deviation takes its place
    (Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993); where all are equal, 1.
    """
    middle = median(deltas)
    deviations = [abs(each - middle) for each in deltas]
    scale = 1.4826 * median(deviations) or 1.2533 * fmean(deviations) or 1.0
    return abs(delta - middle) / scale


def state_of(suspect: Mapping[str, str]) -> int:
    """The stored state of a row with these suspect counters."""
    return STATES[max(suspect.values(), key=_SEVERITY.__getitem__)] if suspect else STATES[OK]


def _judgement(
    values: Mapping[str, int | None], states: Mapping[str, str], cleared: list[tuple[date, str]] | None = None
) -> Judgement:
    suspect = {name: state for name, state in states.items() if state != OK}
    return Judgement(
        state=state_of(suspect),
        suspect=suspect,
        sound={name: value for name, value in values.items() if states[name] in USABLE and value is not None},
        cleared=cleared or [],
    )


def _is_spike(name: str, value: int, previous: int, past: Sequence[Measured], at: datetime) -> bool:
    """True where the change since the last sound value, per day, is far outside of what it was in the weeks before."""
    sound = [(row.day, each) for row in past if (each := _sound(row, name)) is not None]
    deltas = [(b - a) / (later - day).days for (day, a), (later, b) in pairwise(sound)]
    if len(deltas) < FEWEST_DELTAS:
        return False
    delta = (value - previous) / max((at.astimezone(UTC).date() - sound[-1][0]).days, 1)
    if any(each * delta > 0 and abs(each) >= abs(delta) for each in deltas[-SURGE_DELTAS:]):
        return False
    return robust_z(delta, deltas) > SPIKE_ABOVE


def _agreeing(name: str, value: int, previous: int, past: Sequence[Measured], at: datetime) -> Iterator[Measured]:
    """The suspect rows right before `at` that say the same as `value`, the newest first."""
    for row in reversed(past):
        state, then = row.suspect.get(name, OK), row.values.get(name)
        if state in (MISSING, NEGATIVE) or (row.at >= at and state != REJECTED):
            # These say nothing, and the same answer once more backs nothing; but what ops said of it still holds.
            continue
        if then is None or state in USABLE or (then == 0) != (value == 0) or not agrees(value, then, previous):
            return
        yield row


def _sound(row: Measured, name: str) -> int | None:
    return row.values.get(name) if row.suspect.get(name, OK) in USABLE else None


def _rounded(value: int) -> bool:
    """True where `value` ends in the zeros of a rounded number of its size."""
    return next((value % multiple == 0 for least, multiple in ROUNDED_SIZES if value >= least), False)
