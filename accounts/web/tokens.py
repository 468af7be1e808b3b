"""API tokens of a workspace: a list, a form, and a token that is shown once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from accounts.roles import Capability, refuse_unless
from accounts.services.tokens import create_token, revoke_token, rotate_token
from accounts.token_list import tokens_of
from accounts.token_scopes import RESOURCES
from tikdash import clock
from tikdash.errors import BadInput, NotInPlan, TikdashError

LIVES = {"30": 30, "90": 90, "365": 365, "": None}
OVERLAPS = {"0": timedelta(), "24": timedelta(hours=24), "168": timedelta(days=7)}


@sensitive_variables("made")
@never_cache
@require_http_methods(["GET", "POST"])
def index(request: Any) -> HttpResponse:
    """The tokens; making one answers with it, once."""
    refuse_unless(request.membership.role, Capability.MANAGE_TOKENS)
    if request.method == "GET":
        return _page(request, {"values": {"expires": "90"}})
    values = {name: request.POST.get(name, "")[:2000] for name in ("name", "tags", "networks", "expires")}
    scopes = request.POST.getlist("scopes")[:100]
    try:
        if values["expires"] not in LIVES:
            raise BadInput(_("Choose an end from the list."), field="expires")
        days = LIVES[values["expires"]]
        made = create_token(
            tenant=request.tenant,
            name=values["name"],
            scopes=scopes,
            tags=values["tags"].split(","),
            networks=values["networks"].replace("\n", ",").split(","),
            expires_at=clock.now() + timedelta(days=days) if days else None,
        )
    except TikdashError as error:
        errors = {error.data.get("field", "all"): str(error)}
        return _page(request, {"values": values, "chosen": scopes, "errors": errors}, error.status)
    return _page(request, {"values": {"expires": "90"}, "made": made})


@sensitive_variables("made")
@never_cache
@require_POST
def rotate(request: Any, token_id: int) -> HttpResponse:
    """Another token in place of this one."""
    refuse_unless(request.membership.role, Capability.MANAGE_TOKENS)
    overlap = OVERLAPS.get(request.POST.get("overlap", ""), timedelta(hours=24))
    try:
        made = rotate_token(tenant=request.tenant, token_id=token_id, overlap=overlap)
    except (BadInput, NotInPlan) as error:
        messages.error(request, str(error))
        return redirect("tokens")
    return _page(request, {"values": {"expires": "90"}, "made": made})


@require_POST
def revoke(request: Any, token_id: int) -> HttpResponse:
    """The token is refused from now on."""
    refuse_unless(request.membership.role, Capability.MANAGE_TOKENS)
    revoke_token(tenant=request.tenant, token_id=token_id)
    messages.success(request, _("The token is revoked. Whoever uses it is refused from now on."))
    return redirect("tokens")


def _page(request: Any, more: dict[str, Any], status: int = 200) -> HttpResponse:
    context = {"tokens": tokens_of(), "resources": RESOURCES.items(), "now": clock.now(), "chosen": [], "errors": {}}
    return render(request, "accounts/tokens.html", context | more, status=status)
