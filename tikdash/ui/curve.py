"""Views by age: the usual ones of an account as a band with a line, one post's own beside it, as SVG from the server.

Ages run from an hour to thirty days in equal steps of their logarithm, because the first hours tell most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import log

from tikdash.ui.numbers import short

WIDTH, HEIGHT = 480, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 14, 30
_HOUR, _DAY = 3_600, 86_400
_FIRST, _LAST = _HOUR, 30 * _DAY
_TICKS = ((_HOUR, "1 h"), (6 * _HOUR, "6 h"), (_DAY, "1 d"), (3 * _DAY, "3 d"), (7 * _DAY, "7 d"), (_LAST, "30 d"))


@dataclass(frozen=True)
class Band:
    """Quartiles of views at an age in seconds."""

    age: int
    low: float
    middle: float
    high: float


def curve_svg(points: Sequence[tuple[int, int]], usual: Sequence[Band], label: str) -> str:
    """The SVG: `points` are ages and views of one post, maybe none; `label` is what a screen reader says.

    Colours come from the style sheet's classes. Without any number the answer is empty.
    """
    own = _thinned([(age, float(views)) for age, views in points if age <= _LAST * 1.25])
    most = max([views for _, views in own] + [band.high for band in usual], default=0.0)
    if not own and not usual:
        return ""
    top = _round_up(most)
    body = _grid(top) + _band(usual, top) + _line(own, top)
    return (
        f'<svg class="curve" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}" focusable="false">'
        f"{body}</svg>"
    )


def _thinned(points: list[tuple[int, float]], most: int = 120) -> list[tuple[int, float]]:
    step = max(1, -(-len(points) // most))
    return [point for place, point in enumerate(points) if place % step == 0 or place == len(points) - 1]


def _x(age: float) -> float:
    share = log(min(max(age, _FIRST), _LAST) / _FIRST) / log(_LAST / _FIRST)
    return round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1)


def _y(views: float, top: float) -> float:
    return round(HEIGHT - _BOTTOM - views / top * (HEIGHT - _TOP - _BOTTOM), 1)


def _round_up(most: float) -> float:
    """The next number that begins with 1, 2, 4, 5 or 8 and ends with zeros, so that halves and quarters are round."""
    if most <= 0:
        return 4.0
    size = 1.0
    while size * 10 <= most:
        size *= 10
    return next(size * times for times in (1, 2, 4, 5, 8, 10) if size * times >= most)


def _grid(top: float) -> str:
    lines = ""
    for quarter in range(0, 5, 2):
        y = _y(top * quarter / 4, top)
        lines += f'<path class="curve-grid" d="M{_LEFT} {y}H{WIDTH - _RIGHT}"/>'
        lines += f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{short(round(top * quarter / 4))}</text>'
    for age, words in _TICKS:
        anchor = "end" if age == _LAST else "middle"
        lines += f'<text x="{_x(age)}" y="{HEIGHT - 8}" text-anchor="{anchor}">{words}</text>'
    return lines


def _band(usual: Sequence[Band], top: float) -> str:
    if not usual:
        return ""
    upper = [f"{_x(band.age)} {_y(band.high, top)}" for band in usual]
    lower = [f"{_x(band.age)} {_y(band.low, top)}" for band in reversed(usual)]
    middle = [f"{_x(band.age)} {_y(band.middle, top)}" for band in usual]
    return (
        f'<path class="curve-band" d="M{"L".join(upper + lower)}Z"/><path class="curve-usual" d="M{"L".join(middle)}"/>'
    )


def _line(own: Sequence[tuple[int, float]], top: float) -> str:
    if not own:
        return ""
    path = "L".join(f"{_x(age)} {_y(views, top)}" for age, views in own)
    x, y = _x(own[-1][0]), _y(own[-1][1], top)
    return f'<path class="curve-own" d="M{path}"/><circle class="curve-now" cx="{x}" cy="{y}" r="4"/>'
