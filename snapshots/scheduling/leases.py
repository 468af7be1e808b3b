"""Taking a claimed job, and giving it back: every statement names the moment the run began, so that a worker whose
lease ended meanwhile changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.conf import settings
from django.db import connection

from tikdash import clock
from tikdash.db.scope import prepared_cursor

NOW = "coalesce(%(now)s::timestamptz, now())"

COLUMNS = (
    "id", "account_id", "kind", "queue", "cadence_s", "offset_s", "cursor", "params", "attempts", "started_at",
    "requested_at", "succeeded_at", "credits_spent", "credit_cap", "why",
)  # fmt: skip
#: Beginning and end of a run do not wait for the disk. What a server that crashes has lost of them is a job whose lease
#: ends and that runs once more, which changes nothing; what the run has stored is written behind one that waits.
WITHOUT_WAITING = "(SELECT set_config('synchronous_commit', 'off', true)) AS without_waiting"
BEGIN = f"""
    UPDATE fetch_jobs
       SET started_at = {NOW}, lease_until = {NOW} + make_interval(secs => %(lease)s::float8)
      FROM {WITHOUT_WAITING}
     WHERE id = %(id)s AND state = 'active' AND started_at IS NULL AND lease_until > {NOW}
           AND NOT EXISTS (SELECT FROM public.tenants t WHERE t.id = tenant_id AND t.fetching_paused_at IS NOT NULL)
           AND NOT EXISTS (SELECT FROM public.paused_kinds p WHERE p.kind = fetch_jobs.kind)
    RETURNING {", ".join(COLUMNS)}
"""
SUCCEED = f"""
    UPDATE fetch_jobs
       SET lease_until = NULL, started_at = NULL, attempts = 0, error = '', error_code = '', succeeded_at = {NOW},
           queue = %(queue)s, priority = 0, cadence_s = %(cadence)s::int,
           next_due_at = coalesce(%(due)s::timestamptz, next_due_at),
           -- What was called off in the meantime stays so.
           state = CASE WHEN %(cadence)s::int IS NULL AND state = 'active' THEN 'done' ELSE state END,
           params = params || %(result)s::jsonb
      FROM {WITHOUT_WAITING}
     WHERE id = %(id)s AND started_at = %(started)s
"""
FAIL = f"""
    UPDATE fetch_jobs
       SET lease_until = NULL, started_at = NULL, attempts = attempts + %(counts)s, error = %(error)s,
           error_code = %(code)s, failed_at = {NOW}, next_due_at = %(due)s,
           state = CASE WHEN %(refused)s THEN 'refused'
                        WHEN attempts + %(counts)s >= %(most)s THEN 'dead' ELSE state END
     WHERE id = %(id)s AND started_at = %(started)s
    RETURNING state
"""
PUT_BACK = """
    UPDATE fetch_jobs SET lease_until = NULL, started_at = NULL, next_due_at = %(due)s
     WHERE id = %(id)s AND started_at = %(started)s
"""
#: Only what is still claimed and not begun, as in BEGIN: the due time of a job that ran meanwhile is its own.
PUT_BACK_UNBEGUN = f"""
    UPDATE fetch_jobs j SET lease_until = NULL, next_due_at = later.due
      FROM unnest(%(ids)s::bigint[], %(dues)s::timestamptz[]) AS later(id, due)
     WHERE j.id = later.id AND j.state = 'active' AND j.started_at IS NULL AND j.lease_until > {NOW}
    RETURNING j.id, j.kind, j.params
"""
SAVE_PROGRESS = f"""
    UPDATE fetch_jobs
       SET cursor = %(cursor)s, credits_spent = %(credits)s, params = params || %(facts)s::jsonb,
           lease_until = {NOW} + make_interval(secs => %(lease)s), attempts = 0, error = '', error_code = ''
     WHERE id = %(id)s AND started_at = %(started)s AND state = 'active'
"""
GIVE_BACK = "UPDATE fetch_jobs SET lease_until = NULL WHERE id = ANY(%(ids)s) AND started_at IS NULL"


@dataclass(frozen=True)
class RunningJob:
    """A job that this worker, and nobody else, runs now."""

    id: int
    account_id: int | None
    kind: str
    queue: str
    cadence_s: int | None
    offset_s: int
    cursor: str
    params: dict[str, Any]
    attempts: int
    started_at: datetime
    requested_at: datetime | None
    succeeded_at: datetime | None
    credits_spent: int
    credit_cap: int | None
    why: str

    @property
    def was_asked_for(self) -> bool:
        """True where somebody waits for newer numbers than there are: they pressed a button, or look at the page."""
        return self.queue == "interactive" and self.succeeded_at is not None


@dataclass(frozen=True)
class WaitingJob:
    """A job that was put back before anybody began it."""

    id: int
    kind: str
    params: dict[str, Any]


def begin(job_id: int) -> RunningJob | None:
    """Takes a claimed job; None when its lease has ended, another worker was first, or it must not run (any more)."""
    with prepared_cursor() as cursor:
        cursor.execute(BEGIN, {"id": job_id, "lease": settings.JOB_LEASE_S, "now": clock.frozen()})
        row = cursor.fetchone()
    if row is None:
        return None
    # Django's cursors leave JSON as text.
    return RunningJob(**dict(zip(COLUMNS, row, strict=True)) | {"params": orjson.loads(row[7])})


def succeed(
    job: RunningJob, *, queue: str, cadence_s: int | None, next_due_at: datetime | None, result: dict[str, Any]
) -> bool:
    """Records a success and when it runs next; without a cadence the job is done. False when the lease was lost."""
    parameters: dict[str, Any] = {
        "id": job.id,
        "started": job.started_at,
        "queue": queue,
        "cadence": cadence_s,
        "due": next_due_at,
        "result": orjson.dumps(result).decode(),
        "now": clock.frozen(),
    }
    with prepared_cursor() as cursor:
        cursor.execute(SUCCEED, parameters)
        return bool(cursor.rowcount)


def fail(
    job: RunningJob, *, code: str, error: str, next_due_at: datetime, counts: bool = True, refused: bool = False
) -> str | None:
    """Records a failure; returns the job's state, `dead` after too many in a row, or None when the lease was lost.

    `counts=False` is for failures that are not the job's own; `refused` ends it for good.
    """
    parameters: dict[str, Any] = {
        "id": job.id,
        "started": job.started_at,
        "code": code,
        "error": error,
        "due": next_due_at,
        "counts": int(counts),
        "refused": refused,
        "most": settings.JOB_ATTEMPTS,
        "now": clock.frozen(),
    }
    with connection.cursor() as cursor:
        cursor.execute(FAIL, parameters)
        row = cursor.fetchone()
    return str(row[0]) if row else None


def put_back(job: RunningJob, next_due_at: datetime) -> bool:
    """Ends a run that was not allowed to begin, as if it had not been: only the due time changes.

    False when the lease was lost.
    """
    with connection.cursor() as cursor:
        cursor.execute(PUT_BACK, {"id": job.id, "started": job.started_at, "due": next_due_at})
        return bool(cursor.rowcount)


def put_back_unbegun(due: Mapping[int, datetime]) -> list[WaitingJob]:
    """Ends the leases of claimed jobs that nobody began and makes each due at its new time; returns those it found."""
    with connection.cursor() as cursor:
        cursor.execute(PUT_BACK_UNBEGUN, {"ids": list(due), "dues": list(due.values()), "now": clock.frozen()})
        rows = {row[0]: WaitingJob(row[0], row[1], orjson.loads(row[2])) for row in cursor.fetchall()}
    return [rows[job_id] for job_id in due if job_id in rows]


def give_back(job_ids: list[int]) -> None:
    """Ends the leases of claimed jobs that nobody began, so that they can be claimed at once."""
    if not job_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(GIVE_BACK, {"ids": job_ids})


def save_progress(job: RunningJob, *, cursor: str, credits_spent: int, facts: dict[str, Any]) -> bool:
    """Notes how far a long run is, and holds the lease anew; what failed before is forgotten, because it got further.

    False when it was called off or the lease was lost.
    """
    parameters: dict[str, Any] = {
        "id": job.id,
        "started": job.started_at,
        "cursor": cursor,
        "credits": credits_spent,
        "facts": orjson.dumps(facts).decode(),
        "lease": settings.JOB_LEASE_S,
        "now": clock.frozen(),
    }
    with connection.cursor() as cursor_:
        cursor_.execute(SAVE_PROGRESS, parameters)
        return bool(cursor_.rowcount)
