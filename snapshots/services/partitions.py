"""Months of the partitioned tables, in every shard."""

from __future__ import annotations

from django.conf import settings

from accounts.selectors import schemas
from tikdash.db.partitions import make_ahead
from tikdash.db.scope import owner

PARTITIONED = (
    "account_snapshots",
    "post_snapshots",
    "account_readings",
    "post_readings",
    "hashtag_snapshots",
    "sound_snapshots",
)


def make_partitions_everywhere() -> list[str]:
    """Makes this and the next months' partitions in every shard; returns the new ones as `schema.name`."""
    made = []
    for schema in schemas():
        with owner(schema):
            for table in PARTITIONED:
                made += [f"{schema}.{name}" for name in make_ahead(table, settings.PARTITIONS_AHEAD_MONTHS)]
    return made
