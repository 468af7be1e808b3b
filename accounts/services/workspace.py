"""What a workspace chooses for all its members."""

from __future__ import annotations

from django.db import transaction

from accounts.models import Tenant
from accounts.roles import Capability, refuse_unless
from accounts.selectors import MembershipRef, TenantRef
from accounts.services.auditing import record
from tikdash.db.scope import no_scope


def choose_headline_rate(*, tenant: TenantRef, membership: MembershipRef, metric_id: str) -> None:
    """The engagement rate that the workspace's pages lead with from now on; the caller knows that there is such a one.

    Raises NotAllowed for who may not change the workspace.
    """
    refuse_unless(membership.role, Capability.MANAGE_WORKSPACE)
    with transaction.atomic():
        with no_scope():
            Tenant.objects.filter(pk=tenant.id).update(headline_rate=metric_id)
        after = {"fields": ["headline_rate"], "headline_rate": metric_id}
        record("workspace.changed", tenant_id=tenant.id, before={"headline_rate": tenant.headline_rate}, after=after)
