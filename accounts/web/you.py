"""A person's own pages that are not allauth's."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods

from accounts.services.people import end_sessions, rename_person
from accounts.session_list import sessions_of
from accounts.web.forms import ProfileForm


@require_http_methods(["GET", "POST"])
def profile(request: Any) -> HttpResponse:
    """The name that others in the workspaces see."""
    form = ProfileForm(request.POST or None, initial={"name": request.user.name})
    if request.method == "POST" and form.is_valid():
        rename_person(user_id=request.user.pk, name=form.cleaned_data["name"])
        messages.success(request, gettext("Saved."))
        return redirect("you")
    return render(request, "accounts/you.html", {"form": form}, status=422 if form.errors else 200)


@require_GET
def passkeys(request: HttpRequest) -> HttpResponse:
    """Where allauth goes when a passkey was changed: they stand with the other factors."""
    return redirect("mfa_index")


@require_http_methods(["GET", "POST"])
def sessions(request: Any) -> HttpResponse:
    """Where the person is signed in; one button ends all but this session."""
    if request.method == "POST":
        end_sessions(user_id=request.user.pk, but=request.session.session_key)
        messages.success(request, gettext("You are signed out everywhere else."))
        return redirect("sessions")
    return render(
        request, "accounts/sessions.html", {"sessions": sessions_of(request.user, request.session.session_key)}
    )
