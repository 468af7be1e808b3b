"""Words as circles whose area is a number, laid out on the server: the same words always stand in the same places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import combinations
from math import hypot, sqrt

from tikdash.ui.numbers import exact, short
from tikdash.words import gettext

#: More are hard to tell apart, and stand in the table anyway.
MOST = 24
_LARGEST, _SMALLEST, _GAP = 78.0, 10.0, 2.0
#: The cluster is wider than high, as a screen is.
_WIDER = 2.2
_LETTER = 7.2


@dataclass(frozen=True)
class Circle:
    """A circle in the plane of the drawing."""

    x: float
    y: float
    r: float


@dataclass(frozen=True)
class Word:
    """What one circle says: its number `views`, its share of the largest from 0 to 1, and what it does to views."""

    text: str
    views: int
    posts: int
    size: float
    lifts: bool = False


def bubbles_svg(words: Sequence[Word], label: str) -> str:
    """The SVG of at most 24 words, the largest in the middle; empty without words. Colours come from classes."""
    shown = sorted(words, key=lambda word: -word.size)[:MOST]
    if not shown:
        return ""
    circles = pack([max(_SMALLEST, _LARGEST * sqrt(word.size)) for word in shown])
    left, top = min(c.x - c.r for c in circles) - 2, min(c.y - c.r for c in circles) - 2
    width = max(c.x + c.r for c in circles) + 2 - left
    height = max(c.y + c.r for c in circles) + 2 - top
    body = "".join(_bubble(word, circle) for word, circle in zip(shown, circles, strict=True))
    return (
        f'<svg class="bubbles" width="{width:.0f}" height="{height:.0f}"'
        f' viewBox="{left:.1f} {top:.1f} {width:.1f} {height:.1f}" role="img" aria-label="{escape(label)}"'
        f' focusable="false">{body}</svg>'
    )


def pack(radii: Sequence[float]) -> list[Circle]:
    """Circles of these radii that do not overlap, each as near to the middle as the ones before it leave room."""
    placed: list[Circle] = []
    for radius in radii:
        candidates = [Circle(0.0, 0.0, radius)] if not placed else list(_beside(placed, radius))
        candidates.sort(key=lambda each: (hypot(each.x / _WIDER, each.y), each.x, each.y))
        placed.append(next(each for each in candidates if _is_free(each, placed)))
    return placed


def _beside(placed: Sequence[Circle], radius: float) -> list[Circle]:
    """Where a circle touches one or two of the placed ones."""
    found = []
    for first in placed:
        reach = first.r + radius + _GAP
        found += [Circle(first.x + reach, first.y, radius), Circle(first.x - reach, first.y, radius)]
    for first, second in combinations(placed, 2):
        a, b = first.r + radius + _GAP, second.r + radius + _GAP
        dx, dy = second.x - first.x, second.y - first.y
        apart = hypot(dx, dy)
        if apart > a + b:
            continue
        along = (a * a - b * b + apart * apart) / (2 * apart)
        aside = sqrt(max(0.0, a * a - along * along))
        x, y = first.x + along * dx / apart, first.y + along * dy / apart
        for way in (1, -1):
            found.append(Circle(x - way * aside * dy / apart, y + way * aside * dx / apart, radius))
    return found


def _is_free(circle: Circle, placed: Sequence[Circle]) -> bool:
    return all(hypot(circle.x - each.x, circle.y - each.y) >= circle.r + each.r + _GAP - 0.01 for each in placed)


def _bubble(word: Word, circle: Circle) -> str:
    said = gettext("{text}: {views} views, {posts} posts").format(
        text=word.text, views=exact(word.views), posts=exact(word.posts)
    )
    text = ""
    room = int(2 * circle.r * 0.88 / _LETTER)
    if room >= 4:
        shown = word.text if len(word.text) <= room else f"{word.text[: room - 1]}…"
        text = f'<text x="{circle.x:.1f}" y="{circle.y + (1 if circle.r > 26 else 4):.1f}">{escape(shown)}</text>'
        if circle.r > 26:
            text += f'<text class="bubble-views" x="{circle.x:.1f}" y="{circle.y + 16:.1f}">{short(word.views)}</text>'
    kind = "bubble bubble-lifts" if word.lifts else "bubble"
    return (
        f'<g class="{kind}"><title>{escape(said)}</title>'
        f'<circle cx="{circle.x:.1f}" cy="{circle.y:.1f}" r="{circle.r:.1f}"/>{text}</g>'
    )
