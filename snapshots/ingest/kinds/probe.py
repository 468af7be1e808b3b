"""Checking a handle that a person typed."""

from __future__ import annotations

from accounts.selectors import TenantRef
from snapshots.ingest.kinds.common import RefusedError, Result, client_of, measured_at
from snapshots.ingest.normalise import profile_row
from snapshots.scheduling.holds import is_background
from snapshots.scheduling.leases import RunningJob
from snapshots.services.accounts import Wish, track_account
from snapshots.services.checks import forget_check
from tikdash.errors import TikdashError
from tikdash.tiklive.errors import EntityNotFound, PrivateEntity
from tikdash.tiklive.sieve import PersonLeftOut


def run_probe(tenant: TenantRef, job: RunningJob) -> Result:
    """Checks a handle that a person typed and tracks the account: the cheap call first, then the profile."""
    wish = Wish(**{name: job.params[name] for name in ("handle", "reason", "tags")})
    client = client_of(tenant, job)
    try:
        client.userid(wish.handle)
        profile = profile_row(client.userinfo_by_username(wish.handle))
    except PersonLeftOut as error:
        # The handle is one that we did not know as this person's; it must not stay with the job.
        forget_check(job.id)
        raise RefusedError(str(error)) from None
    except EntityNotFound:
        raise RefusedError(
            f"TikTok knows no @{wish.handle}. Check the spelling; a deleted account cannot be tracked."
        ) from None
    except PrivateEntity:
        raise RefusedError(_private(wish.handle)) from None
    if profile.is_private:
        raise RefusedError(_private(wish.handle))
    try:
        account_id = track_account(
            tenant=tenant,
            wish=wish,
            profile=profile,
            measured_at=measured_at(client),
            in_background=is_background(job.queue),
        )
    except TikdashError as error:
        raise RefusedError(str(error)) from None
    return {"account_id": account_id, "handle": profile.username, "text": "tracked"}


def _private(handle: str) -> str:
    return f"@{handle} is private on TikTok. Its numbers cannot be tracked until it is public."
