"""Language and time zone of a person: a page for both, and the switch of the language that every page has."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.services.preferences import set_preferences
from accounts.time_zones import time_zones
from tikdash.errors import BadInput


@require_http_methods(["GET", "POST"])
def preferences(request: Any) -> HttpResponse:
    """The page of a person's choices."""
    user = request.user
    chosen = {"language": user.language, "time_zone": user.time_zone}
    errors: dict[str, str] = {}
    if request.method == "POST":
        chosen = {name: str(request.POST.get(name, ""))[:60] for name in chosen}
        try:
            set_preferences(user=user, **chosen)
        except BadInput as error:
            errors[error.data["field"]] = str(error)
        else:
            with translation.override(chosen["language"] or translation.get_language_from_request(request)):
                messages.success(request, gettext("Your preferences are saved."))
            return redirect("preferences")
    context = {"chosen": chosen, "errors": errors, "languages": settings.LANGUAGES, "time_zones": time_zones()}
    return render(request, "accounts/preferences.html", context, status=422 if errors else 200)


@require_POST
@login_not_required
def choose_language(request: Any) -> HttpResponse:
    """Speaks another language from now on: in this browser, and wherever the person who is signed in signs in."""
    language = request.POST.get("language", "")
    if language not in dict(settings.LANGUAGES):
        raise BadInput(gettext("Choose one of the languages of the list."))
    if request.user.is_authenticated:
        set_preferences(user=request.user, language=language)
    after = str(request.POST.get("next", ""))
    safe = after.startswith("/") and url_has_allowed_host_and_scheme(after, allowed_hosts=None)
    response = redirect(after if safe else "/")
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        path=settings.LANGUAGE_COOKIE_PATH,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response
