"""What owners and admins set for their workspace."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext

from accounts.models import Tenant
from accounts.roles import Capability, refuse_unless
from accounts.selectors import MembershipRef, TenantRef
from accounts.services.auditing import Target, record
from accounts.services.tenants import LONGEST_NAME
from accounts.time_zones import is_time_zone
from tikdash.errors import BadInput


def change_workspace(*, tenant: TenantRef, by: MembershipRef, name: str, time_zone: str, language: str) -> None:
    """Raises NotAllowed, and BadInput with the `field` that cannot be."""
    refuse_unless(by.role, Capability.MANAGE_WORKSPACE)
    name = " ".join(name.split())
    if not any(letter.isalnum() for letter in name) or len(name) > LONGEST_NAME:
        raise BadInput(
            gettext("Give the workspace a name of at most %(most)s characters.") % {"most": LONGEST_NAME}, field="name"
        )
    if not is_time_zone(time_zone):
        raise BadInput(
            gettext("Choose one of the time zones of the list, for example Europe/Paris."), field="time_zone"
        )
    if language and language not in dict(settings.LANGUAGES):
        raise BadInput(gettext("Choose one of the languages of the list."), field="language")
    wanted = {"name": name, "time_zone": time_zone, "language": language}
    with transaction.atomic():
        row = Tenant.objects.select_for_update().get(pk=tenant.id)
        before = {field: getattr(row, field) for field, value in wanted.items() if getattr(row, field) != value}
        if not before:
            return
        for field in before:
            setattr(row, field, wanted[field])
        row.save(update_fields=list(before))
        record(
            "workspace.changed",
            target=Target("tenant", row.pk, row.slug),
            before=before,
            after={field: wanted[field] for field in before} | {"fields": list(before)},
        )
