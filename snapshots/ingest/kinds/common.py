"""What all kinds of jobs share: the account, the client, and how a run says what came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import DEFAULT_DB_ALIAS

from accounts.selectors import TenantRef
from snapshots.models import TrackedAccount
from snapshots.scheduling.cadence import DAY_S
from snapshots.scheduling.leases import RunningJob
from snapshots.scheduling.sharing import is_shared
from tikdash import clock
from tikdash.db.scope import prepared_cursor
from tikdash.errors import BadInput, TikdashError
from tikdash.tiklive.client import Client, client_for
from tikdash.words import gettext

#: What a run leaves behind for people and for who started it: `handle`, `text`, and what else its kind has to say.
#: A kind without a rhythm adds `due`: asked in the transaction that records the run, it says when the next one is due.
Result = dict[str, Any]


#: Nearly every job begins with it, so PostgreSQL plans it once a connection.
ACCOUNT_FIELDS = [field.attname for field in TrackedAccount._meta.concrete_fields]
ACCOUNT = f"""
    SELECT {", ".join(str(field.column) for field in TrackedAccount._meta.concrete_fields)} FROM accounts WHERE id = %s
"""


class RefusedError(TikdashError):
    """The job can never succeed; its sentence is for the person who asked."""

    code = "refused"
    status = 422


def client_of(tenant: TenantRef, job: RunningJob, account: TrackedAccount | None = None) -> Client:
    """The client of a run. What was measured before somebody asked, or the last time, is no answer to this run.

    What another tenant has fetched of the same creator with the shared key is one, as long as it is not older than
    half the time between two runs and, for daily numbers, of the same UTC day.
    """
    moments = [moment for moment in (job.requested_at, job.succeeded_at) if moment is not None]
    shared_within = timedelta(seconds=(job.cadence_s or 0) // 2)
    if shared_within and account is not None and is_shared(account.tiktok_user_id):
        if shared_within >= timedelta(seconds=DAY_S // 2):
            moments.append(_start_of_day() - timedelta(microseconds=1))
    else:
        shared_within = timedelta()
    return client_for(
        tenant.id,
        feature=job.kind,
        priority=job.queue,
        fresh_since=max(moments, default=None),
        shared_within=shared_within,
    )


def _start_of_day() -> datetime:
    return clock.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def measured_at(client: Client) -> datetime:
    """When the oldest of the answers was measured that this run has used."""
    return client.measured_at or clock.now()


def is_intraday(job: RunningJob) -> bool:
    """True where a run's reading is kept by itself, beside the row of the day: more often than daily, or on demand."""
    on_demand = job.requested_at is not None and (job.succeeded_at is None or job.requested_at > job.succeeded_at)
    return on_demand or job.was_asked_for or (job.cadence_s is not None and job.cadence_s < DAY_S)


def account_of(job: RunningJob) -> TrackedAccount:
    """The account of a job; BadInput where it is no longer tracked."""
    with prepared_cursor() as cursor:
        cursor.execute(ACCOUNT, [job.account_id or 0])
        row = cursor.fetchone()
    if row is None:
        raise BadInput(gettext("The account of this job is no longer tracked."))
    return TrackedAccount.from_db(DEFAULT_DB_ALIAS, ACCOUNT_FIELDS, row)


def set_state(account: TrackedAccount, state: str) -> str:
    """Puts an account into a state that TikTok told, unless a person has paused it; returns the sentence for it."""
    if account.state not in (state, TrackedAccount.State.PAUSED):
        account.state = state
        account.save(update_fields=["state"])
    return f"TikTok says: {TrackedAccount.State(state).label.lower()}"


def say(account: TrackedAccount, text: str) -> Result:
    """The result of a run."""
    return {"handle": account.username, "text": text}
