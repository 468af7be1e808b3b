"""Pages of the public host, and the way from there into a workspace."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.selectors import workspaces_of
from accounts.services.handover import issue_ticket, redeem_ticket
from accounts.web.hosts import host_url


@require_GET
def home(request: Any) -> HttpResponse:
    """The workspaces of the person who is logged in."""
    return render(request, "accounts/home.html", {"workspaces": workspaces_of(request.user.pk)})


@require_GET
@never_cache
def open_workspace(request: Any, slug: str) -> HttpResponse:
    """Sends a member into the workspace with a ticket; for anybody else it does not exist."""
    for workspace in workspaces_of(request.user.pk):
        if workspace.slug == slug:
            ticket = issue_ticket(user=request.user, tenant_id=workspace.tenant_id)
            query = urlencode({"ticket": ticket, "next": request.GET.get("next", "/")})
            return redirect(f"{host_url(request, workspace.host)}/enter/?{query}")
    raise Http404


@require_GET
@never_cache
@login_not_required
def enter_workspace(request: Any) -> HttpResponse:
    """Takes the ticket and opens the session of this host."""
    user = redeem_ticket(ticket=request.GET.get("ticket", ""), tenant_id=request.tenant.id)
    login(request, user, backend="allauth.account.auth_backends.AuthenticationBackend")
    target = request.GET.get("next", "")
    return redirect(target if get_adapter(request).is_safe_url(target) else "/")


@require_GET
@login_not_required
def on_public_host(request: HttpRequest) -> HttpResponse:
    """Pages that are no workspace's: the same address on the public host."""
    return redirect(host_url(request, settings.BASE_DOMAIN) + request.path)


def admin_log_in(request: HttpRequest) -> HttpResponse:
    """The admin has no log-in of its own: the one log-in has the limits."""
    if request.user.is_authenticated:
        raise Http404
    return redirect(f"/log-in/?next={request.GET.get('next', '/admin/')}")
