"""Making tenants, people and memberships."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.addresses import ERASED, RESERVED
from accounts.models import Domain, Membership, Shard, Tenant, User
from accounts.models.tenants import SLUG
from accounts.selectors import TenantRef, tenant_by_slug
from accounts.services.auditing import Target, record
from accounts.services.placement import make_shard
from tikdash import clock
from tikdash.db.scope import no_scope
from tikdash.errors import BadInput, LimitReached
from tikdash.plans import limits_of, plan_service
from tikdash.words import gettext

RESERVED_SLUGS = RESERVED
TRIAL_DAYS = 14
LONGEST_NAME = 120


def create_tenant(
    *,
    slug: str,
    name: str = "",
    plan: str = "free",
    dedicated: bool = False,
    trial: bool = False,
    time_zone: str = "UTC",
) -> TenantRef:
    """A new customer at `SLUG.BASE_DOMAIN`: in the shared schema one row, dedicated a schema with its tables.

    Raises BadInput for a slug that cannot be an address or a name that is too long, NotFound for an unknown plan,
    LimitReached for a slug that is taken.
    """
    slug = slug.strip().lower()
    try:
        SLUG(slug)
    except ValidationError as error:
        raise BadInput(
            gettext("“{slug}” cannot be an address. {message}").format(slug=slug, message=error.message)
        ) from None
    if slug in RESERVED_SLUGS or slug.startswith(ERASED):
        raise BadInput(gettext("“{slug}” is kept for Tikdash itself. Choose another address.").format(slug=slug))
    if len(name) > LONGEST_NAME:
        raise BadInput(gettext("A name has at most {longest_name} characters.").format(longest_name=LONGEST_NAME))
    if Tenant.objects.filter(slug=slug).exists():
        raise _taken(slug)
    draft = Tenant(
        slug=slug,
        name=name or slug,
        plan=plan,
        time_zone=time_zone,
        state=Tenant.State.TRIAL if trial else Tenant.State.ACTIVE,
        key_mode=Tenant.KeyMode.TRIAL if trial else Tenant.KeyMode.SHARED,
        trial_ends_at=_trial_end() if trial else None,
    )
    limits_of(draft)
    if dedicated:
        draft.shard = make_shard(schema_name=dedicated_schema(slug), kind=Shard.Kind.DEDICATED)
    else:
        draft.shard = Shard.objects.get(schema_name=settings.SHARED_SCHEMA)
    try:
        with no_scope(), transaction.atomic():
            draft.save()
            Domain.objects.create(domain=f"{slug}.{settings.BASE_DOMAIN}", tenant=draft, is_primary=True)
            record(
                "workspace.created",
                tenant_id=draft.pk,
                target=Target("tenant", draft.pk, draft.slug),
                after={"name": draft.name, "plan": draft.plan, "key_mode": draft.key_mode, "dedicated": dedicated},
            )
            plan_service().subscribe(tenant_by_slug(slug), is_trial=trial)
    except IntegrityError:
        raise _taken(slug) from None
    return tenant_by_slug(slug)


def dedicated_schema(slug: str) -> str:
    """The schema of a tenant that has one of its own."""
    return "tenant_" + slug.replace("-", "_")


def add_member(*, tenant_id: int, email: str, role: str, password: str | None = None, name: str = "") -> Membership:
    """Makes the person known by `email` a member with `role`; a new person gets `password`."""
    with no_scope(), transaction.atomic():
        user = User.objects.filter(email=email.strip().lower()).first()
        if user is None:
            user = User.objects.create_user(email, password, name=name)
        membership, _ = Membership.objects.update_or_create(tenant_id=tenant_id, user=user, defaults={"role": role})
        record(
            "person.added", tenant_id=tenant_id, target=Target("user", user.pk, user.email), after={"role": str(role)}
        )
    return membership


def _taken(slug: str) -> LimitReached:
    return LimitReached(gettext("The address “{slug}” is taken. Choose another one.").format(slug=slug))


def _trial_end() -> datetime:
    return clock.now() + timedelta(days=TRIAL_DAYS)
