"""Reading an account's past: what it will cost, starting it, following it, calling it off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.selectors import TenantRef
from accounts.services.auditing import Target, record
from snapshots.models import FetchJob, TrackedAccount
from snapshots.scheduling.cadence import offset_of
from tikdash import clock
from tikdash.errors import BadInput, LimitReached, NotFound
from tikdash.retelling import retold
from tikdash.tiklive.endpoints import USER_POSTS
from tikdash.words import N_, gettext

MOST_MONTHS = 120
DAYS_A_MONTH = 30.44


@dataclass(frozen=True)
class Estimate:
    """What a backfill will read at most: the account's posts as TikTok counts them (None where it does not say)."""

    posts: int | None
    pages: int
    credits: int


@dataclass(frozen=True)
class Progress:
    """How far a backfill is. `state` is the job's; `oldest` is when the oldest post was published that it has read."""

    state: str
    months: int
    pages: int
    posts: int
    new: int
    credits_spent: int
    credit_cap: int
    oldest: datetime | None
    stopped: str
    error: str

    @property
    def is_open(self) -> bool:
        return self.state == FetchJob.State.ACTIVE


def estimate(account_id: int) -> Estimate:
    """What reading all posts of the account costs, a credit a page. Raises NotFound.

    TikTok does not say how many of them lie within the months that are wished for: it may be less, never more.
    """
    posts = _account(account_id).video_count
    size = USER_POSTS.page_size_max or 1
    # Without a number of posts the cap decides.
    pages = settings.BACKFILL_CREDITS if posts is None else max(1, -(-posts // size))
    return Estimate(posts, pages, pages * USER_POSTS.credits)


def start_backfill(*, tenant: TenantRef, account_id: int, months: int, credit_cap: int | None = None) -> Progress:
    """Makes the backfill due, in its own queue; one that was stopped or reached its cap goes on where it ended.

    `credit_cap` bounds what it spends in all; BACKFILL_CREDITS by default. Raises NotFound, BadInput, and LimitReached
    while one is open.
    """
    cap = settings.BACKFILL_CREDITS if credit_cap is None else credit_cap
    if not 1 <= months <= MOST_MONTHS:
        raise BadInput(gettext("Choose between 1 and {most_months} months.").format(most_months=MOST_MONTHS))
    if cap < 1:
        raise BadInput(gettext("A backfill needs at least one credit."))
    account = _account(account_id)
    now = clock.now()
    since = now - timedelta(days=months * DAYS_A_MONTH)
    with transaction.atomic():
        job = FetchJob.objects.select_for_update().filter(account_id=account_id, kind=FetchJob.Kind.BACKFILL).first()
        if job is not None and job.state == FetchJob.State.ACTIVE:
            raise LimitReached(gettext("A backfill of this account is under way."))
        if job is None:
            job = FetchJob(account_id=account_id, kind=FetchJob.Kind.BACKFILL, created_at=now, params={})
        elif cap <= job.credits_spent and not job.params.get("complete"):
            raise LimitReached(
                gettext("The backfill has spent {credits_spent} credits; to go on it needs a cap above that.").format(
                    credits_spent=job.credits_spent
                ),
                credits_spent=job.credits_spent,
            )
        if job.params.get("complete"):
            # All of it has been read once: this is another one.
            job.params, job.cursor, job.credits_spent = {}, "", 0
        job.queue, job.state, job.cadence_s = FetchJob.Queue.BACKFILL, FetchJob.State.ACTIVE, None
        job.offset_s = offset_of(tenant.id, account_id)
        job.credit_cap, job.attempts, job.error, job.error_code = cap, 0, "", ""
        job.params |= {"months": months, "since": since.isoformat(), "stopped": ""}
        job.requested_at = job.next_due_at = now
        job.why = N_("asked for {months} months of history").format(months=months)
        job.save()
        target = Target("account", account_id, f"@{account.username}")
        record("account.backfill_started", target=target, after={"months": months, "credit_cap": cap})
    return progress_of(account_id)


def cancel_backfill(account_id: int) -> Progress:
    """Ends an open backfill after the page that is being read; what was read stays.

    Harmless where it has ended meanwhile. Raises NotFound where there was none.
    """
    with transaction.atomic():
        cancelled = FetchJob.objects.filter(
            account_id=account_id, kind=FetchJob.Kind.BACKFILL, state=FetchJob.State.ACTIVE
        ).update(state=FetchJob.State.CANCELLED)
        if cancelled:
            label = f"@{_account(account_id).username}"
            record("account.backfill_cancelled", target=Target("account", account_id, label))
    return progress_of(account_id)


def progress_of(account_id: int) -> Progress:
    """How far the account's backfill is. Raises NotFound where there is none."""
    job = FetchJob.objects.filter(account_id=account_id, kind=FetchJob.Kind.BACKFILL).first()
    if job is None:
        raise NotFound(gettext("There is no backfill of this account."))
    said: dict[str, Any] = job.params
    return Progress(
        state=job.state,
        months=said.get("months", 0),
        pages=said.get("pages", 0),
        posts=said.get("posts", 0),
        new=said.get("new", 0),
        credits_spent=job.credits_spent,
        credit_cap=job.credit_cap or 0,
        oldest=datetime.fromisoformat(said["oldest"]) if said.get("oldest") else None,
        stopped=retold(said.get("stopped", "")),
        error=retold(job.error),
    )


def _account(account_id: int) -> TrackedAccount:
    account = TrackedAccount.objects.filter(pk=account_id).first()
    if account is None:
        raise NotFound(gettext("There is no such account in this workspace."))
    return account
