"""The workspace's key for the upstream: whose it is, another one, none."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.key_list import keys_of
from accounts.roles import Capability
from accounts.services.own_keys import add_key, delete_key, may_share, use_shared_key
from accounts.web.capabilities import requires
from tikdash.errors import BadInput, NotInPlan, TikdashError
from tikdash.ui.htmx import wants_piece


@sensitive_post_parameters("key")
@sensitive_variables("typed")
@never_cache
@require_http_methods(["GET", "POST"])
@requires(Capability.MANAGE_KEYS)
def index(request: Any) -> HttpResponse:
    """The keys; a key that is pasted is tried by a worker. It is never shown again."""
    error = ""
    if request.method == "POST":
        typed = str(request.POST.get("key", ""))[:1000]
        try:
            add_key(tenant=request.tenant, typed=typed)
        except (BadInput, NotInPlan) as refused:
            error = str(refused)
        else:
            return redirect("keys")
    context = _context(request) | {"error": error}
    return render(request, "accounts/keys.html", context, status=422 if error else 200)


@never_cache
@require_GET
@requires(Capability.MANAGE_KEYS)
def progress(request: Any) -> HttpResponse:
    """How far the check is, as a piece of the page."""
    if not wants_piece(request):
        return redirect("keys")
    return render(request, "accounts/_keys.html", _context(request))


@require_POST
@requires(Capability.MANAGE_KEYS)
def delete(request: Any) -> HttpResponse:
    """Asks once more, then the key in use is gone."""
    if not request.POST.get("confirmed"):
        return render(request, "accounts/key_delete.html", _context(request))
    try:
        mode = delete_key(tenant=request.tenant)
    except TikdashError as error:
        messages.error(request, str(error))
    else:
        if mode == "own":
            messages.warning(request, _("The key is deleted. Nothing is fetched until you enter another one."))
        else:
            messages.success(request, _("The key is deleted. The shared key is used from now on."))
    return redirect("keys")


@require_POST
@requires(Capability.MANAGE_KEYS)
def shared(request: Any) -> HttpResponse:
    """Back to the shared key, where that is allowed."""
    try:
        use_shared_key(tenant=request.tenant)
    except TikdashError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The shared key is used from now on."))
    return redirect("keys")


def _context(request: Any) -> dict[str, Any]:
    return {"keys": keys_of(request.tenant.id), "may_share": may_share(tenant=request.tenant)}
