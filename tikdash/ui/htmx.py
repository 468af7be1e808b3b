"""Telling HTMX's requests for a piece of a page from requests for the page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse


def wants_piece(request: Any) -> bool:
    """True where HTMX will put the answer into the page that is open; a boosted link wants the whole page."""
    return bool(request.htmx) and not request.htmx.boosted and not request.htmx.history_restore_request


def with_query(request: HttpRequest, **changes: str | int | None) -> str:
    """The address of this page with some of its query changed; None and an empty text take a name away.

    Page positions go whenever anything else changes, because they belong to one order of one list.
    """
    query = {name: value for name, value in request.GET.items() if value}
    if not {"after", "before", "page"} & changes.keys():
        for position in ("after", "before", "page"):
            query.pop(position, None)
    for name, value in changes.items():
        query.pop(name, None)
        if value not in (None, ""):
            query[name] = str(value)
    return f"{request.path}?{urlencode(query)}" if query else request.path


def go_to(url: str) -> HttpResponse:
    """Makes HTMX load another page."""
    response = HttpResponse(status=200)
    response["HX-Redirect"] = url
    return response
