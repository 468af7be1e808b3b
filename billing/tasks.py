"""Celery tasks of billing."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.conf import settings

from billing import alerts, metering, notices, rollups
from billing.services import grants, invoices, sampling
from tikdash import clock
from tikdash.db.partitions import first_of_month


@shared_task(name="billing.make_partitions", ignore_result=True)
def make_partitions() -> None:
    """Makes the ledger's next months. Twice: those that exist are left alone."""
    metering.make_partitions(settings.PARTITIONS_AHEAD_MONTHS)


@shared_task(name="billing.drop_old_partitions", ignore_result=True)
def drop_old_partitions() -> None:
    """Drops months of the ledger that are kept no longer. Twice: the second run finds none."""
    metering.drop_old_partitions(settings.USAGE_KEPT_MONTHS)


@shared_task(name="billing.sample_queues", ignore_result=True, expires=50)
def sample_queues() -> None:
    """Writes how queues stand and follows what is watched. Twice: one sample a second, and each is followed once."""
    sampling.sample_queues()


@shared_task(name="billing.sample_tables", ignore_result=True)
def sample_tables() -> None:
    """Writes the sizes of all tables. Twice: the later sizes of a day take the place of the earlier ones."""
    sampling.sample_tables()


@shared_task(name="billing.roll_up", ignore_result=True)
def roll_up() -> None:
    """Counts what has happened since the last run, what grants add, and what is worth an alert. Twice: the second
    finds it counted, and every alert is there once."""
    rollups.roll_up()
    grants.refresh_extra()
    alerts.look()


@shared_task(name="billing.deliver_alerts", ignore_result=True)
def deliver_alerts() -> None:
    """Sends notices that are due. Twice: a notice is taken by one run; the other finds it taken."""
    notices.deliver_due()


@shared_task(name="billing.issue_invoices", ignore_result=True)
def issue_invoices() -> None:
    """Issues the last month's invoices. Twice: those that are there stay as they were issued."""
    invoices.issue_all(first_of_month(clock.today(), -1))


@shared_task(name="billing.mend_rollups", ignore_result=True)
def mend_rollups() -> None:
    """Compares the last days' rollups with their events. Twice: the second finds them equal."""
    rollups.mend(clock.today() - timedelta(days=settings.ROLLUP_COMPARED_DAYS))
