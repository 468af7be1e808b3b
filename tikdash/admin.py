"""The timetable of beat in the admin: what runs how often, off and on, and once more now."""

from __future__ import annotations

from typing import Any

import django_celery_beat.admin  # noqa: F401  (what it registers is replaced below)
from django.contrib import admin
from django.http import HttpRequest
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from unfold.admin import ModelAdmin

from accounts.bulk_admin import BulkActionsMixin
from tikdash.beat import ACTIONS, change_entry

admin.site.unregister([ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule])


@admin.register(PeriodicTask)
class TimetableAdmin(BulkActionsMixin, ModelAdmin):  # type: ignore[misc]
    """Entries are made by the settings; their times are changed here, and hold until they are given back."""

    list_display = ["name", "task", "enabled", "every", "last_run_at", "description"]
    list_filter = ["enabled"]
    list_select_related = ["interval", "crontab"]
    search_fields = ["name", "task"]
    ordering = ["name"]
    fields = ["name", "task", "enabled", "interval", "crontab", "description", "last_run_at", "total_run_count"]
    readonly_fields = ["name", "task", "description", "last_run_at", "total_run_count"]
    bulk_actions = ACTIONS

    @admin.display(description="When")
    def every(self, entry: PeriodicTask) -> str:
        return str(entry.interval or entry.crontab or "–")

    def save_model(self, request: HttpRequest, obj: PeriodicTask, form: Any, change: bool) -> None:
        change_entry(entry=obj, by=request.user.get_username())

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class TimeAdmin(ModelAdmin):  # type: ignore[misc]
    """Times that entries are given. One is not changed under the entries that have it: another one is made."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(IntervalSchedule)
class IntervalAdmin(TimeAdmin):
    list_display = ["__str__", "every", "period"]


@admin.register(CrontabSchedule)
class CrontabAdmin(TimeAdmin):
    list_display = ["__str__", "hour", "minute", "day_of_week", "day_of_month"]
