from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm


class LogInForm(LoginForm):
    """E-mail and password. Whatever was wrong, the answer is the same sentence."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = "E-mail"
        self.fields["login"].widget.attrs |= {"autocomplete": "email"}
        for name in ("login", "password"):
            self.fields[name].widget.attrs.pop("placeholder", None)
