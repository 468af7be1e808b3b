"""What the refreshes of hashtags and of sounds share: one call each, and each stored before the next is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from accounts.selectors import TenantRef
from snapshots.ingest.tags import DueHashtag, DueSound, look_at
from snapshots.scheduling.leases import RunningJob
from tikdash import clock
from tikdash.tiklive.calling import Answer
from tikdash.tiklive.client import Client, client_for
from tikdash.tiklive.errors import BadPayload, BadRequest, EntityNotFound, PrivateEntity

D = TypeVar("D", DueHashtag, DueSound)
T = TypeVar("T")

#: Posts that are older say nothing about what an account does now.
USED_WITHIN = timedelta(days=90)
#: Half a day less than the week between two runs, or one that begins a moment early would come a week late.
LOOKED_AT_FOR = timedelta(days=6, hours=12)
#: So many answers in a row that cannot be used, and no good one before, are the upstream's trouble, not the topics'.
MOST_ODD = 3


@dataclass(frozen=True)
class Read:
    """How many topics were read, and of how many TikTok had nothing to say."""

    good: int
    unknown: int

    def text(self, what: str) -> str:
        """The sentence for the job."""
        return f"{self.good} {what} read, nothing known of {self.unknown}"


def looked_before() -> datetime:
    """What was looked at after this moment is not asked for again."""
    return clock.now() - LOOKED_AT_FOR


def client_of_topics(tenant: TenantRef, job: RunningJob) -> Client:
    """The client of a run. Answers that another tenant's run has got within the week are taken; older ones are not."""
    moments = [moment for moment in (job.requested_at, job.succeeded_at) if moment is not None]
    fresh_since = max([*moments, looked_before()])
    return client_for(tenant.id, feature=job.kind, priority=job.queue, fresh_since=fresh_since)


def read_each(due: Sequence[D], ask: Callable[[D], Answer[T]], store: Callable[[D, T, datetime], bool]) -> Read:
    """Asks for each, stores it, and notes that it was looked at: a run that is cut short goes on where it stopped.

    One that TikTok does not know, or that it answers in a way of no use, is noted, too, and keeps what it has.
    Raises what `ask` raises otherwise, NotAdmitted among it.
    """
    good, unknown, odd = 0, 0, list[D]()
    for each in due:
        try:
            answer = ask(each)
            found = store(each, answer.value, answer.measured_at)
        except (EntityNotFound, PrivateEntity):
            found = False
        except (BadPayload, BadRequest):
            odd.append(each)
            if len(odd) == MOST_ODD and not good:
                raise
            continue
        look_at(each)
        good, unknown = good + found, unknown + (not found)
    for each in odd:
        look_at(each)
    return Read(good, unknown + len(odd))
