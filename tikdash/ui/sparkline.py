"""A line of thirty days small enough for a table cell, drawn as SVG on the server."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise

from tikdash.ui.numbers import exact
from tikdash.words import ngettext

Point = tuple[float, float]
_MARGIN = 3.0


def sparkline_svg(values: Sequence[int | None], *, width: int = 108, height: int = 28, label: str | None = None) -> str:
    """An SVG element that draws the values from left to right, one step each, `None` being a gap.

    Runs of values are solid lines, a gap between two runs is dashed, the newest value is a dot. Colours come
    from `currentColor` and the style sheet's classes; there is no style attribute, which the content security
    policy would drop. Without any value the SVG is an empty line. `label` is what a screen reader says.
    """
    runs = _runs(_points(values, width, height))
    spoken = escape(label if label is not None else _words(values))
    body = "".join(_run(run) for run in runs) + _gaps(runs) + _newest(runs)
    if not runs:
        body = f'<path class="spark-gap" d="M0 {height / 2:g}H{width}" {_DASHED}/>'
    return (
        f'<svg class="spark" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-label="{spoken}" focusable="false">{body}</svg>'
    )


_SOLID = 'fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round" stroke-linecap="round"'
_DASHED = 'fill="none" stroke="currentColor" stroke-width="1" stroke-dasharray="2 3"'


def _points(values: Sequence[int | None], width: int, height: int) -> list[Point | None]:
    known = [value for value in values if value is not None]
    if not known:
        return []
    low, span = min(known), max(known) - min(known)
    step = (width - 2 * _MARGIN) / max(len(values) - 1, 1)
    room = height - 2 * _MARGIN

    def point(index: int, value: int) -> Point:
        share = (value - low) / span if span else 0.5
        return round(_MARGIN + index * step, 1), round(height - _MARGIN - share * room, 1)

    return [None if value is None else point(index, value) for index, value in enumerate(values)]


def _runs(points: Sequence[Point | None]) -> list[list[Point]]:
    runs: list[list[Point]] = []
    previous: Point | None = None
    for point in points:
        if point is not None:
            if previous is None:
                runs.append([])
            runs[-1].append(point)
        previous = point
    return runs


def _path(points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)


def _run(run: Sequence[Point]) -> str:
    if len(run) == 1:
        return f'<circle cx="{run[0][0]:g}" cy="{run[0][1]:g}" r="1" fill="currentColor"/>'
    return f'<path d="{_path(run)}" {_SOLID}/>'


def _gaps(runs: Sequence[Sequence[Point]]) -> str:
    bridges = [_path([left[-1], right[0]]) for left, right in pairwise(runs)]
    return "".join(f'<path class="spark-gap" d="{bridge}" {_DASHED}/>' for bridge in bridges)


def _newest(runs: Sequence[Sequence[Point]]) -> str:
    if not runs:
        return ""
    x, y = runs[-1][-1]
    return f'<circle class="spark-now" cx="{x:g}" cy="{y:g}" r="2.25" fill="currentColor"/>'


def _words(values: Sequence[int | None]) -> str:
    known = [value for value in values if value is not None]
    n = len(values)
    if not known:
        return ngettext("{n} day, no numbers", "{n} days, no numbers", n).format(n=n)
    line = ngettext("{n} day, from {first} to {last}", "{n} days, from {first} to {last}", n)
    spoken = line.format(n=n, first=exact(known[0]), last=exact(known[-1]))
    missing = n - len(known)
    if not missing:
        return spoken
    return spoken + ngettext(", {n} without a number", ", {n} without a number", missing).format(n=missing)
