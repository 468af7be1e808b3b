"""The timetable of the settings, which operators may change in the admin."""

from __future__ import annotations

from typing import Any

from celery import current_app
from django.db import transaction
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from accounts.services.auditing import Target, record

#: Begins the description of an entry that a person has changed.
CHANGED_BY = "Changed by"


class Scheduler(DatabaseScheduler):  # type: ignore[misc]
    """Takes the settings' timetable at each start, as celery-beat does, but for entries that a person has changed."""

    def update_from_dict(self, mapping: dict[str, Any]) -> None:
        changed = PeriodicTask.objects.filter(name__in=mapping, description__startswith=CHANGED_BY)
        theirs = set(changed.values_list("name", flat=True))
        super().update_from_dict({name: entry for name, entry in mapping.items() if name not in theirs})


def change_entry(*, entry: PeriodicTask, by: str) -> None:
    """Stores an entry as somebody has set it; beat notices within seconds, and its next start leaves it alone."""
    with transaction.atomic():
        before = PeriodicTask.objects.filter(pk=entry.pk).first()
        entry.description = f"{CHANGED_BY} {by}"
        entry.save()
        record(
            "fetching.schedule_changed",
            target=Target("timetable", entry.pk, entry.name),
            before=None if before is None else _facts(before),
            after=_facts(entry),
        )


def give_back(*, entry: PeriodicTask) -> None:
    """The settings decide on the entry again, from the next start of beat on; it runs again where it was off."""
    with transaction.atomic():
        entry.description, entry.enabled = "", True
        entry.save()
        record("fetching.schedule_changed", target=Target("timetable", entry.pk, entry.name), after=_facts(entry))


def send_now(*, entry: PeriodicTask) -> None:
    """Sends the entry's task to a worker once, beside its timetable. Raises what the broker raises without Redis."""
    current_app.send_task(entry.task)
    record("fetching.task_sent", target=Target("timetable", entry.pk, entry.name))


def _facts(entry: PeriodicTask) -> dict[str, Any]:
    schedule: CrontabSchedule | IntervalSchedule | None = entry.interval or entry.crontab
    return {"enabled": entry.enabled, "schedule": str(schedule) if schedule else ""}
