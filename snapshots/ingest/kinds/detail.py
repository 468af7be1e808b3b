"""Details of posts whose rows in lists lack a counter."""

from __future__ import annotations

from django.conf import settings

from accounts.selectors import TenantRef
from snapshots.ingest.details import note_asked, posts_to_ask, store_detail
from snapshots.ingest.kinds.common import Result, account_of, client_of, say
from snapshots.models import FetchJob
from snapshots.scheduling.leases import RunningJob
from tikdash import clock
from tikdash.plans import limits_of
from tikdash.tiklive.errors import BadPayload, EntityNotFound, PrivateEntity


def run_detail(tenant: TenantRef, job: RunningJob) -> Result:
    """Asks for the detail of a few posts, a credit each, and for none a second time.

    A post is noted as soon as it was answered for, so a run that ends early is gone on with. An answer that cannot be
    used says nothing about the post, and is paid for all the same: it counts as asked.
    """
    account = account_of(job)
    if FetchJob.Kind.DETAIL not in limits_of(tenant).cadences:
        return say(account, "the plan has no details")
    client = client_of(tenant, job)
    posts = posts_to_ask(account.pk, most=settings.DETAILS_PER_RUN)
    filled = gone = 0
    for post in posts:
        asked_at, vanished = clock.now(), False
        try:
            detail = client.post_detail(f"https://www.tiktok.com/@{account.username}/video/{post.aweme_id}")
            filled += bool(store_detail(account, post, detail, measured_at=clock.now()))
        except EntityNotFound:
            vanished = True
        except (PrivateEntity, BadPayload):
            pass
        note_asked(post, gone_since=asked_at if vanished else None)
        gone += vanished
    return say(account, f"{len(posts)} details asked for: {filled} gave what lists omit, {gone} posts are gone")
