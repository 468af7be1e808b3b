"""The past of an account: all pages of its posts back to a day, page by page, within a cap of credits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.selectors import TenantRef
from snapshots.ingest.kinds.common import RefusedError, Result, account_of, client_of, measured_at, say, set_state
from snapshots.ingest.normalise import PostRow, post_rows
from snapshots.ingest.upsert import store_posts
from snapshots.models import TrackedAccount
from snapshots.pictures.rows import want_covers
from snapshots.scheduling.leases import RunningJob, save_progress
from tikdash import clock
from tikdash.tiklive.errors import EntityNotFound, NotAdmitted, PrivateEntity
from tikdash.tiklive.paging import Caps, Stop, Walk
from tikdash.tiklive.shapes import Post, PostPage
from tikdash.words import counted

#: Pages of one run; then others have their turn.
PAGES_A_RUN = 20


class ContinueLater(NotAdmitted):
    """There is more to read; the job goes on as soon as it is its turn again."""

    code = "continues"
    message = "The backfill goes on in a moment."


@dataclass
class _Read:
    """What was read so far, over all runs."""

    pages: int = 0
    posts: int = 0
    new: int = 0
    oldest: datetime | None = None

    @classmethod
    def so_far(cls, params: dict[str, Any]) -> _Read:
        oldest = params.get("oldest")
        return cls(
            params.get("pages", 0),
            params.get("posts", 0),
            params.get("new", 0),
            datetime.fromisoformat(oldest) if oldest else None,
        )

    def add(self, rows: Sequence[PostRow], new: int) -> None:
        self.pages += 1
        self.posts += len(rows)
        self.new += new
        moments = [row.posted_at for row in rows if not row.pinned]
        self.oldest = min([*moments, *([self.oldest] if self.oldest else [])], default=None)

    def facts(self) -> dict[str, Any]:
        oldest = self.oldest.isoformat() if self.oldest else None
        return {"pages": self.pages, "posts": self.posts, "new": self.new, "oldest": oldest}


def run_backfill(tenant: TenantRef, job: RunningJob) -> Result:
    """Goes on where the last run ended. Every page is stored, and noted with its cursor, before the next is read."""
    account = account_of(job)
    since = datetime.fromisoformat(job.params["since"])
    read = _Read.so_far(job.params)
    left = (job.credit_cap or 0) - job.credits_spent
    client = client_of(tenant, job)
    walk = client.walk_user_posts(
        account.tiktok_user_id, caps=Caps(pages=PAGES_A_RUN, credits=max(left, 0)), cursor=job.cursor or "0"
    )
    try:
        for batch in walk.batches():
            rows = post_rows(_page(batch), author_id=account.tiktok_user_id, now=clock.now()).rows
            stored = store_posts(account.pk, rows, measured_at=measured_at(client))
            want_covers(account.pk, new=len(stored.new))
            read.add(rows, len(stored.new))
            if not _noted(job, walk, read):
                return say(account, "called off")
            if _all_before(rows, since):
                return _ended(account, read, "far_enough")
    except EntityNotFound:
        raise RefusedError(set_state(account, TrackedAccount.State.NOT_FOUND)) from None
    except PrivateEntity:
        raise RefusedError(set_state(account, TrackedAccount.State.PRIVATE)) from None
    if walk.stopped == Stop.PAGE_CAP:
        raise ContinueLater(retry_after=1.0)
    return _ended(account, read, str(walk.stopped))


def _noted(job: RunningJob, walk: Walk[Post], read: _Read) -> bool:
    """Saves how far it is; False where somebody has called it off or the lease was lost."""
    return save_progress(job, cursor=walk.cursor, credits_spent=job.credits_spent + walk.credits, facts=read.facts())


def _ended(account: TrackedAccount, read: _Read, why: str) -> Result:
    complete = why != Stop.CREDIT_CAP
    end = "to the wished day" if why == "far_enough" else "to the end" if complete else "until its credits were spent"
    text = f"{read.posts} posts on {counted(read.pages, 'page')}, {read.new} new, {end}"
    return say(account, text) | {"stopped": why, "complete": complete}


def _page(batch: Sequence[Post]) -> PostPage:
    return PostPage(tuple(batch), cursor="", has_more=False)


def _all_before(rows: Sequence[PostRow], since: datetime) -> bool:
    """Newest first, but for pinned posts, which stand first whatever their age."""
    in_order = [row.posted_at for row in rows if not row.pinned]
    return bool(in_order) and max(in_order) < since
