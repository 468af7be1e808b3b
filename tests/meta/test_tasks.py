"""Every task is in docs/tasks.md, and every beat entry sends a task that exists."""

from __future__ import annotations

import re

from celery import current_app
from django.conf import settings

from tests.environment import ROOT


def our_tasks() -> set[str]:
    current_app.loader.import_default_modules()
    return {name for name in current_app.tasks if name.split(".")[0] in {"accounts", "billing", "snapshots", "tikdash"}}


def test_the_page_of_tasks_lists_every_task_and_nothing_else() -> None:
    page = (ROOT / "docs" / "tasks.md").read_text()
    assert set(re.findall(r"^\| `([a-z_.]+)` \|", page, re.M)) == our_tasks()


def test_beat_sends_tasks_that_exist_and_that_the_page_gives_an_interval_for() -> None:
    sent = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert sent <= our_tasks()
    page = (ROOT / "docs" / "tasks.md").read_text()
    periodic = set(re.findall(r"^\| `([a-z_.]+)` \| [^–]", page, re.M))
    assert periodic == sent
