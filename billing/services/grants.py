"""Packs and other grants of tenants, what is left of them, and what they add to a tenant's month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from django.core.exceptions import ValidationError
from django.db import connection, transaction

from accounts.models import Tenant
from accounts.services.auditing import Target, record
from billing import spending
from billing.consumption import PLAN_PRIORITY, Consumption, Source, consume
from billing.models import CreditGrant, Invoice, Plan, TenantBudget, UsageCorrection
from tikdash import clock
from tikdash.db.partitions import first_of_month
from tikdash.db.scope import all_tenants
from tikdash.errors import BadInput

SPENT = """
    SELECT tenant_id, day, sum(credits) FROM (
        SELECT tenant_id, day, charged AS credits FROM public.usage_daily WHERE tenant_id = ANY(%(tenants)s)
        UNION ALL
        SELECT tenant_id, day, credits FROM public.usage_corrections WHERE tenant_id = ANY(%(tenants)s)
    ) AS spent WHERE day >= %(since)s GROUP BY tenant_id, day
"""


@dataclass(frozen=True)
class Balance:
    """A tenant's credits: `monthly` of the plan (None: without a cap), and what became of it and of its grants."""

    monthly: int | None
    consumption: Consumption
    grants: dict[int, CreditGrant]


def grant_credits(
    *,
    tenant_id: int,
    credits: int,
    kind: str = CreditGrant.Kind.PACK,
    starts_on: date | None = None,
    expires_on: date | None = None,
    priority: int | None = None,
    price_cents: int = 0,
    note: str = "",
    made_by_id: int | None = None,
) -> CreditGrant:
    """Gives a tenant credits beyond its plan's. Raises BadInput for what cannot be, with a sentence."""
    grant = CreditGrant(
        tenant_id=tenant_id,
        kind=kind,
        credits=credits,
        price_cents=price_cents,
        priority=priority if priority is not None else 50 if kind == CreditGrant.Kind.PROMOTION else 200,
        starts_on=starts_on or clock.today(),
        expires_on=expires_on,
        note=note.strip(),
        made_by_id=made_by_id,
        made_at=clock.now(),
    )
    if credits < 1:
        raise BadInput("A grant is of at least one credit. To take credits away, make a correction.")
    if expires_on is not None and expires_on <= max(grant.starts_on, clock.today()):
        raise BadInput("A grant must hold for at least a day from today: choose a later day of expiry.")
    try:
        grant.clean_fields(exclude=["tenant", "made_by"])
    except ValidationError as error:
        raise BadInput(" ".join(error.messages)) from None
    with all_tenants(), transaction.atomic():
        grant.save(force_insert=True)
        facts = {"kind": str(kind), "credits": credits, "price_cents": price_cents, "starts_on": grant.starts_on,
                 "expires_on": expires_on, "priority": grant.priority}  # fmt: skip
        record("billing.granted", tenant_id=tenant_id, target=Target("grant", grant.pk), after=facts, reason=grant.note)
    refresh_extra([tenant_id])
    return grant


def correct_usage(*, tenant_id: int, day: date, credits: int, reason: str, made_by_id: int | None) -> UsageCorrection:
    """Adds credits to what a tenant is charged, or (negative) takes them off, with a reason that the customer reads.

    A correction for a month that has its invoice counts today. Raises BadInput for what cannot be.
    """
    check_correction(day=day, credits=credits, reason=reason)
    today = clock.today()
    with all_tenants(), transaction.atomic():
        if Invoice.objects.filter(tenant_id=tenant_id, month=first_of_month(day)).exists():
            day = today
        correction = UsageCorrection(
            tenant_id=tenant_id, day=day, credits=credits, reason=reason.strip()[:300], made_by_id=made_by_id,
            made_at=clock.now(),
        )  # fmt: skip
        correction.save(force_insert=True)
        record(
            "billing.corrected",
            tenant_id=tenant_id,
            target=Target("correction", correction.pk),
            after={"day": day, "credits": credits},
            reason=correction.reason,
        )
    spending.forget(tenant_id, [day])
    refresh_extra([tenant_id])
    return correction


def check_correction(*, day: date, credits: int, reason: str) -> None:
    """Raises BadInput, with the field in its data, for a correction that cannot be."""
    if credits == 0:
        raise BadInput("A correction of nothing corrects nothing.", field="credits")
    if abs(credits) > 2**53:
        raise BadInput("That is more credits than there are.", field="credits")
    if not reason.strip():
        raise BadInput("Say why: the customer reads it on the invoice.", field="reason")
    if day > clock.today():
        raise BadInput("A correction is for a day that has been.", field="day")


def set_budget(*, tenant_id: int, daily_credits: int | None, monthly_credits: int | None) -> TenantBudget:
    """Gives a tenant caps of its own in place of its plan's (None: the plan's). Raises BadInput for what cannot be."""
    with all_tenants(), transaction.atomic():
        row = TenantBudget.objects.select_for_update().filter(tenant_id=tenant_id).first()
        before = {"daily_credits": row and row.daily_credits, "monthly_credits": row and row.monthly_credits}
        row = row or TenantBudget(tenant_id=tenant_id)
        row.daily_credits, row.monthly_credits = daily_credits, monthly_credits
        try:
            row.clean_fields(exclude=["tenant"])
            row.validate_constraints(exclude=["tenant"])
        except ValidationError as error:
            raise BadInput(" ".join(error.messages), field="daily_credits") from None
        row.save()
        after = {"daily_credits": daily_credits, "monthly_credits": monthly_credits}
        if after != before:
            record("billing.budget_changed", tenant_id=tenant_id, before=before, after=after)
    return row


def balance_of(tenant_id: int) -> Balance:
    """What a tenant has left of its plan's credits of this month and of its grants."""
    return _balances([tenant_id])[tenant_id]


def refresh_extra(tenant_ids: Iterable[int] | None = None) -> int:
    """Counts anew what grants add to the present month, of these tenants or of all that have grants; how many."""
    month = first_of_month(clock.today())
    with all_tenants():
        if tenant_ids is None:
            tenant_ids = set(CreditGrant.objects.values_list("tenant_id", flat=True))
        balances = _balances(list(tenant_ids))
        for tenant_id, balance in balances.items():
            # What they have given this month already, and what they can still give.
            extra = sum(each.used_this_month + each.left for each in balance.consumption.of_grants())
            TenantBudget.objects.update_or_create(
                tenant_id=tenant_id, defaults={"extra_credits": extra, "extra_month": month}
            )
    return len(balances)


def _balances(tenant_ids: list[int]) -> dict[int, Balance]:
    today = clock.today()
    with all_tenants():
        monthly = _monthly_of(tenant_ids)
        grants: dict[int, list[CreditGrant]] = defaultdict(list)
        for grant in CreditGrant.objects.filter(tenant_id__in=tenant_ids, starts_on__lte=today):
            grants[grant.tenant_id].append(grant)
        starts = [grant.starts_on for some in grants.values() for grant in some]
        since = first_of_month(min([*starts, today]))
        spent: dict[int, dict[date, int]] = defaultdict(dict)
        with connection.cursor() as cursor:
            cursor.execute(SPENT, {"tenants": tenant_ids, "since": since})
            for tenant_id, day, credits in cursor.fetchall():
                spent[tenant_id][day] = int(credits)
    return {
        tenant_id: Balance(
            monthly[tenant_id],
            consume(_sources(grants[tenant_id], monthly[tenant_id], since, today), spent[tenant_id], today),
            {grant.pk: grant for grant in grants[tenant_id]},
        )
        for tenant_id in tenant_ids
    }


def _sources(grants: list[CreditGrant], monthly: int | None, since: date, today: date) -> list[Source]:
    found = [Source(one.pk, one.credits, one.priority, one.starts_on, one.expires_on) for one in grants]
    month = since
    while month <= today:
        if monthly is not None:
            found.append(Source(None, monthly, PLAN_PRIORITY, month, first_of_month(month, 1)))
        month = first_of_month(month, 1)
    return found


def _monthly_of(tenant_ids: list[int]) -> dict[int, int | None]:
    """The month's credits of tenants: their own budget's, or their plan's."""
    plans = dict(Plan.objects.values_list("code", "monthly_credits"))
    own = dict(TenantBudget.objects.filter(tenant_id__in=tenant_ids).values_list("tenant_id", "monthly_credits"))
    tenants = dict(Tenant.objects.filter(pk__in=tenant_ids).values_list("pk", "plan"))
    return {tenant_id: own.get(tenant_id) or plans.get(tenants.get(tenant_id, "")) for tenant_id in tenant_ids}


def last_days(tenant_id: int, days: int = 7) -> list[int]:
    """What a tenant was charged on each of the last whole days."""
    today = clock.today()
    with all_tenants(), connection.cursor() as cursor:
        cursor.execute(SPENT, {"tenants": [tenant_id], "since": today - timedelta(days=days)})
        spent = {day: int(credits) for _, day, credits in cursor.fetchall()}
    return [spent.get(today - timedelta(days=back), 0) for back in range(days, 0, -1)]
