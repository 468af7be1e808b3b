"""Mails about keys."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import Domain, Membership, TenantKey
from accounts.selectors import TenantRef
from tikdash.db.scope import tenant_scope


def tell_of_invalid_key(*, tenant: TenantRef, key_id: int) -> int:
    """Writes to each owner, in the owner's language, that the key was refused; returns to how many. Raises OSError."""
    with tenant_scope(tenant):
        key = TenantKey.objects.filter(pk=key_id, state=TenantKey.State.INVALID).first()
    if key is None:
        return 0
    host = Domain.objects.filter(tenant_id=tenant.id, is_primary=True).values_list("domain", flat=True).first()
    owners = Membership.objects.filter(tenant_id=tenant.id, role=Membership.Role.OWNER, user__is_active=True)
    for owner in owners.select_related("user"):
        with translation.override(owner.user.language or settings.LANGUAGE_CODE):
            context = {"tenant": tenant, "last_four": key.last_four, "host": host, "user": owner.user}
            send_mail(
                _("{workspace}: your TikLiveAPI key was refused").format(workspace=tenant.name).replace("\n", " "),
                render_to_string("emails/key_invalid.txt", context),
                settings.DEFAULT_FROM_EMAIL,
                [owner.user.email],
            )
    return len(owners)
