"""Whose language a page speaks, and whose clock it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers

from accounts.time_zones import zone_named

Handler = Callable[[HttpRequest], HttpResponse]
#: The pages of the staff speak the language of the code, as half of their words come from elsewhere, and show UTC: what
#: two people on call read to each other, and what stands in logs, is the same.
ADMIN = "/admin/"


class LanguageMiddleware:
    """The language of the browser's cookie, else the one that the browser asks for; before anything can fail, so that
    pages of errors speak it, too."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        in_admin = request.path_info.startswith(ADMIN)
        language = settings.LANGUAGE_CODE if in_admin else translation.get_language_from_request(request)
        with translation.override(language):
            request.LANGUAGE_CODE = language  # type: ignore[attr-defined]
            return self.get_response(request)


class PreferencesMiddleware:
    """What the person who is signed in chose goes before; the zone is theirs, else the workspace's, else UTC;
    to staff always UTC."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        user, tenant = request.user, request.tenant
        in_admin = request.path_info.startswith(ADMIN)
        zone = (
            zone_named() if in_admin else zone_named(getattr(user, "time_zone", ""), tenant.time_zone if tenant else "")
        )
        if not in_admin:
            request.LANGUAGE_CODE = _spoken(getattr(user, "language", "")) or request.LANGUAGE_CODE
        with translation.override(request.LANGUAGE_CODE), timezone.override(zone):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", request.LANGUAGE_CODE)
        patch_vary_headers(response, ("Accept-Language", "Cookie"))
        return response


def _spoken(language: str) -> str:
    return language if language in dict(settings.LANGUAGES) else ""
