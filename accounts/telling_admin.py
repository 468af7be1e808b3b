"""Announcements, and the switch of maintenance, in the administration."""

from __future__ import annotations

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

from accounts.models import Announcement, Maintenance
from accounts.services.auditing import Target, record
from accounts.services.telling import (
    LONGEST_SENTENCE,
    announced,
    begin_maintenance,
    end_maintenance,
    maintenance_now,
)
from tikdash.errors import BadInput


@admin.register(Announcement)
class AnnouncementAdmin(ModelAdmin):  # type: ignore[misc]
    """What customers read above their pages, until they put it away."""

    list_display = ["text", "plan", "only_for", "starts_at", "ends_at"]
    list_select_related = ["only_for"]
    search_fields = ["text", "only_for__slug"]
    autocomplete_fields = ["only_for"]

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
