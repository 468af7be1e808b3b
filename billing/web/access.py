"""Who may see what a workspace pays."""

from __future__ import annotations

from typing import Any

from django.http import Http404

from accounts.roles import Capability, can


def refuse_members(request: Any) -> None:
    """Raises Http404 for people who do not manage the workspace: as if the page were not there."""
    if not can(request.membership.role, Capability.MANAGE_WORKSPACE):
        raise Http404
