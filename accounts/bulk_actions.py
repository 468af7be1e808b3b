"""What operators do to many tenants or tokens at once (`accounts.bulk_page`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from accounts.bulk_page import BulkAction
from accounts.models import ApiToken, Tenant
from accounts.selectors import TenantRef, tenant_by_id
from accounts.services import changing
from accounts.services.pausing import pause_tenant, resume_tenant
from accounts.services.tokens import revoke_token
from accounts.tenant_actions import ReasonForm
from tikdash.db.scope import all_tenants
from tikdash.errors import LimitReached
from tikdash.words import counted


def _due(rows: QuerySet[Tenant]) -> tuple[int, int]:
    """Jobs of the tenants that are due now, and the credits that they cost at least: another app knows."""
    jobs, credits = import_string(settings.DUE_WORK)(list(rows.values_list("pk", flat=True)))
    return int(jobs), int(credits)


def _tenant(tenant_id: int) -> TenantRef:
    if Tenant.objects.filter(pk=tenant_id, state=Tenant.State.ERASED).exists():
        raise LimitReached("Nothing of this workspace is left.")
    return tenant_by_id(tenant_id)


# --- fetching --------------------------------------------------------------------------------------------------------


def _pause_says(rows: QuerySet[Tenant]) -> Sequence[str]:
    paused = rows.filter(fetching_paused_at__isnull=False).count()
    jobs, credits = _due(rows)
    return [
        "Nothing is fetched for them from now on; what was collected stays readable, and their pages show the reason.",
        f"Due now: {counted(jobs, 'job')} of at least {credits:,} credits. They wait and are lost to nobody.",
        *([f"Paused already: {paused:,}. They get the new reason."] if paused else []),
    ]


def _pause(tenant_id: int, data: dict[str, Any]) -> bool:
    return pause_tenant(slug=_tenant(tenant_id).slug, reason=data["reason"])


def _resume_says(rows: QuerySet[Tenant]) -> Sequence[str]:
    paused = rows.filter(fetching_paused_at__isnull=False)
    jobs, credits = _due(paused)
    return [
        f"Paused: {paused.count():,}. What is due for them is fetched again.",
        f"Due now: {counted(jobs, 'job')}. Their runs cost at least {credits:,} credits.",
    ]


def _resume(tenant_id: int, data: dict[str, Any]) -> bool:
    return resume_tenant(slug=_tenant(tenant_id).slug)


# --- suspension ------------------------------------------------------------------------------------------------------


def _suspend_says(rows: QuerySet[Tenant]) -> Sequence[str]:
    suspended = rows.filter(state=Tenant.State.SUSPENDED).count()
    jobs, credits = _due(rows)
    return [
        "Nothing is fetched for them and nothing can be changed in them; everything stays readable, and their pages"
        " show the reason. It can be taken back.",
        f"Due now: {counted(jobs, 'job')} of at least {credits:,} credits. They wait.",
        *([f"Suspended already: {suspended:,}. They get the new reason."] if suspended else []),
    ]


def _suspend(tenant_id: int, data: dict[str, Any]) -> bool:
    is_new = not Tenant.objects.filter(pk=tenant_id, state=Tenant.State.SUSPENDED).exists()
    changing.suspend(tenant=_tenant(tenant_id), reason=data["reason"])
    return is_new


def _back_says(rows: QuerySet[Tenant]) -> Sequence[str]:
    suspended = rows.filter(state=Tenant.State.SUSPENDED)
    jobs, credits = _due(suspended)
    return [
        f"Suspended: {suspended.count():,}. They are what they were before.",
        f"Due now: {counted(jobs, 'job')}. Their runs cost at least {credits:,} credits.",
    ]


def _back(tenant_id: int, data: dict[str, Any]) -> bool:
    return changing.take_suspension_back(tenant=_tenant(tenant_id))


# --- tokens ----------------------------------------------------------------------------------------------------------


def _revoke_says(rows: QuerySet[ApiToken]) -> Sequence[str]:
    return [
        "They are refused from now on, for good. The reason stands in the customers’ audit logs.",
        f"In use: {rows.filter(revoked_at=None).exclude(last_used_at=None).count():,} of them were ever used."
        " It costs no credits.",
    ]


def _revoke(token_id: int, data: dict[str, Any]) -> bool:
    with all_tenants():
        token = ApiToken.objects.filter(pk=token_id).first()
    if token is None or token.revoked_at is not None:
        return False
    revoke_token(tenant=tenant_by_id(token.tenant_id), token_id=token_id, reason=data["reason"])
    return True


ACTIONS = [
    BulkAction("pause_fetching", "Pause fetching", "accounts.pause_fetching", Tenant, _pause_says, _pause, ReasonForm),
    BulkAction("resume_fetching", "Resume fetching", "accounts.pause_fetching", Tenant, _resume_says, _resume),
    BulkAction(
        "suspend", "Suspend", "accounts.change_tenant", Tenant, _suspend_says, _suspend, ReasonForm, is_grave=True
    ),
    BulkAction("take_suspension_back", "Take the suspension back", "accounts.change_tenant", Tenant, _back_says, _back),
    BulkAction(
        "revoke", "Revoke", "accounts.delete_apitoken", ApiToken, _revoke_says, _revoke, ReasonForm, is_grave=True
    ),
]
