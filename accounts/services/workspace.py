"""What a workspace chooses for all its members."""

from __future__ import annotations

import structlog
from django.db import transaction

from accounts.models import Membership, Tenant
from accounts.selectors import MembershipRef, TenantRef
from accounts.services.auditing import record
from tikdash.db.scope import no_scope
from tikdash.errors import NotAllowed

log = structlog.get_logger(__name__)

MAY_CHOOSE = (Membership.Role.OWNER, Membership.Role.ADMIN)


def may_choose(membership: MembershipRef) -> bool:
    """Whether this member decides for the workspace."""
    return membership.role in MAY_CHOOSE


def choose_headline_rate(*, tenant: TenantRef, membership: MembershipRef, metric_id: str) -> None:
    """The engagement rate that the workspace's pages lead with from now on; the caller knows that there is such a one.

    Raises NotAllowed for who is neither owner nor admin.
    """
    if membership.tenant_id != tenant.id or not may_choose(membership):
        raise NotAllowed("Only owners and admins of this workspace can change that.")
    with transaction.atomic():
        with no_scope():
            Tenant.objects.filter(pk=tenant.id).update(headline_rate=metric_id)
        after = {"fields": ["headline_rate"], "headline_rate": metric_id}
        record("workspace.changed", tenant_id=tenant.id, before={"headline_rate": tenant.headline_rate}, after=after)
    log.info("headline_rate_chosen", tenant=tenant.slug, metric=metric_id, user_id=membership.user_id)
