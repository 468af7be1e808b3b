"""Operators change beat's timetable; what they changed outlives its next start, and goes back when they say so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from celery import current_app
from django.test import Client
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from accounts.models import AuditEntry
from tests.cast import Cast
from tests.snapshots.conftest import browser_of
from tests.staff import staff_with
from tikdash.beat import Scheduler
from tikdash.db.scope import all_tenants

#: No name of the settings': rows of beat are of all tests.
NAME = "timetable-of-a-test"
OF_SETTINGS = {NAME: {"task": "billing.sample_queues", "schedule": timedelta(seconds=60)}}


@pytest.fixture
def beats(committed_db: Cast) -> Iterator[Cast]:
    """A database that is really written to: the scheduler ends transactions and connections of its own."""
    yield committed_db
    PeriodicTask.objects.filter(name=NAME).delete()


@pytest.fixture
def olga(beats: Cast) -> Client:
    return browser_of(beats.olga, "localhost")


def start() -> None:
    """What beat does when it starts."""
    Scheduler(app=current_app, lazy=True).update_from_dict(OF_SETTINGS)


def entry() -> PeriodicTask:
    return PeriodicTask.objects.select_related("interval").get(name=NAME)


def test_what_was_changed_outlives_a_start_until_it_is_given_back(olga: Client) -> None:
    start()
    assert (entry().interval.every, entry().enabled) == (60, True)
    slow = IntervalSchedule.objects.create(every=10, period="minutes")
    sent = {"interval": slow.pk, "crontab": ""}
    assert olga.post(f"/admin/django_celery_beat/periodictask/{entry().pk}/change/", sent).status_code == 302
    start()
    assert (entry().interval.every, entry().enabled) == (10, False)
    assert entry().description == "Changed by olga@tikdash.example"
    with all_tenants():
        noted = AuditEntry.objects.get(event="fetching.schedule_changed")
    assert (noted.tenant_id, noted.actor_label, noted.target_label) == (None, "olga@tikdash.example", NAME)
    assert noted.before["schedule"] == "every 60 seconds" and noted.after["schedule"] == "every 10 minutes"
    chosen = {"action": "give_back", "_selected_action": [entry().pk]}
    asked = olga.post("/admin/django_celery_beat/periodictask/", chosen).content.decode()
    assert "Changed by people: 1." in asked and "Switched off: 1." in asked
    assert entry().description, "it is asked first"
    olga.post("/admin/django_celery_beat/periodictask/", chosen | {"confirmed": "1", "counted": 1})
    with all_tenants():
        last = AuditEntry.objects.filter(event="fetching.schedule_changed").latest("occurred_at")
    assert last.pk != noted.pk and last.after["schedule"] == "every 10 minutes"
    start()
    assert (entry().interval.every, entry().enabled) == (60, True)


def test_an_entry_without_a_time_is_refused_beside_the_form(olga: Client) -> None:
    start()
    answer = olga.post(
        f"/admin/django_celery_beat/periodictask/{entry().pk}/change/", {"interval": "", "crontab": "", "enabled": "on"}
    )
    assert answer.status_code == 200 and b"must be set" in answer.content
    assert entry().interval.every == 60


def test_what_is_run_by_hand_goes_to_a_worker_once_and_is_written_down(
    olga: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    start()
    sent: list[str] = []
    monkeypatch.setattr(current_app, "send_task", sent.append)
    chosen = {"action": "run_now", "_selected_action": [entry().pk]}
    path = "/admin/django_celery_beat/periodictask/"
    assert "sent to a worker once" in olga.post(path, chosen).content.decode() and not sent, "it is asked first"
    olga.post(path, chosen | {"confirmed": "1", "counted": 1})
    assert sent == [entry().task]
    with all_tenants():
        noted = AuditEntry.objects.get(event="fetching.task_sent")
    assert (noted.actor_kind, noted.actor_label, noted.target_label) == ("staff", "olga@tikdash.example", entry().name)


def test_only_who_may_change_it_does(beats: Cast) -> None:
    start()
    looks = staff_with("django_celery_beat.view_periodictask")
    path = f"/admin/django_celery_beat/periodictask/{entry().pk}/change/"
    assert looks.get("/admin/django_celery_beat/periodictask/").status_code == 200
    assert looks.post(path, {"interval": "", "crontab": ""}).status_code == 403
    chosen = {"action": "run_now", "_selected_action": [entry().pk], "confirmed": "1", "counted": 1}
    looks.post("/admin/django_celery_beat/periodictask/", chosen)
    with all_tenants():
        assert not AuditEntry.objects.filter(event__startswith="fetching.").exists()
    assert staff_with().get("/admin/django_celery_beat/periodictask/").status_code == 403
