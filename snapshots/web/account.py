"""One account: header with its refresh button, growth chart, posts."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import orjson
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from snapshots.analytics import accounts as analytics
from snapshots.analytics import growth
from snapshots.analytics import posts as post_analytics
from snapshots.selectors import awaits_first_posts, refresh_state
from snapshots.services.refresh import request_refresh
from snapshots.services.viewing import note_view
from tikdash.errors import BadInput, LimitReached
from tikdash.ui.htmx import wants_piece, with_query

RANGES = {30: "30 d", 90: "90 d", 365: "1 y"}
DEFAULT_DAYS, DEFAULT_METRIC = 90, "follower_count"
DRAWN = ("follower_count", "heart_count", "video_count")


@require_GET
def show(request: Any, account_id: int) -> HttpResponse:
    """The whole page; the address carries the chart's counter and range, and the order and position of the posts."""
    context = _header(account_id)
    context["chart"] = _chart(request, account_id)
    context["posts"] = _posts(request, account_id, context["account"].handle)
    return render(request, "snapshots/account.html", context)


@require_GET
def header(request: Any, account_id: int) -> HttpResponse:
    """The header alone: what the page asks for while a refresh runs."""
    context = _header(account_id)
    response = render(request, "snapshots/_account_header.html", context)
    if request.GET.get("was") == "pending" and not context["refresh"].pending:
        # The numbers are new: chart and posts fetch themselves again.
        response["HX-Trigger"] = "tikdash:refreshed"
    return response


@require_GET
def series(request: Any, account_id: int) -> HttpResponse:
    """The chart's numbers as JSON: columns, not objects."""
    shown = growth.series(account_id, request.GET.get("metric", DEFAULT_METRIC), _days(request))
    return HttpResponse(orjson.dumps(vars(shown) | {"by": "capture date"}), content_type="application/json")


@require_GET
def posts(request: Any, account_id: int) -> HttpResponse:
    """The posts alone, sorted and paged; without HTMX the whole page in the same state."""
    if not wants_piece(request):
        return redirect(f"{reverse('account', args=[account_id])}?{request.GET.urlencode()}#posts")
    handle = analytics.get_account(account_id).username
    return render(request, "snapshots/_posts_table.html", {"posts": _posts(request, account_id, handle)})


@require_POST
def refresh(request: Any, account_id: int) -> HttpResponse:
    """Asks for new numbers; the old ones stay until the new ones are there."""
    analytics.get_account(account_id)
    # At the limit the header says how long it takes until the next one.
    with suppress(LimitReached):
        request_refresh(tenant=request.tenant, account_id=account_id)
    if wants_piece(request):
        return render(request, "snapshots/_account_header.html", _header(account_id))
    return redirect("account", account_id)


@require_POST
def viewed(request: Any, account_id: int) -> HttpResponse:
    """Said by the page once somebody sees it (a browser that fetches it ahead does not say so): the header anew where
    that makes newer numbers due, nothing otherwise."""
    if not note_view(tenant=request.tenant, account_id=account_id):
        return HttpResponse(status=204)
    return render(request, "snapshots/_account_header.html", _header(account_id))


def _header(account_id: int) -> dict[str, Any]:
    return {
        "account": analytics.header(account_id),
        "tiles": analytics.tiles(account_id),
        "notes": analytics.notes(account_id),
        "refresh": refresh_state(account_id),
    }


def _days(request: Any) -> int:
    text = request.GET.get("days", str(DEFAULT_DAYS))
    if not text.isdecimal() or len(text) > 4:
        raise BadInput("The range is a number of days: 30, 90 or 365.")
    return int(text)


def _chart(request: Any, account_id: int) -> dict[str, Any]:
    metric, days = request.GET.get("metric", DEFAULT_METRIC), _days(request)
    # Another chart does not move the posts below it.
    place = {name: request.GET.get(name) for name in ("after", "before")}
    shown = growth.series(account_id, metric, days)
    series_url = reverse("account_series", args=[account_id])
    return {
        "label": shown.label,
        "by": "capture date",
        "series_url": f"{series_url}?metric={metric}&days={days}",
        "metrics": [
            {
                "key": key,
                "label": growth.COUNTERS[key],
                "url": with_query(request, metric=key, **place),
                "active": key == metric,
            }
            for key in DRAWN
        ],
        "ranges": [
            {"label": label, "url": with_query(request, days=length, **place), "active": length == days}
            for length, label in RANGES.items()
        ],
        "table": growth.as_table(shown),
    }


def _posts(request: Any, account_id: int, handle: str) -> dict[str, Any]:
    sort = request.GET.get("sort") or post_analytics.DEFAULT_SORT
    page = post_analytics.posts_page(
        tenant_id=request.tenant.id,
        account_id=account_id,
        handle=handle,
        sort=sort,
        after=request.GET.get("after", ""),
        before=request.GET.get("before", ""),
    )
    return {
        "rows": page.rows,
        "total": page.total,
        "awaited": not page.total and awaits_first_posts(account_id),
        "columns": [_column(request, column, sort) for column in post_analytics.COLUMNS.values()],
        "next_url": with_query(request, after=page.next_key, before=None) if page.next_key else None,
        "previous_url": with_query(request, before=page.previous_key, after=None) if page.previous_key else None,
        "shown_text": f"{len(page.rows)} of {page.total:,}",
    }


def _column(request: Any, column: post_analytics.Column, sort: str) -> dict[str, Any]:
    active, descending = sort.removeprefix("-") == column.key, sort.startswith("-")
    return {
        "key": column.key,
        "label": column.label,
        "numeric": column.numeric,
        "url": with_query(request, sort=column.key if active and descending else f"-{column.key}"),
        "active": active,
        "direction": "descending" if descending else "ascending",
    }
