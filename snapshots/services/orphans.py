"""Rows whose account or post is gone. Days and readings carry no foreign key, so somebody has to look."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import structlog
from django.db import connection
from prometheus_client import Gauge

from accounts.selectors import schemas
from tikdash import clock
from tikdash.db.scope import all_tenants

log = structlog.get_logger(__name__)

#: Rows of today and of so many days before are looked at: the check runs every night.
LAST_DAYS = 2
#: Table, its column of time, what it points with, and at which table.
POINTERS = (
    ("account_snapshots", "captured_on", "account_id", "accounts"),
    ("account_readings", "measured_at", "account_id", "accounts"),
    ("post_snapshots", "captured_on", "post_id", "posts"),
    ("post_readings", "measured_at", "post_id", "posts"),
)
#: The tenant is compared, too: what belongs to another tenant's account is as lost as what belongs to none.
COUNT = """
    SELECT count(*) FROM {table} r
     WHERE r.{column} >= %s
           AND NOT EXISTS (SELECT FROM {owner} o WHERE o.id = r.{key} AND o.tenant_id = r.tenant_id)
"""
ORPHANS = Gauge(
    "tikdash_orphans",
    "Rows of the last days whose account or post is gone, when somebody last looked.",
    ["table"],
    multiprocess_mode="mostrecent",
)


def count_orphans() -> dict[str, int]:
    """How many rows of the last days have no account or post, by table, over all shards."""
    since = clock.today() - timedelta(days=LAST_DAYS)
    found: Counter[str] = Counter({table: 0 for table, *_ in POINTERS})
    for schema in schemas():
        here: dict[str, int] = {}
        with all_tenants(schema), connection.cursor() as cursor:
            for table, column, key, owner in POINTERS:
                cursor.execute(COUNT.format(table=table, column=column, key=key, owner=owner), [since])
                here[table] = cursor.fetchone()[0]
        if any(here.values()):
            log.error("orphans_found", schema=schema, **here)
        found.update(here)
    for table, number in found.items():
        ORPHANS.labels(table).set(number)
    return dict(found)
