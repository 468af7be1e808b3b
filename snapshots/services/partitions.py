"""Months of the partitioned tables, in every shard: made ahead, and dropped when what they hold is kept no longer."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.conf import settings

from accounts.selectors import all_tenants_listed, schemas
from tikdash import clock
from tikdash.db.partitions import drop_months, make_ahead
from tikdash.db.scope import owner
from tikdash.plans import limits_of

log = structlog.get_logger(__name__)

PARTITIONED = (
    "account_snapshots",
    "post_snapshots",
    "account_readings",
    "post_readings",
    "hashtag_snapshots",
    "sound_snapshots",
)
#: Tables whose rows are not kept for good.
KEPT_FOR_A_WHILE = ("account_readings", "post_readings")


def make_partitions_everywhere() -> list[str]:
    """Makes this and the next months' partitions in every shard; returns the new ones as `schema.name`."""
    made = []
    for schema in schemas():
        with owner(schema):
            for table in PARTITIONED:
                made += [f"{schema}.{name}" for name in make_ahead(table, settings.PARTITIONS_AHEAD_MONTHS)]
    return made


def drop_old_readings() -> list[str]:
    """Drops the months of readings wholly before what is kept, in every shard; returns them as `schema.name`."""
    before = clock.today() - timedelta(days=days_kept())
    dropped = []
    for schema in schemas():
        with owner(schema):
            for table in KEPT_FOR_A_WHILE:
                dropped += [f"{schema}.{name}" for name in drop_months(table, before)]
    log.info("old_readings_dropped", before=before.isoformat(), partitions=dropped)
    return dropped


def days_kept() -> int:
    """For how many days readings are kept: what the installation says, or the longest that a plan in use promises."""
    one_of_each = {tenant.plan: tenant for tenant in all_tenants_listed()}.values()
    return max([settings.READINGS_KEPT_DAYS, *(limits_of(tenant).readings_kept_days or 0 for tenant in one_of_each)])
