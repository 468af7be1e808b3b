"""Reading a tenant's API tokens. Nothing that could be used comes out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts.models import ApiToken
from tikdash.errors import NotFound

MOST_SHOWN = 200


@dataclass(frozen=True)
class TokenRef:
    """One token as people see it; `prefix` is what may be shown of it."""

    id: int
    name: str
    prefix: str
    scopes: list[str]
    tags: list[str]
    networks: list[str]
    expires_at: datetime | None
    created_at: datetime
    created_by: str
    last_used_at: datetime | None
    revoked_at: datetime | None
    is_replaced: bool


def tokens_of() -> list[TokenRef]:
    """Those of the tenant of the present scope, the newest first."""
    rows = ApiToken.objects.select_related("created_by").order_by("-created_at", "-pk")[:MOST_SHOWN]
    return [_ref(row) for row in rows]


def token_of(token_id: int) -> TokenRef:
    """One of them. Raises NotFound."""
    row = ApiToken.objects.select_related("created_by").filter(pk=token_id).first()
    if row is None:
        raise NotFound("There is no such token.")
    return _ref(row)


def _ref(row: ApiToken) -> TokenRef:
    return TokenRef(
        row.pk, row.name, f"tkd_{row.key}", row.scopes, row.tags, row.networks, row.expires_at, row.created_at,
        row.created_by.email if row.created_by else "", row.last_used_at, row.revoked_at,
        row.replaced_by_id is not None,
    )  # fmt: skip
