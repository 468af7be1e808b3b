"""When an account's posts do best, and how often it posts, by the clock of the one who looks."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.safestring import mark_safe

from snapshots.analytics.timing import BestTimes, Frequency, Slot, best_times, frequency
from snapshots.web import metric_words
from snapshots.web.export_links import export_links
from tikdash.ui import numbers
from tikdash.ui.columns import columns_svg
from tikdash.ui.styles import marked
from tikdash.words import N_, gettext, ngettext

DAYS = (
    N_("Monday"), N_("Tuesday"), N_("Wednesday"), N_("Thursday"), N_("Friday"), N_("Saturday"), N_("Sunday"),
)  # fmt: skip
#: From these multiples of the account's median on a cell is shown in the next deeper tone.
TONES = (0.5, 0.9, 1.1, 1.5, 2.0)


def timing_tab(request: Any, account_id: int) -> dict[str, Any]:
    """Hours of the week and weeks. The zone is the person's, else the workspace's. Raises NotFound."""
    zone = timezone.get_current_timezone_name()
    best = best_times(tenant_id=request.tenant.id, account_id=account_id, zone=zone)
    weekly = frequency(tenant_id=request.tenant.id, account_id=account_id, zone=zone)
    return {
        "zone": zone,
        "best": _best(best) | {"files": export_links("account_hours_export", {}, account_id=account_id)},
        "weekly": _weekly(weekly) | {"files": export_links("account_weeks_export", {}, account_id=account_id)},
    }


def _best(found: BestTimes) -> dict[str, Any]:
    return {
        "n": metric_words.counted(found.n, "post"),
        "has_posts": bool(found.n),
        "median": found.median,
        "as_of": found.as_of,
        "reason": found.reason,
        "hours": range(24),
        "rows": [
            {"day": gettext(DAYS[place]), "cells": [_cell(slot) for slot in row]}
            for place, row in enumerate(found.grid)
        ],
        "best": [{"when": _hour_of(slot), "times": _times(slot), "n": _posts(slot)} for slot in found.best],
    }


def _cell(slot: Slot) -> dict[str, str]:
    if slot.multiple is None:
        said = _posts(slot) if slot.n else gettext("no posts")
        return {"tone": "few" if slot.n else "none", "title": f"{_hour_of(slot)}: {said}", "text": said}
    tone = sum(slot.multiple >= limit for limit in TONES)
    said = f"{_times(slot)} · {_posts(slot)}"
    return {"tone": str(tone), "title": f"{_hour_of(slot)}: {said}", "text": said}


def _hour_of(slot: Slot) -> str:
    """`Tuesday, 18:00–19:00`."""
    return f"{gettext(DAYS[slot.weekday - 1])}, {slot.hour:02}:00–{(slot.hour + 1) % 24:02}:00"


def _times(slot: Slot) -> str:
    return metric_words.times(slot.multiple) if slot.multiple is not None else numbers.NONE


def _posts(slot: Slot) -> str:
    return metric_words.counted(slot.n, "post")


def _weekly(found: Frequency) -> dict[str, Any]:
    rows = [{"monday": week.monday, "posts": week.posts} for week in found.weeks]
    titles = [
        gettext("week of {day}: {posts}").format(
            day=numbers.day_and_month(week.monday),
            posts=gettext("not known") if week.posts is None else metric_words.counted(week.posts, "post"),
        )
        for week in found.weeks
    ]
    label = ngettext(
        "Posts a week over {n} week; the table has the numbers",
        "Posts a week over {n} weeks; the table has the numbers",
        len(rows),
    ).format(n=len(rows))
    svg = columns_svg([week.posts for week in found.weeks], titles, label)
    return {
        "svg": mark_safe(svg),  # noqa: S308  (made of numbers; titles and label are escaped)
        "mean": "" if found.mean is None else marked(f"{found.mean:,.1f}"),
        "n": metric_words.counted(found.n, "post"),
        "first": found.weeks[0].monday,
        "rows": rows[::-1],
        "as_of": found.as_of,
        "reason": found.reason,
    }
