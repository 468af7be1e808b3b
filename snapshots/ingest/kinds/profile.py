"""Header and counters of an account."""

from __future__ import annotations

from accounts.selectors import TenantRef
from snapshots.ingest.kinds.common import Result, account_of, client_of, is_intraday, measured_at, say, set_state
from snapshots.ingest.normalise import ProfileRow, profile_row
from snapshots.ingest.upsert import store_profile
from snapshots.models import TrackedAccount
from snapshots.pictures.rows import want_avatar
from snapshots.scheduling.leases import RunningJob
from snapshots.services.accounts import rename_account
from tikdash.tiklive.client import Client
from tikdash.tiklive.errors import BadPayload, EntityNotFound, PrivateEntity


def run_profile(tenant: TenantRef, job: RunningJob) -> Result:
    """Header and counters of an account; finds its new handle where the old one leads nowhere, or to somebody else.

    A missing or private account is a state of the account, not a failure.
    """
    account = account_of(job)
    client = client_of(tenant, job, account)
    try:
        profile = _by_handle(client, account) or _by_id(client, account)
    except EntityNotFound:
        return say(account, set_state(account, TrackedAccount.State.NOT_FOUND))
    except PrivateEntity:
        return say(account, set_state(account, TrackedAccount.State.PRIVATE))
    if profile.username and profile.username != account.username:
        rename_account(account=account, username=profile.username)
    verdict = store_profile(account.pk, profile, measured_at=measured_at(client), intraday=is_intraday(job))
    want_avatar(account, profile.avatar_url)
    followers = profile.counters["follower_count"]
    odd = ", ".join(f"{name} {state}" for name, state in verdict.suspect.items())
    return say(account, f"{followers if followers is not None else 'unknown'} followers" + (f"; {odd}" if odd else ""))


def _by_handle(client: Client, account: TrackedAccount) -> ProfileRow | None:
    """The profile behind the handle, None where that is nobody's any more, or somebody else's."""
    try:
        profile = profile_row(client.userinfo_by_username(account.username))
    except EntityNotFound:
        return None
    return profile if profile.tiktok_user_id == account.tiktok_user_id else None


def _by_id(client: Client, account: TrackedAccount) -> ProfileRow:
    """The profile behind the number, which never changes: a credit more, where the handle was of no use."""
    profile = profile_row(client.userinfo_by_id(account.tiktok_user_id))
    if profile.tiktok_user_id != account.tiktok_user_id:
        raise BadPayload("another account than the one that was asked for", reason="wrong_shape")
    return profile
