"""Announcements, and the switch of maintenance, in the administration."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from accounts.models import Announcement, Maintenance, Tenant
from accounts.services.auditing import Target, record
from accounts.services.telling import (
    LONGEST_SENTENCE,
    announced,
    begin_maintenance,
    end_maintenance,
    maintenance_now,
)
from tikdash import clock
from tikdash.errors import BadInput, NotFound
from tikdash.plans import limits_of


class AnnouncementForm(forms.ModelForm):  # type: ignore[type-arg]
    """A plan that there is not would tell nobody, and say so to nobody."""

    class Meta:
        labels = {"only_for": "Tenant", "starts_at": "From", "ends_at": "Until"}

    def clean_plan(self) -> str:
        code = str(self.cleaned_data["plan"]).strip()
        try:
            if code:
                limits_of(Announcement(plan=code))
        except NotFound as error:
            raise forms.ValidationError(str(error)) from None
        return code


@admin.register(Announcement)
class AnnouncementAdmin(ModelAdmin):  # type: ignore[misc]
    """What customers read above their pages, until they put it away."""

    form = AnnouncementForm
    nothing = (
        "Customers read nothing of ours. An announcement stands above their pages until it ends or they put it away."
    )
    list_display = ["text", "stands", "for_whom", "starts_at", "ends_at"]
    list_select_related = ["only_for"]
    search_fields = ["text", "only_for__slug"]
    autocomplete_fields = ["only_for"]

    @admin.display(description="State")
    def stands(self, one: Announcement) -> str:
        now = clock.now()
        return "planned" if one.starts_at > now else "over" if one.ends_at <= now else "shown now"

    @admin.display(description="For whom")
    def for_whom(self, one: Announcement) -> str:
        parts = [f"plan {one.plan}"] if one.plan else []
        parts += [str(one.only_for)] if one.only_for else []
        return ", ".join(parts) or "all tenants"

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        now = clock.now().replace(second=0, microsecond=0)
        return {"starts_at": now, "ends_at": now + timedelta(days=1)} | super().get_changeform_initial_data(request)

    def save_model(self, request: HttpRequest, obj: Announcement, form: Any, change: bool) -> None:
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            announced(obj, changed=change)

    def delete_model(self, request: HttpRequest, obj: Announcement) -> None:
        with transaction.atomic():
            record("operations.announcement_removed", target=Target("announcement", obj.pk), before={"text": obj.text})
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for one in queryset:
            self.delete_model(request, one)


class MaintenanceForm(forms.Form):
    sentence = forms.CharField(
        required=False,
        max_length=LONGEST_SENTENCE,
        help_text="What customers read, for example: We move to a larger server until 04:00 UTC.",
        widget=UnfoldAdminTextInputWidget(),
    )
    work_stops = forms.BooleanField(
        required=False,
        label="Nothing is fetched either",
        help_text="No job begins meanwhile; those that run end.",
        widget=UnfoldBooleanWidget(),
    )


@admin.register(Maintenance)
class MaintenanceAdmin(ModelAdmin):  # type: ignore[misc]
    """One page with a switch instead of a list."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """What lasts, and the way to begin or end it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        lasting = maintenance_now()
        facts = {"sentence": lasting.sentence, "work_stops": lasting.work_stops} if lasting else None
        form = MaintenanceForm(request.POST or None, initial=facts)
        if request.method == "POST":
            if not self.has_change_permission(request):
                raise PermissionDenied
            if request.POST.get("end"):
                end_maintenance()
                messages.success(request, "Everything works again.")
                return redirect("admin:accounts_maintenance_changelist")
            if form.is_valid():
                try:
                    begin_maintenance(**form.cleaned_data)
                except BadInput as error:
                    form.add_error("sentence", str(error))
                else:
                    messages.success(request, "Customers can only read from now on.")
                    return redirect("admin:accounts_maintenance_changelist")
        context = {
            **self.admin_site.each_context(request),
            "title": "Maintenance",
            "opts": self.opts,
            "lasting": lasting,
            "tenants": Tenant.objects.exclude(state=Tenant.State.ERASED).count(),
            "form": form,
            "may": self.has_change_permission(request),
        }
        return TemplateResponse(
            request, "admin/accounts/maintenance.html", context, status=422 if form.is_bound and form.errors else 200
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
