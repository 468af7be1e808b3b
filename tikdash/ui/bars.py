"""Bars over time as an SVG from the server; each bar is a link to what is behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from tikdash.ui.numbers import exact, short

WIDTH, HEIGHT = 640, 120
_LEFT, _BOTTOM, _TOP = 56, 22, 16


@dataclass(frozen=True)
class Bar:
    """One bar: what it is called, how high it is, and where it leads; `tone` is a class of the style sheet."""

    label: str
    value: int
    link: str = ""
    tone: str = ""


def bars_svg(bars: Sequence[Bar], label: str) -> str:
    """The SVG; `label` is what a screen reader says of the whole. Without bars the answer is empty.

    Colours come from the style sheet's classes: the content security policy drops style attributes.
    """
    if not bars:
        return ""
    most = max(1, *(bar.value for bar in bars))
    step = (WIDTH - _LEFT) / len(bars)
    room = HEIGHT - _TOP - _BOTTOM
    body = (
        f'<path class="bars-grid" d="M{_LEFT} {_TOP}H{WIDTH}M{_LEFT} {HEIGHT - _BOTTOM}H{WIDTH}"/>'
        f'<text x="{_LEFT - 6}" y="{_TOP + 4}" text-anchor="end">{short(most)}</text>'
        f'<text x="{_LEFT - 6}" y="{HEIGHT - _BOTTOM + 4}" text-anchor="end">0</text>'
        f'<text x="{_LEFT}" y="{HEIGHT - 3}">{escape(bars[0].label)}</text>'
        f'<text x="{WIDTH}" y="{HEIGHT - 3}" text-anchor="end">{escape(bars[-1].label)}</text>'
    )
    for place, bar in enumerate(bars):
        body += _bar(bar, round(_LEFT + place * step, 1), round(step, 1), round(bar.value / most * room, 1))
    return (
        f'<svg class="bars" viewBox="0 0 {WIDTH} {HEIGHT}" role="group" aria-label="{escape(label)}" '
        f'focusable="false">{body}</svg>'
    )


def _bar(bar: Bar, x: float, step: float, height: float) -> str:
    bottom = HEIGHT - _BOTTOM
    said = f"{escape(bar.label)}: {exact(bar.value)}"
    # The whole column can be pressed, however low its bar is.
    drawn = (
        f'<rect class="bars-column" x="{x}" y="{_TOP}" width="{step}" height="{bottom - _TOP}"/>'
        f'<rect class="bars-bar {escape(bar.tone)}" x="{round(x + step * 0.1, 1)}" y="{round(bottom - height, 1)}" '
        f'width="{round(step * 0.8, 1)}" height="{height}"/>'
    )
    if not bar.link:
        return f"<g><title>{said}</title>{drawn}</g>"
    return f'<a href="{escape(bar.link)}" aria-label="{said}"><title>{said}</title>{drawn}</a>'
