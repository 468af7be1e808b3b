"""Values of metrics as people read them, and what stands behind each: definition, sample, time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from accounts.selectors import TenantRef
from snapshots.analytics.metrics import HEADLINES, Metric, Value, headline, metric
from tikdash.ui import numbers
from tikdash.ui.styles import NARROW_SPACE, marked
from tikdash.words import gettext, ngettext

Way = Literal["up", "down", "flat"]
#: Smaller changes of a median are told as none.
SMALLEST_RATIO = 0.005
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
Noun = Literal["post", "reading", "note", "day", "hashtag", "sound", "follower", "comment"]
NOUNS: dict[Noun, Callable[[int], str]] = {
    "post": lambda n: ngettext("{n} post", "{n} posts", n),
    "reading": lambda n: ngettext("{n} reading", "{n} readings", n),
    "note": lambda n: ngettext("{n} note", "{n} notes", n),
    "day": lambda n: ngettext("{n} day", "{n} days", n),
    "hashtag": lambda n: ngettext("{n} hashtag", "{n} hashtags", n),
    "sound": lambda n: ngettext("{n} sound", "{n} sounds", n),
    "follower": lambda n: ngettext("{n} follower", "{n} followers", n),
    "comment": lambda n: ngettext("{n} comment", "{n} comments", n),
}


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
            return marked(f"{value:,.1f}")
        case "ratio":
            # Small ratios keep what tells them apart.
            return marked(f"{value:,.2f}" if value >= 1 else f"{value:.3f}" if value >= 0.01 else f"{value:.2g}")
        case _:
            return numbers.short(value)


def in_full(value: float | None, of: Metric) -> str:
    """The number with all digits that mean something, for a title; empty for none."""
    if value is None:
        return ""
    if of.unit == "%":
        return marked(f"{value * 100:.4f}") + f"{NARROW_SPACE}%"
    return numbers.exact(value if float(value).is_integer() else round(value, 4))


def change_in_words(change: float | None, before: float | None, of: Metric) -> tuple[str, Way]:
    """A change as a person says it, and whether it is good: `−0.40 pt`, `+12.0 %`, `+0.7`, `steady`."""
    if change is None or before is None:
        return "", "flat"
    if of.unit == "%":
        points = round(change * 100, 2)
        if not points:
            return gettext("steady"), "flat"
        return gettext("{points} pt").format(points=_sign(points) + marked(f"{abs(points):.2f}")), _way(points, of)
    if of.unit == "count" and before:
        ratio = change / before
        if abs(ratio) < SMALLEST_RATIO:
            return gettext("steady"), "flat"
        return numbers.signed_percent(ratio), _way(ratio, of)
    rounded = round(change, 1)
    if not rounded:
        return gettext("steady"), "flat"
    return _sign(rounded) + marked(f"{abs(rounded):,.1f}"), _way(rounded, of)


def headline_of(tenant: TenantRef) -> Metric:
    """The engagement rate that the workspace leads with; the usual one where its choice is none any more."""
    return headline(tenant.headline_rate if tenant.headline_rate in HEADLINES else "")


def tip_of(metric_id: str, *, n: int, noun: Noun, as_of: datetime | None, more: str = "") -> Tip:
    """The definition of a metric with what this number of it is made of: `30 posts`."""
    return Tip(metric(metric_id), counted(n, noun), as_of, more)


def counted(n: int, noun: Noun) -> str:
    """`1 post`, `30 posts`."""
    return NOUNS[noun](n).format(n=numbers.exact(n))


def times(value: float) -> str:
    """A multiple: `33×`, `1.4×`."""
    return marked(f"{value:,.0f}" if value >= 10 else f"{value:,.1f}") + "×"


def interval(low: float | None, high: float | None, *, signed: bool = False) -> str:
    """`12.4 % to 22.8 %`; empty where there is none."""
    if low is None or high is None:
        return ""
    say = numbers.signed_percent if signed else numbers.percent
    return gettext("{low} to {high}").format(low=say(low), high=say(high))


def every(seconds: int | None) -> str:
    """How often, in words: `every 30 min`, `every 6 h`, `every day`, `once`."""
    if seconds is None:
        return gettext("once")
    if seconds == _DAY:
        return gettext("every day")
    if seconds == _HOUR:
        return gettext("every hour")
    if seconds >= 2 * _DAY:
        return gettext("every {n} days").format(n=marked(f"{round(seconds / _DAY, 1):g}"))
    if seconds >= _HOUR:
        return gettext("every {n} h").format(n=marked(f"{round(seconds / _HOUR, 1):g}"))
    return gettext("every {n} min").format(n=max(1, round(seconds / _MINUTE)))


def _sign(value: float) -> str:
    return "+" if value > 0 else numbers.MINUS if value < 0 else ""


def _way(change: float, of: Metric) -> Way:
    if of.direction == "neither":
        return "flat"
    return "up" if (change > 0) == (of.direction == "more") else "down"
