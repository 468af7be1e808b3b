"""Plans, and the ledger's entries to look at."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts.models import Tenant
from billing import (
    admin_ledger,
    planner_admin,  # noqa: F401  (it registers the planner's pages)
)
from billing.models import Plan, UsageRecordRow
from tikdash.plans import FEATURES
from tikdash.ui.admin import EstimatedCountPaginator


class PlanForm(forms.ModelForm):  # type: ignore[type-arg]
    """A plan, whose features are switches: each that the product knows, and no other."""

    features = forms.MultipleChoiceField(
        choices=list(FEATURES.items()),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="What else is in the plan. A change counts with the next question, within seconds.",
    )

    class Meta:
        model = Plan
        fields = [
            "code",
            "name",
            "queue",
            "tracked_accounts",
            "seats",
            "cadences",
            "posts_kept_fresh",
            "history_days",
            "readings_kept_days",
            "features",
            "grace_days",
            "requests_per_minute",
            "requests_burst",
            "daily_credits",
            "monthly_credits",
            "grace_percent",
            "price_cents",
        ]

    def clean_features(self) -> list[str]:
        """As they are stored: in the order of the product's list."""
        return [name for name in FEATURES if name in self.cleaned_data["features"]]


@admin.register(Plan)
class PlanAdmin(admin_ledger.Recorded):
    event = "plan"
    form = PlanForm
    list_display = [
        "name", "code", "tracked_accounts", "seats", "queue", "requests_per_minute", "requests_burst", "daily_credits",
        "monthly_credits", "price_cents",
    ]  # fmt: skip
    search_fields = ["name", "code"]
    fieldsets = [
        (None, {"fields": ["code", "name", "queue"]}),
        (
            "What tenants get",
            {
                "fields": [
                    "tracked_accounts",
                    "seats",
                    "cadences",
                    "posts_kept_fresh",
                    "history_days",
                    "readings_kept_days",
                    "features",
                    "grace_days",
                ]
            },
        ),
        (
            "What tenants may spend",
            {
                "fields": [
                    "requests_per_minute",
                    "requests_burst",
                    "daily_credits",
                    "monthly_credits",
                    "grace_percent",
                    "price_cents",
                ]
            },
        ),
    ]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A plan that tenants have stays."""
        in_use = obj is not None and Tenant.objects.filter(plan=obj.pk).exists()
        return bool(obj is not None and not in_use and super().has_delete_permission(request, obj))


@admin.register(UsageRecordRow)
class UsageEventAdmin(ModelAdmin):
    """Append-only: looked at, never changed."""

    list_display = ["occurred_at", "tenant", "endpoint", "feature", "priority", "outcome", "credits", "latency_ms"]
    list_filter = ["endpoint", "outcome", "feature"]
    list_select_related = ["tenant"]
    search_fields = ["tenant__slug", "endpoint"]
    show_full_result_count = False
    paginator = EstimatedCountPaginator
    ordering = ["-occurred_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
