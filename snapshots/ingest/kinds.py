"""What each kind of job does: fetch, store, say what came. No database transaction is open during a call."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings

from accounts.selectors import TenantRef
from snapshots.ingest.normalise import EARLIEST_POST, PostRow, post_rows, profile_row
from snapshots.ingest.upsert import flag_vanished, store_posts, store_profile
from snapshots.models import FetchJob, TrackedAccount
from snapshots.scheduling.leases import RunningJob
from snapshots.services.accounts import Wish, rename_account, track_account
from tikdash import clock
from tikdash.errors import BadInput, TikdashError
from tikdash.plans import limits_of
from tikdash.tiklive.client import Client, client_for
from tikdash.tiklive.errors import EntityNotFound, PrivateEntity

Result = dict[str, Any]


class RefusedError(TikdashError):
    """The job can never succeed; its sentence is for the person who asked."""

    code = "refused"
    status = 422


class HandleMovedError(TikdashError):
    """The handle is another person's now; the account's new one is found with its posts."""

    code = "handle_moved"
    status = 409


def run_profile(tenant: TenantRef, job: RunningJob) -> Result:
    """Header and counters of an account. A missing or private account is a state of the account, not a failure."""
    account, client = _account(job), _client(tenant, job)
    try:
        info = client.userinfo_by_username(account.username)
    except EntityNotFound:
        return _say(account, _set_state(account, TrackedAccount.State.NOT_FOUND))
    except PrivateEntity:
        return _say(account, _set_state(account, TrackedAccount.State.PRIVATE))
    profile = profile_row(info)
    if profile.tiktok_user_id != account.tiktok_user_id:
        raise HandleMovedError(f"@{account.username} is somebody else's handle now; looking for the new one.")
    verdict = store_profile(account.pk, profile, measured_at=_measured_at(client))
    followers = profile.counters["follower_count"]
    odd = ", ".join(f"{name} {state}" for name, state in verdict.suspect.items())
    return _say(account, f"{followers if followers is not None else 'unknown'} followers" + (f"; {odd}" if odd else ""))


def run_posts(tenant: TenantRef, job: RunningJob) -> Result:
    """The newest posts of an account with their counters; finds vanished and returned posts and a new handle.

    All posts that the plan keeps fresh are read once a day; in between reading stops at the first page that brings
    nothing new.
    """
    account = _account(job)
    client, kept = _client(tenant, job), limits_of(tenant).posts_kept_fresh
    first_of_day = job.succeeded_at is None or job.succeeded_at.date() < clock.today()
    cursor, pages, given, new, returned = "0", 0, [], 0, 0  # type: str, int, list[PostRow], int, int
    complete = usable = True
    try:
        while len(given) < kept:
            page = client.user_posts(account.tiktok_user_id, count=settings.POSTS_PER_PAGE_UPSTREAM, cursor=cursor)
            rows = post_rows(page, author_id=account.tiktok_user_id, now=clock.now())
            stored = store_posts(account.pk, rows.rows, measured_at=_measured_at(client))
            pages, usable = pages + 1, usable and not rows.refused
            given += rows.rows
            new, returned = new + len(stored.new), returned + len(stored.returned)
            if pages == 1 and rows.author_handle and rows.author_handle != account.username:
                _rename(account, rows.author_handle)
            complete = not page.has_more
            # A list that stops although it says it goes on has not been read to its end.
            if complete or not rows.rows or page.cursor == cursor or (not stored.new and not first_of_day):
                break
            cursor = page.cursor
    except EntityNotFound:
        return _say(account, _set_state(account, TrackedAccount.State.NOT_FOUND))
    except PrivateEntity:
        return _say(account, _set_state(account, TrackedAccount.State.PRIVATE))
    vanished = _vanished(account, given, complete, _measured_at(client)) if usable else []
    return _say(account, f"{len(given)} posts on {pages} page(s), {new} new, {len(vanished)} gone, {returned} back")


def run_probe(tenant: TenantRef, job: RunningJob) -> Result:
    """Checks a handle that a person typed and tracks the account: the cheap call first, then the profile."""
    wish = Wish(**{name: job.params[name] for name in ("handle", "reason", "tags")})
    client = _client(tenant, job)
    try:
        client.userid(wish.handle)
        profile = profile_row(client.userinfo_by_username(wish.handle))
    except EntityNotFound:
        raise RefusedError(
            f"TikTok knows no @{wish.handle}. Check the spelling; a deleted account cannot be tracked."
        ) from None
    except PrivateEntity:
        raise RefusedError(_private(wish.handle)) from None
    if profile.is_private:
        raise RefusedError(_private(wish.handle))
    try:
        account_id = track_account(tenant=tenant, wish=wish, profile=profile, measured_at=_measured_at(client))
    except TikdashError as error:
        raise RefusedError(str(error)) from None
    return {"account_id": account_id, "handle": profile.username, "text": "tracked"}


RUNNERS: dict[str, Callable[[TenantRef, RunningJob], Result]] = {
    FetchJob.Kind.PROFILE: run_profile,
    FetchJob.Kind.POSTS: run_posts,
    FetchJob.Kind.PROBE: run_probe,
}


def _client(tenant: TenantRef, job: RunningJob) -> Client:
    """The client of a run. What was measured before somebody asked, or the last time, is no answer to this run."""
    moments = [moment for moment in (job.requested_at, job.succeeded_at) if moment is not None]
    return client_for(tenant.id, feature=job.kind, priority=job.queue, fresh_since=max(moments, default=None))


def _measured_at(client: Client) -> datetime:
    """When the oldest of the answers was measured that this run has used."""
    return client.measured_at or clock.now()


def _account(job: RunningJob) -> TrackedAccount:
    account = TrackedAccount.objects.filter(pk=job.account_id or 0).first()
    if account is None:
        raise BadInput("The account of this job is no longer tracked.")
    return account


def _set_state(account: TrackedAccount, state: str) -> str:
    if account.state not in (state, TrackedAccount.State.PAUSED):
        account.state = state
        account.save(update_fields=["state"])
    return f"TikTok says: {TrackedAccount.State(state).label.lower()}"


def _rename(account: TrackedAccount, handle: str) -> None:
    rename_account(account=account, username=handle)


def _vanished(account: TrackedAccount, given: list[PostRow], complete: bool, measured_at: datetime) -> list[str]:
    """Posts that the pages should have held when they were measured.

    An answer without any post says nothing: private accounts give that.
    """
    in_order = [row.posted_at for row in given if not row.pinned]
    if not in_order:
        return []
    since: datetime = EARLIEST_POST if complete else min(in_order)
    return flag_vanished(account.pk, [row.aweme_id for row in given], since, measured_at)


def _say(account: TrackedAccount, text: str) -> Result:
    return {"handle": account.username, "text": text}


def _private(handle: str) -> str:
    return f"@{handle} is private on TikTok. Its numbers cannot be tracked until it is public."
