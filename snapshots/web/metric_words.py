"""Values of metrics as people read them, and what stands behind each: definition, sample, time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from accounts.selectors import TenantRef
from snapshots.analytics.metrics import HEADLINES, Metric, Value, headline, metric
from tikdash.ui import numbers

Way = Literal["up", "down", "flat"]
#: Smaller changes of a median are told as none.
SMALLEST_RATIO = 0.005
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


@dataclass(frozen=True)
class Tip:
    """What the button beside a number opens. `sample` says of how much it is made, `more` what else is known."""

    metric: Metric
    sample: str
    as_of: datetime | None
    more: str = ""


@dataclass(frozen=True)
class Shown:
    """A number of a metric, short and in full; without one `text` is a dash and `reason` says why."""

    text: str
    exact: str
    reason: str


def shown(value: Value) -> Shown:
    """The value in the unit of its metric."""
    return Shown(in_unit(value.value, value.metric), in_full(value.value, value.metric), value.reason)


def in_unit(value: float | None, of: Metric) -> str:
    """`6.16 %`, `1.28 M`, `33×`, `4.7`; a dash for none."""
    if value is None:
        return numbers.NONE
    match of.unit:
        case "%":
            return numbers.percent(value)
        case "x":
            return times(value)
        case "per_week":
            return f"{value:,.1f}"
        case "ratio":
            return f"{value:,.2f}"
        case _:
            return numbers.short(value)


def in_full(value: float | None, of: Metric) -> str:
    """The number with all digits that mean something, for a title; empty for none."""
    if value is None:
        return ""
    if of.unit == "%":
        return f"{value * 100:.4f} %"
    return numbers.exact(value if float(value).is_integer() else round(value, 4))


def change_in_words(change: float | None, before: float | None, of: Metric) -> tuple[str, Way]:
    """A change as a person says it, and whether it is good: `−0.40 pt`, `+12.0 %`, `+0.7`, `steady`."""
    if change is None or before is None:
        return "", "flat"
    if of.unit == "%":
        points = round(change * 100, 2)
        return (f"{_sign(points)}{abs(points):.2f} pt", _way(points, of)) if points else ("steady", "flat")
    if of.unit == "count" and before:
        ratio = change / before
        if abs(ratio) < SMALLEST_RATIO:
            return "steady", "flat"
        return numbers.signed_percent(ratio), _way(ratio, of)
    rounded = round(change, 1)
    return (f"{_sign(rounded)}{abs(rounded):,.1f}", _way(rounded, of)) if rounded else ("steady", "flat")


def headline_of(tenant: TenantRef) -> Metric:
    """The engagement rate that the workspace leads with; the usual one where its choice is none any more."""
    return headline(tenant.headline_rate if tenant.headline_rate in HEADLINES else "")


def tip_of(metric_id: str, *, n: int, noun: str, as_of: datetime | None, more: str = "") -> Tip:
    """The definition of a metric with what this number of it is made of: `30 posts`."""
    return Tip(metric(metric_id), counted(n, noun), as_of, more)


def counted(n: int, noun: str) -> str:
    """`1 post`, `30 posts`."""
    return f"{numbers.exact(n)} {noun}{'' if n == 1 else 's'}"


def times(value: float) -> str:
    """A multiple: `33×`, `1.4×`."""
    return f"{value:,.0f}×" if value >= 10 else f"{value:,.1f}×"


def interval(low: float | None, high: float | None, *, signed: bool = False) -> str:
    """`12.4 % to 22.8 %`; empty where there is none."""
    if low is None or high is None:
        return ""
    say = numbers.signed_percent if signed else numbers.percent
    return f"{say(low)} to {say(high)}"


def every(seconds: int | None) -> str:
    """How often, in words: `every 30 min`, `every 6 h`, `every day`, `once`."""
    if seconds is None:
        return "once"
    for size, word in ((_DAY, "day"), (_HOUR, "hour")):
        if seconds == size:
            return f"every {word}"
    if seconds >= 2 * _DAY:
        return f"every {round(seconds / _DAY, 1):g} days"
    if seconds >= _HOUR:
        return f"every {round(seconds / _HOUR, 1):g} h"
    return f"every {max(1, round(seconds / _MINUTE))} min"


def _sign(value: float) -> str:
    return "+" if value > 0 else numbers.MINUS if value < 0 else ""


def _way(change: float, of: Metric) -> Way:
    if of.direction == "neither":
        return "flat"
    return "up" if (change > 0) == (of.direction == "more") else "down"
