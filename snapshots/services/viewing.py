"""Somebody looks at an account: that is noted, and numbers older than the plan's cadence are read anew."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from accounts.selectors import TenantRef
from snapshots.models import FetchJob, TrackedAccount
from snapshots.scheduling.dispatch import wake_on_commit
from snapshots.services.accounts import REFRESHED
from tikdash import clock
from tikdash.errors import NotFound
from tikdash.plans import limits_of
from tikdash.words import gettext

#: Behind what somebody has asked for with a button, before all else.
VIEW_PRIORITY = 5


def note_view(*, tenant: TenantRef, account_id: int) -> list[int]:
    """Notes that somebody looks at an account now; returns the ids of the jobs that this makes due.

    None is where the numbers are as new as the plan says, where nothing is fetched for the tenant, and for jobs that
    failed last, which come back in their own time. Raises NotFound.
    """
    now = clock.now()
    account = TrackedAccount.objects.filter(pk=account_id).first()
    if account is None:
        raise NotFound(gettext("There is no such account in this workspace."))
    with transaction.atomic():
        _note(account, now)
        stale = [] if tenant.paused_reason else [job.pk for job in _stale_jobs(tenant, account, now)]
        if stale:
            FetchJob.objects.filter(pk__in=stale).update(
                queue=FetchJob.Queue.INTERACTIVE, priority=VIEW_PRIORITY, next_due_at=now
            )
            wake_on_commit(tenant, stale)
    return stale


def _note(account: TrackedAccount, now: datetime) -> None:
    """To the hour: more often would be a write for every page."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    TrackedAccount.objects.filter(Q(viewed_at__lt=hour) | Q(viewed_at=None), pk=account.pk).update(viewed_at=hour)


def _stale_jobs(tenant: TenantRef, account: TrackedAccount, now: datetime) -> list[FetchJob]:
    bases = limits_of(tenant).cadences
    jobs = FetchJob.objects.select_for_update(skip_locked=True).filter(
        account_id=account.pk,
        kind__in=[kind for kind in REFRESHED if kind in bases],
        state=FetchJob.State.ACTIVE,
        attempts=0,
        next_due_at__gt=now,
        started_at=None,
    )
    return [job for job in jobs.order_by("id") if _is_stale(job, account, timedelta(seconds=bases[job.kind]), now)]


def _is_stale(job: FetchJob, account: TrackedAccount, base: timedelta, now: datetime) -> bool:
    """True for numbers older than the base; where TikTok had none to give, half of it passes before the next try."""
    if job.succeeded_at is not None and now - job.succeeded_at < base / 2:
        return False
    measured_at = account.measured_at if job.kind == FetchJob.Kind.PROFILE else job.succeeded_at
    return measured_at is None or now - measured_at > base
