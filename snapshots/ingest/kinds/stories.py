"""The stories that an account shows now."""

from __future__ import annotations

from accounts.selectors import TenantRef
from snapshots.ingest.kinds.common import Result, account_of, client_of, measured_at, say, set_state
from snapshots.ingest.normalise import post_rows
from snapshots.ingest.stories import store_stories
from snapshots.models import TrackedAccount
from snapshots.pictures.rows import want_covers
from snapshots.scheduling.leases import RunningJob
from tikdash import clock
from tikdash.tiklive.errors import EntityNotFound, PrivateEntity
from tikdash.tiklive.paging import Caps
from tikdash.tiklive.shapes import PostPage
from tikdash.words import counted

#: Of 30 stories each; nobody has as many in a day.
MOST_PAGES = 20


def run_stories(tenant: TenantRef, job: RunningJob) -> Result:
    """Stores all stories that TikTok shows, page by page. Those that it no longer shows keep their last numbers."""
    account = account_of(job)
    client = client_of(tenant, job, account)
    walk = client.walk_user_stories(account.tiktok_user_id, caps=Caps(pages=MOST_PAGES))
    new = 0
    try:
        for stories in walk.batches():
            page = PostPage(tuple(stories), cursor="", has_more=False)
            rows = post_rows(page, author_id=account.tiktok_user_id, now=clock.now()).rows
            found = store_stories(account.pk, rows, measured_at=measured_at(client))
            want_covers(account.pk, new=found)
            new += found
    except EntityNotFound:
        return say(account, set_state(account, TrackedAccount.State.NOT_FOUND))
    except PrivateEntity:
        return say(account, set_state(account, TrackedAccount.State.PRIVATE))
    return say(account, f"{walk.items} stories on {counted(walk.pages, 'page')}, {new} new")
