"""The meter: a durable row for every request, written before it is sent, and its echo in the count of the day."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, date, timedelta
from typing import Any

from django.db import connection, transaction

from billing import spending
from billing.tallies import tallies
from tikdash import clock
from tikdash.db.partitions import drop_months, first_of_month, make_ahead
from tikdash.db.scope import owner, prepared_cursor
from tikdash.tiklive.ports import UsageRecord

#: The outcome of a request that has succeeded: only those are charged to the tenant.
OK = "ok"
INSERT = """
    INSERT INTO usage_events (id, occurred_at, tenant_id, key_id, endpoint, feature, priority, outcome, http_status,
                              credits, attempts, latency_ms)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (id, occurred_at) DO NOTHING
"""
#: Of a request that begins, until somebody says how it ended. A worker that was killed says no more. The row is there
#: for good, so its end need not wait for the disk: the next commit that does takes it along (decision 0014).
SETTLE = """
    UPDATE usage_events SET outcome = %s, http_status = %s, credits = %s, latency_ms = %s
      FROM (SELECT set_config('synchronous_commit', 'off', true)) AS without_waiting
     WHERE id = %s AND occurred_at = %s AND outcome = 'begun'
"""
#: An event that is written, or ended, so long after its request was begun: its part of the day may be counted already.
LATE_AFTER = timedelta(seconds=60)
MARK_LATE = "INSERT INTO public.usage_late (day) VALUES (%s)"
TAKE_BACK = "DELETE FROM usage_events WHERE id = %s AND occurred_at = %s AND outcome = 'begun'"


class UsageMeter:
    """Writes usage events."""

    def begin(self, event: UsageRecord) -> None:
        """Writes, in a transaction of its own, that a request is about to be sent.

        Raises RuntimeError as `record` does.
        """
        with _transaction_of(event):
            if _insert(event):
                _mark_if_late(event)

    def take_back(self, event: UsageRecord) -> None:
        """Takes out what has begun and was never sent."""
        with _transaction_of(event), connection.cursor() as cursor:
            cursor.execute(TAKE_BACK, [event.id, event.occurred_at])
            if cursor.rowcount:
                _mark_if_late(event)

    def record(self, event: UsageRecord) -> None:
        """Writes how a request ended, in a transaction of its own; writing it again changes nothing.

        Raises RuntimeError inside of another transaction: a rollback there would take the event of a spent credit
        with it.
        """
        with _transaction_of(event):
            is_new = _settle(event) or _insert(event)
            if is_new:
                _mark_if_late(event)
        # Behind the commit: a count may lack an event for a while, but never holds one that is not in the ledger.
        if is_new and event.credits:
            charged = event.credits if event.outcome == OK else 0
            spending.add(_day_of(event), event.tenant_id, event.key_id, event.credits, charged=charged)

    def saved(self, *, tenant_id: int, endpoint: str, feature: str, way: str, credits: int) -> None:
        """Counts an answer that cost nothing, and what it would have cost."""
        tallies.saved(tenant_id, endpoint, feature, way, credits)


def _transaction_of(event: UsageRecord) -> AbstractContextManager[Any]:
    """One for each statement: outside of a transaction a statement is one by itself, in a third of the round trips.

    A late event and its mark are written together, or neither.
    """
    own = connection.in_atomic_block or _is_late(event)
    return transaction.atomic(durable=True) if own else nullcontext()


def _is_late(event: UsageRecord) -> bool:
    return clock.now() - event.occurred_at > LATE_AFTER


def _mark_if_late(event: UsageRecord) -> None:
    """Has the event's day counted anew. Between both looks at the clock it may have become late: then it is marked
    without being in one transaction with its mark, which is then the later one."""
    if _is_late(event):
        with connection.cursor() as cursor:
            cursor.execute(MARK_LATE, [_day_of(event)])


def _day_of(event: UsageRecord) -> date:
    return event.occurred_at.astimezone(UTC).date()


def _settle(event: UsageRecord) -> bool:
    """Writes how it ended into the row that said that it begins; False where there is none."""
    with prepared_cursor() as cursor:
        cursor.execute(
            SETTLE,
            [event.outcome, event.http_status, event.credits, event.latency_ms, event.id, event.occurred_at],
        )
        return bool(cursor.rowcount)


def _insert(event: UsageRecord) -> bool:
    """Writes the event's row; False where it is there already."""
    with prepared_cursor() as cursor:
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
