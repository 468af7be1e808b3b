"""The cast of the tests: three tenants, their people, and what cleans up behind tests that really write.

- Acme (plan pro, shared schema): Ana is its owner, Max a member.
- Rival (plan free, shared schema): Rita is its owner. Nothing of Acme may ever reach her.
- Globex (plan enterprise, schema of its own): Gil is its owner.
- Olga is staff: she sees the admin, behind an authenticator app, and belongs to no tenant. Nora has a log-in and
  belongs to none either.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from allauth.account.internal.flows.login import (
    _AUTHENTICATION_METHODS_USER_SESSION_KEY,
    AUTHENTICATION_METHODS_SESSION_KEY,
)
from allauth.account.internal.userkit import user_id_to_str
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.db.models import Model
from django.test import Client

from accounts.models import Domain, Membership, Shard, Tenant, User
from accounts.selectors import TenantRef, tenant_by_slug
from accounts.services.tenants import add_member, create_tenant
from accounts.web.second_factor import FACTORS
from billing.models import Subscription
from snapshots.analytics.kept_runs import forget_runs
from tikdash.db.scope import all_tenants, owner

PASSWORD = "correct-horse-battery"
TENANTS = {"acme": ("Acme Talent", "pro"), "rival": ("Rival Brand", "free"), "globex": ("Globex Media", "enterprise")}
PEOPLE = {
    "ana@acme.example": ("acme", "owner"),
    "max@acme.example": ("acme", "member"),
    "rita@rival.example": ("rival", "owner"),
    "gil@globex.example": ("globex", "owner"),
}
#: Shared tables of billing that tests fill.
OF_TENANTS = ["audit_log", "looks", "tenant_keys", "api_tokens", "tenant_moves", "tenant_erasures"]
BILLED = [
    "usage_events", "usage_daily", "usage_hourly", "usage_fills", "usage_late", "usage_saved", "usage_corrections",
    "credit_packs", "credit_grants", "invoices", "platform_budgets", "tenant_budgets", "budget_refusals",
    "subscriptions", "plan_excesses", "limit_raises", "alert_channels", "usage_alerts",
     "alert_deliveries", "queue_samples", "table_samples",
    "watch_states", "capacity_scenarios", "capacity_tiers", "capacity_features", "capacity_tables", "quarter_plans",
]  # fmt: skip
#: Tables that are to be emptied and into which something was written since: those of `public` by their names, and all
#: tables of schemas with a tenant's rows. Partitions stand for themselves: to empty all months takes half a second.
WRITTEN = """
    SELECT format('%%I.%%I', n.nspname, c.relname)
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_class root ON root.oid = pg_partition_root(c.oid)
     WHERE c.relkind = 'r' AND pg_relation_size(c.oid) > 0
       AND (n.nspname = 'public' AND coalesce(root.relname, c.relname) = ANY (%s)
            OR n.nspname = ANY (%s) AND EXISTS (SELECT FROM pg_attribute a
                                                 WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'))
"""
OLGA, NORA = "olga@tikdash.example", "nora@nowhere.example"


#: What Olga's app holds.
OLGA_KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


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
    # Tests set their own clock, before or behind this day: those who need a period say since when.
    with all_tenants():
        Subscription.objects.all().delete()
    give_app(User.objects.create_superuser(OLGA, PASSWORD, name="Olga"))
    User.objects.create_user(NORA, PASSWORD, name="Nora")


def remember_cast() -> None:
    """Notes the rows of the cast, which `clean_up` puts back."""
    _as_made.update({model: _rows(model) for model in (User, Tenant, Membership)})


def give_app(user: User, key: str = OLGA_KEY) -> None:
    """From now on the person's log-in asks for a code of the app that holds `key`."""
    TOTP.activate(user, key)


def code_now(key: str = OLGA_KEY) -> str:
    """What the app shows at this moment."""
    return str(format_hotp_value(hotp_value(key, int(time.time()) // 30)))


def sign_in_whole(client: Client, user: User, backend: str | None = None) -> None:
    """Django's `force_login` as a log-in really is: where a person has a second factor, the session came with it."""
    _force_login(client, user, backend)
    factor = Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).first()
    if factor is not None:
        session = client.session
        session[AUTHENTICATION_METHODS_SESSION_KEY] = [
            {"method": "mfa", "at": time.time(), "id": factor.pk, "type": factor.type}
        ]
        session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = user_id_to_str(user)
        session.save()


#: Rows of the cast as they were made, by model and id: tests change passwords, roles and plans.
_as_made: dict[type[Model], dict[int, dict[str, Any]]] = {}


def _rows(model: type[Model]) -> dict[int, dict[str, Any]]:
    return {row["id"]: row for row in model._default_manager.values()}


def _put_back() -> None:
    for model, rows in _as_made.items():
        now = _rows(model)
        for pk, row in rows.items():
            if now.get(pk) != row:
                model._default_manager.update_or_create(pk=pk, defaults=row)


_force_login = Client.force_login
Client.force_login = sign_in_whole  # type: ignore[method-assign, assignment]


def clean_up() -> None:
    """Empties every table of tracked data, usage and sessions, and removes tenants that are not of the cast."""
    from django.db import connection

    from accounts.services.left_out import left_out
    from billing.tallies import tallies

    tallies.forget()
    left_out.forget()
    schemas = list(Shard.objects.values_list("schema_name", flat=True))
    with owner(), connection.cursor() as cursor:
        Tenant.objects.filter(slug__in=TENANTS).update(
            key_mode="shared", active_key=None, fetching_paused_at=None, fetching_paused_reason="",
            fetching_paused_cause="",
        )  # fmt: skip
        tables = (
            "sessions",
            "invitations",
            "audit_log",
            "looks",
            "announcements",
            "dismissals",
            "maintenance",
            "tenant_keys",
            "api_tokens",
            "api_answers",
            "tenant_moves",
            "upstream_incidents",
            "tenant_erasures",
            "left_out",
            "privacy_requests",
            "sign_ups",
            "django_admin_log",
            "exports",
            "waiting_mails",
            *BILLED,
        )
        cursor.execute(WRITTEN, [list(tables), schemas])
        names = [row[0] for row in cursor.fetchall()]
        if names:
            # What refers to these tables is among those that are emptied, too.
            cursor.execute(f"TRUNCATE {', '.join(names)} RESTART IDENTITY CASCADE")
        # A plan that was made for a table of three rows would go through all of it for each of a million foreign keys.
        cursor.execute("DISCARD PLANS")
        others = Tenant.objects.exclude(slug__in=TENANTS)
        extra = list(Shard.objects.filter(tenants__in=others, kind="dedicated").values_list("schema_name", flat=True))
        Domain.objects.filter(tenant__in=others).delete()
        Membership.objects.update(waits_since=None)
        Membership.objects.filter(tenant__in=others).delete()
        others.delete()
        Shard.objects.filter(schema_name__in=extra).delete()
        for schema in extra:
            cursor.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
        User.objects.exclude(email__in=[*PEOPLE, OLGA, NORA]).delete()
        Authenticator.objects.exclude(user__email=OLGA).delete()
        _put_back()
    # Ids begin anew: what is kept of posts by their ids would be said of others.
    for tenant_id in Tenant.objects.values_list("id", flat=True):
        forget_runs(tenant_id)
