"""The newest posts of an account."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from accounts.selectors import TenantRef
from snapshots.ingest.kinds.common import Result, account_of, client_of, is_intraday, measured_at, say, set_state
from snapshots.ingest.normalise import EARLIEST_POST, PostRow, post_rows
from snapshots.ingest.upsert import flag_vanished, store_posts
from snapshots.models import TrackedAccount
from snapshots.scheduling.leases import RunningJob
from snapshots.services.accounts import rename_account
from tikdash import clock
from tikdash.plans import limits_of
from tikdash.tiklive.errors import EntityNotFound, PrivateEntity


def run_posts(tenant: TenantRef, job: RunningJob) -> Result:
    """The newest posts of an account with their counters; finds vanished and returned posts and a new handle.

    All posts that the plan keeps fresh are read once a day; in between reading stops at the first page that brings
    nothing new.
    """
    account = account_of(job)
    client, kept = client_of(tenant, job), limits_of(tenant).posts_kept_fresh
    first_of_day = job.succeeded_at is None or job.succeeded_at.date() < clock.today()
    cursor, pages, given, new, returned = "0", 0, [], 0, 0  # type: str, int, list[PostRow], int, int
    complete = usable = True
    try:
        while len(given) < kept:
            page = client.user_posts(account.tiktok_user_id, count=settings.POSTS_PER_PAGE_UPSTREAM, cursor=cursor)
            rows = post_rows(page, author_id=account.tiktok_user_id, now=clock.now())
            stored = store_posts(account.pk, rows.rows, measured_at=measured_at(client), intraday=is_intraday(job))
            pages, usable = pages + 1, usable and not rows.refused
            given += rows.rows
            new, returned = new + len(stored.new), returned + len(stored.returned)
            if pages == 1 and rows.author_handle and rows.author_handle != account.username:
                rename_account(account=account, username=rows.author_handle)
            complete = not page.has_more
            # A list that stops although it says it goes on has not been read to its end.
            if complete or not rows.rows or page.cursor == cursor or (not stored.new and not first_of_day):
                break
            cursor = page.cursor
    except EntityNotFound:
        return say(account, set_state(account, TrackedAccount.State.NOT_FOUND))
    except PrivateEntity:
        return say(account, set_state(account, TrackedAccount.State.PRIVATE))
    vanished = _vanished(account, given, complete, measured_at(client)) if usable else []
    return say(account, f"{len(given)} posts on {pages} page(s), {new} new, {len(vanished)} gone, {returned} back")


def _vanished(account: TrackedAccount, given: list[PostRow], complete: bool, moment: datetime) -> list[str]:
    """Posts that the pages should have held when they were measured.

    An answer without any post says nothing: private accounts give that.
    """
    in_order = [row.posted_at for row in given if not row.pinned]
    if not in_order:
        return []
    since: datetime = EARLIEST_POST if complete else min(in_order)
    return flag_vanished(account.pk, [row.aweme_id for row in given], since, moment)
