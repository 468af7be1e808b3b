"""The card of one post, on its page and in the drawer over a list: its numbers, whether it broke out, its curve."""

from __future__ import annotations

from typing import Any

from django.utils.safestring import mark_safe

from snapshots.analytics.all_posts import one_post
from snapshots.analytics.breakout import Breakout, Curve, NotEnough, age_text, curve, of_post
from snapshots.analytics.curves import PostCurve, Usual, plays_at
from snapshots.analytics.metrics import POST_COLUMNS
from snapshots.analytics.one_post import values_of_post
from snapshots.web import metric_words
from snapshots.web.export_links import export_links
from tikdash.ui.curve import Band, curve_svg
from tikdash.words import gettext, ngettext


def card(tenant_id: int, post_id: int) -> dict[str, Any]:
    """The context of `_post_card.html`. Raises NotFound, also for a post of another tenant."""
    row = one_post(tenant_id=tenant_id, post_id=post_id)
    judged, drawn = of_post(post_id), curve(post_id)
    values = values_of_post(tenant_id=tenant_id, row=row, points=drawn.points)
    return {
        "row": row,
        "facts": [
            {
                "label": gettext(value.metric.short),
                "value": value.value if value.metric_id in POST_COLUMNS else None,
                "rate": None if value.metric_id in POST_COLUMNS else value,
                "tip": metric_words.tip_of(value.metric_id, n=value.n, noun="post", as_of=value.as_of),
            }
            for value in values.values()
        ],
        "one_post": metric_words.counted(1, "post"),
        "verdict": judged.reason if isinstance(judged, NotEnough) else judged.text,
        "is_breakout": isinstance(judged, Breakout),
        "usual": usual(drawn, against_posts_before(drawn.n)),
        "files": export_links("post_export", {}, post_id=post_id),
    }


def against_posts_before(n: int) -> str:
    """What a screen reader says of a post's curve."""
    said = ngettext(
        "Views of this post by age, against {n} post before it",
        "Views of this post by age, against {n} posts before it",
        n,
    )
    return said.format(n=n)


def usual(found: Curve, label: str) -> dict[str, Any]:
    """A curve as SVG and as rows of a table: age, usual views with their quartiles, the post's own."""
    bands = [Band(each.age, each.low, each.median, each.high) for each in found.usual if _is_known(each)]  # type: ignore[arg-type]
    own = PostCurve([age for age, _ in found.points], [plays for _, plays in found.points])
    return {
        "svg": mark_safe(curve_svg(found.points, bands, label)),  # noqa: S308  (made of numbers; the label is escaped)
        "rows": [
            {"age": age_text(each.age), "usual": each, "own": _whole(plays_at(own, each.age))}
            for each in found.usual
            if each.median is not None or plays_at(own, each.age) is not None
        ],
        "has_own": bool(found.points),
        "n": found.n,
        "as_of": found.as_of,
        "reason": found.reason,
    }


def _is_known(each: Usual) -> bool:
    return each.median is not None


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
