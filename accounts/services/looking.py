"""Staff look at a workspace as a person of it: read only, with a reason, for half an hour, in the customer's audit log.

The look is a session of its own on the workspace's host. A ticket, for one use within a minute, carries it there from
the administration, where the staff's own session stays what it is. Whether it goes on is asked at every request: of
the row, of the one who looks, and of the one who is looked at.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import AuditEntry, Look, Membership, User
from accounts.models.looks import LONGEST
from accounts.selectors import TenantRef
from accounts.services.auditing import Actor, Target, acting, record
from tikdash import clock
from tikdash.db.scope import all_tenants, no_scope
from tikdash.errors import BadInput, NotAllowed
from tikdash.words import gettext

log = structlog.get_logger(__name__)

SALT = "accounts.looking"
TICKET_S = 60
LONGEST_REASON = 200
PERMISSION = "accounts.look_as_person"
MOST_A_RUN = 500


@dataclass(frozen=True)
class OpenLook:
    """A look that goes on: who looks as whom, why, and until when."""

    id: UUID
    staff: User
    user_id: int
    user_label: str
    reason: str
    until: datetime

    @property
    def actor(self) -> Actor:
        """Staff, and as whom: never the person."""
        kind = AuditEntry.ActorKind.STAFF
        return Actor(kind, self.staff.pk, self.staff.email, as_user_id=self.user_id, as_user_label=self.user_label)


@dataclass(frozen=True)
class Begun:
    """What the session of a look is made of."""

    look: OpenLook
    user: User
    staff_hash: str


def people_to_look_as(tenant_id: int) -> list[User]:
    """Members as whom staff may look: active, with a seat, and no staff themselves; by e-mail address."""
    rows = Membership.objects.filter(
        tenant_id=tenant_id,
        waits_since=None,
        user__is_active=True,
        user__is_staff=False,
        user__is_superuser=False,
    )
    return [row.user for row in rows.select_related("user").order_by("user__email")]


def ask_to_look(*, staff: User, tenant: TenantRef, user_id: int, reason: str) -> str:
    """The ticket with which `staff` begins to look at the tenant as `user_id`.

    Raises NotAllowed for who may not look, BadInput, with the field, without a reason or for somebody as whom nobody
    looks.
    """
    _refuse_unless_allowed(staff)
    reason = " ".join(reason.split())
    if not reason:
        raise BadInput("Say why: the customer reads the reason in the audit log.", field="reason")
    if len(reason) > LONGEST_REASON:
        raise BadInput(f"A reason has at most {LONGEST_REASON} characters.", field="reason")
    user = next((one for one in people_to_look_as(tenant.id) if one.pk == user_id), None)
    if user is None:
        raise BadInput("Choose an active person of the workspace who is no staff.", field="user")
    with all_tenants():
        look = Look.objects.create(
            tenant_id=tenant.id, user_id=user.pk, user_label=user.email, staff_id=staff.pk, staff_label=staff.email,
            reason=reason, asked_at=clock.now(),
        )  # fmt: skip
    return signing.dumps([str(look.pk), staff.get_session_auth_hash()], salt=SALT)


def begin_look(*, ticket: str, tenant: TenantRef) -> Begun:
    """Begins the look of a ticket in the tenant's scope; the customer's audit log says so.

    Raises BadInput for a ticket that is forged, old, used or of another tenant, and where somebody may not any more.
    """
    refused = BadInput(gettext("This way into the workspace is no longer valid. Begin again in the administration."))
    try:
        look_id, staff_hash = signing.loads(ticket, salt=SALT, max_age=TICKET_S)
        row = Look.objects.filter(pk=look_id, tenant_id=tenant.id).first()
    except (signing.BadSignature, ValidationError, ValueError, TypeError):
        raise refused from None
    if row is None:
        raise refused
    staff = _who_may_look(row.staff_id, str(staff_hash))
    user = next((one for one in people_to_look_as(tenant.id) if one.pk == row.user_id), None)
    if staff is None or user is None:
        raise refused
    now = clock.now()
    until = now + LONGEST
    waiting = Look.objects.filter(pk=row.pk, began_at=None, asked_at__gt=now - timedelta(seconds=TICKET_S))
    with transaction.atomic():
        if not waiting.update(began_at=now, until=until):
            raise refused
        look = OpenLook(row.pk, staff, user.pk, user.email, row.reason, until)
        with acting(look.actor):
            record(
                "support.looked",
                target=Target("person", user.pk, user.email),
                after={"until": until},
                reason=row.reason,
            )
    log.info("look_began", staff=staff.pk, user=user.pk)
    return Begun(look, user, str(staff_hash))


def open_look(*, look_id: str, tenant_id: int, user_id: int | None, staff_hash: str) -> OpenLook | None:
    """The look as which a session was opened; None once it is over or somebody of the two is not who they were."""
    try:
        row = Look.objects.filter(
            pk=look_id, tenant_id=tenant_id, ended_at=None, until__gt=clock.now(), user_id=user_id or 0
        ).first()
    except (ValidationError, ValueError):
        return None
    staff = _who_may_look(row.staff_id, staff_hash) if row is not None else None
    if row is None or staff is None or row.until is None:
        return None
    return OpenLook(row.pk, staff, row.user_id, row.user_label, row.reason, row.until)


def end_look(*, look: OpenLook, tenant_id: int) -> bool:
    """The look is over; False where it was already."""
    with transaction.atomic():
        if not Look.objects.filter(pk=look.id, tenant_id=tenant_id, ended_at=None).update(ended_at=clock.now()):
            return False
        with acting(look.actor):
            record(
                "support.look_ended",
                tenant_id=tenant_id,
                target=Target("person", look.user_id, look.user_label),
                reason=look.reason,
            )
    log.info("look_ended", staff=look.staff.pk, user=look.user_id)
    return True


def end_looks_over() -> int:
    """Writes the end of looks whose time is over; returns how many. Twice, or by two at once: each ends once."""
    ended = 0
    with all_tenants():
        over = Look.objects.filter(began_at__isnull=False, ended_at=None, until__lte=clock.now()).order_by("until")
        for row in list(over[:MOST_A_RUN]):
            with transaction.atomic():
                if Look.objects.filter(pk=row.pk, ended_at=None).update(ended_at=row.until):
                    with _as_staff(row):
                        record(
                            "support.look_ended",
                            tenant_id=row.tenant_id,
                            target=Target("person", row.user_id, row.user_label),
                            reason=row.reason,
                        )
                    ended += 1
    return ended


@contextmanager
def _as_staff(row: Look) -> Iterator[None]:
    kind = AuditEntry.ActorKind.STAFF
    with acting(Actor(kind, row.staff_id, row.staff_label, as_user_id=row.user_id, as_user_label=row.user_label)):
        yield


def _refuse_unless_allowed(staff: User) -> None:
    if not (staff.is_active and staff.is_staff and staff.has_perm(PERMISSION)):
        raise NotAllowed("Only staff with the permission to do so may look at a workspace as a person of it.")


def _who_may_look(staff_id: int, auth_hash: str) -> User | None:
    """The member of staff, who still may, and whose password is the one of then."""
    with no_scope():
        staff = User.objects.filter(pk=staff_id, is_active=True, is_staff=True).first()
        if staff is None or not secrets.compare_digest(staff.get_session_auth_hash(), auth_hash):
            return None
        return staff if staff.has_perm(PERMISSION) else None
