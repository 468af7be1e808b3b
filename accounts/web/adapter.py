from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest

from accounts.services.preferences import set_preferences


class AccountAdapter(DefaultAccountAdapter):
    """How allauth behaves here: nobody signs up by themselves yet, and a log-in goes to the page that was asked for."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Nobody needs to be told that the log-in they just did has worked: the page shows it."""

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> Any:
        """A language that was chosen before the log-in is theirs from now on, where they have none yet."""
        chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        if not user.language and chosen in dict(settings.LANGUAGES):
            set_preferences(user=user, language=chosen)
        return super().post_login(request, user, **kwargs)

    def is_safe_url(self, url: str | None) -> bool:
        """Only paths of this very host: the tenants beside it are other parties."""
        path = url or ""
        return path.startswith("/") and not path.startswith(("//", "/\\")) and bool(super().is_safe_url(url))

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """The person, or None: also for one who was switched off, whom a sentence of its own would give away."""
        user = super().authenticate(request, **credentials)
        return user if user is not None and user.is_active else None

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """One count for a person on all hosts: allauth's own key has the host in it, which anybody may send."""
        return str(credentials.get("email", "")).strip().lower()
