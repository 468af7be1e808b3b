"""The timetable of beat in the admin: what runs how often, off and on, and once more now."""

from __future__ import annotations

from typing import Any

import django_celery_beat.admin  # noqa: F401  (what it registers is replaced below)
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError
from unfold.admin import ModelAdmin

from tikdash.beat import change_entry, give_back, send_now

admin.site.unregister([ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule])


@admin.register(PeriodicTask)
class TimetableAdmin(ModelAdmin):  # type: ignore[misc]
    """Entries are made by the settings; their times are changed here, and hold until they are given back."""

    list_display = ["name", "task", "enabled", "every", "last_run_at", "description"]
    list_filter = ["enabled"]
    list_select_related = ["interval", "crontab"]
    search_fields = ["name", "task"]
    ordering = ["name"]
    fields = ["name", "task", "enabled", "interval", "crontab", "description", "last_run_at", "total_run_count"]
    readonly_fields = ["name", "task", "description", "last_run_at", "total_run_count"]
    actions = ["run_now", "give_back"]

    @admin.display(description="When")
    def every(self, entry: PeriodicTask) -> str:
        return str(entry.interval or entry.crontab or "–")

    @admin.action(description="Run once now", permissions=["change"])
    def run_now(self, request: HttpRequest, entries: QuerySet[PeriodicTask]) -> None:
        """Sends each to a worker, beside its timetable."""
        try:
            for entry in entries:
                send_now(entry=entry)
        except (BrokerError, RedisError, OSError):
            self.message_user(request, "No worker can be told: Redis does not answer.", messages.ERROR)
        else:
            self.message_user(request, f"{len(entries)} task(s) are sent.", messages.SUCCESS)

    @admin.action(description="Give back to the settings", permissions=["change"])
    def give_back(self, request: HttpRequest, entries: QuerySet[PeriodicTask]) -> None:
        """From the next start of beat on the settings decide again."""
        for entry in entries:
            give_back(entry=entry)
        self.message_user(
            request, "From the next start of beat on the settings decide on these again.", messages.SUCCESS
        )

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
