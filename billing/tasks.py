"""Celery tasks of billing."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from billing import metering


@shared_task(name="billing.make_partitions", ignore_result=True)
def make_partitions() -> None:
    """Makes the ledger's next months. Twice: those that exist are left alone."""
    metering.make_partitions(settings.PARTITIONS_AHEAD_MONTHS)


@shared_task(name="billing.drop_old_partitions", ignore_result=True)
def drop_old_partitions() -> None:
    """Drops months of the ledger that are kept no longer. Twice: the second run finds none."""
    metering.drop_old_partitions(settings.USAGE_KEPT_MONTHS)
