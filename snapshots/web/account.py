"""One account: header with its refresh button, and the tab that the address names."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from snapshots.analytics import accounts as analytics
from snapshots.services.bulk import pause_accounts, resume_accounts
from snapshots.services.refresh import request_refresh
from snapshots.services.removals import stop_tracking
from snapshots.services.viewing import note_view
from snapshots.web import account_posts
from snapshots.web.account_growth import days_in, series_json
from snapshots.web.account_head import head
from snapshots.web.account_tabs import panel, tab_in
from tikdash.errors import BadInput, LimitReached
from tikdash.ui.htmx import wants_piece
from tikdash.words import gettext

__all__ = ["change", "days_in", "header", "posts", "refresh", "series", "show", "viewed"]


@require_GET
@vary_on_headers("HX-Request")
def show(request: Any, account_id: int) -> HttpResponse:
    """The whole page; HTMX, which changes the tab or a piece of it, gets the tab without the header."""
    if wants_piece(request):
        handle = analytics.get_account(account_id).username
        return render(request, "snapshots/_account_tab.html", panel(request, account_id, handle))
    context = head(request, account_id)
    context |= panel(request, account_id, context["account"].handle)
    return render(request, "snapshots/account.html", context)


@require_GET
def header(request: Any, account_id: int) -> HttpResponse:
    """The header alone: what the page asks for while a refresh runs."""
    context = head(request, account_id)
    response = render(request, "snapshots/_account_header.html", context)
    if request.GET.get("was") == "pending" and not context["refresh"].pending:
        # The numbers are new: chart and posts fetch themselves again.
        response["HX-Trigger"] = "tikdash:refreshed"
    return response


@require_GET
def series(request: Any, account_id: int) -> HttpResponse:
    """The chart's numbers as JSON."""
    return HttpResponse(series_json(request, account_id), content_type="application/json")


@require_GET
def posts(request: Any, account_id: int) -> HttpResponse:
    """The posts alone, sorted and paged; without HTMX the whole page in the same state."""
    if not wants_piece(request):
        query = request.GET.copy()
        query["tab"] = "posts"
        return redirect(f"{reverse('account', args=[account_id])}?{query.urlencode()}#posts")
    handle = analytics.get_account(account_id).username
    context = tab_in(request, "posts") | {"posts": account_posts.table(request, account_id, handle)}
    return render(request, "snapshots/_posts_table.html", context)


@require_POST
def refresh(request: Any, account_id: int) -> HttpResponse:
    """Asks for new numbers; the old ones stay until the new ones are there."""
    analytics.get_account(account_id)
    # At the limit the header says how long it takes until the next one.
    with suppress(LimitReached):
        request_refresh(tenant=request.tenant, account_id=account_id)
    if wants_piece(request):
        return render(request, "snapshots/_account_header.html", head(request, account_id))
    return redirect("account", account_id)


@require_POST
def change(request: Any, account_id: int) -> HttpResponse:
    """Pauses or resumes the account, or stops tracking it; the page, or the list, says how to take that back."""
    analytics.get_account(account_id)
    action = request.POST.get("action", "")
    if action == "stop":
        stop_tracking(tenant=request.tenant, account_ids=[account_id])
        return redirect("accounts")
    if action not in {"pause", "resume"}:
        raise BadInput(gettext("Choose to pause, to resume or to stop the account."))
    if action == "pause":
        pause_accounts(account_ids=[account_id])
    else:
        resume_accounts(account_ids=[account_id])
    if wants_piece(request):
        return render(request, "snapshots/_account_header.html", head(request, account_id))
    return redirect("account", account_id)


@require_POST
def viewed(request: Any, account_id: int) -> HttpResponse:
    """Said by the page once somebody sees it (a browser that fetches it ahead does not say so): the header anew where
    that makes newer numbers due, nothing otherwise."""
    if not note_view(tenant=request.tenant, account_id=account_id):
        return HttpResponse(status=204)
    return render(request, "snapshots/_account_header.html", head(request, account_id))
