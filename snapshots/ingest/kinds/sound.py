"""What TikTok says about the sounds that an account uses most."""

from __future__ import annotations

from django.conf import settings

from accounts.selectors import TenantRef
from snapshots.ingest.kinds.common import Result, account_of, say
from snapshots.ingest.kinds.topics import USED_WITHIN, client_of_topics, looked_before, read_each
from snapshots.ingest.tags import DueSound, due_sounds, store_sound
from snapshots.scheduling.leases import RunningJob
from tikdash import clock
from tikdash.tiklive import endpoints
from tikdash.tiklive.calling import Answer
from tikdash.tiklive.shapes import Sound


def run_sound(tenant: TenantRef, job: RunningJob) -> Result:
    """Title, author and number of videos of the SOUNDS_PER_RUN sounds that an account's newest posts use most.

    A sound is asked for once a week, however many accounts of the tenant use it.
    """
    account, client = account_of(job), client_of_topics(tenant, job)
    due = due_sounds(
        account.pk,
        since=clock.now() - USED_WITHIN,
        looked_before=looked_before(),
        most=settings.SOUNDS_PER_RUN,
    )

    def ask(sound: DueSound) -> Answer[Sound]:
        # As `music_info`, with when this one was measured.
        return client.answer(endpoints.MUSIC_INFO, {"music_id": sound.music_id})

    return say(account, read_each(due, ask, store_sound).text("sounds"))
