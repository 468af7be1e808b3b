"""Stopping and resuming the fetching of one tenant, or of one kind of job for all tenants.

A pause touches no job: dispatchers leave paused work alone, and it is due as before when the pause ends.
"""

from __future__ import annotations

from collections.abc import Collection

import structlog
from django.db import transaction

from accounts.models import PausedKind, Tenant
from accounts.selectors import TenantRef
from accounts.services.auditing import Target, record
from tikdash import clock
from tikdash.db.scope import no_scope
from tikdash.errors import BadInput, LimitReached, NotFound
from tikdash.words import gettext

log = structlog.get_logger(__name__)

LONGEST_REASON = 200
PAUSE_FIELDS = ["fetching_paused_at", "fetching_paused_reason", "fetching_paused_cause"]


class FetchingPaused(LimitReached):
    """Operations have stopped all fetching for this tenant; the sentence says why."""

    code = "fetching_paused"


def pause_tenant(*, slug: str, reason: str, cause: str = Tenant.PauseCause.OPS) -> bool:
    """Nothing is fetched for the tenant from now on; False where it is paused already, and the reason is the new one.

    A pause by operators is not taken over by another cause. Raises NotFound, and BadInput without a reason.
    """
    reason = _sentence(reason)
    with no_scope(), transaction.atomic():
        tenant = _locked(slug)
        _refuse_while_moving(tenant)
        if cause != Tenant.PauseCause.OPS and tenant.fetching_paused_cause == Tenant.PauseCause.OPS:
            return False
        is_new = tenant.fetching_paused_at is None
        tenant.fetching_paused_at = tenant.fetching_paused_at or clock.now()
        tenant.fetching_paused_reason, tenant.fetching_paused_cause = reason, cause
        tenant.save(update_fields=PAUSE_FIELDS)
        record("fetching.paused", tenant_id=tenant.pk, reason=reason)
    log.warning("fetching_paused", tenant=slug, reason=reason)
    return is_new


def resume_tenant(*, slug: str, causes: Collection[str] | None = None) -> bool:
    """What is due for the tenant is fetched again; False where it was not paused, or, with `causes`, for another cause.

    Raises NotFound, LimitReached for a suspended tenant.
    """
    with no_scope(), transaction.atomic():
        tenant = _locked(slug)
        if tenant.fetching_paused_at is None:
            return False
        _refuse_while_moving(tenant)
        if tenant.state == Tenant.State.SUSPENDED and not causes:
            raise LimitReached("This workspace is suspended. Take the suspension back first.")
        if causes is not None and tenant.fetching_paused_cause not in causes:
            return False
        before = {"paused_since": tenant.fetching_paused_at, "paused_reason": tenant.fetching_paused_reason}
        tenant.fetching_paused_at, tenant.fetching_paused_reason, tenant.fetching_paused_cause = None, "", ""
        tenant.save(update_fields=PAUSE_FIELDS)
        record("fetching.resumed", tenant_id=tenant.pk, before=before)
    log.warning("fetching_resumed", tenant=slug)
    return True


def pause_kind(*, kind: str, reason: str) -> bool:
    """No job of this kind begins from now on; False where it is paused already, and the reason is the new one.

    Raises BadInput without a reason. Whether there is such a kind the caller knows.
    """
    reason = _sentence(reason)
    with no_scope(), transaction.atomic():
        _, is_new = PausedKind.objects.update_or_create(
            kind=kind, defaults={"reason": reason}, create_defaults={"reason": reason, "paused_at": clock.now()}
        )
        record("fetching.kind_paused", target=Target("kind", kind, kind), reason=reason)
    log.warning("kind_paused", kind=kind, reason=reason)
    return is_new


def resume_kind(*, kind: str) -> bool:
    """Jobs of this kind run again; False where it was not paused."""
    with no_scope(), transaction.atomic():
        gone, _ = PausedKind.objects.filter(kind=kind).delete()
        if gone:
            record("fetching.kind_resumed", target=Target("kind", kind, kind))
    if gone:
        log.warning("kind_resumed", kind=kind)
    return bool(gone)


def refuse_while_paused(tenant: TenantRef) -> None:
    """For what a person asks for now. Raises FetchingPaused with the reason."""
    if tenant.paused_reason:
        raise FetchingPaused(f"Fetching is paused for this workspace: {tenant.paused_reason}")


def _locked(slug: str) -> Tenant:
    tenant = Tenant.objects.select_for_update().filter(slug=slug).first()
    if tenant is None:
        raise NotFound(gettext("There is no tenant “{slug}”.").format(slug=slug))
    return tenant


def _refuse_while_moving(tenant: Tenant) -> None:
    if tenant.fetching_paused_cause == Tenant.PauseCause.MOVE:
        raise LimitReached("The data of this tenant is being moved. Wait until that is over.")


def _sentence(reason: str) -> str:
    reason = " ".join(reason.split())
    if not reason:
        raise BadInput(gettext("Say why: the customer reads the reason."))
    if len(reason) > LONGEST_REASON:
        raise BadInput(
            gettext("A reason has at most {longest_reason} characters.").format(longest_reason=LONGEST_REASON)
        )
    # Another sentence follows it on the page.
    return reason if reason[-1] in ".!?…。" else f"{reason}."
