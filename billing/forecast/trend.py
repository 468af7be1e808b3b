"""The trend: a level, a slope that fades, a factor for each weekday, and how far days stray from that.

Which span of the past is believed, and whether a slope is, is decided by what would have foreseen the last weeks best;
the longer span and the flat line win unless another is better by a tenth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from operator import mul
from statistics import fmean, median

from billing.forecast.series import DayOfUse, NoForecast, Range, Series, sound_series

#: Whole days with use before anything is foreseen at all.
FEWEST_DAYS = 3
#: Days before weekdays and slopes are told apart: two of each weekday.
FEWEST_FOR_PATTERN = 14
#: Spans of the past that are tried, days, the first preferred.
WINDOWS = (56, 28, 14, 7)
#: A choice must foresee better by this part to be taken in place of the one before it.
BETTER_BY = 0.1
#: Days that a trial foresees, and how many trials at most, one a day back from the newest.
TRIAL_DAYS, TRIALS = 7, 14
#: What a slope keeps of itself with every day ahead.
FADES = 0.985
#: Growth itself grows or ends: the part of a slope by which it may be wrong.
TURNS = 0.3
#: Four of five outcomes of a normal distribution lie within so many deviations.
DEVIATIONS = 1.2816
#: Weekday factors are drawn towards 1 as if so many days without a pattern had been seen.
DOUBT = 1.0
#: A single day counts as no more than so many deviations from its level.
FARTHEST = 3.0
#: … and a deviation is at least this part of the level, or the first other day after many alike would not count.
LEAST_DEVIATION = 0.25
#: Weight of a trial against that of the next newer one: what served yesterday counts more than what served before.
TRIAL_WEIGHT = 0.8
#: Four of five outcomes lie between the bounds: above either are as many trials as below.
MISSED_BEYOND = 0.9
#: The same weight, of what trials missed by; slower, because rare misses count too.
MISS_WEIGHT = 0.9
#: What misses on one side goes on: beyond the newest trials by as much again.
GOES_ON = 2.0
#: However alike the days were: work begins and ends, by so much of what is foreseen.
LEAST_MISS = 0.1


@dataclass(frozen=True)
class Pattern:
    """What was learnt from a history: `level` is what a usual day after `last_day` has, `slope` what the next day has
    more than it, `weekdays` seven factors from Monday on.

    `daily_error` is how far one day strays, `level_error` how far the level may be off, `slope_error` the same of the
    slope, all in credits. `misses` are what trials over the last weeks missed by, below and above what they foresaw, as
    parts of it; `one_sided` is 0 where they missed on both sides alike, and 1 where always on one.
    """

    level: float
    slope: float
    weekdays: tuple[float, ...]
    daily_error: float
    level_error: float
    slope_error: float
    last_day: date
    days_used: int
    outages: tuple[date, ...]
    window: int
    misses: tuple[float, float] = (0.0, 0.0)
    one_sided: float = 0.0

    def on(self, day: date) -> float:
        """What is expected of one day; never negative."""
        ahead = max(0, (day - self.last_day).days)
        risen = self.slope * (1 - FADES**ahead) / (1 - FADES)
        return max(0.0, (self.level + risen) * self.weekdays[day.weekday()])

    def between(self, first: date, last: date) -> Range:
        """What is expected of the days from `first` to `last`, both included; nothing of an empty span."""
        number = (last - first).days + 1
        if number <= 0:
            return Range(0.0, 0.0, 0.0)
        expected = math.fsum(self.on(first + timedelta(days=each)) for each in range(number))
        return self.around(expected, number, (last - self.last_day).days)

    def around(self, expected: float, days: float, ahead: int) -> Range:
        """A sum over `days` days of which the last is `ahead` days away, with its bounds."""
        # Whatever moves the level goes on moving it.
        drift = max(1.0, ahead / FEWEST_FOR_PATTERN) ** 2
        turns = self.slope_error * days * ahead / 2
        error = math.sqrt(days * self.daily_error**2 + (days * self.level_error) ** 2 * drift + turns**2)
        # What misses on both sides evens out over more days; what misses on one does not.
        lasting = self.one_sided * GOES_ON + (1 - self.one_sided) * math.sqrt(TRIAL_DAYS / max(days, TRIAL_DAYS))
        part = min(1.0, days / TRIAL_DAYS)
        below, above = (expected * part * max(LEAST_MISS, miss * lasting) for miss in self.misses)
        return Range(
            expected,
            max(0.0, expected - max(DEVIATIONS * error, below)),
            expected + max(DEVIATIONS * error, above),
        )


def learn(history: Sequence[DayOfUse]) -> Pattern | NoForecast:
    """The pattern of a history of whole days, in any order; gaps are days of which nothing is known.

    Days without use before the first use are no history. Raises ValueError for days that come twice and for negative
    ones.
    """
    if not history:
        return NoForecast("Nothing is known of the past days.")
    series = sound_series(history)
    last_day = max(each.day for each in history)
    if not series.days:
        # Known to be idle: that nothing will be spent is as sound as it gets.
        if len(history) < FEWEST_DAYS:
            return _too_few(len(history))
        return Pattern(0.0, 0.0, (1.0,) * 7, 0.0, 0.0, 0.0, last_day, len(history), (), len(history))
    if len(series.days) < FEWEST_DAYS:
        return _too_few(len(series.days))
    if len(series.days) < FEWEST_FOR_PATTERN:
        return _without_pattern(series, last_day)
    return _with_pattern(series, last_day)


def _too_few(days: int) -> NoForecast:
    return NoForecast(f"A forecast needs {FEWEST_DAYS} whole days with use; there are {days} so far.")


def _without_pattern(series: Series, last_day: date) -> Pattern:
    """A level alone, and bounds that are wide because little is known."""
    values = [each.credits for each in series.days]
    level, number = fmean(values), len(values)
    spread = math.sqrt(sum((value - level) ** 2 for value in values) / (number - 1))
    # Days that happen to be alike promise nothing about the first other one.
    daily = max(spread * (1 + 2 / number), 0.1 * level)
    return Pattern(
        level, 0.0, (1.0,) * 7, daily, max(daily / math.sqrt(number), 0.1 * level), 0.0, last_day, number,
        series.outages, number,
    )  # fmt: skip


def _with_pattern(series: Series, last_day: date) -> Pattern:
    candidates = [
        (window, sloped)
        for window in WINDOWS
        for sloped in (False, True)
        if window == WINDOWS[-1] or len(series.days) > window // 2
        if not (sloped and window < FEWEST_FOR_PATTERN)
    ]
    errors = _trial_errors(series.days, candidates)
    best = candidates[0]
    for candidate in candidates[1:]:
        if _mean_size(errors[candidate]) < (1 - BETTER_BY) * _mean_size(errors[best]):
            best = candidate
    fit = _fit(series.days, _weekday_factors(series.days), *best)
    tried = errors[best]
    of_sums = fmean([error**2 for error in tried]) if tried else 0.0
    from_trials = max(0.0, of_sums - TRIAL_DAYS * fit.error**2) / TRIAL_DAYS**2
    level_error = math.sqrt(max(from_trials, fit.error**2 / fit.number))
    behind = (last_day - series.days[-1].day).days
    return Pattern(
        level=max(0.0, fit.level + fit.slope * behind),
        slope=fit.slope,
        weekdays=fit.weekdays,
        daily_error=fit.error,
        level_error=level_error,
        slope_error=math.hypot(fit.slope_error, TURNS * fit.slope),
        last_day=last_day,
        days_used=len(series.days),
        outages=series.outages,
        window=best[0],
        misses=_misses(tried, series.days),
        one_sided=abs(math.fsum(tried)) / math.fsum(map(abs, tried)) if any(tried) else 0.0,
    )


def _misses(errors: Sequence[float], days: Sequence[DayOfUse]) -> tuple[float, float]:
    """How far below and above what was foreseen four of five trials came out, the newest counting most, as parts of it.

    Conformal: as if one more trial than there are had missed by more than all of them.
    """
    spent = [math.fsum(each.credits for each in days[len(days) - back :][:TRIAL_DAYS]) for back in _backs(len(days))]
    parts = [-error / foreseen for error, sum_of in zip(errors, spent, strict=True) if (foreseen := sum_of + error) > 0]
    return _beyond([-part for part in parts]), _beyond(parts)


def _beyond(parts: Sequence[float]) -> float:
    """What MISSED_BEYOND of the trials, with the newest first and one more that is unknown, did not go beyond."""
    weighted = sorted((part, MISS_WEIGHT**number) for number, part in enumerate(parts))
    wanted, seen = MISSED_BEYOND * (1 + sum(weight for _, weight in weighted)), 0.0
    for part, weight in weighted:
        seen += weight
        if seen >= wanted:
            return max(0.0, part)
    return max(0.0, weighted[-1][0]) if weighted else 0.0


@dataclass(frozen=True)
class _Fit:
    level: float
    slope: float
    weekdays: tuple[float, ...]
    error: float
    slope_error: float
    number: int


def _mean_size(errors: Sequence[float]) -> float:
    """Of errors with the newest first."""
    weights = [TRIAL_WEIGHT**number for number in range(len(errors))]
    return sum(map(mul, weights, map(abs, errors))) / sum(weights) if errors else 0.0


def _trial_errors(
    days: Sequence[DayOfUse], candidates: Sequence[tuple[int, bool]]
) -> dict[tuple[int, bool], list[float]]:
    """Foreseen less spent, of spans that are known by now, each foreseen from the days before it alone."""
    errors: dict[tuple[int, bool], list[float]] = {candidate: [] for candidate in candidates}
    for back in _backs(len(days)):
        known, coming = days[: len(days) - back], days[len(days) - back :][:TRIAL_DAYS]
        weekdays, spent = _weekday_factors(known), math.fsum(each.credits for each in coming)
        for candidate in candidates:
            fit = _fit(known, weekdays, *candidate)
            errors[candidate].append(math.fsum(_of(fit, known[-1].day, each.day) for each in coming) - spent)
    return errors


def _backs(number: int) -> range:
    """How many days each trial is back from the newest of so many."""
    return range(TRIAL_DAYS, min(TRIAL_DAYS + TRIALS, number - TRIAL_DAYS + 1))


def _of(fit: _Fit, last: date, day: date) -> float:
    risen = fit.slope * (1 - FADES ** (day - last).days) / (1 - FADES)
    return max(0.0, (fit.level + risen) * fit.weekdays[day.weekday()])


def _fit(days: Sequence[DayOfUse], weekdays: tuple[float, ...], window: int, sloped: bool) -> _Fit:
    """Level at the newest day, slope and deviation, from the last `window` days of `days`."""
    newest = days[-1].day
    recent = [each for each in days[-window:] if (newest - each.day).days < window]
    if len(recent) < FEWEST_DAYS:
        recent = list(days[-FEWEST_DAYS:])
    ages = [float((each.day - newest).days) for each in recent]
    factors = [max(weekdays[each.day.weekday()], 0.01) for each in recent]
    plain = _without_strays([each.credits / factor for each, factor in zip(recent, factors, strict=True)])
    # Weighted by the factors the level is sum by sum, so that a week of it comes to what a week has.
    weights, weight = factors, sum(factors)
    mean_age = sum(map(mul, weights, ages)) / weight
    mean = sum(map(mul, weights, plain)) / weight
    spread = sum(w * (age - mean_age) ** 2 for w, age in zip(weights, ages, strict=True))
    slope = 0.0
    if sloped and spread:
        both = zip(weights, ages, plain, strict=True)
        slope = sum(w * (age - mean_age) * (value - mean) for w, age, value in both) / spread
    level = mean - slope * mean_age
    residuals = [
        each.credits - (level + slope * age) * weekdays[each.day.weekday()]
        for each, age in zip(recent, ages, strict=True)
    ]
    freedom = max(1, len(recent) - 1 - sloped)
    error = math.sqrt(sum(residual**2 for residual in residuals) / freedom)
    slope_error = error / math.sqrt(spread) if spread else 0.0
    return _Fit(max(0.0, level), slope, weekdays, error, slope_error, len(recent))


def _weekday_factors(days: Sequence[DayOfUse]) -> tuple[float, ...]:
    """What each weekday has of the week around it, drawn towards 1 where few were seen; 1 each below two weeks."""
    days = days[-WINDOWS[0] :]
    if len(days) < FEWEST_FOR_PATTERN:
        return (1.0,) * 7
    values = {each.day: each.credits for each in days}
    found: list[list[float]] = [[] for _ in range(7)]
    for each in days:
        week = [values[near] for shift in range(-3, 4) if (near := each.day + timedelta(days=shift)) in values]
        if len(week) == 7 and (usual := fmean(week)) > 0:
            found[each.day.weekday()].append(each.credits / usual)
    factors = [(sum(_middle(ratios)) + DOUBT) / (len(_middle(ratios)) + DOUBT) for ratios in found]
    usual = fmean(factors)
    return tuple(factor / usual for factor in factors)


def _middle(ratios: list[float]) -> list[float]:
    """Without the farthest one on either side, where there are enough."""
    return sorted(ratios)[1:-1] if len(ratios) >= 5 else ratios


def _without_strays(values: list[float]) -> list[float]:
    """Values no farther from the middle than FARTHEST deviations."""
    middle = median(values)
    deviation = max(1.4826 * median([abs(value - middle) for value in values]), LEAST_DEVIATION * middle)
    return [min(max(value, middle - FARTHEST * deviation), middle + FARTHEST * deviation) for value in values]
