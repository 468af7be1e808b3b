"""From the sign-up into the first workspace, and one more workspace later."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from accounts.addresses import is_address
from accounts.selectors import pending_sign_up
from accounts.services.signing_up import NewWorkspace, fulfil_wish, is_free, open_another, suggestions
from accounts.web.limits import is_too_often
from accounts.web.sign_up_forms import NewWorkspaceForm
from tikdash.errors import TikdashError

#: In the session: the workspace that was just made, and where its owner begins.
WELCOME = "welcome"


@require_GET
@never_cache
@login_not_required
def address(request: Any) -> HttpResponse:
    """A piece of the form: an address for the name, or whether the typed one is free."""
    if is_too_often(request, "suggest_address"):
        return HttpResponse(status=429)
    typed = request.GET.get("address", "").strip().lower()[:63]
    if "workspace" in request.GET:
        near = suggestions(request.GET["workspace"][:120])
        context = {"address": near[0], "note": gettext("Free.")}
        return render(request, "accounts/_address_field.html", context | {"base_domain": settings.BASE_DOMAIN})
    if not typed:
        note, free = "", True
    elif not is_address(typed):
        note, free = (
            gettext("Use lower-case letters, digits and hyphens, and a letter first."),
            False,
        )
    else:
        free = is_free(typed)
        note = gettext("Free.") if free else gettext("This address is taken.")
    return render(request, "accounts/_address_note.html", {"note": note, "free": free})


@require_GET
@never_cache
def welcome(request: Any) -> HttpResponse:
    """Into the workspace that was asked for at the sign-up; where its address is gone, to the choice of another."""
    made = request.session.pop(WELCOME, None)
    if made:
        return _into(made["slug"], made["path"])
    if pending_sign_up(request.user.pk) is None:
        return redirect("home")
    messages.warning(request, gettext("Somebody else has taken this address in the meantime. Choose another one."))
    return redirect("new_workspace")


@require_http_methods(["GET", "POST"])
def new_workspace(request: Any) -> HttpResponse:
    """The form for one more workspace; after a sign-up whose address was taken, with what was typed there."""
    wish = pending_sign_up(request.user.pk)
    initial = {"workspace": wish.workspace, "handle": wish.handle, "time_zone": wish.time_zone} if wish else {}
    form = NewWorkspaceForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        cleaned = form.cleaned_data
        try:
            made = open_another(
                user=request.user,
                workspace=cleaned["workspace"],
                slug=cleaned["address"],
                handle=cleaned["handle"],
                time_zone=cleaned["time_zone"],
            )
        except TikdashError as error:
            form.add_error(None, str(error))
        else:
            return _into(made.tenant.slug, made.path)
    context = {"form": form, "base_domain": settings.BASE_DOMAIN}
    return render(request, "accounts/new_workspace.html", context, status=422 if form.errors else 200)


def begin_workspace(request: Any, user: Any) -> None:
    """Makes what the person asked for at the sign-up; `welcome` then leads there."""
    try:
        made: NewWorkspace | None = fulfil_wish(user=user)
    except TikdashError:
        # The address was taken since; `welcome` asks for another one.
        return
    if made is not None:
        request.session[WELCOME] = {"slug": made.tenant.slug, "path": made.path}


def _into(slug: str, path: str) -> HttpResponse:
    return redirect(f"{reverse('open_workspace', args=[slug])}?{urlencode({'next': path})}")
