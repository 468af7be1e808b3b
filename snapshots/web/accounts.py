"""The list of tracked accounts, and adding one."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from snapshots.analytics.accounts import DEFAULT_SORT, SORTS, AccountsPage, accounts_page
from snapshots.analytics.engagement import rates
from snapshots.selectors import handle_check, undoable_removals
from snapshots.services.accounts import clean_wish, request_tracking
from snapshots.web.export_links import export_links
from snapshots.web.metric_words import headline_of
from tikdash.errors import BadInput, TikdashError
from tikdash.plans import plan_service
from tikdash.ui.htmx import go_to, wants_piece, with_query
from tikdash.ui.prefetch import with_rows
from tikdash.words import gettext


@require_GET
def index(request: Any) -> HttpResponse:
    """All accounts of the workspace; the address carries filter, order and page."""
    filters = {name: request.GET.get(name, "") for name in ("q", "reason", "sort")}
    page = accounts_page(
        text=filters["q"][:100],
        reason=filters["reason"],
        sort=filters["sort"] or DEFAULT_SORT,
        number=_page_number(request.GET.get("page", "1")),
    )
    context = {
        "filters": filters,
        "page": _page(request, page),
        "sorts": _sorts(request, filters["sort"] or DEFAULT_SORT),
        "form": {},
        "limit_reached": _is_full(request),
        "rate": headline_of(request.tenant),
        "export": export_links("accounts_export", filters),
    }
    if wants_piece(request):
        return render(request, "snapshots/_accounts_table.html", context)
    context["undoable"] = undoable_removals()
    return with_rows(render(request, "snapshots/accounts.html", context))


@require_http_methods(["GET", "POST"])
def add(request: Any) -> HttpResponse:
    """The form for a handle; sent, a worker checks the handle, and the answer shows how far that is."""
    form = {name: request.POST.get(name, "")[:200] for name in ("handle", "reason", "tags")}
    if request.method == "POST":
        try:
            wish = clean_wish(**form | {"reason": form["reason"] or "competitor"})
            check_id = request_tracking(tenant=request.tenant, wish=wish)
        except TikdashError as error:
            return _form(request, form | {"error": str(error)}, status=422)
        if not wants_piece(request):
            return redirect("account_check", check_id)
        return render(request, "snapshots/_check.html", {"check": handle_check(check_id)})
    return _form(request, form, status=200)


@require_GET
def check(request: Any, check_id: int) -> HttpResponse:
    """How far the check of a handle is; done, the browser goes to the account."""
    found = handle_check(check_id)
    context: dict[str, Any] = {"check": found}
    if found.state == "done" and found.account_id is not None:
        url = reverse("account", args=[found.account_id])
        return go_to(url) if wants_piece(request) else redirect(url)
    if found.state == "failed":
        context["form"] = {"handle": found.handle, "reason": found.reason, "tags": found.tags, "error": found.error}
        context["limit_reached"] = _is_full(request)
    return render(request, "snapshots/_check.html" if wants_piece(request) else "snapshots/check.html", context)


def _form(request: Any, form: dict[str, str], status: int) -> HttpResponse:
    template = "snapshots/_add_form.html" if wants_piece(request) else "snapshots/account_add.html"
    return render(request, template, {"form": form, "limit_reached": _is_full(request)}, status=status)


def _is_full(request: Any) -> bool:
    return plan_service().room(request.tenant, "accounts") == 0


def _page_number(text: str) -> int:
    if not text.isdecimal() or len(text) > 6:
        raise BadInput(gettext("Pages are numbered 1, 2, 3, …"))
    return int(text)


def _page(request: Any, page: AccountsPage) -> dict[str, Any]:
    engagement = rates(
        tenant_id=request.tenant.id,
        account_ids=[row.id for row in page.rows],
        metric_id=headline_of(request.tenant).id,
    )
    rows = [vars(row) | {"url": reverse("account", args=[row.id]), "rate": engagement.get(row.id)} for row in page.rows]
    return {
        "rows": rows,
        "total": page.total,
        "first": page.first,
        "last": page.last,
        "next_url": with_query(request, page=page.number + 1) if page.number < page.pages else None,
        "previous_url": with_query(request, page=page.number - 1) if page.number > 1 else None,
    }


def _sorts(request: Any, sort: str) -> list[dict[str, Any]]:
    """A header's link sorts by its column, the largest first; on the column that sorts already, the other way round."""
    sorts = []
    for key, (label, _) in SORTS.items():
        active, descending = sort.removeprefix("-") == key, sort.startswith("-")
        target = key if (active and descending) or (not active and key == "handle") else f"-{key}"
        sorts.append(
            {
                "key": key,
                "label": gettext(label),
                "url": with_query(request, sort=target),
                "active": active,
                "direction": "descending" if descending else "ascending",
            }
        )
    return sorts
