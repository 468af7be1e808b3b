"""Invoices: a tenant's calendar month (UTC), made of rollups when all its days are counted, and frozen then.

What is counted for a month after its invoice was issued (a late event, a day that was counted anew) stands on the next
invoice, on a line of its own. So does a pack that was sold for it: each is on one invoice, the first that may name it.
"""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.db.models.functions import TruncMonth

from accounts.selectors import TenantRef, all_tenants_listed
from accounts.services.auditing import Target, record
from billing.models import CreditGrant, Invoice, Plan, UsageCorrection, UsageDaily, UsageFill
from billing.services.subscriptions import Period, periods_of
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
    for late in invoice.lines.get("late", []):
        writer.writerow([invoice.number, late["month"], late["text"], "late", "", "", late["credits"]])
    return out.getvalue()


def by_endpoint(invoice: Invoice) -> list[tuple[str, int, int]]:
    """The invoice's requests and credits by endpoint, the dearest first."""
    sums: dict[str, list[int]] = {}
    for _day, endpoint, _feature, requests, _failed, credits in invoice.lines["usage"]:
        found = sums.setdefault(endpoint, [0, 0])
        found[0], found[1] = found[0] + requests, found[1] + credits
    return sorted(((name, n, credits) for name, (n, credits) in sums.items()), key=lambda row: (-row[2], row[0]))


def _issued(tenant: TenantRef, month: date, until: date) -> Invoice:
    names = dict(Plan.objects.values_list("code", "name"))
    periods = periods_of(tenant.id, month)
    usage = (
        UsageDaily.objects.filter(tenant_id=tenant.id, day__gte=month, day__lt=until)
        .values_list("day", "endpoint", "feature")
        .annotate(Sum("requests"), Sum("failed"), Sum("charged"))
        .order_by("day", "endpoint", "feature")
    )
    corrections = list(UsageCorrection.objects.filter(tenant_id=tenant.id, day__gte=month, day__lt=until))
    packs = list(
        CreditGrant.objects.filter(tenant_id=tenant.id, price_cents__gt=0, starts_on__lt=until)
        .exclude(pk__in=_packs_billed(tenant.id))
        .order_by("starts_on", "pk")
    )
    rows = [[str(day), *more] for day, *more in usage]
    late = _counted_late(tenant.id, month)
    items: list[dict[str, Any]] = [
        {"text": _words_of(period, names.get(period.plan, period.plan)), "cents": period.cents} for period in periods
    ]
    items += [
        {"text": f"{pack.get_kind_display()} of {pack.credits:,} credits", "cents": pack.price_cents} for pack in packs
    ]
    invoice = Invoice.objects.create(
        tenant_id=tenant.id,
        month=month,
        number=f"{month:%Y-%m}-{tenant.id:06d}",
        issued_at=clock.now(),
        customer=tenant.name,
        plan=", ".join(dict.fromkeys(names.get(period.plan, period.plan) for period in periods))[:60],
        currency=settings.CURRENCY,
        credits=sum(int(row[-1]) for row in rows)
        + sum(one.credits for one in corrections)
        + sum(one["credits"] for one in late),
        total_cents=sum(item["cents"] for item in items),
        lines={
            "items": items,
            "packs": [pack.pk for pack in packs],
            "usage": rows,
            "late": late,
            "corrections": [{"day": str(one.day), "credits": one.credits, "reason": one.reason} for one in corrections],
        },
    )
    after = {"month": month, "credits": invoice.credits, "total_cents": invoice.total_cents}
    record("billing.invoiced", tenant_id=tenant.id, target=Target("invoice", invoice.pk, invoice.number), after=after)
    return invoice


def _packs_billed(tenant_id: int) -> list[int]:
    """The packs that stand on one of the tenant's invoices."""
    named = Invoice.objects.filter(tenant_id=tenant_id).values_list("lines__packs", flat=True)
    return [pack for packs in named for pack in packs or ()]


def _words_of(period: Period, plan: str) -> str:
    if period.is_whole_month:
        return f"Plan {plan}, {period.first:%B %Y}"
    days = (period.last - period.first).days + 1
    whole = (first_of_month(period.first, 1) - first_of_month(period.first)).days
    return f"Plan {plan}, {period.first:%-d}–{period.last:%-d %B %Y} ({days} of {whole} days)"


def _counted_late(tenant_id: int, month: date) -> list[dict[str, Any]]:
    """What has been counted for months before `month` since their invoices were issued, a line for each; what later
    invoices have said of them already is taken off."""
    invoices = list(Invoice.objects.filter(tenant_id=tenant_id, month__lt=month).order_by("month"))
    billed = {invoice.month: sum(int(row[-1]) for row in invoice.lines["usage"]) for invoice in invoices}
    for invoice in invoices:
        for one in invoice.lines.get("late", []):
            billed[date.fromisoformat(one["month"])] += int(one["credits"])
    if not billed:
        return []
    counted = dict(
        UsageDaily.objects.filter(tenant_id=tenant_id, day__gte=min(billed), day__lt=month)
        .annotate(month=TruncMonth("day"))
        .values_list("month")
        .annotate(Sum("charged"))
        .order_by("month")
    )
    return [
        {"month": str(one), "credits": more, "text": f"Counted after the invoice of {one:%B %Y}"}
        for one, before in sorted(billed.items())
        if (more := int(counted.get(one, 0)) - before)
    ]
