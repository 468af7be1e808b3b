"""The newest comments of an account's newest posts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings

from accounts.selectors import TenantRef
from snapshots.ingest.comments import PostToRead, comment_rows, mark_read, posts_to_read, store_comments
from snapshots.ingest.kinds.common import Result, account_of, client_of, say
from snapshots.models import TrackedAccount
from snapshots.scheduling.leases import RunningJob
from tikdash import clock
from tikdash.tiklive.client import Client
from tikdash.tiklive.errors import BadPayload, EntityNotFound, PrivateEntity
from tikdash.tiklive.paging import Caps
from tikdash.words import counted

COMMENTS_A_PAGE = 50


@dataclass
class _Tally:
    """What a run has come to so far."""

    posts: int = 0
    pages: int = 0
    new: int = 0
    changed: int = 0
    hidden: int = 0
    unusable: list[BadPayload] = field(default_factory=list)


def run_comments(tenant: TenantRef, job: RunningJob) -> Result:
    """Reads comments of the newest posts whose number of comments has changed since the last reading.

    A post that has been read is marked at once, so a run that ends early is gone on with, not repeated. A post whose
    comments cannot be read is left to the next run and keeps no other from being read; where none can, the run fails.
    """
    account, tally = account_of(job), _Tally()
    client = client_of(tenant, job, account)
    since = clock.now() - timedelta(days=settings.COMMENTS_OF_DAYS)
    for post in posts_to_read(account.pk, since=since, most=settings.COMMENTS_POSTS, run_since=job.succeeded_at):
        try:
            _read(account, post, client, tally)
        except (EntityNotFound, PrivateEntity):
            # Deleted or hidden: the posts' job finds that out. Its comments stay.
            tally.hidden += 1
        except BadPayload as error:
            tally.unusable.append(error)
            continue
        mark_read(post)
    if tally.unusable and not tally.posts:
        raise tally.unusable[0]
    parts = [
        f"{tally.new} new and {tally.changed} changed comments of {tally.posts} posts on {counted(tally.pages, 'page')}"
    ]
    parts += [f"{tally.hidden} posts do not show theirs"] if tally.hidden else []
    parts += [f"{len(tally.unusable)} posts could not be read"] if tally.unusable else []
    return say(account, "; ".join(parts))


def _read(account: TrackedAccount, post: PostToRead, client: Client, tally: _Tally) -> None:
    """Stores the post's comments page by page, up to the first page that brings nothing new and nothing changed."""
    most = settings.COMMENTS_PER_POST
    # A page more than needed, for rows that come twice.
    walk = client.walk_comments(
        f"https://www.tiktok.com/@{account.username}/video/{post.aweme_id}",
        caps=Caps(pages=-(-most // COMMENTS_A_PAGE) + 1, items=most),
        count=COMMENTS_A_PAGE,
    )
    for comments in walk.batches():
        rows = comment_rows(comments, now=clock.now())
        stored = store_comments(account.pk, post.id, rows, measured_at=clock.now())
        tally.pages, tally.new, tally.changed = tally.pages + 1, tally.new + stored.new, tally.changed + stored.changed
        if not (stored.new or stored.changed):
            break
    tally.posts += 1
