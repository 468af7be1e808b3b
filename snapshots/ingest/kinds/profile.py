"""Header and counters of an account."""

from __future__ import annotations

from accounts.selectors import TenantRef
from snapshots.ingest.kinds.common import Result, account_of, client_of, is_intraday, measured_at, say, set_state
from snapshots.ingest.normalise import profile_row
from snapshots.ingest.upsert import store_profile
from snapshots.models import TrackedAccount
from snapshots.pictures.rows import want_avatar
from snapshots.scheduling.leases import RunningJob
from tikdash.errors import TikdashError
from tikdash.tiklive.errors import EntityNotFound, PrivateEntity


class HandleMovedError(TikdashError):
    """The handle is another person's now; the account's new one is found with its posts."""

    code = "handle_moved"
    status = 409


def run_profile(tenant: TenantRef, job: RunningJob) -> Result:
    """Header and counters of an account. A missing or private account is a state of the account, not a failure."""
    account = account_of(job)
    client = client_of(tenant, job, account)
    try:
        info = client.userinfo_by_username(account.username)
    except EntityNotFound:
        return say(account, set_state(account, TrackedAccount.State.NOT_FOUND))
    except PrivateEntity:
        return say(account, set_state(account, TrackedAccount.State.PRIVATE))
    profile = profile_row(info)
    if profile.tiktok_user_id != account.tiktok_user_id:
        raise HandleMovedError(f"@{account.username} is somebody else's handle now; looking for the new one.")
    verdict = store_profile(account.pk, profile, measured_at=measured_at(client), intraday=is_intraday(job))
    want_avatar(account, profile.avatar_url)
    followers = profile.counters["follower_count"]
    odd = ", ".join(f"{name} {state}" for name, state in verdict.suspect.items())
    return say(account, f"{followers if followers is not None else 'unknown'} followers" + (f"; {odd}" if odd else ""))
