"""Raising a limit of one tenant for some days, with a reason that the customer reads. It ends by itself."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import transaction

from accounts.selectors import TenantRef
from accounts.services.auditing import Target, record
from billing.gate import gate
from billing.models import LimitRaise
from billing.services.limits import limits
from tikdash import clock
from tikdash.db.scope import all_tenants, tenant_scope
from tikdash.errors import BadInput

LONGEST_DAYS = 366
LONGEST_REASON = 200
Name = LimitRaise.Name


def raise_limit(
    *, tenant: TenantRef, name: str, value: int, until: date, reason: str, made_by_id: int | None
) -> LimitRaise:
    """The tenant has `value` of something until the UTC day `until` begins.

    Raises BadInput, with the field, for a limit that does not exist or would be no more than it is, a day that is past
    or too far, and without a reason.
    """
    reason = " ".join(reason.split())
    today = clock.today()
    if name not in Name.values:
        raise BadInput("Choose a limit of the list.", field="name")
    if not reason or len(reason) > LONGEST_REASON:
        raise BadInput(f"Say why, in at most {LONGEST_REASON} characters: the customer reads it.", field="reason")
    if until <= today:
        raise BadInput("Choose a day that is to come.", field="until")
    if until > today + timedelta(days=LONGEST_DAYS):
        raise BadInput("A year is the longest. For longer, choose another plan.", field="until")
    now = limit_of(tenant, name)
    if now is None:
        raise BadInput("The plan has no limit of this: there is nothing to raise.", field="name")
    if value <= now:
        raise BadInput(f"It is {now:,} already: a raise is to more than that.", field="value")
    if value > 2**53:
        raise BadInput("That is more than there can be.", field="value")
    with all_tenants(), transaction.atomic():
        made = LimitRaise.objects.create(
            tenant_id=tenant.id, name=name, value=value, until=until, reason=reason, made_by_id=made_by_id,
            made_at=clock.now(),
        )  # fmt: skip
        record(
            "billing.limit_raised",
            tenant_id=tenant.id,
            target=Target("limit", made.pk, str(Name(name).label)),
            before={"value": now},
            after={"value": value, "until": until},
            reason=reason,
        )
    gate.forget()
    return made


def end_raise(*, raise_id: int) -> bool:
    """The plan's limit counts again from now on; False where it did already."""
    with all_tenants(), transaction.atomic():
        row = LimitRaise.objects.select_for_update().filter(pk=raise_id, until__gt=clock.today()).first()
        if row is None:
            return False
        row.until = clock.today()
        row.save(update_fields=["until"])
        target = Target("limit", row.pk, str(row.get_name_display()))
        record("billing.limit_raise_ended", tenant_id=row.tenant_id, target=target)
    gate.forget()
    return True


def open_raises(tenant_id: int) -> list[LimitRaise]:
    """Those that count today, the first to end first."""
    with all_tenants():
        return list(LimitRaise.objects.filter(tenant_id=tenant_id, until__gt=clock.today()).order_by("until", "pk"))


def limit_of(tenant: TenantRef, name: str) -> int | None:
    """What the tenant may have of something today, raises included; None without a limit."""
    with tenant_scope(tenant):
        return next((one.limit for one in limits.standings(tenant) if one.name == name), None)
