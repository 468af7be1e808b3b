"""Tracking accounts: from a handle that a person typed to a row that is fetched from then on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts.selectors import TenantRef
from accounts.services.auditing import Target, record
from accounts.services.left_out import refuse_left_out
from accounts.services.pausing import refuse_while_paused
from snapshots.handles import clean_handle
from snapshots.ingest.early import next_look
from snapshots.ingest.normalise import ProfileRow
from snapshots.ingest.upsert import store_profile
from snapshots.models import AccountHandle, FetchJob, TrackedAccount
from snapshots.models.jobs import FIXED_CADENCES
from snapshots.pictures.rows import PRIORITY as PRIORITY_OF_PICTURES
from snapshots.scheduling.cadence import DAY_S, next_due, offset_of
from snapshots.scheduling.dispatch import wake_on_commit
from snapshots.services.lists import lock_list
from snapshots.services.removals import take_back
from tikdash import clock
from tikdash.errors import BadInput, LimitReached
from tikdash.plans import PlanLimits, limits_of, plan_service
from tikdash.tiklive.text import clean_text
from tikdash.words import gettext

#: Kinds of jobs that every tracked account has, as far as the plan has a cadence for them.
KINDS = (
    FetchJob.Kind.PROFILE,
    FetchJob.Kind.POSTS,
    FetchJob.Kind.EARLY,
    FetchJob.Kind.DETAIL,
    FetchJob.Kind.COMMENTS,
    FetchJob.Kind.FOLLOWERS,
    FetchJob.Kind.FOLLOWING,
    FetchJob.Kind.STORIES,
    FetchJob.Kind.HASHTAG,
    FetchJob.Kind.SOUND,
    FetchJob.Kind.PICTURES,
)
#: What a person who refreshes an account waits for.
REFRESHED = (FetchJob.Kind.PROFILE, FetchJob.Kind.POSTS)
INTERACTIVE_PRIORITY = 10
MOST_TAGS, LONGEST_TAG = 10, 40
#: In a check's parameters: it belongs to a list, whose page shows it for a month.
IMPORTED = "imported"
FINISHED_CHECKS_KEPT, FINISHED_IMPORTS_KEPT = timedelta(days=1), timedelta(days=30)


@dataclass(frozen=True)
class Wish:
    """A handle to track, cleaned, with why and under which tags."""

    handle: str
    reason: str
    tags: list[str]


def clean_wish(*, handle: str, reason: str, tags: str) -> Wish:
    """What a person typed, as a wish. Raises BadInput, PersonIsLeftOut for somebody of whom nothing is kept."""
    if reason not in TrackedAccount.Reason.values:
        raise BadInput(gettext("Choose a reason: own, competitor or partner."))
    handle = clean_handle(handle)
    refuse_left_out(handle)
    return Wish(handle, reason, clean_tags(tags))


def clean_tags(text: str) -> list[str]:
    """The tags in what a person typed, each once. Raises BadInput for too many or too long ones."""
    typed = (word.strip().lstrip("#").strip() for word in clean_text(text).split(","))
    words = list(dict.fromkeys(word for word in typed if word))
    if len(words) > MOST_TAGS or any(len(word) > LONGEST_TAG for word in words):
        raise BadInput(
            gettext("Use at most {most_tags} tags of at most {longest_tag} characters, separated by commas.").format(
                most_tags=MOST_TAGS, longest_tag=LONGEST_TAG
            )
        )
    return words


def request_tracking(*, tenant: TenantRef, wish: Wish) -> int:
    """Asks a worker to check the handle and to track the account; returns the id of the check.

    Nothing else is stored until TikTok knows the handle. Raises LimitReached for an account that is tracked already
    and for a plan that is full, FetchingPaused where nothing is fetched for the tenant at present.
    """
    refuse_while_paused(tenant)
    with transaction.atomic():
        lock_list(tenant)
        _refuse_tracked(wish.handle)
        plan_service().check(tenant, "accounts")
        _forget_finished_checks()
        now = clock.now()
        pending = FetchJob.objects.filter(
            kind=FetchJob.Kind.PROBE, state=FetchJob.State.ACTIVE, params__handle=wish.handle
        ).first()
        job = pending or FetchJob.objects.create(
            kind=FetchJob.Kind.PROBE,
            queue=FetchJob.Queue.INTERACTIVE,
            priority=INTERACTIVE_PRIORITY,
            next_due_at=now,
            requested_at=now,
            created_at=now,
            params=vars(wish),
        )
        if pending is None:
            after = {"reason": wish.reason, "tags": wish.tags}
            record("account.requested", target=Target("check", job.pk, f"@{wish.handle}"), after=after)
        wake_on_commit(tenant, [job.pk])
    return job.pk


def track_account(
    *, tenant: TenantRef, wish: Wish, profile: ProfileRow, measured_at: datetime, in_background: bool = False
) -> int:
    """Stores the account whose profile was read at `measured_at`, with its first snapshot and its jobs; returns its id.

    Posts are due at once; `in_background` for one of many, whose posts nobody waits for in front of a page. One that
    was stopped a moment ago comes back with all it had. Raises LimitReached as `request_tracking` does: what was free
    then may be taken now.
    """
    limits, now = limits_of(tenant), clock.now()
    with transaction.atomic():
        lock_list(tenant)
        existing = TrackedAccount.objects.filter(tiktok_user_id=profile.tiktok_user_id).first()
        if existing is not None:
            raise _tracked(existing)
        plan_service().check(tenant, "accounts")
        intraday = limits.cadences.get(FetchJob.Kind.PROFILE, DAY_S) < DAY_S
        back = take_back(tenant=tenant, tiktok_user_id=profile.tiktok_user_id, reason=wish.reason, tags=wish.tags)
        if back is not None:
            store_profile(back, profile, measured_at=measured_at, intraday=intraday)
            _record_tracked(back, profile.username, wish)
            return back
        account = TrackedAccount.objects.create(
            username=profile.username,
            tiktok_user_id=profile.tiktok_user_id,
            tracked_reason=wish.reason,
            tags=wish.tags,
            tracked_since=now,
        )
        store_profile(account.pk, profile, measured_at=measured_at, intraday=intraday)
        _make_first_jobs(tenant, account, limits, in_background)
        _record_tracked(account.pk, profile.username, wish)
    return account.pk


def _record_tracked(account_id: int, handle: str, wish: Wish) -> None:
    after = {"reason": wish.reason, "tags": wish.tags}
    record("account.tracked", target=Target("account", account_id, f"@{handle}"), after=after)


def make_missing_jobs(tenant: TenantRef) -> int:
    """Makes the jobs that the tenant's plan has a cadence for and an account lacks; returns how many.

    A plan gains kinds, and a tenant gets another plan, long after its accounts were first tracked.
    """
    limits, now = limits_of(tenant), clock.now()
    wanted = [kind for kind in KINDS if kind in cadences_of(limits)]
    there = set(FetchJob.objects.filter(kind__in=wanted).values_list("account_id", "kind"))
    missing = [
        _first_job(account, kind, limits, offset_of(tenant.id, account.pk), now)
        # What a person has paused gets its new kinds once it is resumed.
        for account in TrackedAccount.objects.exclude(state=TrackedAccount.State.PAUSED).only("pk")
        for kind in wanted
        if (account.pk, kind) not in there
    ]
    for job in missing:
        # Nobody has read or asked for it just now, as for a new account.
        job.requested_at = job.succeeded_at = None
    FetchJob.objects.bulk_create(missing, ignore_conflicts=True)
    return len(missing)


def _make_first_jobs(tenant: TenantRef, account: TrackedAccount, limits: PlanLimits, in_background: bool) -> None:
    now, offset = clock.now(), offset_of(tenant.id, account.pk)
    jobs = [_first_job(account, kind, limits, offset, now) for kind in KINDS if kind in cadences_of(limits)]
    if in_background:
        for job in jobs:
            job.queue = limits.queue
    made = FetchJob.objects.bulk_create(jobs)
    if not in_background:
        wake_on_commit(tenant, [job.pk for job in made if job.kind == FetchJob.Kind.POSTS])


def _first_job(account: TrackedAccount, kind: str, limits: PlanLimits, offset_s: int, now: datetime) -> FetchJob:
    """A new account's job: posts and pictures at once, the profile, just read, when its rhythm says, the rest soon.

    What runs every few days begins within one: nobody waits half a week for the first sample. Early readings sleep
    until a post is old enough.
    """
    cadence_s = cadences_of(limits)[kind]
    job = FetchJob(
        account=account, kind=kind, cadence_s=cadence_s, offset_s=offset_s, queue=limits.queue, created_at=now
    )
    if kind == FetchJob.Kind.POSTS:
        job.queue, job.priority, job.next_due_at = FetchJob.Queue.INTERACTIVE, INTERACTIVE_PRIORITY, now
    elif kind == FetchJob.Kind.PICTURES:
        job.priority, job.next_due_at = PRIORITY_OF_PICTURES, now
    elif kind == FetchJob.Kind.EARLY:
        look = next_look(account.pk, now)
        job.next_due_at, job.why = look.due, look.why
    elif kind == FetchJob.Kind.PROFILE:
        job.requested_at = job.succeeded_at = now
        job.next_due_at = next_due(kind, cadence_s, offset_s, now, settings.DAILY_STARTS)
    else:
        job.next_due_at = next_due(kind, min(cadence_s, DAY_S), offset_s, now, settings.DAILY_STARTS)
    return job


def cadences_of(limits: PlanLimits) -> dict[str, int]:
    """Seconds between two runs, by kind: those of the plan, and of what no plan limits."""
    return FIXED_CADENCES | dict(limits.cadences)


def rename_account(*, account: TrackedAccount, username: str) -> None:
    """The account has a new handle; the old one stays findable, and the profile is due under the new one."""
    now = clock.now()
    with transaction.atomic():
        AccountHandle.objects.update_or_create(
            account=account, username=account.username, defaults={"replaced_at": now}
        )
        account.username = username
        if account.state == TrackedAccount.State.NOT_FOUND:
            # That was the old handle: its profile has vanished, the account has not.
            account.state = TrackedAccount.State.ACTIVE
        account.save(update_fields=["username", "state"])
        FetchJob.objects.filter(account=account, kind=FetchJob.Kind.PROFILE).exclude(
            state=FetchJob.State.PAUSED
        ).update(next_due_at=now, state=FetchJob.State.ACTIVE, attempts=0)


def _refuse_tracked(handle: str) -> None:
    account = TrackedAccount.objects.filter(username=handle).first()
    if account is not None:
        raise _tracked(account)


def _tracked(account: TrackedAccount) -> LimitReached:
    return LimitReached(
        gettext("@{username} is tracked already.").format(username=account.username), account_id=account.pk
    )


def _forget_finished_checks() -> None:
    now = clock.now()
    finished = FetchJob.objects.filter(kind=FetchJob.Kind.PROBE).exclude(state=FetchJob.State.ACTIVE)
    finished.filter(created_at__lt=now - FINISHED_CHECKS_KEPT).exclude(params__has_key=IMPORTED).delete()
    finished.filter(created_at__lt=now - FINISHED_IMPORTS_KEPT).delete()
