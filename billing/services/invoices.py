"""Invoices: a tenant's calendar month (UTC), made of rollups when all its days are counted, and frozen then."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Sum

from accounts.selectors import TenantRef, all_tenants_listed
from billing.models import CreditGrant, Invoice, Plan, UsageCorrection, UsageDaily, UsageFill
from tikdash import clock
from tikdash.db.partitions import first_of_month
from tikdash.db.scope import all_tenants
from tikdash.errors import BadInput
from tikdash.ui.cells import harmless

log = structlog.get_logger(__name__)


def issue_invoice(tenant: TenantRef, month: date) -> Invoice:
    """The tenant's invoice of a month; the one that is there already where it was issued before.

    Raises BadInput for a month that is not over, or of which not every day is counted yet.
    """
    month, until = first_of_month(month), first_of_month(month, 1)
    with all_tenants():
        there = Invoice.objects.filter(tenant_id=tenant.id, month=month).first()
        if there is not None:
            return there
        if until > clock.today():
            raise BadInput(f"{month:%B %Y} is not over yet.")
        open_days = UsageFill.objects.filter(day__gte=month, day__lt=until).exclude(state=UsageFill.State.DONE)
        if open_days.exists() or not UsageFill.objects.filter(day__gte=until - timedelta(days=1)).exists():
            raise BadInput(f"Not every day of {month:%B %Y} is counted yet. It is a few minutes after its end.")
        try:
            with transaction.atomic():
                return _issued(tenant, month, until)
        except IntegrityError:
            # Another worker was quicker.
            return Invoice.objects.get(tenant_id=tenant.id, month=month)


def issue_all(month: date) -> int:
    """Invoices of all tenants for a month that is over; returns how many there are now. Twice: they are there."""
    issued = 0
    for tenant in all_tenants_listed(with_erased=True):
        try:
            issue_invoice(tenant, month)
            issued += 1
        except BadInput as error:
            log.warning("invoice_not_issued", tenant=tenant.slug, why=str(error))
    return issued


def csv_of(invoice: Invoice) -> str:
    """The invoice's usage by day, endpoint and feature, as it was when it was issued."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["invoice", "day", "endpoint", "feature", "requests", "failed", "credits"])
    for row in invoice.lines["usage"]:
        writer.writerow([invoice.number, *(harmless(str(value)) for value in row)])
    for row in invoice.lines["corrections"]:
        writer.writerow([invoice.number, row["day"], harmless(row["reason"]), "correction", "", "", row["credits"]])
    return out.getvalue()


def by_endpoint(invoice: Invoice) -> list[tuple[str, int, int]]:
    """The invoice's requests and credits by endpoint, the dearest first."""
    sums: dict[str, list[int]] = {}
    for _day, endpoint, _feature, requests, _failed, credits in invoice.lines["usage"]:
        found = sums.setdefault(endpoint, [0, 0])
        found[0], found[1] = found[0] + requests, found[1] + credits
    return sorted(((name, n, credits) for name, (n, credits) in sums.items()), key=lambda row: (-row[2], row[0]))


def _issued(tenant: TenantRef, month: date, until: date) -> Invoice:
    plan = Plan.objects.get(code=tenant.plan)
    usage = (
        UsageDaily.objects.filter(tenant_id=tenant.id, day__gte=month, day__lt=until)
        .values_list("day", "endpoint", "feature")
        .annotate(Sum("requests"), Sum("failed"), Sum("charged"))
        .order_by("day", "endpoint", "feature")
    )
    corrections = list(UsageCorrection.objects.filter(tenant_id=tenant.id, day__gte=month, day__lt=until))
    packs = CreditGrant.objects.filter(
        tenant_id=tenant.id, price_cents__gt=0, starts_on__gte=month, starts_on__lt=until
    )
    rows = [[str(day), *more] for day, *more in usage]
    items: list[dict[str, Any]] = [{"text": f"Plan {plan.name}, {month:%B %Y}", "cents": plan.price_cents}]
    items += [
        {"text": f"{pack.get_kind_display()} of {pack.credits:,} credits", "cents": pack.price_cents} for pack in packs
    ]
    return Invoice.objects.create(
        tenant_id=tenant.id,
        month=month,
        number=f"{month:%Y-%m}-{tenant.id:06d}",
        issued_at=clock.now(),
        customer=tenant.name,
        plan=plan.name,
        currency=settings.CURRENCY,
        credits=sum(int(row[-1]) for row in rows) + sum(one.credits for one in corrections),
        total_cents=sum(item["cents"] for item in items),
        lines={
            "items": items,
            "usage": rows,
            "corrections": [{"day": str(one.day), "credits": one.credits, "reason": one.reason} for one in corrections],
        },
    )
