"""Forms that make a workspace: at the sign-up, and later for one more."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import SignupForm
from django import forms
from django.conf import settings
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.addresses import is_address
from accounts.models.tenants import SLUG
from accounts.services.signing_up import first_account, is_free, keep_wish, suggestions
from accounts.services.tenants import LONGEST_NAME, RESERVED_SLUGS
from accounts.time_zones import is_time_zone
from tikdash.errors import BadInput


class WorkspaceFields(forms.Form):
    """Name, address, first handle. Without an address one is made of the name."""

    workspace = forms.CharField(
        label=_("Name of the workspace"),
        max_length=LONGEST_NAME,
        widget=forms.TextInput({"autocomplete": "organization"}),
    )
    address = forms.CharField(
        label=_("Address"),
        max_length=63,
        required=False,
        widget=forms.TextInput({"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}),
    )
    handle = forms.CharField(
        label=_("First TikTok handle"),
        max_length=200,
        required=False,
        widget=forms.TextInput({"placeholder": "@lena.bakes", "autocapitalize": "none", "spellcheck": "false"}),
    )
    time_zone = forms.CharField(required=False, max_length=60, widget=forms.HiddenInput({"data-time-zone": ""}))

    def clean_workspace(self) -> str:
        name = " ".join(self.cleaned_data["workspace"].split())
        if not any(letter.isalnum() for letter in name):
            raise forms.ValidationError(gettext("Give the workspace a name, for example that of your company."))
        return name

    def clean_handle(self) -> str:
        handle = self.cleaned_data["handle"]
        if not handle:
            return ""
        try:
            return first_account().clean(handle)
        except BadInput as error:
            raise forms.ValidationError(str(error)) from None

    def clean_time_zone(self) -> str:
        zone = self.cleaned_data["time_zone"]
        return zone if is_time_zone(zone) else "UTC"

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "workspace" in cleaned and "address" in cleaned:
            cleaned["address"] = self._address(cleaned["address"].strip().lower(), cleaned["workspace"])
        return cleaned

    def _address(self, typed: str, workspace: str) -> str:
        near = suggestions(workspace)
        if not typed:
            return near[0]
        slug = typed.removesuffix(f".{settings.BASE_DOMAIN}")
        if slug in RESERVED_SLUGS:
            self.add_error("address", _with(gettext("“%(slug)s” is kept for Tikdash itself."), slug, near))
        elif not is_address(slug):
            self.add_error("address", str(SLUG.message))
        elif not is_free(slug):
            self.add_error("address", _with(gettext("“%(slug)s” is taken."), slug, near))
        return slug


class SignUpForm(WorkspaceFields, SignupForm):  # type: ignore[misc]
    """One form: log-in, workspace, first handle. The workspace is made when the address is confirmed."""

    field_order = ["email", "password1", "workspace", "address", "handle", "time_zone"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("E-mail")
        for name in ("email", "password1"):
            self.fields[name].widget.attrs.pop("placeholder", None)
        self.fields["password1"].help_text = _("At least 10 characters.")

    def try_save(self, request: HttpRequest) -> Any:
        """An address that has a log-in already takes as long as a new one, and looks the same."""
        if self.account_already_exists:
            get_user_model()().set_password(self.cleaned_data["password1"])
        return super().try_save(request)

    def signup(self, request: HttpRequest, user: Any) -> None:
        """Called by allauth with the person who was just made."""
        cleaned = self.cleaned_data
        keep_wish(
            user=user,
            workspace=cleaned["workspace"],
            slug=cleaned["address"],
            handle=cleaned["handle"],
            time_zone=cleaned["time_zone"],
        )


class NewWorkspaceForm(WorkspaceFields):
    """One more workspace for somebody who is here already."""


def _with(sentence: str, slug: str, near: list[str]) -> str:
    """The sentence, and which addresses are free."""
    return f"{sentence % {'slug': slug}} {gettext('Free are:')} {', '.join(near)}."
