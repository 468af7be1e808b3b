"""The meter: one durable row for every attempt that reached the upstream, and its echo in the count of the day."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC

from django.db import connection, transaction

from billing import spending
from tikdash import clock
from tikdash.db.partitions import drop_months, first_of_month, make_ahead
from tikdash.db.scope import owner
from tikdash.tiklive.ports import UsageRecord

INSERT = """
    INSERT INTO usage_events (id, occurred_at, tenant_id, key_id, endpoint, feature, priority, outcome, http_status,
                              credits, attempts, latency_ms)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (id, occurred_at) DO NOTHING
"""


class UsageMeter:
    """Writes usage events."""

    def record(self, event: UsageRecord) -> None:
        """Writes the event in a transaction of its own; writing it again changes nothing.

        Raises RuntimeError inside of another transaction: a rollback there would take the event of a spent credit
        with it.
        """
        # Outside of a transaction a single statement is one of its own, and a third of the round trips.
        with transaction.atomic(durable=True) if connection.in_atomic_block else nullcontext():
            is_new = _insert(event)
        # Behind the commit: a count may lack an event for a while, but never holds one that is not in the ledger.
        if is_new and event.credits:
            spending.add(event.occurred_at.astimezone(UTC).date(), event.tenant_id, event.credits)


def _insert(event: UsageRecord) -> bool:
    """Writes the event's row; False where it is there already."""
    with connection.cursor() as cursor:
        cursor.execute(
            INSERT,
            [
                event.id,
                event.occurred_at,
                event.tenant_id,
                event.key_id,
                event.endpoint,
                event.feature,
                event.priority,
                event.outcome,
                event.http_status,
                event.credits,
                event.attempts,
                event.latency_ms,
            ],
        )
        return bool(cursor.rowcount)


def make_partitions(months_ahead: int) -> list[str]:
    """Makes the ledger's partitions of this and the next months; returns the names of the new ones."""
    with owner():
        return make_ahead("usage_events", months_ahead)


def drop_old_partitions(months_kept: int) -> list[str]:
    """Drops the ledger's months that lie wholly before the last `months_kept`; returns their names."""
    with owner():
        return drop_months("usage_events", first_of_month(clock.today(), -months_kept))


meter = UsageMeter()
