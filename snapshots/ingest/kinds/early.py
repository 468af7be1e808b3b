"""Extra readings of young posts, at the ages of `snapshots.scheduling.marks`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from accounts.selectors import TenantRef
from snapshots.ingest.early import look_at, settle
from snapshots.ingest.kinds.common import Result, account_of, client_of, say, set_state
from snapshots.ingest.kinds.posts import PostsRead
from snapshots.models import FetchJob, TrackedAccount
from snapshots.scheduling.leases import RunningJob
from snapshots.scheduling.marks import NOTHING, YoungPost
from tikdash import clock
from tikdash.plans import limits_of
from tikdash.tiklive.errors import EntityNotFound, PrivateEntity
from tikdash.words import counted


def run_early(tenant: TenantRef, job: RunningJob) -> Result:
    """Reads the posts that are at a mark which nobody has read: one page of the list for all of them.

    Without such a post nothing is asked for. What the regular reading of posts is about to read is left to it.
    """
    account, now = account_of(job), clock.now()
    look = look_at(account.pk, now) if FetchJob.Kind.EARLY in limits_of(tenant).cadences else NOTHING
    text = _read(tenant, job, account, look.wanted) if look.wanted else "no young post is at an age to be read"
    return say(account, text) | {"due": partial(settle, job, account.pk, now, look.left)}


def _read(tenant: TenantRef, job: RunningJob, account: TrackedAccount, wanted: Sequence[YoungPost]) -> str:
    """Reads and stores pages until all wanted posts have come, or should have; returns the sentence for it."""
    # Not what other tenants have fetched: half an hour ago is another age.
    read = PostsRead(account, client_of(tenant, job), intraday=True)
    oldest = min(post.posted_at for post in wanted)
    missing = {post.aweme_id for post in wanted}
    try:
        while read.goes_on and missing:
            read.read_page()
            missing -= {row.aweme_id for row in read.given}
            if any(row.posted_at < oldest for row in read.given if not row.pinned):
                break
    except EntityNotFound:
        return set_state(account, TrackedAccount.State.NOT_FOUND)
    except PrivateEntity:
        return set_state(account, TrackedAccount.State.PRIVATE)
    gone = read.flag_vanished()
    return f"{len(wanted) - len(missing)} posts read at their age on {counted(read.pages, 'page')}, {len(gone)} gone"
