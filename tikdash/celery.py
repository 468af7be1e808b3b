"""The Celery application: tasks are in `APP/tasks.py`, the timetable in `tikdash.timetable`."""

from __future__ import annotations

import os
import warnings

from celery import Celery
from celery.signals import setup_logging, task_postrun, task_prerun

from tikdash.env import EMBEDDED

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tikdash.settings")
if EMBEDDED:
    # On a development machine root is nobody's mistake.
    warnings.filterwarnings("ignore", message=".*superuser privileges.*")

app = Celery("tikdash")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_: object) -> None:
    """Django has configured the logs already; with a receiver here Celery leaves them alone."""


@task_prerun.connect
@task_postrun.connect
def begin_outside_of_any_scope(**_: object) -> None:
    """A worker thread serves many tenants: whatever a task left behind, the next one begins with no scope."""
    from django.db import connection

    from tikdash.db.backend.base import NO_SCOPE

    connection.enter_scope(NO_SCOPE)  # type: ignore[attr-defined]
