"""Young posts and their marks in the database: what to read now, when to look again, and who is to be woken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from snapshots.models import FetchJob
from snapshots.scheduling.leases import RunningJob
from snapshots.scheduling.marks import YOUNG_FOR, Look, Mark, YoungPost, look, next_mark
from tikdash import clock
from tikdash.words import N_

#: Nobody waits for a job that is asleep: a new post wakes it. That it looks once a week costs no credit, and ends
#: the sleep of one that was not woken.
ASLEEP = timedelta(days=7)
LONGEST_WHY = 120
LONGEST_TITLE = 60

YOUNG = """
    SELECT p.aweme_id, p.title, p.posted_at,
           coalesce(array_agg(r.measured_at) FILTER (WHERE r.measured_at IS NOT NULL), '{}')
      FROM posts p
      LEFT JOIN post_readings r ON r.post_id = p.id AND r.measured_at >= %(since)s
     WHERE p.account_id = %(account)s AND p.posted_at >= %(since)s AND p.deleted_at IS NULL
     GROUP BY p.id
"""
#: Until the end of the transaction nobody else changes when the job is due.
HOLD = "SELECT FROM fetch_jobs WHERE id = %(job)s AND started_at = %(started)s FOR NO KEY UPDATE"
SAY_WHY = "UPDATE fetch_jobs SET why = %(why)s WHERE id = %(job)s AND started_at = %(started)s"
#: A job that failed keeps its retry.
WAKE = """
    UPDATE fetch_jobs SET next_due_at = %(due)s, why = %(why)s
     WHERE account_id = %(account)s AND kind = %(kind)s AND next_due_at > %(due)s AND attempts = 0
"""


#: Stored as they are written here, and told again in the reader's language.
AFTER_TITLE = N_("Next: {hours} h after “{title}”.")
AFTER_POST = N_("Next: {hours} h after post {id}.")


@dataclass(frozen=True)
class NextLook:
    """When an account's young posts are looked at again, and why then, as a sentence for people."""

    due: datetime
    why: str


def young_posts(account_id: int) -> list[YoungPost]:
    """The account's posts that may have a mark left, with the moments of their readings; those that vanished are not
    among them."""
    with connection.cursor() as cursor:
        cursor.execute(YOUNG, {"account": account_id, "since": clock.now() - YOUNG_FOR})
        return [YoungPost(*row) for row in cursor.fetchall()]


def look_at(account_id: int, now: datetime) -> Look:
    """What is to be read of the account now."""
    polled_at = (
        FetchJob.objects.filter(
            account_id=account_id, kind=FetchJob.Kind.POSTS, state=FetchJob.State.ACTIVE, attempts=0
        )
        .values_list("next_due_at", flat=True)
        .first()
    )
    return look(young_posts(account_id), now, polled_at)


def next_look(account_id: int, now: datetime, left: datetime | None = None) -> NextLook:
    """The next mark of any post after `now`; `left` before it, where one was left to the regular reading until then."""
    ahead = next_mark(young_posts(account_id), now)
    if left is not None and (ahead is None or left < ahead[1].at):
        return NextLook(left, N_("Next: after the regular reading of posts."))
    if ahead is None:
        return NextLook(now + ASLEEP, N_("Asleep: no young post."))
    return NextLook(ahead[1].at, _why(*ahead))


def settle(job: RunningJob, account_id: int, looked_at: datetime, left: datetime | None) -> datetime:
    """When the job that has just run is due next, by what is known since it looked; says why in its row.

    Belongs into the transaction that writes the time: a post that is stored meanwhile either is seen here, or wakes
    the job behind it.
    """
    with connection.cursor() as cursor:
        cursor.execute(HOLD, {"job": job.id, "started": job.started_at})
        found = next_look(account_id, looked_at, left)
        cursor.execute(SAY_WHY, {"job": job.id, "started": job.started_at, "why": found.why})
    return found.due


def wake(account_id: int) -> None:
    """Makes the account's job due at the next mark of its posts, if it would have come later."""
    found = next_look(account_id, clock.now())
    with connection.cursor() as cursor:
        cursor.execute(WAKE, {"account": account_id, "kind": FetchJob.Kind.EARLY, "due": found.due, "why": found.why})


def _why(post: YoungPost, mark: Mark) -> str:
    hours = int(mark.age.total_seconds()) // 3600
    title = " ".join(post.title.split())
    shown = title if len(title) <= LONGEST_TITLE else title[:LONGEST_TITLE].rstrip() + "…"
    named = AFTER_TITLE.format(hours=hours, title=shown) if shown else AFTER_POST.format(hours=hours, id=post.aweme_id)
    return named[:LONGEST_WHY]
