"""Exports of a workspace: ask for one, see how far it is, fetch the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.export_list import ExportRef, export_listed, exports_listed
from accounts.roles import Capability, can, refuse_unless
from accounts.services.export_kinds import ExportKind, export_kind, export_kinds
from accounts.services.exports import (
    Asker,
    LinkOver,
    ask_for_export,
    cancel_export,
    delete_export,
    link_key,
    open_export,
    refuse_unless_link,
    retry_export,
)
from accounts.web.capabilities import requires
from tikdash.errors import BadInput, LimitReached, NotFound, NotInPlan
from tikdash.retelling import retold
from tikdash.ui.htmx import wants_piece


@dataclass(frozen=True)
class Shown:
    """An export on the page; `link` where its file is there for the one who looks."""

    one: ExportRef
    label: str | Promise
    error: str
    link: str
    is_mine: bool


@never_cache
@require_http_methods(["GET", "POST"])
@requires(Capability.READ)
def index(request: Any) -> HttpResponse:
    """The exports; POST asks for one."""
    error = ""
    if request.method == "POST":
        kind = export_kind(request.POST.get("kind", ""))
        refuse_unless(request.membership.role, kind.capability)
        _say_who(request, kind)
        try:
            wishes = {"format": request.POST.get("format", "")}
            ask_for_export(tenant=request.tenant, kind=kind.name, asker=_asker(request), parameters=wishes)
        except (BadInput, LimitReached, NotInPlan) as refused:
            error = str(refused)
        else:
            return redirect("exports")
    context = _context(request) | {"error": error}
    return render(request, "accounts/exports.html", context, status=422 if error else 200)


@never_cache
@require_GET
@requires(Capability.READ)
def progress(request: Any) -> HttpResponse:
    """How far they are, as a piece of the page; it asks again only while something is waited for."""
    if not wants_piece(request):
        return redirect("exports")
    return render(request, "accounts/_exports.html", _context(request))


@never_cache
@require_GET
@requires(Capability.READ)
def file(request: Any, export_id: UUID) -> HttpResponse | FileResponse:
    """The file, through a link that was made for this person and ends soon. Not for staff who look as this person."""
    if request.look is not None:
        raise NotFound
    try:
        refuse_unless_link(request.GET.get("key", ""), export_id, request.user.pk)
    except LinkOver as over:
        messages.warning(request, retold(str(over)))
        return redirect("exports")
    row = export_listed(export_id)
    if row is None:
        raise NotFound
    _say_who(request, export_kind(row.kind))
    opened = open_export(
        tenant=request.tenant, export_id=export_id, role=request.membership.role, user_id=request.user.pk
    )
    answer = FileResponse(opened.file, as_attachment=True, filename=opened.name, content_type="application/zip")
    answer["Content-Length"] = opened.size
    return answer


@require_POST
@requires(Capability.READ)
def cancel(request: Any, export_id: UUID) -> HttpResponse:
    """It is made no further."""
    _own(request, export_id)
    cancel_export(tenant=request.tenant, export_id=export_id)
    return redirect("exports")


@require_POST
@requires(Capability.READ)
def again(request: Any, export_id: UUID) -> HttpResponse:
    """The same once more."""
    _say_who(request, export_kind(_own(request, export_id).kind))
    try:
        retry_export(tenant=request.tenant, export_id=export_id, asker=_asker(request))
    except (LimitReached, NotInPlan) as refused:
        messages.error(request, str(refused))
    return redirect("exports")


@require_POST
@requires(Capability.READ)
def delete(request: Any, export_id: UUID) -> HttpResponse:
    """The file goes before its time."""
    _own(request, export_id)
    delete_export(tenant=request.tenant, export_id=export_id)
    messages.success(request, gettext("The file is deleted."))
    return redirect("exports")


def _own(request: Any, export_id: UUID) -> ExportRef:
    """Raises NotFound for somebody else's, unless one may change the workspace."""
    row = export_listed(export_id)
    if row is None:
        raise NotFound
    if row.asked_by_id != request.user.pk and not can(request.membership.role, Capability.MANAGE_WORKSPACE):
        raise NotFound
    return row


def _asker(request: Any) -> Asker:
    return Asker(request.user.email, request.membership.role, request.user.pk)


def _say_who(request: Any, kind: ExportKind) -> None:
    if kind.step_up:
        raise_if_reauthentication_required(request, app="")


def _context(request: Any) -> dict[str, Any]:
    role = request.membership.role
    kinds = [kind for kind in export_kinds().values() if not kind.of_operators and can(role, kind.capability)]
    rows = exports_listed()
    return {
        "kinds": kinds,
        "exports": [_shown(request, row) for row in rows],
        "waiting": sum(row.is_open for row in rows),
        "hours": settings.EXPORT_KEPT_HOURS,
    }


def _shown(request: Any, row: ExportRef) -> Shown:
    known = export_kinds().get(row.kind)
    is_mine = row.asked_by_id == request.user.pk
    link = ""
    if is_mine and row.state == "ready" and request.look is None:
        link = f"{reverse('export_file', args=[row.id])}?{urlencode({'key': link_key(row.id, request.user.pk)})}"
    may_act = is_mine or can(request.membership.role, Capability.MANAGE_WORKSPACE)
    return Shown(row, known.label if known else row.kind, retold(row.error), link, may_act)
