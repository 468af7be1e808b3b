"""The posts of all accounts, and one post with its curve against what is usual for its account."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from snapshots.analytics.all_posts import COLUMNS, MEASURED, FoundPost, FoundPosts, find_posts
from snapshots.analytics.metrics import METRICS
from snapshots.analytics.overview import tags_of
from snapshots.services.downloads import video_links
from snapshots.web.export_links import export_links
from snapshots.web.overview import REASONS
from snapshots.web.post_card import card
from snapshots.web.post_filters import FilterForm, least_shown, read_form
from tikdash.errors import BadInput, NotFound, TikdashError
from tikdash.ui.htmx import wants_piece
from tikdash.words import gettext

#: Rows that a browser lays out, paints and leaves out together.
ROWS_A_BODY = 10


@require_GET
def index(request: Any) -> HttpResponse:
    """All posts as the form wants them; the address carries form, order, columns and position."""
    form = read_form(request.GET)
    found = None
    if form.wanted is not None:
        try:
            found = find_posts(
                tenant_id=request.tenant.id, wanted=form.wanted, sort=form.sort, after=form.values["after"]
            )
        except BadInput as error:
            form.errors["sort"] = str(error)
    context = _list(form, found)
    if wants_piece(request) and form.values["after"] and found is not None:
        return render(request, "snapshots/_all_posts_rows.html", context)
    context |= _around(request, form)
    return render(request, "snapshots/all_posts.html", context, status=422 if form.errors else 200)


@require_GET
def show(request: Any, post_id: int) -> HttpResponse:
    """One post: its numbers, whether it broke out, its curve. A piece to lay over a list, or a page."""
    over = wants_piece(request)
    context = card(request.tenant.id, post_id) | {"over": over}
    return render(request, "snapshots/_post_card.html" if over else "snapshots/post.html", context)


@require_POST
def video(request: Any, post_id: int) -> HttpResponse:
    """Fresh links to the post's video file, fetched now; they stand in this answer and nowhere else."""
    found: dict[str, Any] = {}
    try:
        found["video"] = video_links(tenant=request.tenant, post_id=post_id)
    except NotFound:
        raise
    except TikdashError as error:
        found["video_error"] = str(error)
    context = card(request.tenant.id, post_id) | found
    status = 422 if "video_error" in found else 200
    template = "snapshots/_post_video.html" if wants_piece(request) else "snapshots/post.html"
    response = render(request, template, context, status=status)
    response["Cache-Control"] = "no-store"
    return response


def _list(form: FilterForm, found: FoundPosts | None) -> dict[str, Any]:
    path = reverse("posts")
    next_key = found.next_key if found else None
    return {
        "form": form,
        "found": found,
        "bodies": _in_bodies(found.rows) if found else [],
        "columns": [_column(key) | _sorting(form, key, path) for key in form.columns],
        "next_url": form.address(path, after=next_key) if next_key else None,
        "first_url": form.address(path) if form.values["after"] else None,
    }


def _in_bodies(rows: list[FoundPost]) -> list[list[FoundPost]]:
    return [rows[begin : begin + ROWS_A_BODY] for begin in range(0, len(rows), ROWS_A_BODY)]


def _around(request: Any, form: FilterForm) -> dict[str, Any]:
    path = reverse("posts")
    return {
        "chips": form.chips(path),
        "files": export_links(
            "posts_export", {name: value for name, value in form.values.items() if name not in SHOWN}
        ),
        "reason_choices": [(key, gettext(label)) for key, label in REASONS.items()],
        "tags": tags_of(tenant_id=request.tenant.id),
        "all_columns": [_column(key) | {"shown": key in form.columns} for key in COLUMNS],
        "least": [
            {
                "name": f"min_{key}",
                "label": _at_least(key),
                "value": least_shown(form.values[f"min_{key}"]),
                "error": form.errors.get(f"min_{key}", ""),
            }
            for key in MEASURED
        ],
        "definitions": [METRICS[column.metric_id] for column in COLUMNS.values() if column.metric_id],
        "more_open": any(form.values[name] or form.errors.get(name) for name in _MORE),
    }


#: What an export does not ask for: it has all columns and all rows.
SHOWN = {"columns", "after"}
_MORE = (
    "hashtag", "sound", "artist", "mentions", "tag", "reason", "kind", "from", "to",
    *(f"min_{key}" for key in MEASURED),
)  # fmt: skip


def _at_least(key: str) -> str:
    label = gettext("{column}, %, at least") if key == "er" else gettext("{column}, at least")
    return label.format(column=gettext(COLUMNS[key].label))


def _column(key: str) -> dict[str, Any]:
    column = COLUMNS[key]
    metric = METRICS.get(column.metric_id)
    return {
        "key": key,
        "label": gettext(column.label),
        "numeric": key != "posted_at",
        "percent": column.type == "float8",
        "definition": f"{gettext(metric.name)}: {gettext(metric.formula)}" if metric else "",
    }


def _sorting(form: FilterForm, key: str, path: str) -> dict[str, Any]:
    active, descending = form.sort.removeprefix("-") == key, form.sort.startswith("-")
    return {
        "url": form.address(path, sort=key if active and descending else f"-{key}"),
        "active": active,
        "direction": "descending" if descending else "ascending",
    }
