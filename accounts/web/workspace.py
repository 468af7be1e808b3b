"""Settings of a workspace, and the way to one's others."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods

from accounts.roles import Capability
from accounts.selectors import language_of, workspaces_of
from accounts.services.workspaces import change_workspace
from accounts.time_zones import time_zones
from accounts.web.capabilities import requires
from accounts.web.hosts import host_url
from tikdash.errors import BadInput


@require_http_methods(["GET", "POST"])
@requires(Capability.MANAGE_WORKSPACE)
def workspace_settings(request: Any) -> HttpResponse:
    """Name, time zone, language."""
    tenant = request.tenant
    chosen = {"name": tenant.name, "time_zone": tenant.time_zone, "language": language_of(tenant.id)}
    errors: dict[str, str] = {}
    if request.method == "POST":
        chosen = {name: request.POST.get(name, "")[:200] for name in chosen}
        try:
            change_workspace(tenant=tenant, by=request.membership, **chosen)
        except BadInput as error:
            errors[error.data["field"]] = str(error)
        else:
            messages.success(request, gettext("Saved."))
            return redirect("workspace_settings")
    context = {"chosen": chosen, "errors": errors, "languages": settings.LANGUAGES, "time_zones": time_zones()}
    return render(request, "accounts/workspace_settings.html", context, status=422 if errors else 200)


@require_GET
def switcher(request: Any) -> HttpResponse:
    """A piece of the menu: the person's other workspaces; each opens through the public host."""
    public = host_url(request, settings.BASE_DOMAIN)
    others = [one for one in workspaces_of(request.user.pk) if one.tenant_id != request.tenant.id]
    return render(request, "accounts/_switcher.html", {"others": others, "public": public})
