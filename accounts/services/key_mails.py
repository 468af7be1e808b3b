"""Mails about keys."""

from __future__ import annotations

from django.db import transaction

from accounts.models import Membership, TenantKey
from accounts.selectors import TenantRef
from accounts.services.hosts import workspace_url
from accounts.services.mails import send_mail
from tikdash.db.scope import tenant_scope


def tell_of_invalid_key(*, tenant: TenantRef, key_id: int) -> int:
    """Keeps a mail to each owner, in the owner's language, that the key was refused; returns to how many."""
    with tenant_scope(tenant):
        key = TenantKey.objects.filter(pk=key_id, state=TenantKey.State.INVALID).first()
    if key is None:
        return 0
    owners = Membership.objects.filter(tenant_id=tenant.id, role=Membership.Role.OWNER, user__is_active=True)
    page = f"{workspace_url(tenant.id)}/settings/keys/"
    context = {"workspace": tenant.name, "last_four": key.last_four, "page": page}
    with transaction.atomic():
        for owner in owners.select_related("user"):
            send_mail(template="emails/key_invalid", to=owner.user.email, context=context, language=owner.user.language)
    return len(owners)
