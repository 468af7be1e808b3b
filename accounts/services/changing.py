"""Promotion and demotion: another plan, another key mode, the end of a trial, suspension and return.

Nothing is deleted on the way. What a smaller plan has no room for goes on for the plan's grace, then stands still
(`snapshots.services.fitting`, `accounts.services.seats`) and goes on when there is room again; an own key that is not
in use stays sealed; a suspended workspace comes back as it was.
"""

from __future__ import annotations

import structlog
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Tenant, TenantKey
from accounts.selectors import TenantRef, tenant_by_id
from accounts.services.auditing import record
from accounts.services.keys import key_changed
from accounts.services.pausing import pause_tenant, resume_tenant
from accounts.services.seats import fit_seats
from tikdash import clock
from tikdash.db.scope import all_tenants, no_scope, tenant_scope
from tikdash.errors import BadInput, LimitReached
from tikdash.plans import limits_of, plan_service

log = structlog.get_logger(__name__)

MOST_A_RUN = 500
State, Mode, Cause = Tenant.State, Tenant.KeyMode, Tenant.PauseCause


def change_plan(*, tenant: TenantRef, plan: str, reason: str = "") -> TenantRef:
    """The tenant has another plan from now on; a trial becomes a customer by it. Twice: nothing changes.

    The planner paces its jobs by the new plan at its next round. Raises NotFound for an unknown plan.
    """
    with no_scope(), transaction.atomic():
        row = _locked(tenant)
        before = {"plan": row.plan, "state": str(row.state)}
        row.plan = plan
        limits_of(row)
        if row.state == State.TRIAL:
            row.state = State.ACTIVE
            if row.key_mode == Mode.TRIAL:
                _set_mode(row, Mode.OWN if row.active_key_id else Mode.SHARED)
        if {"plan": plan, "state": str(row.state)} != before:
            row.save(update_fields=["plan", "state", "key_mode"])
            after = {"plan": plan, "state": str(row.state)}
            record("workspace.plan_changed", tenant_id=row.pk, before=before, after=after, reason=reason)
            _pause_or_resume(row)
            _follow_plan(tenant_by_id(row.pk))
    return tenant_by_id(tenant.id)


def change_key_mode(*, tenant: TenantRef, mode: str, reason: str = "") -> TenantRef:
    """The tenant uses another key from the next request on: the reference changes and nothing else.

    Its own key, where it has one, stays for the way back. Raises BadInput for an unknown mode, and for a trial that is
    over.
    """
    if mode not in Mode.values:
        raise BadInput(_("Choose a key mode: shared, own or trial."), field="key_mode")
    with no_scope(), transaction.atomic():
        row = _locked(tenant)
        if mode == Mode.TRIAL and (row.trial_ends_at is None or row.trial_ends_at <= clock.now()):
            raise BadInput(_("The trial of this workspace is over."), field="key_mode")
        before = str(row.key_mode)
        if mode != before:
            _set_mode(row, mode)
            row.save(update_fields=["key_mode"])
            record(
                "workspace.key_mode_changed",
                tenant_id=row.pk,
                before={"key_mode": before},
                after={"key_mode": str(mode)},
                reason=reason,
            )
        _pause_or_resume(row)
    return tenant_by_id(tenant.id)


def end_trials() -> int:
    """Ends the trials whose time is over; returns how many. Twice, or by two at once: each ends once."""
    ended = 0
    with no_scope():
        over = Tenant.objects.filter(state=State.TRIAL, trial_ends_at__lte=clock.now()).order_by("trial_ends_at")
        for tenant_id in list(over.values_list("pk", flat=True)[:MOST_A_RUN]):
            ended += _end_trial(tenant_id)
    return ended


def _end_trial(tenant_id: int) -> bool:
    """The workspace goes on with the smallest plan and a key of its own; without one nothing is fetched."""
    with transaction.atomic():
        row = Tenant.objects.select_for_update(skip_locked=True).filter(pk=tenant_id, state=State.TRIAL).first()
        if row is None or row.trial_ends_at is None or row.trial_ends_at > clock.now():
            return False
        before = {"plan": row.plan, "key_mode": str(row.key_mode)}
        row.state, row.plan = State.ACTIVE, settings.PLAN_AFTER_TRIAL
        if row.key_mode == Mode.TRIAL:
            _set_mode(row, Mode.OWN)
        row.save(update_fields=["state", "plan", "key_mode"])
        after = {"plan": row.plan, "key_mode": str(row.key_mode)}
        record("workspace.trial_ended", tenant_id=row.pk, before=before, after=after)
        _pause_or_resume(row, Cause.TRIAL)
        _follow_plan(tenant_by_id(row.pk))
    log.info("trial_ended", tenant=row.slug)
    return True


def suspend(*, tenant: TenantRef, reason: str) -> None:
    """Nothing is fetched, everything stays readable. Twice: the reason is the new one. Raises BadInput without one."""
    with no_scope(), transaction.atomic():
        row = _locked(tenant)
        before = str(row.state)
        pause_tenant(slug=row.slug, reason=reason, cause=Cause.STATE)
        if row.state != State.SUSPENDED:
            # The pause has written other columns of the same row.
            row.refresh_from_db()
            row.state_before_suspension, row.state = before, State.SUSPENDED
            row.save(update_fields=["state", "state_before_suspension"])
        record("workspace.suspended", tenant_id=row.pk, before={"state": before}, reason=reason)


def take_suspension_back(*, tenant: TenantRef) -> bool:
    """The workspace is what it was before; False where it was not suspended. A trial has lost the time that passed.

    Raises LimitReached for one that is to be deleted.
    """
    with no_scope(), transaction.atomic():
        row = _locked(tenant)
        if row.state != State.SUSPENDED:
            return False
        if row.erase_at is not None:
            raise LimitReached(_("This workspace is to be deleted. Call the deletion off first."))
        row.state, row.state_before_suspension = row.state_before_suspension or State.ACTIVE, ""
        row.save(update_fields=["state", "state_before_suspension"])
        record("workspace.returned", tenant_id=row.pk, after={"state": str(row.state)})
        resume_tenant(slug=row.slug, causes=[Cause.STATE])
        _pause_or_resume(row)
    return True


def _follow_plan(tenant: TenantRef) -> None:
    """The plan is on the bill from today on; what is too much for it has its grace from today on, and people whom it
    has room for again come in at once."""
    plan_service().subscribe(tenant, is_trial=tenant.state == State.TRIAL)
    with tenant_scope(tenant):
        allowed = plan_service().follow(tenant)
    fit_seats(tenant.id, allowed.seats)


def _set_mode(row: Tenant, mode: str) -> None:
    row.key_mode = mode
    key_changed(row.pk)


def _pause_or_resume(row: Tenant, cause: str = Cause.KEY) -> None:
    """Where the tenant must bring a key and has none, fetching waits for it; otherwise it waits for no key."""
    if row.state == State.SUSPENDED:
        return
    if row.key_mode != Mode.OWN or _has_key(row):
        resume_tenant(slug=row.slug, causes=[Cause.KEY, Cause.TRIAL])
        return
    if cause == Cause.TRIAL:
        reason = _("The trial is over. Enter a key of your own under Settings, Keys, or choose a plan.")
    else:
        reason = _("This workspace has no key. Enter one under Settings, Keys.")
    pause_tenant(slug=row.slug, reason=reason, cause=cause)


def _has_key(row: Tenant) -> bool:
    if row.active_key_id is None:
        return False
    with all_tenants():
        return TenantKey.objects.filter(pk=row.active_key_id, state=TenantKey.State.ACTIVE).exists()


def _locked(tenant: TenantRef) -> Tenant:
    return Tenant.objects.select_for_update().get(pk=tenant.id)
