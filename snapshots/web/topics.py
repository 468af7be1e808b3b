"""Hashtags and sounds of a group's posts: what rises, who was first, and whether it goes with more views."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from snapshots.analytics.hashtags import HashtagRow, hashtags
from snapshots.analytics.metrics import METRICS
from snapshots.analytics.overview import Group
from snapshots.analytics.sounds import SoundRow, sounds
from snapshots.analytics.topics import ORDERS
from snapshots.web.export_links import export_links
from snapshots.web.overview import group_choices, read_group
from tikdash.errors import BadInput
from tikdash.ui.htmx import wants_piece, with_query
from tikdash.words import N_, gettext

ORDER_LABELS = {"rising": N_("Rising"), "posts": N_("Most used"), "views": N_("Most viewed"), "uplift": N_("Uplift")}
DEFAULT_ORDER = "rising"


@require_GET
def hashtag_list(request: Any) -> HttpResponse:
    """Hashtags; the address carries reason, tag and order."""
    return _page(request, gettext("Hashtags"), hashtags, _hashtag)


@require_GET
def sound_list(request: Any) -> HttpResponse:
    """Sounds; the address carries reason, tag and order."""
    return _page(request, gettext("Sounds"), sounds, _sound)


def _page(request: Any, title: str, read: Any, describe: Any) -> HttpResponse:
    group, error = read_group(request)
    order = request.GET.get("order") or DEFAULT_ORDER
    rows: list[Any] = []
    if order not in ORDERS:
        error = error or gettext("This list cannot be sorted by “{order}”. Choose one of: {choices}.").format(
            order=order[:40], choices=", ".join(ORDERS)
        )
    elif not error and group.members:
        try:
            rows = read(request.tenant.id, None if group.is_whole else group.ids, order=order)
        except BadInput as refused:
            error = str(refused)
    context = group_choices(request, group) | {
        "title": title,
        "group": group,
        "error": error,
        "order": order,
        "orders": [
            {"key": key, "label": gettext(label), "url": with_query(request, order=key), "active": key == order}
            for key, label in ORDER_LABELS.items()
        ],
        "export": export_links(
            "sounds_export" if read is sounds else "hashtags_export",
            {"reason": group.reason, "tag": group.tag, "order": order},
        ),
        "rows": [describe(row, group) for row in rows],
        "as_of": max((row.use.as_of for row in rows), default=None),
        "uplift": METRICS["uplift"],
        "is_sounds": read is sounds,
    }
    template = "snapshots/_topics.html" if wants_piece(request) else "snapshots/topics.html"
    return render(request, template, context, status=422 if error else 200)


def _hashtag(row: HashtagRow, group: Group) -> dict[str, Any]:
    return _topic(row, group, hashtag=row.name) | {
        "name": f"#{row.shown}",
        "below": "",
        "everywhere": row.view_count,
    }


def _sound(row: SoundRow, group: Group) -> dict[str, Any]:
    by = row.author or gettext("unknown artist")
    return _topic(row, group, sound=row.music_id) | {
        "name": row.title or gettext("Sound {music_id}").format(music_id=row.music_id),
        "below": f"{'original by' if row.original else 'by'} {by}",
        "everywhere": row.video_count,
        "artist_url": f"{reverse('posts')}?{urlencode({'artist': row.author})}" if row.author else "",
    }


def _topic(row: HashtagRow | SoundRow, group: Group, **wanted: str) -> dict[str, Any]:
    wanted |= {name: value for name, value in (("reason", group.reason), ("tag", group.tag)) if value}
    uplift = row.use.uplift
    return {
        "use": row.use,
        "counted_at": row.counted_at,
        "sure": uplift.low is not None and uplift.high is not None and (uplift.low > 0 or uplift.high < 0),
        "url": f"{reverse('posts')}?{urlencode(wanted)}",
    }
