"""The Celery application: tasks are in `APP/tasks.py`, the timetable in `tikdash.timetable`."""

from __future__ import annotations

import os
import warnings

from celery import Celery
from celery.signals import setup_logging, task_postrun, task_prerun, worker_init, worker_shutdown, worker_shutting_down

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


@task_prerun.connect
def act_as_the_task(task: object = None, **_: object) -> None:
    """What the thread does from now on, the audit log says of this task."""
    from accounts.services.auditing import Actor, set_actor

    set_actor(Actor("task", label=str(getattr(task, "name", ""))))


@task_postrun.connect
def act_as_nobody(**_: object) -> None:
    from accounts.services.auditing import forget_actor

    forget_actor()


@worker_shutdown.connect
def take_state_out_of_the_metrics(**_: object) -> None:
    """What this worker counted stays in the metrics; what it held does not."""
    from tikdash.metrics import forget_process

    forget_process(os.getpid())


@worker_shutting_down.connect
def begin_no_more_jobs(**_: object) -> None:
    """Told to end, a worker ends its running jobs and gives back the rest of their batches."""
    from snapshots.services.stopping import stop_beginning

    stop_beginning()


@worker_init.connect
def say_that_master_keys_are_wrong(**_: object) -> None:
    """A worker without the right master key serves whoever uses the shared key; the others wait until it is mended."""
    import structlog
    from django.db import DatabaseError

    from accounts.key_list import faults_of_master_keys
    from tikdash.errors import TikdashError

    try:
        faults = faults_of_master_keys()
    except (DatabaseError, TikdashError):
        return
    for fault in faults:
        structlog.get_logger(__name__).critical("master_key_missing", detail=fault)


@worker_init.connect
def serve_people_without_redis(**_: object) -> None:
    """Beside the consumer, which can do nothing without Redis, not even begin."""
    from snapshots.services.without_redis import Substitute

    substitute = Substitute()
    substitute.start()

    def stop(**_: object) -> None:
        substitute.stop()

    def wait(**_: object) -> None:
        substitute.stop()
        # A job that takes longer than this is given up with its lease.
        substitute.join(10)

    worker_shutting_down.connect(stop, weak=False)
    worker_shutdown.connect(wait, weak=False)
