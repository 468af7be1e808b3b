"""What TikTok says about the hashtags that an account uses."""

from __future__ import annotations

from django.conf import settings

from accounts.selectors import TenantRef
from snapshots.ingest.hashtags import asked_as
from snapshots.ingest.kinds.common import Result, account_of, say
from snapshots.ingest.kinds.topics import USED_WITHIN, client_of_topics, looked_before, read_each
from snapshots.ingest.tags import DueHashtag, due_hashtags, store_hashtag
from snapshots.scheduling.leases import RunningJob
from tikdash import clock
from tikdash.tiklive import endpoints
from tikdash.tiklive.calling import Answer
from tikdash.tiklive.shapes import Hashtag


def run_hashtag(tenant: TenantRef, job: RunningJob) -> Result:
    """Views and users of the hashtags of an account's newest posts, the most used first, HASHTAGS_PER_RUN of them.

    A hashtag is asked for once a week, however many accounts of the tenant use it.
    """
    account, client = account_of(job), client_of_topics(tenant, job)
    due = due_hashtags(
        account.pk,
        since=clock.now() - USED_WITHIN,
        looked_before=looked_before(),
        most=settings.HASHTAGS_PER_RUN,
    )

    def ask(hashtag: DueHashtag) -> Answer[Hashtag]:
        name = asked_as(hashtag.shown or hashtag.name)
        # As `challenge_info_by_name`, with when this one was measured.
        return client.answer(endpoints.CHALLENGE_INFO_NAME, {"name": name})

    return say(account, read_each(due, ask, store_hashtag).text("hashtags"))
