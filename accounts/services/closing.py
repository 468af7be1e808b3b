"""Deleting a workspace: asked for, then read-only until its day, and all of it can be had back before.

What happens on that day is `accounts.services.erasing`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from accounts.models import Membership, Tenant, TenantErasure
from accounts.selectors import TenantRef
from accounts.services.auditing import record
from accounts.services.changing import suspend, take_suspension_back
from accounts.services.hosts import public_url, workspace_url
from accounts.services.mails import send_mail
from tikdash import clock
from tikdash.crypto import current_pepper, keyed_digest
from tikdash.db.scope import no_scope
from tikdash.errors import BadInput, NotFound
from tikdash.words import gettext

log = structlog.get_logger(__name__)

#: What the digests of a certificate are of.
ADDRESS, ASKER = "workspace address", "who asked for a deletion"
State = TenantErasure.State


@dataclass(frozen=True)
class Deletion:
    """A deletion that was asked for; `id` leads to its certificate."""

    id: UUID
    erase_at: datetime


def ask_for_deletion(
    *, tenant: TenantRef, by: str, asker: str, reason: str = "", grace_days: int | None = None
) -> Deletion:
    """From now on the workspace is read-only and nothing is fetched; in `grace_days` it is erased. Twice: as it was.

    `by` is one of TenantErasure.By, `asker` who it was, of which only a keyed digest is kept. Raises NotFound for a
    workspace that is erased, LimitReached while it is being moved.
    """
    days = settings.DELETION_GRACE_DAYS if grace_days is None else grace_days
    if days < 0:
        raise BadInput(gettext("The number of days must not be negative."))
    with no_scope(), transaction.atomic():
        row = _locked(tenant)
        there = TenantErasure.objects.filter(number=row.pk, state__in=[State.ASKED, State.ERASING]).first()
        if there is not None:
            return Deletion(there.pk, there.erase_at)
        now = clock.now()
        was_suspended = row.state == Tenant.State.SUSPENDED
        if not was_suspended:
            suspend(tenant=tenant, reason=gettext("This workspace is going to be deleted."))
        erasure = TenantErasure.objects.create(
            number=row.pk,
            asked_by=by,
            asker=keyed_digest(ASKER, asker.strip().lower()),
            address=keyed_digest(ADDRESS, row.slug),
            pepper_id=current_pepper(),
            reason=" ".join(reason.split())[:200],
            was_suspended=was_suspended,
            asked_at=now,
            erase_at=now + timedelta(days=days),
        )
        Tenant.objects.filter(pk=row.pk).update(erase_at=erasure.erase_at)
        after = {"erase_on": erasure.erase_at.date(), "certificate": str(erasure.pk)}
        record("workspace.closing", tenant_id=row.pk, after=after, reason=reason)
        _tell_of_deletion(erasure, row)
    log.warning("deletion_asked_for", tenant=tenant.slug, erase_at=erasure.erase_at.isoformat(), by=by)
    return Deletion(erasure.pk, erasure.erase_at)


def end_grace(deletion: Deletion) -> None:
    """The deletion is due now: for operators who have been asked to be quick."""
    with no_scope():
        TenantErasure.objects.filter(pk=deletion.id, state=State.ASKED).update(erase_at=clock.now())


def call_deletion_off(*, tenant: TenantRef) -> bool:
    """The workspace stays, as it was before somebody asked; False where nobody had.

    Raises NotFound where its erasure has begun.
    """
    with no_scope(), transaction.atomic():
        row = _locked(tenant)
        erasure = TenantErasure.objects.select_for_update().filter(number=row.pk, state=State.ASKED).first()
        if erasure is None:
            return False
        erasure.state, erasure.called_off_at, erasure.reason = State.CALLED_OFF, clock.now(), ""
        erasure.save(update_fields=["state", "called_off_at", "reason"])
        Tenant.objects.filter(pk=row.pk).update(erase_at=None)
        record("workspace.kept", tenant_id=row.pk)
        if not erasure.was_suspended:
            take_suspension_back(tenant=tenant)
    log.warning("deletion_called_off", tenant=tenant.slug)
    return True


def open_deletion(tenant_id: int) -> Deletion | None:
    """The deletion that was asked for and not carried out yet."""
    found = TenantErasure.objects.filter(number=tenant_id, state__in=[State.ASKED, State.ERASING]).first()
    return Deletion(found.pk, found.erase_at) if found else None


def _tell_of_deletion(erasure: TenantErasure, tenant: Tenant) -> None:
    """Writes to the owners what was asked for, until when it can be called off, and where the certificate will be."""
    owners = Membership.objects.filter(tenant=tenant, role=Membership.Role.OWNER, user__is_active=True)
    context = {
        "workspace": tenant.name,
        "erase_at": erasure.erase_at,
        "call_off": f"{workspace_url(tenant.pk)}/settings/delete/",
        "certificate": f"{public_url()}/deletions/{erasure.pk}/",
    }
    for owner in owners.select_related("user"):
        send_mail(template="emails/deletion", to=owner.user.email, context=context, language=owner.user.language)


def _locked(tenant: TenantRef) -> Tenant:
    row = Tenant.objects.select_for_update().filter(pk=tenant.id).exclude(state=Tenant.State.ERASED).first()
    if row is None:
        raise NotFound(gettext("This workspace is erased already."))
    return row
