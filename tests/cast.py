"""The cast of the tests: three tenants, their people, and what cleans up behind tests that really write.

- Acme (plan pro, shared schema): Ana is its owner, Max a member.
- Rival (plan free, shared schema): Rita is its owner. Nothing of Acme may ever reach her.
- Globex (plan enterprise, schema of its own): Gil is its owner.
- Olga is staff: she sees the admin and belongs to no tenant. Nora has a log-in and belongs to none either.
"""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import Domain, Membership, Shard, Tenant, User
from accounts.selectors import TenantRef, tenant_by_slug
from accounts.services.tenants import add_member, create_tenant
from tikdash.db.scope import owner

PASSWORD = "correct-horse-battery"
TENANTS = {"acme": ("Acme Talent", "pro"), "rival": ("Rival Brand", "free"), "globex": ("Globex Media", "enterprise")}
PEOPLE = {
    "ana@acme.example": ("acme", "owner"),
    "max@acme.example": ("acme", "member"),
    "rita@rival.example": ("rival", "owner"),
    "gil@globex.example": ("globex", "owner"),
}
#: Shared tables of billing that tests fill.
BILLED = [
    "usage_events", "usage_daily", "usage_hourly", "usage_fills", "usage_late", "usage_saved", "usage_corrections",
    "credit_packs", "credit_grants", "invoices", "platform_budgets", "tenant_budgets", "budget_refusals",
    "subscriptions", "alert_channels", "usage_alerts", "alert_deliveries",
]  # fmt: skip
OLGA, NORA = "olga@tikdash.example", "nora@nowhere.example"


@dataclass(frozen=True)
class Cast:
    acme: TenantRef
    rival: TenantRef
    globex: TenantRef
    ana: User
    max: User
    rita: User
    gil: User
    olga: User
    nora: User

    @classmethod
    def load(cls) -> Cast:
        people = {user.email.split("@")[0]: user for user in User.objects.filter(email__in=[*PEOPLE, OLGA, NORA])}
        return cls(**{slug: tenant_by_slug(slug) for slug in TENANTS}, **people)

    @property
    def tenants(self) -> list[TenantRef]:
        return [self.acme, self.rival, self.globex]


def make_cast() -> None:
    for slug, (name, plan) in TENANTS.items():
        create_tenant(slug=slug, name=name, plan=plan, dedicated=slug == "globex")
    for email, (slug, role) in PEOPLE.items():
        add_member(tenant_id=tenant_by_slug(slug).id, email=email, role=role, password=PASSWORD)
    User.objects.create_superuser(OLGA, PASSWORD, name="Olga")
    User.objects.create_user(NORA, PASSWORD, name="Nora")


def clean_up() -> None:
    """Empties every table of tracked data, usage and sessions, and removes tenants that are not of the cast."""
    from django.db import connection

    from tikdash.db.rls import tables_of

    schemas = list(Shard.objects.values_list("schema_name", flat=True))
    with owner(), connection.cursor() as cursor:
        names = [f'"public"."{name}"' for name in ("django_session", "audit_log", *BILLED)]
        for schema in schemas:
            names += [
                f'"{schema}"."{table["name"]}"'
                for table in tables_of(connection, schema)
                if table["has_tenant"] and not table["is_partition"]
            ]
        if names:
            cursor.execute(f"TRUNCATE {', '.join(names)} RESTART IDENTITY")
        others = Tenant.objects.exclude(slug__in=TENANTS)
        extra = list(Shard.objects.filter(tenants__in=others, kind="dedicated").values_list("schema_name", flat=True))
        Domain.objects.filter(tenant__in=others).delete()
        Membership.objects.filter(tenant__in=others).delete()
        others.delete()
        Shard.objects.filter(schema_name__in=extra).delete()
        for schema in extra:
            cursor.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
        User.objects.exclude(email__in=[*PEOPLE, OLGA, NORA]).delete()
