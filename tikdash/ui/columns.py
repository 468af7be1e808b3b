"""Counts by week as columns, as SVG from the server; the table beside it has the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT = 640, 120
_BOTTOM, _GAP = 2, 0.28


def columns_svg(values: Sequence[int | None], titles: Sequence[str], label: str) -> str:
    """A column each, the last one, which is not over yet, hatched in its class; None is a dashed foot.

    `titles` are what the pointer reads, `label` what a screen reader says. Without any number the answer is empty.
    """
    most = max((value for value in values if value is not None), default=0)
    if not most:
        return ""
    step = WIDTH / len(values)
    body = "".join(
        _column(value, most, place, step, title, is_last=place == len(values) - 1)
        for place, (value, title) in enumerate(zip(values, titles, strict=True))
    )
    return (
        f'<svg class="columns" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(label)}" focusable="false">{body}</svg>'
    )


def _column(value: int | None, most: int, place: int, step: float, title: str, *, is_last: bool) -> str:
    left, width = round(place * step + step * _GAP / 2, 1), round(step * (1 - _GAP), 1)
    told = f"<title>{escape(title)}</title>"
    if value is None:
        return f'<rect class="column-none" x="{left}" y="{HEIGHT - 3}" width="{width}" height="2">{told}</rect>'
    height = round(max(_BOTTOM, value / most * (HEIGHT - 4)), 1)
    kind = "column column-now" if is_last else "column"
    return (
        f'<rect class="{kind}" x="{left}" y="{round(HEIGHT - height, 1)}" width="{width}" height="{height}" rx="2">'
        f"{told}</rect>"
    )
