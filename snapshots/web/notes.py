"""Notes of people at the days of an account. Each address carries the state of the account's page it leads back to."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from snapshots.analytics.accounts import get_account
from snapshots.selectors import note_of
from snapshots.services import notes
from tikdash.errors import TikdashError
from tikdash.ui.htmx import wants_piece


@require_POST
def write(request: Any, account_id: int) -> HttpResponse:
    """Keeps a note; what cannot be kept comes back with the reason."""
    form = _typed(request)
    try:
        note = notes.clean_note(tenant=request.tenant, **form)
        notes.write_note(account_id=account_id, author=request.user.email, note=note)
    except TikdashError as error:
        if error.status == 404:
            raise
        return _form(request, account_id, form | {"error": str(error)}, status=422)
    return redirect(_back(request, account_id))


@require_http_methods(["GET", "POST"])
def edit(request: Any, account_id: int, note_id: int) -> HttpResponse:
    """A note in a form of its own."""
    found = note_of(account_id, note_id)
    form = {"day": found.day.isoformat(), "text": found.text}
    if request.method == "POST":
        form = _typed(request)
        try:
            note = notes.clean_note(tenant=request.tenant, **form)
            notes.edit_note(account_id=account_id, note_id=note_id, note=note)
        except TikdashError as error:
            if error.status == 404:
                raise
            return _form(request, account_id, form | {"error": str(error)}, note_id=note_id, status=422)
        return redirect(_back(request, account_id))
    return _form(request, account_id, form, note_id=note_id)


@require_POST
def remove(request: Any, account_id: int, note_id: int) -> HttpResponse:
    """Takes a note off the chart; below it stands how to take that back."""
    notes.remove_note(account_id=account_id, note_id=note_id)
    return redirect(_back(request, account_id))


@require_POST
def undo(request: Any, account_id: int, note_id: int) -> HttpResponse:
    """Puts a removed note back."""
    notes.restore_note(account_id=account_id, note_id=note_id)
    return redirect(_back(request, account_id))


def _typed(request: Any) -> dict[str, str]:
    return {"day": request.POST.get("day", "")[:40], "text": request.POST.get("text", "")[:2_000]}


def _back(request: Any, account_id: int) -> str:
    query = request.GET.urlencode()
    anchor = "" if wants_piece(request) else "#growth"
    return reverse("account", args=[account_id]) + (f"?{query}" if query else "") + anchor


def _form(
    request: Any, account_id: int, form: dict[str, str], *, note_id: int | None = None, status: int = 200
) -> HttpResponse:
    account = get_account(account_id)
    context: dict[str, Any] = {
        "account": account,
        "form": form | {"latest": notes.latest_day(request.tenant).isoformat()},
        "write_url": request.get_full_path(),
        "back": _back(request, account_id),
        "note_id": note_id,
    }
    if not wants_piece(request):
        return render(request, "snapshots/note.html", context, status=status)
    response = render(request, "snapshots/_note_form.html", context, status=status)
    # The form stands in a section that HTMX would replace as a whole.
    response["HX-Retarget"] = response["HX-Reselect"] = "#note-form"
    return response
