"""The audit log, for those who manage a workspace."""

from __future__ import annotations

import csv
import io
from datetime import date
from tempfile import TemporaryFile
from typing import IO, Any

import orjson
from django.http import FileResponse, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.audit_events import AREAS
from accounts.audit_log import Wanted, all_entries, find_entries, people_of
from accounts.roles import Capability
from accounts.web.capabilities import requires
from tikdash.errors import BadInput
from tikdash.ui.cells import harmless
from tikdash.ui.htmx import wants_piece, with_query

MOST_IN_A_FILE = 100_000
FIELDS = ("area", "who", "from", "to")
COLUMNS = (
    "time", "who", "who_kind", "as_whom", "event", "what", "target_kind", "target_id", "target", "before", "after",
    "reason", "request_id",
)  # fmt: skip


@require_GET
@requires(Capability.READ_AUDIT_LOG)
def index(request: Any) -> HttpResponse:
    """The entries that the form wants, the newest first; the address carries form and position."""
    values = {name: request.GET.get(name, "")[:40] for name in FIELDS}
    errors: dict[str, str] = {}
    page = None
    try:
        page = find_entries(_wanted(request.GET), after=request.GET.get("after", ""))
    except BadInput as error:
        errors[error.data["field"]] = str(error)
    context = {
        "page": page,
        "next_url": with_query(request, after=page.next_key) if page and page.next_key else None,
        "first_url": with_query(request, after=None) if request.GET.get("after") else None,
        "csv_url": reverse("audit_export") + (f"?{query}" if (query := _query(values)) else ""),
        "values": values,
        "errors": errors,
        "is_filtered": any(values.values()),
        "areas": AREAS.items(),
        "people": people_of(request.tenant.id),
        "others": {"token": _("API tokens"), "staff": _("Tikdash staff"), "automatic": _("Automatic")},
    }
    if wants_piece(request) and page and request.GET.get("after"):
        return render(request, "accounts/_audit_rows.html", context)
    return render(request, "accounts/audit.html", context, status=422 if errors else 200)


@require_GET
@requires(Capability.READ_AUDIT_LOG)
def export(request: Any) -> FileResponse:
    """The same entries as CSV, through a file: half a log is never taken for a whole one."""
    file: IO[bytes] = TemporaryFile()  # noqa: SIM115  (the response closes it)
    try:
        text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        for entry in all_entries(_wanted(request.GET), most=MOST_IN_A_FILE):
            facts = [orjson.dumps(each).decode() if each else "" for each in (entry.before, entry.after)]
            row = (
                entry.at.isoformat(), entry.who, entry.who_kind, entry.as_whom, entry.event, entry.sentence,
                entry.target_kind, entry.target_id, entry.target, *facts, entry.reason, entry.request_id,
            )  # fmt: skip
            writer.writerow([harmless(cell) for cell in row])
        text.detach()
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=f"audit-{request.tenant.slug}.csv", content_type="text/csv")


def _wanted(query: QueryDict) -> Wanted:
    return Wanted(query.get("area", ""), query.get("who", ""), _day(query, "from"), _day(query, "to"))


def _day(query: QueryDict, name: str) -> date | None:
    text = query.get(name, "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadInput(_("Write a day as 2026-03-31."), field=name) from None


def _query(values: dict[str, str]) -> str:
    query = QueryDict(mutable=True)
    query.update({name: value for name, value in values.items() if value})
    return query.urlencode()
