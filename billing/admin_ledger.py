"""Money in the admin: packs, grants, corrections, budgets, alerts, and the page that shows who spends what on what."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from unfold.admin import ModelAdmin

from accounts.bulk_admin import BulkActionsMixin
from accounts.recorded_admin import RecordedMixin
from accounts.selectors import tenant_by_id
from accounts.services.auditing import Target, record
from billing.bulk_actions import ACTIONS
from billing.gate import gate
from billing.models import (
    AlertChannel,
    AlertDelivery,
    CreditGrant,
    CreditPack,
    Invoice,
    LimitRaise,
    PlatformBudget,
    Subscription,
    TenantBudget,
    UsageAlert,
    UsageCorrection,
)
from billing.models.alerts import digest_of
from billing.selectors import leaders, margins, refusals, savings, unread
from billing.services.channels import check_address
from billing.services.grants import check_correction, correct_usage, grant_credits, set_budget
from tikdash.errors import BadInput


class ReadOnly(ModelAdmin):  # type: ignore[misc]
    """Looked at, never changed."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AppendOnly(ModelAdmin):  # type: ignore[misc]
    """Added to by a service, never changed: what is wrong gets another row."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Recorded(ModelAdmin):  # type: ignore[misc]
    """Changed here, and written down in the audit log of operators: what it was and what it is, field by field."""

    event = ""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        before = {name: form.initial.get(name) for name in form.changed_data} if change else None
        after = {name: form.cleaned_data.get(name) for name in (form.changed_data if change else form.cleaned_data)}
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            if after:
                record(f"billing.{self.event}_saved", target=self._target(obj), before=before, after=after)
        gate.forget()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        with transaction.atomic():
            record(f"billing.{self.event}_removed", target=self._target(obj))
            super().delete_model(request, obj)
        gate.forget()

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for one in queryset:
            self.delete_model(request, one)

    def _target(self, obj: Any) -> Target:
        return Target(self.event, obj.pk, str(obj))


class TenantChosenForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form of a row of one tenant, whose service is asked before anything is stored."""

    tenant_id = forms.IntegerField(min_value=1, label="Tenant", help_text="Its number, as in the list of tenants.")

    def clean_tenant_id(self) -> int:
        tenant_id = int(self.cleaned_data["tenant_id"])
        try:
            tenant_by_id(tenant_id)
        except Exception as error:  # noqa: BLE001  (any failure is said beside the field)
            raise forms.ValidationError(str(error)) from None
        return tenant_id


class GrantForm(TenantChosenForm):
    class Meta:
        model = CreditGrant
        fields = ["kind", "credits", "price_cents", "priority", "starts_on", "expires_on", "note"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        starts, expires = cleaned.get("starts_on"), cleaned.get("expires_on")
        if starts and expires and expires <= starts:
            self.add_error("expires_on", "A grant must hold for at least a day: choose a later day.")
        return cleaned


class CorrectionForm(TenantChosenForm):
    class Meta:
        model = UsageCorrection
        fields = ["day", "credits", "reason"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if {"day", "credits", "reason"} <= cleaned.keys():
            try:
                check_correction(day=cleaned["day"], credits=cleaned["credits"], reason=cleaned["reason"])
            except BadInput as error:
                self.add_error(error.data["field"], str(error))
        return cleaned


@admin.register(CreditPack)
class CreditPackAdmin(Recorded):
    event = "pack"
    list_display = ["bought_on", "key_id", "credits", "price_cents", "expires_on", "note"]
    list_filter = ["key_id"]
    fields = ["key_id", "credits", "price_cents", "bought_on", "expires_on", "note"]


@admin.register(CreditGrant)
class CreditGrantAdmin(AppendOnly):
    form = GrantForm
    list_display = ["made_at", "tenant", "kind", "credits", "priority", "starts_on", "expires_on", "price_cents"]
    list_filter = ["kind"]
    list_select_related = ["tenant"]
    search_fields = ["tenant__slug", "note"]

    def save_model(self, request: HttpRequest, obj: CreditGrant, form: Any, change: bool) -> None:
        made = grant_credits(
            tenant_id=form.cleaned_data["tenant_id"], credits=obj.credits, kind=obj.kind, starts_on=obj.starts_on,
            expires_on=obj.expires_on, priority=obj.priority, price_cents=obj.price_cents, note=obj.note,
            made_by_id=request.user.pk,
        )  # fmt: skip
        obj.pk, obj.tenant_id, obj.made_at = made.pk, made.tenant_id, made.made_at
        gate.forget()


@admin.register(UsageCorrection)
class UsageCorrectionAdmin(AppendOnly):
    form = CorrectionForm
    list_display = ["made_at", "tenant", "day", "credits", "reason", "made_by"]
    list_select_related = ["tenant", "made_by"]
    search_fields = ["tenant__slug", "reason"]

    def save_model(self, request: HttpRequest, obj: UsageCorrection, form: Any, change: bool) -> None:
        made = correct_usage(
            tenant_id=form.cleaned_data["tenant_id"], day=obj.day, credits=obj.credits, reason=obj.reason,
            made_by_id=request.user.pk,
        )  # fmt: skip
        if made.day != obj.day:
            messages.info(request, f"{obj.day:%B %Y} has its invoice: the correction counts today.")
        obj.pk, obj.tenant_id, obj.made_at, obj.day = made.pk, made.tenant_id, made.made_at, made.day


@admin.register(PlatformBudget)
class PlatformBudgetAdmin(Recorded):
    event = "cap"
    list_display = ["scope", "daily_credits", "monthly_credits", "reserve_percent"]
    fields = ["scope", "daily_credits", "monthly_credits", "reserve_percent"]

    def get_urls(self) -> list[Any]:
        page = path("spending/", self.admin_site.admin_view(self.spending), name="billing_spending")
        return [page, *super().get_urls()]

    def spending(self, request: HttpRequest) -> HttpResponse:
        """Leaderboards, what nobody reads, what was saved, who was refused, and margins."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": "Spending",
            "boards": [(by, leaders(by)) for by in ("endpoint", "feature", "tenant")],
            "unread": unread(),
            "savings": savings(),
            "refusals": refusals(),
            "margins": margins(),
        }
        return TemplateResponse(request, "admin/billing/spending.html", context)


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnly):
    """Written by promotion and demotion alone: change the plan of a tenant."""

    list_display = ["tenant", "plan", "price_cents", "starts_on", "ends_on"]
    list_filter = ["plan"]
    list_select_related = ["tenant"]
    search_fields = ["tenant__slug"]


@admin.register(LimitRaise)
class LimitRaiseAdmin(BulkActionsMixin, ReadOnly):
    """Made on the page of a tenant; ended here before its day, where it must be."""

    list_display = ["tenant", "name", "value", "until", "reason", "made_at"]
    list_filter = ["name"]
    list_select_related = ["tenant"]
    search_fields = ["tenant__slug", "reason"]
    bulk_actions = ACTIONS


class BudgetForm(TenantChosenForm):
    class Meta:
        model = TenantBudget
        fields = ["daily_credits", "monthly_credits"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["tenant_id"].initial = self.instance.tenant_id
            self.fields["tenant_id"].disabled = True

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        there = TenantBudget.objects.filter(tenant_id=cleaned.get("tenant_id") or 0).exclude(pk=self.instance.pk)
        if there.exclude(daily_credits=None, monthly_credits=None).exists():
            self.add_error("tenant_id", "This tenant has a budget of its own already: change that one.")
        return cleaned


@admin.register(TenantBudget)
class TenantBudgetAdmin(ModelAdmin):  # type: ignore[misc]
    """Caps of one tenant in place of its plan's. Rows without caps hold what grants add, and are not shown."""

    form = BudgetForm
    list_display = ["tenant", "daily_credits", "monthly_credits"]
    list_select_related = ["tenant"]
    search_fields = ["tenant__slug"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).exclude(daily_credits=None, monthly_credits=None)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Without caps of its own a tenant has its plan's: empty both.
        return False

    def save_model(self, request: HttpRequest, obj: TenantBudget, form: Any, change: bool) -> None:
        made = set_budget(
            tenant_id=form.cleaned_data["tenant_id"],
            daily_credits=obj.daily_credits,
            monthly_credits=obj.monthly_credits,
        )
        obj.pk, obj.tenant_id = made.pk, made.tenant_id
        gate.forget()


@admin.register(Invoice)
class InvoiceAdmin(ReadOnly):
    list_display = ["number", "tenant", "month", "credits", "total", "currency", "issued_at"]
    list_select_related = ["tenant"]
    search_fields = ["number", "tenant__slug"]


class ChannelForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = AlertChannel
        fields = ["kind", "address", "escalation", "active"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "address" in cleaned:
            try:
                check_address(cleaned.get("kind", ""), cleaned["address"].strip())
            except BadInput as error:
                self.add_error("address", str(error))
            else:
                same = AlertChannel.objects.filter(tenant=None, digest=digest_of(cleaned["address"].strip()))
                if same.exists():
                    self.add_error("address", "Alerts go there already.")
        return cleaned


@admin.register(AlertChannel)
class AlertChannelAdmin(RecordedMixin, ModelAdmin):  # type: ignore[misc]
    """Where alerts go. A webhook that is there is shown by its host and its end; those without a tenant are of
    operations."""

    saved_event, removed_event = "operations.alerts_saved", "operations.alerts_removed"

    form = ChannelForm
    list_display = ["shown", "kind", "tenant", "escalation", "active"]
    list_filter = ["kind", "active"]
    list_select_related = ["tenant"]
    readonly_fields = ["shown"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["shown", "escalation", "active"] if obj else ["kind", "address", "escalation"]

    def save_model(self, request: HttpRequest, obj: AlertChannel, form: Any, change: bool) -> None:
        if not change:
            obj.tenant_id = None  # type: ignore[assignment]
        super().save_model(request, obj, form, change)

    def facts_of(self, obj: AlertChannel) -> dict[str, Any]:
        return {"kind": obj.kind, "escalation": obj.escalation, "active": obj.active}


@admin.register(UsageAlert)
class UsageAlertAdmin(ReadOnly):
    list_display = ["opened_at", "level", "tenant", "rule", "sentence", "resolved_at"]
    list_filter = ["level", "rule"]
    list_select_related = ["tenant"]


@admin.register(AlertDelivery)
class AlertDeliveryAdmin(ReadOnly):
    list_display = ["alert", "channel", "notice", "attempts", "next_try_at", "delivered_at", "last_error"]
    list_filter = ["notice"]
    list_select_related = ["alert", "channel"]
