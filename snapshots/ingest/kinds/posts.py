"""The newest posts of an account."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings

from accounts.selectors import TenantRef
from snapshots.ingest.early import wake
from snapshots.ingest.kinds.common import Result, account_of, client_of, is_intraday, measured_at, say, set_state
from snapshots.ingest.normalise import EARLIEST_POST, PostRow, post_rows
from snapshots.ingest.upsert import StoredPosts, flag_vanished, store_posts
from snapshots.models import FetchJob, TrackedAccount
from snapshots.pictures.rows import want_covers
from snapshots.scheduling.leases import RunningJob
from snapshots.services.accounts import rename_account
from tikdash import clock
from tikdash.plans import limits_of
from tikdash.tiklive.client import Client
from tikdash.tiklive.errors import EntityNotFound, PrivateEntity
from tikdash.words import counted


@dataclass
class PostsRead:
    """The pages of an account's posts that one run has read and stored, the newest first.

    `goes_on` tells that another page can be asked for, `complete` that the list has been read to its end.
    """

    account: TrackedAccount
    client: Client
    intraday: bool
    pages: int = 0
    given: list[PostRow] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    goes_on: bool = True
    complete: bool = True
    _cursor: str = "0"
    _refused: int = 0

    def read_page(self) -> StoredPosts:
        """Fetches and stores the next page, and finds a new handle on the first one."""
        account, sent = self.account, self._cursor
        page = self.client.user_posts(account.tiktok_user_id, count=settings.POSTS_PER_PAGE_UPSTREAM, cursor=sent)
        rows = post_rows(page, author_id=account.tiktok_user_id, now=clock.now())
        stored = store_posts(account.pk, rows.rows, measured_at=measured_at(self.client), intraday=self.intraday)
        want_covers(account.pk, new=len(stored.new))
        self.pages += 1
        self.given += rows.rows
        self.new += stored.new
        self.returned += stored.returned
        if self.pages == 1 and rows.author_handle and rows.author_handle != account.username:
            rename_account(account=account, username=rows.author_handle)
        self._refused += rows.refused
        self._cursor, self.complete = page.cursor, not page.has_more
        # A list that stops although it says it goes on has not been read to its end.
        self.goes_on = page.has_more and bool(rows.rows) and page.cursor != sent
        return stored

    def flag_vanished(self) -> list[str]:
        """Flags, and returns, the posts that the pages should have held when they were measured.

        Rows that could not be used may be any post, and an answer without any post says nothing: private accounts
        give that.
        """
        in_order = [row.posted_at for row in self.given if not row.pinned]
        if self._refused or not in_order:
            return []
        since: datetime = EARLIEST_POST if self.complete else min(in_order)
        return flag_vanished(self.account.pk, [row.aweme_id for row in self.given], since, measured_at(self.client))


def run_posts(tenant: TenantRef, job: RunningJob) -> Result:
    """The newest posts of an account with their counters; finds vanished and returned posts and a new handle.

    All posts that the plan keeps fresh are read once a day; in between reading stops at the first page that brings
    nothing new. Where the plan has early readings, every run's are kept, and new posts wake the job that takes them.
    """
    account, limits = account_of(job), limits_of(tenant)
    has_early = FetchJob.Kind.EARLY in limits.cadences
    read = PostsRead(account, client_of(tenant, job, account), intraday=is_intraday(job) or has_early)
    first_of_day = job.succeeded_at is None or job.succeeded_at.date() < clock.today()
    try:
        while read.goes_on and len(read.given) < limits.posts_kept_fresh:
            stored = read.read_page()
            if has_early and (first_of_day or stored.new or stored.returned):
                # After each page: what the next one runs into must not keep the job asleep.
                wake(account.pk)
            if not stored.new and not first_of_day:
                break
    except EntityNotFound:
        return say(account, set_state(account, TrackedAccount.State.NOT_FOUND))
    except PrivateEntity:
        return say(account, set_state(account, TrackedAccount.State.PRIVATE))
    gone = read.flag_vanished()
    return say(
        account,
        f"{len(read.given)} posts on {counted(read.pages, 'page')}, {len(read.new)} new, {len(gone)} gone,"
        f" {len(read.returned)} back",
    )
