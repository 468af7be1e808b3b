"""Looking at a workspace as a person of it: the way in and the end, on the workspace's host."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.selectors import TenantRef
from accounts.services.looking import Begun, begin_look, end_look
from accounts.sessions import LOOK
from accounts.web.hosts import host_url


@require_GET
@never_cache
@login_not_required
def begin(request: Any) -> HttpResponse:
    """Takes the ticket and opens a session that can only look. Not a log-in: nobody's last one changes."""
    begun = begin_look(ticket=request.GET.get("ticket", "")[:500], tenant=request.tenant)
    _open_session(request, begun)
    return redirect("/")


@require_POST
@never_cache
@login_not_required
def end(request: Any) -> HttpResponse:
    """Ends the look and leads back to the tenant's page of the administration."""
    if request.look is None:
        return redirect("/")
    end_look(look=request.look, tenant_id=request.tenant.id)
    request.session.flush()
    return redirect(admin_page(request, request.tenant))


def admin_page(request: Any, tenant: TenantRef) -> str:
    """The tenant's page of the administration, which is on the public host."""
    return f"{host_url(request, settings.BASE_DOMAIN)}/admin/accounts/tenant/{tenant.id}/change/"


def _open_session(request: Any, begun: Begun) -> None:
    session = request.session
    session.flush()
    session[SESSION_KEY] = str(begun.user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = begun.user.get_session_auth_hash()
    session[LOOK] = {"id": str(begun.look.id), "staff": begun.look.staff.pk, "hash": begun.staff_hash}
    session.set_expiry(begun.look.until)
    rotate_token(request)
