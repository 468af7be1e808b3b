"""The growth chart of an account's page: a counter or its change a day, what happened beside it, and a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from django.urls import reverse

from snapshots.analytics import deltas, growth
from snapshots.analytics.breakout import Known
from snapshots.analytics.history import LONGEST_DAYS, Annotation, history
from snapshots.selectors import removed_notes
from snapshots.services.notes import latest_day
from snapshots.web import metric_words
from snapshots.web.export_links import export_links
from tikdash import clock
from tikdash.errors import BadInput
from tikdash.plans import limits_of
from tikdash.ui import numbers
from tikdash.ui.htmx import with_query
from tikdash.words import N_, gettext

LONGEST = 3_660
RANGES = (30, 90, 365, LONGEST)
DEFAULT_DAYS, DEFAULT_METRIC = 90, "follower_count"
DRAWN = ("follower_count", "heart_count", "video_count")
#: What is drawn, by its name in the address.
VIEWS = {"": N_("Total"), "change": N_("Change a day")}
KINDS = {
    "breakout": N_("breakout"),
    "vanished": N_("vanished"),
    "returned": N_("came back"),
    "renamed": N_("renamed"),
    "incident": N_("odd numbers"),
    "upstream": N_("outage"),
    "note": N_("note"),
}
#: What of a note stands on the chart itself.
WORDS_ON_CHART = 24
#: Notes that stand open below the chart; the others are folded.
NOTES_SHOWN = 5


def range_label(days: int) -> str:
    """`30 d`, `1 y`, or that it is all there is."""
    if days == LONGEST:
        return gettext("All")
    return gettext("1 y") if days == 365 else numbers.days(days)


def days_in(request: Any) -> int:
    """The range that the address asks for, in days. Raises BadInput for what is no number."""
    text = request.GET.get("days", str(DEFAULT_DAYS))
    if not text.isdecimal() or len(text) > 4:
        raise BadInput(gettext("The range is a number of days: 30, 90 or 365."))
    return limits_of(request.tenant).days_shown(int(text))


def ranges_of(request: Any, ranges: Sequence[int]) -> list[int]:
    """Those of these ranges that the workspace's plan shows, and the longest that it does."""
    shown = limits_of(request.tenant).days_shown
    return list(dict.fromkeys(shown(length) for length in ranges))


def chart(request: Any, account_id: int) -> dict[str, Any]:
    """The context of `_growth.html`. Raises BadInput for a counter, range or view that does not exist, and NotFound."""
    metric, days, view = request.GET.get("metric", DEFAULT_METRIC), days_in(request), view_in(request)
    found = deltas.deltas(account_id=account_id, metric=metric, days=days)
    label = gettext("{label}, change a day").format(label=found.label) if view else found.label
    query = f"metric={metric}&days={days}" + (f"&show={view}" if view else "")
    return {
        "label": label,
        "by": gettext("by capture date"),
        "series_url": f"{reverse('account_series', args=[account_id])}?{query}",
        "metrics": _choices(request, "metric", {key: growth.COUNTERS[key] for key in DRAWN}, metric),
        "views": _choices(request, "show", VIEWS, view),
        "ranges": _choices(
            request, "days", {length: range_label(length) for length in ranges_of(request, RANGES)}, days
        ),
        "table": found.days[::-1],
        "is_change": bool(view),
        "n": found.n,
        "days_read": sum(day.value is not None for day in found.days),
        "days_shown": len(found.days),
        "total": found.total,
        "as_of": found.as_of,
        "export": export_links("account_growth_export", {"days": days}, account_id=account_id),
    }


def series_json(request: Any, account_id: int) -> bytes:
    """The chart's numbers: columns, not objects; `kind` is `bar` for changes. Raises as `chart`."""
    metric, days = request.GET.get("metric", DEFAULT_METRIC), days_in(request)
    if not view_in(request):
        return orjson.dumps(vars(growth.series(account_id, metric, days)) | {"by": gettext("by capture date")})
    found = deltas.deltas(account_id=account_id, metric=metric, days=days)
    return orjson.dumps(
        {
            "metric": metric,
            "label": found.label,
            "days": days,
            "dates": [day.day.isoformat() for day in found.days],
            "values": [day.change for day in found.days],
            "by": gettext("by capture date"),
            "kind": "bar",
        }
    )


def view_in(request: Any) -> str:
    """What the address wants drawn. Raises BadInput."""
    view = str(request.GET.get("show", ""))
    if view not in VIEWS:
        raise BadInput(
            gettext("The chart cannot show “{view}”. Leave it out, or ask for “change”.").format(view=view[:40])
        )
    return view


def days_of_history(request: Any) -> int:
    """Of how many days it is told what happened. Raises BadInput."""
    return min(days_in(request), LONGEST_DAYS)


def happened(request: Any, account_id: int, known: Known | None = None) -> dict[str, Any]:
    """What happened in the chart's range, the newest first, and the marks of the chart; of at most a year."""
    notes = history(account_id, days_of_history(request), known)
    rows = [row_of(request, account_id, each) for each in reversed(notes)]
    return {
        "shown": rows[:NOTES_SHOWN],
        "folded": rows[NOTES_SHOWN:],
        "export": export_links("account_happened_export", {"days": days_in(request)}, account_id=account_id),
        "n": metric_words.counted(len(rows), "note"),
        "marks": orjson.dumps(
            [{"day": each.day.isoformat(), "kind": _mark(each), "text": each.text} for each in notes]
        ).decode(),
        "removed": [
            {"note": note, "undo_url": _address(request, "note_undo", account_id, note.id)}
            for note in removed_notes(account_id)
        ],
        "form": {"day": clock.today().isoformat(), "latest": latest_day(request.tenant).isoformat()},
        "write_url": _address(request, "notes", account_id),
    }


def row_of(request: Any, account_id: int, note: Annotation) -> dict[str, Any]:
    """A row of `_notes.html`: what happened, and where more of it is, or where it is changed."""
    row = {
        "day": note.day,
        "kind": note.kind,
        "word": gettext(KINDS[note.kind]),
        "text": note.text,
        "author": note.author,
    }
    if note.post_id is not None:
        row["url"] = with_query(request, tab="posts", post=note.post_id)
    if note.note_id is not None:
        row["edit_url"] = _address(request, "note", account_id, note.note_id)
        row["remove_url"] = _address(request, "note_remove", account_id, note.note_id)
    return row


def _mark(note: Annotation) -> str:
    if note.kind != "note":
        return gettext(KINDS[note.kind])
    return note.text if len(note.text) <= WORDS_ON_CHART else f"{note.text[: WORDS_ON_CHART - 1].rstrip()}…"


def _address(request: Any, name: str, *ids: int) -> str:
    """An address about a note; it carries the state of the page that it leads back to."""
    query = request.GET.urlencode()
    return reverse(name, args=ids) + (f"?{query}" if query else "")


def _choices(request: Any, name: str, choices: dict[Any, str], active: Any) -> list[dict[str, Any]]:
    return [
        {"key": key, "label": gettext(label), "url": with_query(request, **{name: key}), "active": key == active}
        for key, label in choices.items()
    ]
