"""From the public host into a workspace without a second log-in: a signed ticket, for one use, within a minute.

Cookies belong to one host each, so that no workspace's page can read another's session; the ticket carries the person
over.
"""

from __future__ import annotations

import secrets

from django.core import signing
from django.core.cache import cache

from accounts.models import User
from tikdash.errors import BadInput
from tikdash.words import gettext

SALT = "accounts.handover"
LIFETIME_S = 60


def issue_ticket(*, user: User, tenant_id: int) -> str:
    """A ticket for `user` into the tenant's host."""
    return signing.dumps([user.pk, tenant_id, secrets.token_hex(8), user.get_session_auth_hash()], salt=SALT)


def redeem_ticket(*, ticket: str, tenant_id: int) -> User:
    """The person whom the ticket lets into this tenant.

    Raises BadInput for a ticket that is forged, old, used, of another tenant, or of a changed password.
    """
    refused = BadInput(
        gettext("This link into the workspace is no longer valid. Open the workspace from the list again.")
    )
    try:
        user_id, ticket_tenant_id, nonce, auth_hash = signing.loads(ticket, salt=SALT, max_age=LIFETIME_S)
    except (signing.BadSignature, ValueError, TypeError):
        raise refused from None
    if ticket_tenant_id != tenant_id or not cache.add(f"handover:{nonce}", 1, timeout=LIFETIME_S * 2):
        raise refused
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None or not secrets.compare_digest(user.get_session_auth_hash(), auth_hash):
        raise refused
    return user
