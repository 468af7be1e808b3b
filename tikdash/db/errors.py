"""Errors of the scopes. All of them are mistakes of a program or of an installation, never of a customer."""

from __future__ import annotations

from typing import Any

from tikdash.errors import TikdashError


class MissingSchema(TikdashError):
    """The schema of a scope does not exist, or its name is no schema name; nothing falls through to `public`."""

    code = "missing_schema"
    status = 503

    def __init__(self, schema: str) -> None:
        super().__init__(f"The schema “{schema}” is missing. Run `manage.py doctor` to see and mend it.", schema=schema)


class ScopeChanged(TikdashError):
    """A server-side cursor was opened in one scope and read in another."""

    code = "scope_changed"
    status = 500

    def __init__(self, *, opened_in: Any, read_in: Any) -> None:
        super().__init__(f"A cursor opened in {opened_in} was read in {read_in}. Read it inside its own scope.")
