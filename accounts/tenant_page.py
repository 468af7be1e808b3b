"""What apps say and do on a tenant's page of the administration: panels of facts, and actions that are asked once more.

`accounts` has the page and knows neither `billing` nor `snapshots`: each app names its functions in the settings
(`TENANT_PANELS`, `TENANT_ACTIONS`). An action is a service call with an entry in the audit log; it has a permission of
its own, and says what it does and costs before it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.conf import settings
from django.http import FileResponse, HttpRequest
from django.utils.module_loading import import_string

from accounts.selectors import TenantRef

#: How a fact stands; empty where it says nothing of good or bad.
GOOD, WARN, BAD = "good", "warn", "bad"
#: So long a reason may be.
LONGEST_REASON = 200


@dataclass(frozen=True)
class Fact:
    """One line: what it is, what it says, and whether that is bad."""

    label: str
    value: str
    tone: str = ""
    link: str = ""


@dataclass(frozen=True)
class Panel:
    """A part of the page: facts, and below them perhaps a table. Whoever lacks `permission` does not see it."""

    title: str
    facts: tuple[Fact, ...] = ()
    headings: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    nothing: str = ""
    link: str = ""
    permission: str = "accounts.view_tenant"


@dataclass(frozen=True)
class Asked:
    """An action that was confirmed: for whom, by whom, and with what."""

    tenant: TenantRef
    request: HttpRequest
    data: dict[str, Any]


@dataclass(frozen=True)
class TenantAction:
    """Something that operators do to a tenant, under `…/do/NAME/`.

    `says` are sentences: what happens, how much it concerns, what it costs. `refuses` is why it cannot be done now,
    empty where it can. `run` returns what was done, as a sentence or a file, or raises TikdashError. Before what
    `is_grave` the one who asks says once more who it is.
    """

    name: str
    title: str
    permission: str
    says: Callable[[TenantRef], Sequence[str]]
    run: Callable[[Asked], str | FileResponse]
    form: Callable[[TenantRef], type[forms.Form]] | None = None
    refuses: Callable[[TenantRef], str] = lambda tenant: ""
    is_grave: bool = False


def panels_of(tenant: TenantRef, request: HttpRequest) -> list[Panel]:
    """The panels of all apps that the one who asks may see, in the order of the settings."""
    found: list[Panel] = []
    for path in settings.TENANT_PANELS:
        found += cast("list[Panel]", import_string(path)(tenant))
    return [panel for panel in found if request.user.has_perm(panel.permission)]


def actions() -> dict[str, TenantAction]:
    """The actions of all apps by name, in the order of the settings."""
    return {action.name: action for path in settings.TENANT_ACTIONS for action in import_string(path)}
