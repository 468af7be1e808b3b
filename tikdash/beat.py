"""The timetable of the settings, which operators may change in the admin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from celery import current_app
from django.db import transaction
from django.db.models import QuerySet
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from accounts.bulk_page import BulkAction
from accounts.services.auditing import Target, record
from tikdash.errors import NotFound, Unavailable

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


def _run_says(rows: QuerySet[PeriodicTask]) -> Sequence[str]:
    off = rows.filter(enabled=False).count()
    return [
        "Each is sent to a worker once, beside its timetable; none does harm when it runs twice. It costs what it costs"
        " at its time: those that plan and dispatch begin jobs that are due, no others.",
        *([f"Switched off: {off}. They are sent nevertheless and stay off."] if off else []),
    ]


def _run(entry_id: int, data: dict[str, Any]) -> bool:
    try:
        send_now(entry=_entry(entry_id))
    except (BrokerError, RedisError, OSError):
        raise Unavailable("No worker can be told: Redis does not answer.") from None
    return True


def _back_says(rows: QuerySet[PeriodicTask]) -> Sequence[str]:
    changed = rows.filter(description__startswith=CHANGED_BY).count()
    off = rows.filter(enabled=False).count()
    return [
        f"Changed by people: {changed}. From the next start of beat on the settings decide on these again.",
        f"Switched off: {off}. They are on again at once. It costs no credits.",
    ]


def _give_back(entry_id: int, data: dict[str, Any]) -> bool:
    give_back(entry=_entry(entry_id))
    return True


def _entry(entry_id: int) -> PeriodicTask:
    entry = PeriodicTask.objects.filter(pk=entry_id).first()
    if entry is None:
        raise NotFound("There is no such entry any more.")
    return entry


ACTIONS = [
    BulkAction(
        "run_now", "Run once now", "django_celery_beat.change_periodictask", PeriodicTask, _run_says, _run
    ),
    BulkAction(
        "give_back", "Give back to the settings", "django_celery_beat.change_periodictask", PeriodicTask, _back_says,
        _give_back,
    ),
]  # fmt: skip
