"""Reading a tenant's keys. Never a secret: the last four characters are all that comes out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from accounts.models import Tenant, TenantKey
from tikdash import clock
from tikdash.crypto import master_keys
from tikdash.db.scope import all_tenants
from tikdash.words import counted

MOST_SHOWN, MOST_WAITING = 20, 50
PENDING = TenantKey.State.CHECKING


@dataclass(frozen=True)
class KeyRef:
    """One key as people see it."""

    id: int
    version: int
    last_four: str
    state: str
    state_label: str
    step: str
    step_label: str
    error: str
    has_downloads: bool | None
    created_at: datetime
    activated_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True)
class KeysOfTenant:
    """The key mode, the key in use (or the one that was refused last), the one being checked, and those before."""

    mode: str
    mode_label: str
    current: KeyRef | None
    pending: KeyRef | None
    refused: KeyRef | None
    former: list[KeyRef]
    trial_ends_at: datetime | None


def keys_of(tenant_id: int) -> KeysOfTenant:
    """Must be called inside the tenant's scope."""
    tenant = Tenant.objects.get(pk=tenant_id)
    rows = [_ref(key) for key in TenantKey.objects.order_by("-version")[:MOST_SHOWN]]
    current = next((row for row in rows if row.id == tenant.active_key_id), None)
    pending = next((row for row in rows if row.state == PENDING), None)
    newest = rows[0] if rows and rows[0].state == TenantKey.State.REFUSED else None
    shown = {row.id for row in (current, pending, newest) if row}
    return KeysOfTenant(
        tenant.key_mode,
        tenant.get_key_mode_display(),
        current,
        pending,
        newest,
        [row for row in rows if row.id not in shown],
        tenant.trial_ends_at,
    )


def waiting_keys() -> list[tuple[int, int]]:
    """(tenant, key) of keys that nobody is checking at present, the oldest first."""
    free = Q(leased_until__isnull=True) | Q(leased_until__lt=clock.now())
    with all_tenants():
        waiting = TenantKey.objects.filter(free, state=PENDING).order_by("created_at")
        return list(waiting.values_list("tenant_id", "pk")[:MOST_WAITING])


def keys_under_other_masters(most: int) -> list[tuple[int, int]]:
    """(tenant, key) of stored keys that another master key than the present one wraps."""
    with all_tenants():
        rows = TenantKey.objects.exclude(secret="").exclude(master_id=master_keys().current_id()).order_by("pk")
        return list(rows.values_list("tenant_id", "pk")[:most])


def keys_that_nothing_opens() -> int:
    """How many stored keys are wrapped by a master key that we do not have."""
    with all_tenants():
        rows = TenantKey.objects.exclude(secret="").exclude(master_id__in=master_keys().known_ids())
        return rows.count()


def _ref(key: TenantKey) -> KeyRef:
    return KeyRef(
        key.pk, key.version, key.last_four, key.state, key.get_state_display(), key.step, key.get_step_display(),
        key.error, key.has_downloads, key.created_at, key.activated_at, key.ended_at,
    )  # fmt: skip


def faults_of_master_keys() -> list[str]:
    """One sentence where stored keys cannot be opened with what TENANT_KEY_FERNET holds."""
    if lost := keys_that_nothing_opens():
        return [
            f"TENANT_KEY_FERNET opens {counted(lost, 'stored key')} of tenants not: the master key that wrapped them is"
            " missing."
        ]
    return []
