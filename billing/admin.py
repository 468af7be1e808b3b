"""Plans, and the ledger's entries to look at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts.models import Tenant
from billing import (
    admin_ledger,
    planner_admin,  # noqa: F401  (it registers the planner's pages)
)
from billing.models import Plan, QueueSample, UsageRecordRow, WatchState
from billing.models.packs import amount
from tikdash import clock
from tikdash.plans import FEATURES
from tikdash.ui.admin_lists import LargeList, day_filter

#: Of so many entries of the ledger filters show the values.
NEWEST = 1_000


class SinceFilter(admin.SimpleListFilter):
    """The last minutes; the last day where neither they nor a day were chosen: the ledger is read from its end."""

    title = "time"
    parameter_name = "since"
    minutes = {"15": 15, "60": 60, "10080": 10_080}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("15", "Last 15 min"), ("60", "Last hour"), ("10080", "Last week")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        for place, choice in enumerate(super().choices(changelist)):
            yield choice | {"display": "Last day"} if place == 0 else choice

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() is None and request.GET.get("day"):
            return queryset
        minutes = self.minutes.get(self.value() or "", 1_440)
        return queryset.filter(occurred_at__gte=clock.now() - timedelta(minutes=minutes))


class NewestValuesFilter(admin.SimpleListFilter):
    """What stands in a column of the ledger's newest entries: to ask for all that ever stood there reads all of it."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        newest = UsageRecordRow.objects.order_by("-id").values_list(str(self.parameter_name), flat=True)[:NEWEST]
        return [(value, value) for value in sorted({*newest, self.value()} - {None, ""})]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(**{str(self.parameter_name): self.value()}) if self.value() else queryset


def newest_values(column: str) -> type[NewestValuesFilter]:
    """The filter of a column."""
    return type("NewestValuesFilter", (NewestValuesFilter,), {"title": column, "parameter_name": column})


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
            "api_requests_per_minute",
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
        "name", "code", "tracked_accounts", "seats", "queue", "requests_per_minute", "daily_credits", "monthly_credits",
        "price",
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
                    "api_requests_per_minute",
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

    @admin.display(description="A month", ordering="price_cents")
    def price(self, plan: Plan) -> str:
        return amount(plan.price_cents)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A plan that tenants have stays."""
        in_use = obj is not None and Tenant.objects.filter(plan=obj.pk).exists()
        return bool(obj is not None and not in_use and super().has_delete_permission(request, obj))


@admin.register(UsageRecordRow)
class UsageEventAdmin(LargeList):
    """Append-only: looked at, never changed. The last day is listed where nobody chose another time."""

    list_display = ["occurred_at", "tenant", "endpoint", "feature", "priority", "outcome", "credits", "latency_ms"]
    list_filter = [
        SinceFilter, day_filter("occurred_at"), newest_values("endpoint"), newest_values("outcome"),
        newest_values("feature"),
    ]  # fmt: skip
    list_select_related = ["tenant"]
    search_fields = ["endpoint"]
    search_help_text = "A tenant's address or its beginning, or the name of an endpoint."
    # Their ids are made of the time: the key of each month is in that order, over all tenants.
    ordering = ["-id"]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        for word in search_term.replace("\0", " ").split()[:4]:
            tenants = list(Tenant.objects.filter(slug__startswith=word.lower()).values_list("pk", flat=True)[:50])
            queryset = queryset.filter(Q(tenant_id__in=tenants) | Q(endpoint=word))
        return queryset, False


@admin.register(QueueSample)
class QueueSampleAdmin(LargeList):
    """How queues stood, a row a minute and queue."""

    list_display = ["sampled_at", "queue", "waiting", "oldest_s", "in_flight", "ended_per_s", "threads"]
    list_filter = ["queue", day_filter("sampled_at")]
    ordering = ["-id"]
    sortable_by = ["sampled_at"]


class AlarmedFilter(admin.SimpleListFilter):
    """What is an alarm now."""

    title = "alarm"
    parameter_name = "alarmed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Is one now")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.exclude(alarmed_at=None) if self.value() == "yes" else queryset


@admin.register(WatchState)
class WatchStateAdmin(LargeList):
    """Everything that is watched, and how it stands."""

    list_display = ["watch", "subject", "level", "sentence", "since", "alarmed_at", "seen_at"]
    list_filter = [AlarmedFilter, "level", "watch"]
    ordering = ["watch", "subject"]
    sortable_by = list_display
