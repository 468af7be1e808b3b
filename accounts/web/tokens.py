"""API tokens of a workspace: a list, a form, and a token that is shown once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from accounts.roles import Capability
from accounts.services.tokens import create_token, revoke_token, rotate_token
from accounts.token_list import tokens_of
from accounts.token_scopes import RESOURCES
from accounts.web.capabilities import requires
from tikdash import clock
from tikdash.errors import BadInput, NotInPlan, TikdashError
from tikdash.plans import limits_of

LIVES = {"30": 30, "90": 90, "365": 365, "": None}
OVERLAPS = {"0": timedelta(), "24": timedelta(hours=24), "168": timedelta(days=7)}


@sensitive_variables("made")
@never_cache
@require_http_methods(["GET", "POST"])
@requires(Capability.MANAGE_TOKENS)
def index(request: Any) -> HttpResponse:
    """The tokens; making one answers with it, once."""
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
            once=_once(request),
        )
    except TikdashError as error:
        errors = {error.data.get("field", "all"): str(error)}
        status = 422 if isinstance(error, BadInput) else error.status
        return _page(request, {"values": values, "chosen": scopes, "errors": errors}, status)
    return _page(request, {"values": {"expires": "90"}, "made": made})


@sensitive_variables("made")
@never_cache
@require_POST
@requires(Capability.MANAGE_TOKENS)
def rotate(request: Any, token_id: int) -> HttpResponse:
    """Another token in place of this one."""
    overlap = OVERLAPS.get(request.POST.get("overlap", ""), timedelta(hours=24))
    try:
        made = rotate_token(tenant=request.tenant, token_id=token_id, overlap=overlap, once=_once(request))
    except (BadInput, NotInPlan) as error:
        messages.error(request, str(error))
        return redirect("tokens")
    return _page(request, {"values": {"expires": "90"}, "made": made})


@require_POST
@requires(Capability.MANAGE_TOKENS)
def revoke(request: Any, token_id: int) -> HttpResponse:
    """The token is refused from now on."""
    revoke_token(tenant=request.tenant, token_id=token_id)
    messages.success(request, _("The token is revoked. Whoever uses it is refused from now on."))
    return redirect("tokens")


def _once(request: Any) -> str:
    """What names the form that was sent; whoever sends none may send it twice."""
    try:
        return str(UUID(request.POST.get("once", "")))
    except ValueError:
        return ""


def _page(request: Any, more: dict[str, Any], status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {
        "tokens": tokens_of(),
        "resources": RESOURCES.items(),
        "now": clock.now(),
        "chosen": [],
        "errors": {},
    }
    context |= {"once": uuid4(), "requests_per_minute": limits_of(request.tenant).api_requests_per_minute}
    return render(request, "accounts/tokens.html", context | more, status=status)
