from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as allauth_context
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from accounts.services.mails import send_mail
from accounts.services.preferences import set_preferences
from accounts.web.second_factor import has_second_factor, just_said_who
from accounts.web.sign_up import WELCOME, begin_workspace


class AccountAdapter(DefaultAccountAdapter):
    """How allauth behaves here: a log-in goes to the page that was asked for, and one host knows nothing of another."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.SIGN_UP_OPEN)

    def confirm_email(self, request: HttpRequest, email_address: Any) -> bool:
        """An address that is confirmed gets the workspace that was asked for with it."""
        confirmed = bool(super().confirm_email(request, email_address))
        if confirmed:
            begin_workspace(request, email_address.user)
        return confirmed

    def get_signup_redirect_url(self, request: HttpRequest) -> str:
        return reverse("welcome")

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Who signed up and confirms the address only now goes where the sign-up would have led."""
        return reverse("welcome") if WELCOME in request.session else str(super().get_login_redirect_url(request))

    def add_message(
        self, request: Any, level: int, message_template: str | None = None, *args: Any, **kwargs: Any
    ) -> None:
        """Nobody needs to be told that the log-in they just did has worked: the page shows it."""
        if message_template not in SHOWN_BY_THE_PAGE:
            super().add_message(request, level, message_template, *args, **kwargs)

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

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """By a worker, once the request is through: a page that sends one takes as long as one that does not."""
        send_mail(template=template_prefix, to=email, context={"email": email} | context)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Who has a second factor confirms with it: a password that was read over a shoulder is not enough."""
        methods = super().get_reauthentication_methods(user)
        if has_second_factor(user):
            methods = [method for method in methods if method["id"] != "reauthenticate"]
        return methods

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Not right after a log-in, which has asked for the same."""
        return super().is_reauthentication_required(app=app, **kwargs) and not just_said_who(
            allauth_context.request.user
        )

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """One count for a person on all hosts: allauth's own key has the host in it, which anybody may send."""
        return str(credentials.get("email", "")).strip().lower()


#: Messages of allauth that say no more than the page that follows.
SHOWN_BY_THE_PAGE = {
    "account/messages/logged_in.txt",
    "account/messages/logged_out.txt",
    "account/messages/email_confirmation_sent.txt",
}
