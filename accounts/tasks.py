"""Celery tasks of accounts."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from accounts.services import auditing


@shared_task(name="accounts.make_partitions", ignore_result=True)
def make_partitions() -> None:
    """Makes the audit log's next months. Twice: those that exist are left alone."""
    auditing.make_partitions(settings.PARTITIONS_AHEAD_MONTHS)


@shared_task(name="accounts.drop_old_partitions", ignore_result=True)
def drop_old_partitions() -> None:
    """Drops months of the audit log that are kept no longer. Twice: the second run finds none."""
    auditing.drop_old_partitions(settings.AUDIT_KEPT_MONTHS)
