from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms
from django.utils.translation import gettext_lazy as _


class LogInForm(LoginForm):
    """E-mail and password. Whatever was wrong, the answer is the same sentence."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("E-mail")
        self.fields["login"].widget.attrs |= {"autocomplete": "email"}
        for name in ("login", "password"):
            self.fields[name].widget.attrs.pop("placeholder", None)


class AddPasskeyForm(AddWebAuthnForm):
    """A passkey opens the log-in alone, unless the person wants it to come behind the password only."""

    passwordless = forms.BooleanField(
        label=_("Sign in with it alone, without the password"), required=False, initial=True
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].max_length = 60


class ProfileForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=120,
        required=False,
        widget=forms.TextInput({"autocomplete": "name"}),
        help_text=_("Others in your workspaces see it. Without one they see your address."),
    )
