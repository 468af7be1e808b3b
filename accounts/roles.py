"""What a person may do in a workspace, by role: the one table that pages, services and the API ask."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from tikdash.errors import NotAllowed

OWNER, ADMIN, MEMBER = "owner", "admin", "member"


class Capability(StrEnum):
    """Something that not everybody may do. The value is how sentences say it: “Only owners may …”."""

    READ = "see this workspace"
    TRACK = "change what is tracked"
    MANAGE_PEOPLE = "manage people"
    MANAGE_WORKSPACE = "change the workspace"
    MANAGE_KEYS = "manage keys"
    MANAGE_TOKENS = "manage API tokens"
    READ_AUDIT_LOG = "read the audit log"
    MANAGE_BILLING = "change the plan"
    TRANSFER_OWNERSHIP = "hand the workspace over"
    CLOSE_WORKSPACE = "close the workspace"


_OWNER = frozenset({OWNER})
_ADMINS = frozenset({OWNER, ADMIN})
_ALL = frozenset({OWNER, ADMIN, MEMBER})

MAY: Final[dict[Capability, frozenset[str]]] = {
    Capability.READ: _ALL,
    Capability.TRACK: _ALL,
    Capability.MANAGE_PEOPLE: _ADMINS,
    Capability.MANAGE_WORKSPACE: _ADMINS,
    Capability.MANAGE_KEYS: _ADMINS,
    Capability.MANAGE_TOKENS: _ADMINS,
    Capability.READ_AUDIT_LOG: _ADMINS,
    Capability.MANAGE_BILLING: _OWNER,
    Capability.TRANSFER_OWNERSHIP: _OWNER,
    Capability.CLOSE_WORKSPACE: _OWNER,
}


def can(role: str, capability: Capability) -> bool:
    """True where people with `role` may do it; an unknown role may nothing."""
    return role in MAY[capability]


def refuse_unless(role: str, capability: Capability) -> None:
    """Raises NotAllowed, with a sentence that says who may."""
    if not can(role, capability):
        who = "the owner" if MAY[capability] == _OWNER else "owners and admins"
        raise NotAllowed(f"Only {who} of the workspace may {capability.value}.")


def capabilities_of(role: str) -> dict[str, bool]:
    """For templates: the name of each capability in lower case, and whether the role has it."""
    return {capability.name.lower(): can(role, capability) for capability in Capability}
