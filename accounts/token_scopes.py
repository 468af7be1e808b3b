"""What a token may be allowed to do: a resource of the API, to read or to write. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

#: Resources of the API, and whether anything can be written there.
RESOURCES: Mapping[str, tuple[str | Promise, bool]] = {
    "accounts": (_("Accounts and growth"), True),
    "posts": (_("Posts and their curves"), False),
    "hashtags": (_("Hashtags"), False),
    "sounds": (_("Sounds"), False),
    "audience": (_("Audience"), False),
    "comments": (_("Comments"), False),
    "alerts": (_("Alerts"), True),
    "webhooks": (_("Webhooks"), True),
    "usage": (_("Usage and credits"), False),
    "exports": (_("Exports"), True),
}
READ, WRITE = "read", "write"
SCOPES = frozenset(
    f"{resource}:{access}"
    for resource, (_label, writable) in RESOURCES.items()
    for access in ((READ, WRITE) if writable else (READ,))
)


def without_writing(scopes: Collection[str]) -> frozenset[str]:
    """What is left of scopes where nothing may be written: whoever might write may still read."""
    return frozenset(f"{scope.partition(':')[0]}:{READ}" for scope in scopes)


def allows(scopes: Collection[str], resource: str, access: str) -> bool:
    """True where one of the scopes covers it; who may write may read."""
    return f"{resource}:{access}" in scopes or (access == READ and f"{resource}:{WRITE}" in scopes)
