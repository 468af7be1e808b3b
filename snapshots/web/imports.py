"""Many handles at once: the list, what would become of it, and how far it is."""

from __future__ import annotations

import csv
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from snapshots.handle_lists import MOST_BYTES, decode_list, read_list
from snapshots.services.accounts import clean_wish
from snapshots.services.imports import ImportProgress, cancel_import, import_progress, plan_import, start_import
from tikdash.errors import BadInput, TikdashError
from tikdash.tiklive.text import clean_text
from tikdash.ui.cells import harmless
from tikdash.ui.htmx import wants_piece
from tikdash.words import gettext

FIELDS = ("handles", "reason", "tags", "token")


@require_http_methods(["GET", "POST"])
def form(request: Any) -> HttpResponse:
    """The list; sent, first what would become of it, and once that is confirmed, the page that follows it."""
    given = {name: request.POST.get(name, "") for name in FIELDS}
    given["reason"] = given["reason"] or "competitor"
    if request.method == "GET" or request.POST.get("again"):
        return render(request, "snapshots/bulk.html", {"form": given})
    try:
        given["handles"] = _list_in(request)
        # Reason and tags of the form must make sense by themselves, whatever stands in the rows.
        clean_wish(handle="handle", reason=given["reason"], tags=given["tags"])
        rows = read_list(given["handles"])
        choice = {"tenant": request.tenant, "rows": rows, "reason": given["reason"], "tags": given["tags"]}
        if request.POST.get("confirmed"):
            return redirect("bulk_progress", start_import(token=_token(given["token"]), **choice))
        plan = plan_import(**choice)
    except TikdashError as error:
        return render(request, "snapshots/bulk.html", {"form": given | {"error": str(error)}}, status=422)
    return render(request, "snapshots/bulk.html", {"form": given | {"token": str(uuid4())}, "plan": plan})


@require_GET
def progress(request: Any, batch_id: int) -> HttpResponse:
    """How far a list is; the piece asks for itself again until nothing waits."""
    context = _progress(import_progress(batch_id))
    return render(
        request, "snapshots/_bulk_progress.html" if wants_piece(request) else "snapshots/bulk_progress.html", context
    )


@require_POST
def cancel(request: Any, batch_id: int) -> HttpResponse:
    """Calls off what has not begun."""
    cancel_import(batch_id)
    if wants_piece(request):
        return render(request, "snapshots/_bulk_progress.html", _progress(import_progress(batch_id)))
    return redirect("bulk_progress", batch_id)


@require_GET
def errors(request: Any, batch_id: int) -> HttpResponse:
    """The rows that came to nothing, with the reason, to be mended and sent again."""
    found = import_progress(batch_id)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="not-added-{batch_id}.csv"'
    writer = csv.writer(response, lineterminator="\n")
    writer.writerow(("handle", "line", "why"))
    writer.writerows(
        (harmless(row.typed), row.line, harmless(row.text))
        for row in found.rows
        if row.state in ("failed", "cancelled")
    )
    return response


def _list_in(request: Any) -> str:
    """The file's text where one was chosen, otherwise what was pasted. Raises BadInput."""
    upload = request.FILES.get("file")
    if upload is not None:
        if upload.size > MOST_BYTES:
            raise BadInput(gettext("This file is larger than 1 MB. A list has at most 500 handles."))
        return clean_text(decode_list(upload.read(MOST_BYTES + 1)))
    pasted: str = request.POST.get("handles", "")
    if len(pasted) > MOST_BYTES:
        raise BadInput(gettext("This list is longer than 1 MB. It has at most 500 handles."))
    return clean_text(pasted)


def _token(text: str) -> UUID:
    with suppress(ValueError):
        return UUID(text)
    raise BadInput(gettext("This form is too old. Look at the list again, then send it."))


def _progress(found: ImportProgress) -> dict[str, Any]:
    return {
        "batch": found,
        "ended": found.total - found.waiting,
        "rows": [
            vars(row) | {"url": reverse("account", args=[row.account_id]) if row.account_id else ""}
            for row in found.rows
        ],
    }
