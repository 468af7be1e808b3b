"""Deleting a workspace, for operators: the page that asks, and the list with the certificates."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.models import Tenant, TenantErasure
from accounts.selectors import tenant_by_id
from accounts.services.closing import ask_for_deletion, call_deletion_off, open_deletion
from accounts.web.second_factor import step_up


class DeletionForm(forms.Form):
    reason = forms.CharField(
        max_length=200, required=False, widget=UnfoldAdminTextInputWidget({"id": "reason", "maxlength": 200})
    )
    typed = forms.CharField(
        max_length=63, required=False, widget=UnfoldAdminTextInputWidget({"id": "typed", "autocomplete": "off"})
    )


@step_up
def delete_workspace_page(request: HttpRequest, context: dict[str, Any], tenant_id: int) -> HttpResponse:
    """Asks for the address as a confirmation, after a step-up; keeps a workspace that is to be deleted."""
    tenant, form, error = get_object_or_404(Tenant, pk=tenant_id), DeletionForm(request.POST or None), ""
    there = reverse("admin:accounts_tenant_deletion", args=[tenant_id])
    if request.method == "POST" and request.POST.get("keep"):
        call_deletion_off(tenant=tenant_by_id(tenant_id))
        messages.success(request, "The workspace stays.")
        return redirect(there)
    if request.method == "POST" and form.is_valid():
        if form.cleaned_data["typed"].strip().lower() == tenant.slug:
            by, asker = TenantErasure.By.OPERATOR, str(getattr(request.user, "email", ""))
            ask_for_deletion(tenant=tenant_by_id(tenant_id), by=by, asker=asker, reason=form.cleaned_data["reason"])
            messages.success(request, "The workspace is read-only from now on.")
            return redirect(there)
        error = f"Type “{tenant.slug}” to confirm."
    context |= {
        "title": f"Delete {tenant.name}",
        "tenant": tenant,
        "form": form,
        "error": error,
        "deletion": open_deletion(tenant_id),
        "days": settings.DELETION_GRACE_DAYS,
    }
    return TemplateResponse(
        request, "admin/accounts/tenant/delete_workspace.html", context, status=422 if error else 200
    )


@admin.register(TenantErasure)
class TenantErasureAdmin(ModelAdmin):  # type: ignore[misc]
    """What was asked for and what became of it; asked for and called off on the page of the tenant."""

    list_display = ["number", "state", "asked_by", "asked_at", "erase_at", "done_at", "certificate"]
    list_filter = ["state", "asked_by"]
    search_fields = ["number", "id"]

    @admin.display(description="Certificate")
    def certificate(self, erasure: TenantErasure) -> str:
        return format_html('<a href="{}">{}</a>', reverse("certificate", args=[erasure.pk]), erasure.pk)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
