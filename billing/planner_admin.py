"""The capacity planner in the admin: scenarios with their inputs, the six sheets, the spreadsheet, and the review."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import slugify
from unfold.admin import ModelAdmin, TabularInline

from billing.models import CapacityFeature, CapacityScenario, CapacityTable, CapacityTier, QuarterPlan
from billing.planner_forms import FeatureFormSet, ScenarioForm, TableFormSet, TierFormSet
from billing.planner_tables import tables_of, tables_of_review
from billing.services import planner, reviewing
from billing.services.calibration import calibrate, new_from_measured
from billing.workbook import CONTENT_TYPE
from tikdash import clock
from tikdash.errors import BadInput, TikdashError

TEMPLATES = "admin/billing/capacityscenario"


class RowsInline(TabularInline):
    """A table of inputs; each says its column's name to who cannot see the column."""

    extra = 0

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            field.widget.attrs["aria-label"] = str(db_field.verbose_name).capitalize()
        return field


class TierInline(RowsInline):
    model = CapacityTier
    formset = TierFormSet
    min_num = 1


class FeatureInline(RowsInline):
    model = CapacityFeature
    formset = FeatureFormSet


class TableInline(RowsInline):
    model = CapacityTable
    formset = TableFormSet


@admin.register(CapacityScenario)
class CapacityScenarioAdmin(ModelAdmin):
    form = ScenarioForm
    list_display = ["name", "note", "calibrated_at", "updated_at"]
    search_fields = ["name", "note"]
    inlines = [TierInline, FeatureInline, TableInline]
    change_form_outer_before_template = f"{TEMPLATES}/head.html"
    list_before_template = f"{TEMPLATES}/list_head.html"
    readonly_fields = ["calibrated_at"]
    fieldsets = [
        (None, {"fields": ["name", "note", "calibrated_at"]}),
        (
            "Workers",
            {"fields": [("threads", "ceiling"), ("jobs_per_second", "jobs_per_account"), ("peak_share", "drain_s")]},
        ),
        (
            "What does not grow by itself (empty: no limit)",
            {
                "fields": [
                    ("keys", "calls_per_minute"),
                    ("monthly_calls", "monthly_credits"),
                    ("most_tenants", "most_accounts"),
                    ("rows_per_day", "disk_bytes"),
                ]
            },
        ),
    ]

    def get_urls(self) -> list[URLPattern]:
        pages: list[tuple[str, Callable[..., HttpResponse], str]] = [
            ("review/", self.review, "review"),
            ("measured/", self.measured, "measured"),
            ("<int:scenario_id>/sheets/", self.sheets, "sheets"),
            ("<int:scenario_id>/plan.xlsx", self.spreadsheet, "xlsx"),
            ("<int:scenario_id>/calibrate/", self.calibrate, "calibrate"),
            ("<int:scenario_id>/adopt/", self.adopt, "adopt"),
        ]
        ours = [
            path(route, self.admin_site.admin_view(view), name=f"billing_capacityscenario_{name}")
            for route, view, name in pages
        ]
        return [*ours, *super().get_urls()]

    def sheets(self, request: HttpRequest, scenario_id: int) -> HttpResponse:
        """The six sheets of a scenario; one that is not sound leads back to its inputs with what to mend."""
        _refuse_unless(self.has_view_permission(request))
        scenario = planner.scenario_by_id(scenario_id)
        try:
            assessment = planner.sheets_of(scenario)
        except BadInput as error:
            return self._back(request, scenario, error)
        context = self._context(request, scenario.name) | {
            "scenario": scenario,
            "sheet": assessment,
            "tables": tables_of(assessment),
            "quarters": _quarters_ahead(),
        }
        return TemplateResponse(request, f"{TEMPLATES}/sheets.html", context)

    def spreadsheet(self, request: HttpRequest, scenario_id: int) -> HttpResponse:
        """The six sheets with live formulas."""
        _refuse_unless(self.has_view_permission(request))
        scenario = planner.scenario_by_id(scenario_id)
        try:
            content = planner.spreadsheet_of(scenario)
        except BadInput as error:
            return self._back(request, scenario, error)
        name = f"capacity-{slugify(scenario.name) or scenario.pk}-{clock.today()}.xlsx"
        return HttpResponse(
            content, content_type=CONTENT_TYPE, headers={"Content-Disposition": f'attachment; filename="{name}"'}
        )

    def calibrate(self, request: HttpRequest, scenario_id: int) -> HttpResponse:
        """Puts what is measured into the scenario."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        _refuse_unless(self.has_change_permission(request))
        scenario = planner.scenario_by_id(scenario_id)
        try:
            missing = calibrate(scenario)
        except BadInput as error:
            return self._back(request, scenario, error)
        self.log_change(request, scenario, "Calibrated from what is measured")
        self.message_user(request, "The scenario now holds what is measured.", messages.SUCCESS)
        for sentence in missing:
            self.message_user(request, f"Not measured. {sentence}", messages.WARNING)
        return redirect("admin:billing_capacityscenario_change", scenario_id)

    def measured(self, request: HttpRequest) -> HttpResponse:
        """Makes a scenario of what is measured."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        _refuse_unless(self.has_add_permission(request))
        try:
            scenario, missing = new_from_measured()
        except BadInput as error:
            self.message_user(request, str(error), messages.ERROR)
            return redirect("admin:billing_capacityscenario_changelist")
        self.log_addition(request, scenario, "Made of what is measured")
        for sentence in missing:
            self.message_user(request, f"Not measured. {sentence}", messages.WARNING)
        return redirect("admin:billing_capacityscenario_sheets", scenario.pk)

    def adopt(self, request: HttpRequest, scenario_id: int) -> HttpResponse:
        """Keeps the scenario as the plan of a quarter."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        _refuse_unless(self.has_change_permission(request))
        scenario = planner.scenario_by_id(scenario_id)
        try:
            plan = planner.adopt(scenario, _quarter(request.POST.get("quarter", "")))
        except BadInput as error:
            return self._back(request, scenario, error)
        self.log_change(request, scenario, f"Adopted for the quarter from {plan.quarter}")
        self.message_user(request, f"This is now the plan for the quarter from {plan.quarter}.", messages.SUCCESS)
        return redirect("admin:billing_capacityscenario_sheets", scenario_id)

    def review(self, request: HttpRequest) -> HttpResponse:
        """The review of a quarter, of the last one that is over where none is named; one page, made to be printed."""
        _refuse_unless(self.has_view_permission(request))
        present = planner.quarter_of(clock.today())
        context = self._context(request, "Quarterly review")
        context["quarters"] = [present, *_before(present, 4)]
        status = 200
        try:
            chosen = request.GET.get("quarter")
            quarter = _quarter(chosen) if chosen else present
            review = reviewing.review_of(quarter)
            context |= {"quarter": quarter, "review": review, "tables": tables_of_review(review)}
        except TikdashError as error:
            context |= {"error": str(error)}
            status = 400
        return TemplateResponse(request, f"{TEMPLATES}/review.html", context, status=status)

    def _context(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return self.admin_site.each_context(request) | {"title": title, "opts": self.model._meta}

    def _back(self, request: HttpRequest, scenario: CapacityScenario, error: BadInput) -> HttpResponse:
        self.message_user(request, str(error), messages.ERROR)
        return redirect(reverse("admin:billing_capacityscenario_change", args=[scenario.pk]))


@admin.register(QuarterPlan)
class QuarterPlanAdmin(ModelAdmin):
    """What was adopted: looked at, and taken back by adopting another scenario."""

    list_display = ["quarter", "name", "adopted_at"]
    search_fields = ["name"]
    readonly_fields = ["quarter", "name", "inputs", "adopted_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _refuse_unless(allowed: bool) -> None:
    if not allowed:
        raise PermissionDenied


def _quarter(text: str) -> date:
    """The first day of a quarter. Raises BadInput for anything else."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadInput("A quarter is named by its first day, such as 2026-10-01.") from None
    if planner.quarter_of(day) != day:
        raise BadInput(f"A quarter begins on {planner.quarter_of(day)}, not on {day}.")
    return day


def _quarters_ahead() -> list[date]:
    present = planner.quarter_of(clock.today())
    return [present, planner.next_quarter(present)]


def _before(quarter: date, number: int) -> list[date]:
    found = []
    for _ in range(number):
        quarter = planner.previous_quarter(quarter)
        found.append(quarter)
    return found
