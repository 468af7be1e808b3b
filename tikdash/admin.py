"""The timetable of beat in the admin: what runs how often, off and on, and once more now."""

from __future__ import annotations

from inspect import getdoc
from typing import Any

import django_celery_beat.admin  # noqa: F401  (what it registers is replaced below)
from celery import current_app
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import localize
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from unfold.admin import ModelAdmin

from accounts.bulk_admin import BulkActionsMixin
from tikdash.beat import ACTIONS, change_entry

admin.site.unregister([ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule])

#: The library's own are about its tables.
LABELS = {"interval": "Every", "crontab": "Or at times", "total_run_count": "Sent so far"}
HELP = {
    "name": "",
    "enabled": "Off, it is not sent; the front page names what is off.",
    "interval": "Either this or times of a day.",
    "crontab": "Minute, hour, day of the month, month, day of the week; UTC.",
    "total_run_count": "",
}


@admin.register(PeriodicTask)
class TimetableAdmin(BulkActionsMixin, ModelAdmin):  # type: ignore[misc]
    """Entries are made by the settings; their times are changed here, and hold until they are given back."""

    list_display = ["name", "does", "enabled", "every", "last", "changed"]
    list_filter = ["enabled"]
    list_select_related = ["interval", "crontab"]
    search_fields = ["name", "task"]
    search_help_text = "A name or a task."
    ordering = ["name"]
    fields = ["name", "does", "task_name", "enabled", "interval", "crontab", "changed", "last", "total_run_count"]
    readonly_fields = ["name", "does", "task_name", "changed", "last", "total_run_count"]
    bulk_actions = ACTIONS
    nothing = "Beat writes its entries down when it starts. Start the process “beat”, then load this page again."

    @admin.display(description="What it does")
    def does(self, entry: PeriodicTask) -> str:
        """The first sentence of the task's own description."""
        current_app.loader.import_default_modules()
        task = current_app.tasks.get(entry.task)
        said = (getdoc(task) if task else None) or "–"
        return " ".join(said.split("\n\n")[0].split())

    @admin.display(description="Task", ordering="task")
    def task_name(self, entry: PeriodicTask) -> str:
        return str(entry.task)

    @admin.display(description="When")
    def every(self, entry: PeriodicTask) -> str:
        return str(entry.interval or (entry.crontab.human_readable if entry.crontab else "–"))

    @admin.display(description="Last sent", ordering="last_run_at")
    def last(self, entry: PeriodicTask) -> str:
        """Beat writes it down every few minutes."""
        return localize(timezone.localtime(entry.last_run_at)) if entry.last_run_at else "not yet"

    @admin.display(description="Who decides")
    def changed(self, entry: PeriodicTask) -> str:
        return entry.description or "the settings"

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **{"labels": LABELS, "help_texts": HELP} | kwargs)

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
