"""Jobs of single accounts that stand still because a person said so, and go on as they were when she says otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

#: Why a job stands still: a mark in its parameters, so that whoever lets it go on touches no job that stands still for
#: another reason.
PAUSED, STOPPED, NO_ROOM = "held_paused", "held_stopped", "held_no_room"

HOLD = """
    UPDATE fetch_jobs SET state = 'paused', params = params || jsonb_build_object(%(mark)s::text, true)
     WHERE account_id = ANY(%(ids)s::bigint[]) AND state = 'active'
"""
RELEASE = """
    UPDATE fetch_jobs SET state = 'active', params = params - %(mark)s::text
     WHERE account_id = ANY(%(ids)s::bigint[]) AND state = 'paused' AND params ? %(mark)s
"""


def hold_jobs(account_ids: Sequence[int], mark: str) -> int:
    """No job of these accounts begins from now on; returns how many that changed. What runs ends as ever."""
    return _change(HOLD, account_ids, mark)


def release_jobs(account_ids: Sequence[int], mark: str) -> int:
    """Jobs that were held for this reason are due as before; returns how many. Overdue ones run at the next tick."""
    return _change(RELEASE, account_ids, mark)


def _change(statement: str, account_ids: Sequence[int], mark: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"ids": list(account_ids), "mark": mark})
        return int(cursor.rowcount)
