"""Deleting a workspace: the owner's page, and the certificate for whoever has its address."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import TenantErasure
from accounts.roles import Capability
from accounts.services.certificates import certificate
from accounts.services.closing import ask_for_deletion, call_deletion_off, open_deletion
from accounts.web.capabilities import requires
from accounts.web.hosts import host_url
from accounts.web.second_factor import step_up


@require_http_methods(["GET", "POST"])
@requires(Capability.CLOSE_WORKSPACE)
@step_up
def delete_workspace(request: Any) -> HttpResponse:
    """Says what is deleted and when; asks for the address as a confirmation, after a step-up."""
    tenant, error, typed = request.tenant, "", request.POST.get("typed", "")[:63]
    if request.method == "POST":
        if typed.strip().lower() == tenant.slug:
            ask_for_deletion(tenant=tenant, by=TenantErasure.By.OWNER, asker=request.user.email)
            messages.success(request, gettext("The workspace is read-only from now on. You can still keep it."))
            return redirect("workspace_delete")
        error = gettext("Type “%(slug)s” to confirm.") % {"slug": tenant.slug}
    deletion = open_deletion(tenant.id)
    context = {"deletion": deletion, "error": error, "typed": typed, "days": settings.DELETION_GRACE_DAYS}
    if deletion is not None:
        context["certificate_url"] = f"{host_url(request, settings.BASE_DOMAIN)}/deletions/{deletion.id}/"
    return render(request, "accounts/delete_workspace.html", context, status=422 if error else 200)


@require_POST
@requires(Capability.CLOSE_WORKSPACE)
def keep_workspace(request: Any) -> HttpResponse:
    """The workspace stays."""
    if call_deletion_off(tenant=request.tenant):
        messages.success(request, gettext("The workspace stays, with all it has."))
    return redirect("workspace_settings")


@require_GET
@never_cache
@login_not_required
def certificate_page(request: HttpRequest, erasure_id: UUID) -> HttpResponse:
    """What was erased, to be read and printed."""
    facts = certificate(erasure_id)
    moments = {name: parse_datetime(facts[name]) for name in ("asked_at", "erase_at", "done_at") if facts[name]}
    roles = dict(TenantErasure.By.choices)
    context = {"facts": facts, "moments": moments, "role": roles[facts["asked_by"]["role"]]}
    return render(request, "accounts/certificate.html", context)


@require_GET
@never_cache
@login_not_required
def certificate_json(request: HttpRequest, erasure_id: UUID) -> HttpResponse:
    """The same for programs, as a file."""
    headers = {"Content-Disposition": f'attachment; filename="erasure-{erasure_id}.json"'}
    return JsonResponse(certificate(erasure_id), headers=headers)
