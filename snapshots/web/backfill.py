"""Reading an account's past from its page: the cost first, then how far it is, and a way to call it off."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from snapshots.services import backfill
from tikdash.errors import BadInput, NotFound, TikdashError
from tikdash.ui.htmx import wants_piece
from tikdash.words import N_, gettext

MONTHS = (3, 6, 12, 24, 36)
DEFAULT_MONTHS = 12
STATES = {"done": N_("done"), "cancelled": N_("called off"), "dead": N_("stopped"), "paused": N_("paused")}


@require_http_methods(["GET", "POST"])
def show(request: Any, account_id: int) -> HttpResponse:
    """How far the account's backfill is, and the form that starts one; sent, it starts."""
    error, status = "", 200
    if request.method == "POST":
        try:
            backfill.start_backfill(tenant=request.tenant, account_id=account_id, months=_months(request))
        except TikdashError as refused:
            if refused.status == 404:
                raise
            error, status = str(refused), 422
    if wants_piece(request):
        context = {"backfill": state(account_id) | {"error": error}}
        return render(request, "snapshots/_backfill.html", context | {"account_id": account_id}, status=status)
    if error:
        raise BadInput(error)
    # Asked for also where there is no such account: it is looked for before anything is said.
    backfill.estimate(account_id)
    return redirect(f"{reverse('account', args=[account_id])}?tab=activity#backfill")


@require_POST
def cancel(request: Any, account_id: int) -> HttpResponse:
    """Calls the backfill off behind the page that is being read."""
    backfill.cancel_backfill(account_id)
    if wants_piece(request):
        context = {"backfill": state(account_id), "account_id": account_id}
        return render(request, "snapshots/_backfill.html", context)
    return redirect(f"{reverse('account', args=[account_id])}?tab=activity#backfill")


def state(account_id: int) -> dict[str, Any]:
    """The context of `_backfill.html`. Raises NotFound."""
    cost = backfill.estimate(account_id)
    shown: dict[str, Any] = {"cost": cost, "months": MONTHS, "default_months": DEFAULT_MONTHS, "progress": None}
    try:
        progress = backfill.progress_of(account_id)
    except NotFound:
        return shown
    most = max(min(cost.pages, progress.credit_cap or cost.pages), progress.pages, 1)
    return shown | {
        "progress": progress,
        "most_pages": most,
        "state": gettext(STATES.get(progress.state, "")),
        "waits": progress.is_open and not progress.pages,
    }


def _months(request: Any) -> int:
    text = request.POST.get("months", "")
    if not (text.isascii() and text.isdecimal()) or len(text) > 4:
        raise BadInput(gettext("Choose how many months to read."))
    return int(text)
