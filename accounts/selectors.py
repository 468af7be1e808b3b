"""Reading tenants, hosts and memberships. Frozen values come out, never QuerySets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection
from django.db.models import Case, Value, When

from accounts.models import Invitation, Membership, PausedKind, Shard, SignUp, Tenant, User
from accounts.sessions import hash_of_key
from tikdash import clock
from tikdash.db.backend.base import APPLIES_SCOPE
from tikdash.db.scope import prepared_row, row_and_scope
from tikdash.errors import NotFound
from tikdash.words import gettext

#: Every request begins with these two. Tables are named in full: the session is still in the last request's scope.
ARRIVAL = f"""
    SELECT s.schema_name, t.id, t.slug, t.name, t.plan, t.state, t.key_mode, t.time_zone, t.trial_ends_at,
           t.fetching_paused_reason, t.headline_rate,
           ARRAY(SELECT ARRAY[kind, reason] FROM public.paused_kinds ORDER BY kind),
           t.fetching_paused_cause = 'move', t.erase_at, v.data, (SELECT sentence FROM public.maintenance),
           ARRAY(SELECT ARRAY[a.id::text, a.text] FROM public.announcements a
                  WHERE a.starts_at <= now() AND a.ends_at > now() AND a.plan IN ('', t.plan)
                        AND (a.only_for_id IS NULL OR a.only_for_id = t.id)
                        AND NOT EXISTS (SELECT FROM public.dismissals m
                                         WHERE m.announcement_id = a.id AND m.user_id = v.user_id)
                  ORDER BY a.starts_at DESC LIMIT 3),
           {APPLIES_SCOPE.format(schema="s.schema_name", tenant_id="t.id")}
      FROM public.domains d
      JOIN public.tenants t ON t.id = d.tenant_id
      JOIN public.shards s ON s.id = t.shard_id
      LEFT JOIN public.sessions v ON v.key_hash = %s AND v.expires_at > now()
     WHERE d.domain = %s
"""
USER_FIELDS = [field.attname for field in User._meta.concrete_fields]
PERSON = f"""
    SELECT m.role, m.waits_since IS NOT NULL, {", ".join(f"u.{field.column}" for field in User._meta.concrete_fields)}
      FROM public.users u LEFT JOIN public.memberships m ON m.tenant_id = %s AND m.user_id = u.id
     WHERE u.id = %s AND u.is_active
"""
#: Every request of a partner begins with it.
TOKEN = f"""
    SELECT s.schema_name, t.id, t.slug, t.name, t.plan, t.state, t.key_mode, t.time_zone, t.trial_ends_at,
           t.fetching_paused_reason, t.headline_rate, t.fetching_paused_cause = 'move', t.erase_at IS NOT NULL,
           k.id, k.key, k.name, k.pepper_id, k.digest, k.scopes, k.tags, k.networks, k.expires_at, k.revoked_at,
           k.last_used_at, {APPLIES_SCOPE.format(schema="s.schema_name", tenant_id="t.id")}
      FROM public.api_token_with(%s) k
      JOIN public.tenants t ON t.id = k.tenant_id
      JOIN public.shards s ON s.id = t.shard_id
"""
#: Read at every tick of the dispatcher: three small indexes.
STANDING = """
    SELECT ARRAY(SELECT id FROM public.tenants WHERE fetching_paused_at IS NOT NULL),
           ARRAY(SELECT kind::text FROM public.paused_kinds),
           ARRAY(SELECT id FROM public.tenants WHERE key_mode = 'own'),
           coalesce((SELECT work_stops FROM public.maintenance), false)
"""


@dataclass(frozen=True)
class TenantRef:
    """What a request, a task or a command has to know of a tenant; enough to enter its scope.

    `paused_reason` is why nothing is fetched for it at present, as a sentence; empty otherwise. `headline_rate` is the
    id of the engagement rate that it chose, empty for the usual one.
    """

    id: int
    slug: str
    name: str
    plan: str
    state: str
    key_mode: str
    time_zone: str
    schema_name: str
    trial_ends_at: datetime | None
    paused_reason: str = ""
    headline_rate: str = ""


@dataclass(frozen=True)
class Standing:
    """What holds for all fetching now: tenants and kinds that are paused, and tenants that bring a key of their own."""

    paused_tenants: list[int]
    paused_kinds: list[str]
    own_keys: list[int]
    #: During a maintenance that stops work, too: no job begins.
    is_stopped: bool = False


@dataclass(frozen=True)
class PausedTenant:
    """A tenant for which nothing is fetched, since when and why."""

    slug: str
    since: datetime
    reason: str


@dataclass(frozen=True)
class PausedKindRef:
    """A kind of job that runs for nobody, since when and why."""

    kind: str
    since: datetime
    reason: str


@dataclass(frozen=True)
class Arrival:
    """A request at a tenant's host; `session_data` as stored, None where the session is unknown or over.

    `paused_kinds` are kinds of jobs that run for nobody at present, each with the reason; `is_read_only` while the
    tenant's rows are moved; from `erase_at` on nothing of the tenant is left, until then it is read-only, too.
    `maintenance` is the sentence while customers can only read; `announcements` are those that the person who is
    signed in has not put away, by id.
    """

    tenant: TenantRef
    session_data: str | None
    paused_kinds: dict[str, str]
    is_read_only: bool = False
    erase_at: datetime | None = None
    maintenance: str = ""
    announcements: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredToken:
    """An API token's row with its tenant: what has to be known before its secret is believed."""

    tenant: TenantRef
    is_moving: bool
    is_closing: bool
    id: int
    key: str
    name: str
    pepper_id: str
    digest: str
    scopes: list[str]
    tags: list[str]
    networks: list[str]
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True)
class MembershipRef:
    """A person's role in a tenant; `waits` while the plan has no seat for it."""

    tenant_id: int
    user_id: int
    role: str
    waits: bool = False


@dataclass(frozen=True)
class WorkspaceOfUser:
    """One of a person's workspaces."""

    tenant_id: int
    slug: str
    name: str
    plan: str
    role: str
    host: str


@dataclass(frozen=True)
class PendingSignUp:
    """A workspace that was asked for and could not be made yet."""

    workspace: str
    slug: str
    handle: str
    time_zone: str


@dataclass(frozen=True)
class Member:
    """One person in a workspace; `id` is the membership's."""

    id: int
    user_id: int
    name: str
    email: str
    role: str
    since: datetime
    is_active: bool
    waits: bool = False


@dataclass(frozen=True)
class OpenInvitation:
    """Somebody who was invited and has not come yet."""

    id: int
    email: str
    role: str
    invited_by: str
    sent_at: datetime
    expires_at: datetime
    is_over: bool


def ref_of(tenant: Tenant) -> TenantRef:
    """What others may know of a tenant's row, read with its shard."""
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
        paused_reason=tenant.fetching_paused_reason,
        headline_rate=tenant.headline_rate,
    )


def tenant_by_slug(slug: str) -> TenantRef:
    """Raises NotFound."""
    tenant = Tenant.objects.select_related("shard").filter(slug=slug).first()
    if tenant is None:
        raise NotFound(gettext("There is no tenant “{slug}”.").format(slug=slug))
    return ref_of(tenant)


def tenant_by_id(tenant_id: int) -> TenantRef:
    """Raises NotFound."""
    tenant = Tenant.objects.select_related("shard").filter(pk=tenant_id).first()
    if tenant is None:
        raise NotFound(gettext("There is no tenant {tenant_id}.").format(tenant_id=tenant_id))
    return ref_of(tenant)


def arrival_at(host: str, session_key: str) -> Arrival | None:
    """The tenant that is reached under `host` (no port) and the session that is asked for; None for an unknown host.

    The database session is in the tenant's scope afterwards, so that entering it costs no further statement.
    """
    row = row_and_scope(ARRIVAL, [hash_of_key(session_key), host])
    if row is None:
        return None
    schema_name, tenant_id, slug, name, plan, state, key_mode, time_zone, trial_ends_at, paused, rate = row[:11]
    kinds, is_read_only, erase_at, session_data, maintenance, told = row[11:17]
    tenant = TenantRef(
        tenant_id, slug, name, plan, state, key_mode, time_zone, schema_name, trial_ends_at, paused, rate
    )
    announcements = {int(number): text for number, text in told}
    return Arrival(tenant, session_data, dict(kinds), is_read_only, erase_at, maintenance or "", announcements)


def token_with(key: str) -> StoredToken | None:
    """The API token with this key, of whichever tenant; None where there is none.

    The database session is in the tenant's scope afterwards, so that entering it costs no further statement.
    """
    row = row_and_scope(TOKEN, [key])
    if row is None:
        return None
    schema_name, tenant_id, slug, name, plan, state, key_mode, time_zone, trial_ends_at, paused, rate = row[:11]
    tenant = TenantRef(
        tenant_id, slug, name, plan, state, key_mode, time_zone, schema_name, trial_ends_at, paused, rate
    )
    return StoredToken(tenant, *row[11:24])


def person_in(tenant_id: int, user_id: int) -> tuple[User, MembershipRef | None] | None:
    """The active person `user_id`, with the membership in the tenant or None for a stranger; None for nobody."""
    row = prepared_row(PERSON, [tenant_id, user_id])
    if row is None:
        return None
    user = User.from_db("default", USER_FIELDS, row[2:])
    return user, MembershipRef(tenant_id, user_id, row[0], row[1]) if row[0] else None


def membership_of(tenant_id: int, user_id: int) -> MembershipRef | None:
    """The person's membership in the tenant, or None for a stranger."""
    found = person_in(tenant_id, user_id)
    return found[1] if found else None


def workspaces_of(user_id: int) -> list[WorkspaceOfUser]:
    """All workspaces of a person by name, each with its primary host."""
    rows = (
        Membership.objects.filter(user_id=user_id, tenant__domains__is_primary=True)
        .order_by("tenant__name")
        .values_list("tenant_id", "tenant__slug", "tenant__name", "tenant__plan", "role", "tenant__domains__domain")
    )
    return [WorkspaceOfUser(*row) for row in rows]


def pending_sign_up(user_id: int) -> PendingSignUp | None:
    """What the person asked for at the sign-up and has not got yet."""
    wish = SignUp.objects.filter(user_id=user_id).first()
    return PendingSignUp(wish.workspace, wish.slug, wish.handle, wish.time_zone) if wish else None


def members_of(tenant_id: int) -> list[Member]:
    """Everybody in the workspace: owners, admins, members, each by name."""
    rank = Case(*[When(role=role, then=Value(number)) for number, role in enumerate(Membership.Role.values)])
    rows = Membership.objects.filter(tenant_id=tenant_id).select_related("user").order_by(rank, "user__email")
    return [
        Member(
            row.pk,
            row.user_id,
            row.user.name,
            row.user.email,
            row.role,
            row.created_at,
            row.user.is_active,
            row.waits_since is not None,
        )
        for row in rows
    ]


def open_invitations() -> list[OpenInvitation]:
    """Invitations of the tenant in scope, the newest first; those that are over too, until somebody takes them back."""
    rows = Invitation.objects.select_related("invited_by")
    return [
        OpenInvitation(
            row.pk,
            row.email,
            row.role,
            str(row.invited_by or ""),
            row.sent_at,
            row.expires_at,
            row.expires_at <= clock.now(),
        )
        for row in rows
    ]


def language_of(tenant_id: int) -> str:
    """The language of the workspace's mails; empty where none was chosen."""
    return str(Tenant.objects.values_list("language", flat=True).get(pk=tenant_id))


def schemas() -> list[str]:
    """The schemas of all shards, the oldest first."""
    return list(Shard.objects.order_by("id").values_list("schema_name", flat=True))


def all_tenants_listed(*, with_erased: bool = False) -> list[TenantRef]:
    """Every tenant, by slug; of those that were erased there is still a number, to which a last invoice may belong."""
    tenants = Tenant.objects.select_related("shard").order_by("slug")
    return [ref_of(tenant) for tenant in (tenants if with_erased else tenants.exclude(state=Tenant.State.ERASED))]


def standing() -> Standing:
    """What the dispatcher has to know of tenants and kinds before it claims."""
    with connection.cursor() as cursor:
        cursor.execute(STANDING)
        return Standing(*cursor.fetchone())


def paused_tenants() -> list[PausedTenant]:
    """Tenants for which nothing is fetched, the longest paused first."""
    rows = Tenant.objects.filter(fetching_paused_at__isnull=False).order_by("fetching_paused_at", "slug")
    return [
        PausedTenant(tenant.slug, tenant.fetching_paused_at, tenant.fetching_paused_reason)
        for tenant in rows
        if tenant.fetching_paused_at is not None
    ]


def paused_kinds() -> list[PausedKindRef]:
    """Kinds of jobs that run for nobody, by name."""
    return [PausedKindRef(*row) for row in PausedKind.objects.values_list("kind", "paused_at", "reason")]
