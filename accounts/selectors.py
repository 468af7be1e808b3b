"""Reading tenants, hosts and memberships. Frozen values come out, never QuerySets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Domain, Membership, Shard, Tenant
from tikdash.errors import NotFound


@dataclass(frozen=True)
class TenantRef:
    """What a request, a task or a command has to know of a tenant; enough to enter its scope."""

    id: int
    slug: str
    name: str
    plan: str
    state: str
    key_mode: str
    time_zone: str
    schema_name: str
    trial_ends_at: datetime | None


@dataclass(frozen=True)
class WorkspaceOfUser:
    """One of a person's workspaces."""

    tenant_id: int
    slug: str
    name: str
    plan: str
    role: str
    host: str


def _ref(tenant: Tenant) -> TenantRef:
    return TenantRef(
        id=tenant.pk,
        slug=tenant.slug,
        name=tenant.name,
        plan=tenant.plan,
        state=tenant.state,
        key_mode=tenant.key_mode,
        time_zone=tenant.time_zone,
        schema_name=tenant.schema_name,
        trial_ends_at=tenant.trial_ends_at,
    )


def tenant_by_slug(slug: str) -> TenantRef:
    """Raises NotFound."""
    tenant = Tenant.objects.select_related("shard").filter(slug=slug).first()
    if tenant is None:
        raise NotFound(f"There is no tenant “{slug}”.")
    return _ref(tenant)


def tenant_by_id(tenant_id: int) -> TenantRef:
    """Raises NotFound."""
    tenant = Tenant.objects.select_related("shard").filter(pk=tenant_id).first()
    if tenant is None:
        raise NotFound(f"There is no tenant {tenant_id}.")
    return _ref(tenant)


def tenant_for_host(host: str) -> TenantRef | None:
    """The tenant that is reached under `host` (no port), or None."""
    domain = Domain.objects.select_related("tenant__shard").filter(domain=host).first()
    return _ref(domain.tenant) if domain else None


def membership_of(tenant_id: int, user_id: int) -> Membership | None:
    """The person's membership in the tenant, or None for a stranger."""
    return Membership.objects.filter(tenant_id=tenant_id, user_id=user_id, user__is_active=True).first()


def workspaces_of(user_id: int) -> list[WorkspaceOfUser]:
    """All workspaces of a person by name, each with its primary host."""
    rows = (
        Membership.objects.filter(user_id=user_id, tenant__domains__is_primary=True)
        .order_by("tenant__name")
        .values_list("tenant_id", "tenant__slug", "tenant__name", "tenant__plan", "role", "tenant__domains__domain")
    )
    return [WorkspaceOfUser(*row) for row in rows]


def schemas() -> list[str]:
    """The schemas of all shards, the oldest first."""
    return list(Shard.objects.order_by("id").values_list("schema_name", flat=True))


def all_tenants_listed() -> list[TenantRef]:
    """Every tenant, by slug."""
    return [_ref(tenant) for tenant in Tenant.objects.select_related("shard").order_by("slug")]
