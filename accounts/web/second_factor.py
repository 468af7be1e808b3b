"""The second factor: how allauth keeps it here, and who may not go on without it."""

from __future__ import annotations

import time
from typing import Any

from allauth.account import app_settings
from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext, gettext_lazy

from tikdash.crypto import lock, unlock

SEALED_FOR = "accounts.second-factor"
#: What counts as a second factor; recovery codes only stand in for one.
FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]

#: A view behind this asks who it is once more, unless the person has just said so; a form that was sent goes on after.
#: Put it on whatever reveals, erases, or acts as somebody else.
step_up = reauthentication_required


class SecondFactors(DefaultMFAAdapter):
    """Sealed in the database; passkeys belong to our domain, and work on all workspaces below it."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "cannot_delete_authenticator": gettext_lazy(
            "Staff keep a second factor. Add another one before you remove this."
        ),
        "incorrect_code": gettext_lazy("This code is not right. Type the one that is shown now."),
    }

    def encrypt(self, text: str) -> str:
        return lock(text, SEALED_FOR)

    def decrypt(self, encrypted_text: str) -> str:
        return unlock(encrypted_text, SEALED_FOR)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {"id": settings.BASE_DOMAIN, "name": "Tikdash"}

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        user = authenticator.user
        others = Authenticator.objects.filter(user=user, type__in=FACTORS).exclude(pk=authenticator.pk)
        return not user.is_staff or others.exists()

    def generate_authenticator_name(self, user: Any, type: Authenticator.Type) -> str:
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return gettext("Passkey {number}").format(number=number)


def has_second_factor(user: Any) -> bool:
    """True where a log-in of this person asks for more than the password."""
    return bool(user.is_authenticated) and Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).exists()


def came_with_second_factor(request: HttpRequest) -> bool:
    """True where this session was opened, or confirmed later, with the second factor."""
    return any(record.get("method") == "mfa" for record in get_authentication_records(request, request.user))  # type: ignore[arg-type]


def way_to_second_factor(request: HttpRequest) -> str | None:
    """Where staff have to go before the administration opens; None where nothing is missing."""
    if came_with_second_factor(request):
        return None
    types = set(Authenticator.objects.filter(user_id=request.user.pk, type__in=FACTORS).values_list("type", flat=True))
    if not types:
        return reverse("mfa_index")
    name = "mfa_reauthenticate" if Authenticator.Type.TOTP in types else "mfa_reauthenticate_webauthn"
    return f"{reverse(name)}?{urlencode({'next': request.get_full_path()})}"


def just_said_who(user: Any) -> bool:
    """True within the time of a step-up after the log-in itself: with the second factor, where there was one then."""
    records = get_authentication_records(context.request, user)
    factors = Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS)
    if first := factors.order_by("created_at").first():
        since = first.created_at.timestamp()
        records = [record for record in records if record.get("method") == "mfa" or record["at"] < since]
    return bool(records) and time.time() - records[-1]["at"] < app_settings.REAUTHENTICATION_TIMEOUT
