"""A person asks for new numbers now."""

from __future__ import annotations

from django.db import transaction

from accounts.selectors import TenantRef
from accounts.services.auditing import Target, record
from accounts.services.pausing import refuse_while_paused
from snapshots.models import FetchJob
from snapshots.scheduling.dispatch import wake_on_commit
from snapshots.selectors import wait_for_refresh
from snapshots.services.accounts import INTERACTIVE_PRIORITY, REFRESHED
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.errors import LimitReached, NotFound
from tikdash.words import gettext


def request_refresh(*, tenant: TenantRef, account_id: int) -> list[int]:
    """Makes the account's profile and posts due in the interactive queue; returns the ids of the jobs.

    Raises NotFound, LimitReached within REFRESH_EVERY_S after the last request, and FetchingPaused where nothing is
    fetched for the tenant at present.
    """
    refuse_while_paused(tenant)
    with transaction.atomic():
        wanted = FetchJob.objects.filter(account_id=account_id, kind__in=REFRESHED)
        jobs = list(wanted.select_for_update().order_by("id"))
        if not jobs:
            raise NotFound(gettext("There is no such account in this workspace."))
        if any(job.state == FetchJob.State.PAUSED for job in jobs):
            raise LimitReached(gettext("This account is paused. Resume it to read new numbers."))
        now = clock.now()
        wait = max(wait_for_refresh(job, now) for job in jobs if job.kind == FetchJob.Kind.PROFILE)
        if wait:
            raise LimitReached(
                gettext("This account was refreshed a moment ago. Again in {value} min.").format(value=-(-wait // 60)),
                wait_s=wait,
            )
        for job in jobs:
            job.requested_at = job.next_due_at = now
            job.queue, job.priority = FetchJob.Queue.INTERACTIVE, INTERACTIVE_PRIORITY
            if job.state == FetchJob.State.DEAD:
                job.state, job.attempts = FetchJob.State.ACTIVE, 0
            job.save(update_fields=["requested_at", "next_due_at", "queue", "priority", "state", "attempts"])
        ids = [job.pk for job in jobs]
        wake_on_commit(tenant, ids)
    return ids


def refresh_by_staff(*, tenant: TenantRef, account_id: int, handle: str) -> list[int]:
    """The same for operators, with an entry in the customer's audit log. Raises as `request_refresh` does."""
    with tenant_scope(tenant), transaction.atomic():
        ids = request_refresh(tenant=tenant, account_id=account_id)
        record("account.refreshed", target=Target("account", account_id, f"@{handle}"), after={"count": 1})
    return ids
