"""Plays of posts by age, and whether one runs ahead of the others. Pure: no Django, no I/O.

Ages are seconds since the post was made. The rule is that of `metrics.md`: a post is compared with the account's own
posts at the same age.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

HOUR, DAY = 3_600, 86_400
AGES = (1 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR, 48 * HOUR, 3 * DAY, 7 * DAY, 14 * DAY, 30 * DAY)
OLDEST_AGE = AGES[-1]
#: A post has a value at an age if it was read within this share of the age.
TOLERANCE = 0.25
FEWEST_REFERENCES = 8
LEVELS = (3, 5, 10, 25)
FEWEST_PLAYS = 1_000
#: Of the second rule: how many times the plays of the first day a post has after two.
LATE_TIMES = 5.0


@dataclass(frozen=True)
class PostCurve:
    """Sound readings of one post, by age; both lists have one length, and ages rise."""

    ages: Sequence[int]
    plays: Sequence[int]


@dataclass(frozen=True)
class Usual:
    """What reference posts had at an age: quartiles of their plays, None where fewer than `FEWEST_REFERENCES` tell."""

    age: int
    low: float | None
    median: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class AtAge:
    """A post at one age: its plays are `multiple` times the median of `n` reference posts at that age."""

    age: int
    plays: int
    usual: float
    multiple: float
    n: int


@dataclass(frozen=True)
class Run:
    """How a post has run. `best` is where it was furthest ahead, with at least `FEWEST_PLAYS` plays.

    `level` is the highest of `LEVELS` that it has reached, 0 below; `first` is where it reached the lowest. `late` is
    plays at 48 h over plays at 24 h where both are known. `n` is the most references at any age that it has reached.
    """

    level: int
    best: AtAge | None
    first: AtAge | None
    newest: AtAge | None
    late: float | None
    n: int


NO_CURVE = PostCurve((), ())


def plays_at(curve: PostCurve, age: float) -> float | None:
    """The post's plays at `age`, None unless it was read within `TOLERANCE` of it.

    Between two readings they are interpolated; before the first and behind the last one the value of that one counts.
    """
    ages, plays = curve.ages, curve.plays
    # A list of breakouts asks this a hundred thousand times: no list and no call more than it takes.
    after, near = bisect_left(ages, age), age * TOLERANCE
    if after == len(ages):
        return float(plays[-1]) if after and age - ages[-1] <= near else None
    later = ages[after]
    if after == 0:
        return float(plays[0]) if later - age <= near else None
    earlier = ages[after - 1]
    if age - earlier > near and later - age > near:
        return None
    before = plays[after - 1]
    return before + (plays[after] - before) * ((age - earlier) / (later - earlier))


def usual_at(references: Iterable[PostCurve], age: float) -> Usual:
    """Quartiles of what the reference posts had at `age`."""
    values = [value for curve in references if (value := plays_at(curve, age)) is not None]
    if len(values) < FEWEST_REFERENCES:
        return Usual(int(age), None, None, None, len(values))
    low, middle, high = quantiles(values, n=4, method="inclusive")
    return Usual(int(age), low, middle, high, len(values))


def run_of(curve: PostCurve, references: Sequence[PostCurve]) -> Run:
    """How a post has run against its references: at its own readings nearest to `AGES`, and where it stands now.

    Readings behind `OLDEST_AGE` are left out: by then what is usual is older than the account's present reach.
    """
    compared, most = [], 0
    ages = _ages_to_compare(curve)
    for age, plays in ages.items():
        point, n = _compare(age, plays, references)
        most = max(most, n)
        if point is not None:
            compared.append(point)
    loud = [point for point in compared if point.plays >= FEWEST_PLAYS]
    best = max(loud, key=lambda point: point.multiple, default=None)
    return Run(
        level=max((level for level in LEVELS if best and best.multiple >= level), default=0),
        best=best,
        first=next((point for point in loud if point.multiple >= LEVELS[0]), None),
        newest=next((point for point in compared if point.age == max(ages)), None),
        late=_late(curve),
        n=most,
    )


def _ages_to_compare(curve: PostCurve) -> dict[int, int]:
    """Plays by age of the post's own readings that are compared, so that nothing of it is guessed; the ages rise."""
    young = bisect_right(curve.ages, OLDEST_AGE)
    places = {young - 1} if young else set()
    for age in AGES:
        place = bisect_left(curve.ages, age, hi=young)
        near = min(
            range(max(place - 1, 0), min(place + 1, young)), key=lambda at: abs(curve.ages[at] - age), default=-1
        )
        if near >= 0 and abs(curve.ages[near] - age) <= age * TOLERANCE:
            places.add(near)
    return {curve.ages[place]: curve.plays[place] for place in sorted(places)}


def _compare(age: int, plays: int, references: Sequence[PostCurve]) -> tuple[AtAge | None, int]:
    values = [value for each in references if (value := plays_at(each, age)) is not None]
    if len(values) < FEWEST_REFERENCES:
        return None, len(values)
    middle = median(values)
    # Posts that had no plays at all at this age are no measure of what is usual.
    return (AtAge(age, plays, middle, plays / middle, len(values)) if middle > 0 else None), len(values)


def _late(curve: PostCurve) -> float | None:
    first_day, two_days = plays_at(curve, DAY), plays_at(curve, 2 * DAY)
    return two_days / first_day if first_day and two_days is not None else None
