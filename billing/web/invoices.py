"""Invoices of a workspace: a page that prints, and its usage as CSV."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from billing.models import Invoice
from billing.services.invoices import by_endpoint, csv_of
from billing.web.access import refuse_members


@require_GET
def show(request: Any, number: str) -> HttpResponse:
    """An invoice as it was issued."""
    invoice = _invoice(request, number)
    context = {"invoice": invoice, "parts": by_endpoint(invoice), "from": settings.INVOICE_FROM}
    return render(request, "billing/invoice.html", context)


@require_GET
def as_csv(request: Any, number: str) -> HttpResponse:
    """Its usage by day, endpoint and feature."""
    invoice = _invoice(request, number)
    headers = {"Content-Disposition": f'attachment; filename="invoice-{invoice.number}.csv"'}
    return HttpResponse(csv_of(invoice), content_type="text/csv; charset=utf-8", headers=headers)


def _invoice(request: Any, number: str) -> Invoice:
    refuse_members(request)
    invoice = Invoice.objects.filter(number=number).first()
    if invoice is None:
        raise Http404
    return invoice
