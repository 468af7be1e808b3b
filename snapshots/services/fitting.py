"""Accounts that a smaller plan has no room for: behind the grace their jobs stand still until there is room; their
numbers stay. How many may be read, and since when, says `tikdash.plans.plan_service`."""

from __future__ import annotations

from django.db import connection

from snapshots.services.holding import NO_ROOM, hold_jobs, release_jobs

#: Own accounts stay first, then those that were tracked first.
BEYOND = """
    SELECT id FROM accounts
     ORDER BY CASE tracked_reason WHEN 'own' THEN 0 ELSE 1 END, tracked_since, id OFFSET %s
"""
HELD = "SELECT DISTINCT account_id FROM fetch_jobs WHERE state = 'paused' AND params ? %s"


def fit_to_plan(allowed: int | None) -> int:
    """Holds the jobs of accounts beyond the number that may be read (None: all) and lets those go on that have room
    again; returns how many accounts stand still. Of the tenant of the present scope. Twice: changes nothing."""
    with connection.cursor() as cursor:
        beyond: list[int] = []
        if allowed is not None:
            cursor.execute(BEYOND, [allowed])
            beyond = [row[0] for row in cursor.fetchall()]
        cursor.execute(HELD, [NO_ROOM])
        held = {row[0] for row in cursor.fetchall()}
    if beyond:
        hold_jobs(beyond, NO_ROOM)
    if fits := sorted(held - set(beyond)):
        release_jobs(fits, NO_ROOM)
    return len(beyond)
