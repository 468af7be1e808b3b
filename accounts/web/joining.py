"""What the link of an invitation opens: for somebody with a log-in a button, for somebody new a form."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.services.inviting import accept, accept_as_new, invitation_of
from accounts.web.limits import is_too_often
from tikdash.errors import BadInput, LimitReached

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("password")
@never_cache
@login_not_required
def join(request: Any, token: str) -> HttpResponse:
    """The page of one invitation. Its token shows the address it was sent to, and nothing else of the workspace."""
    if is_too_often(request, "join"):
        return render(request, "429.html", status=429)
    invitation = invitation_of(token)
    user = request.user
    is_me = user.is_authenticated and user.email == invitation.email
    has_log_in = User.objects.filter(email=invitation.email).exists()
    context = {"email": invitation.email, "role": invitation.role, "is_me": is_me, "has_log_in": has_log_in, "form": {}}
    if request.method == "POST" and (is_me or not (has_log_in or user.is_authenticated)):
        try:
            if is_me:
                accept(tenant=request.tenant, token=token, user=user)
            else:
                _join_as_new(request, token)
        except (BadInput, LimitReached) as error:
            context |= {"error": str(error), "field": error.data.get("field", ""), "name": request.POST.get("name", "")}
            return render(request, "accounts/join.html", context, status=422)
        return redirect("/")
    return render(request, "accounts/join.html", context)


def _join_as_new(request: Any, token: str) -> None:
    user = accept_as_new(
        tenant=request.tenant,
        token=token,
        name=request.POST.get("name", "")[:120],
        password=request.POST.get("password", "")[:500],
    )
    login(request, user, backend=BACKEND)
