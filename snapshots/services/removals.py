"""Accounts that are no longer tracked: hidden at once, back for a while at a click, then deleted with all they have.

`removed_at` hides an account from its tenant by row-level security, so what happens to hidden ones is done in the ops
role, with the tenant named in every statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from django.db import connection, transaction

from accounts.selectors import TenantRef, schemas
from accounts.services.auditing import Target, named, record
from snapshots.models import Removal, TrackedAccount
from snapshots.pictures.files import drop_file
from snapshots.selectors import UNDO_FOR
from snapshots.services.holding import PAUSED, STOPPED, hold_jobs, release_jobs
from snapshots.services.lists import lock_list
from snapshots.services.sights import forget_old_sights, say_gone, say_seen
from tikdash import clock
from tikdash.db.scope import all_tenants
from tikdash.errors import LimitReached, NotFound
from tikdash.plans import plan_service
from tikdash.words import gettext

log = structlog.get_logger(__name__)

#: Later than that nobody can be in the middle of taking it back.
DELETED_AFTER = UNDO_FOR + timedelta(minutes=1)
POSTS_AT_ONCE = 500
MOST_ACCOUNTS_A_RUN = 200

#: What belongs to posts, and what to the account itself, in the order in which it goes. Every table that points at
#: either is here: days and readings carry no foreign key that would take them along.
OF_POSTS = ("post_snapshots", "post_readings", "post_hashtags", "post_titles", "comments")
OF_ACCOUNT = (
    "account_snapshots",
    "account_readings",
    "audience_members",
    "audience_samples",
    "stories",
    "value_decisions",
    "account_handles",
    "account_notes",
    "fetch_jobs",
    # Last: whatever of an account is deleted makes another version of it.
    "account_versions",
)
OF_SAMPLES = """
    DELETE FROM audience_members
     WHERE tenant_id = %(tenant)s AND sample_id IN (
           SELECT id FROM audience_samples WHERE tenant_id = %(tenant)s AND account_id = %(account)s)
"""
HIDE = """
    UPDATE accounts SET removed_at = %(at)s
     WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s::bigint[]) AND removed_at IS NULL
    RETURNING id
"""
SHOW = """
    UPDATE accounts SET removed_at = NULL
     WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s::bigint[]) AND removed_at = %(at)s
    RETURNING id
"""
TAKE_BACK = """
    UPDATE accounts SET removed_at = NULL, tracked_reason = %(reason)s, tags = %(tags)s,
           state = CASE WHEN state = 'paused' THEN 'active' ELSE state END
     WHERE tenant_id = %(tenant)s AND tiktok_user_id = %(creator)s AND removed_at IS NOT NULL
    RETURNING id
"""
#: From here on the creator may be tracked anew, as another account; this one does not come back. A run that was killed
#: finds its accounts again.
GIVE_UP = """
    UPDATE accounts SET tiktok_user_id = 'removed-' || id
     WHERE id IN (SELECT id FROM accounts WHERE removed_at < %(before)s ORDER BY removed_at LIMIT %(most)s
                     FOR UPDATE SKIP LOCKED)
    RETURNING tenant_id, id, avatar_file
"""
SOME_POSTS = """
    SELECT id, cover_file FROM posts WHERE tenant_id = %(tenant)s AND account_id = %(account)s
     ORDER BY id LIMIT %(most)s
"""


@dataclass(frozen=True)
class Stopped:
    """What was stopped: `removal_id` undoes it until `until`."""

    removal_id: int
    accounts: int
    until: datetime


def stop_tracking(*, tenant: TenantRef, account_ids: Sequence[int]) -> Stopped:
    """Hides these accounts of the tenant and stops their jobs; what they have is deleted when UNDO_FOR has passed.

    Ids that are not the tenant's, or stopped already, are left out. Raises NotFound where none is left.
    """
    now = clock.now()
    with transaction.atomic():
        lock_list(tenant)
        handles = handles_of(account_ids)
        hold_jobs(account_ids, STOPPED)
        hidden = _as_ops(tenant, HIDE, ids=list(account_ids), at=now)
        if not hidden:
            raise NotFound(gettext("None of these accounts is tracked here any more."))
        say_gone(hidden)
        removal = Removal.objects.create(account_ids=hidden, created_at=now)
        stopped = [handles[account_id] for account_id in hidden]
        record("account.stopped", target=many(hidden, stopped), after={"count": len(hidden), "accounts": hidden})
    return Stopped(removal.pk, len(hidden), now + UNDO_FOR)


def handles_of(account_ids: Sequence[int]) -> dict[int, str]:
    """The handles, with their @, of those of these accounts that the present scope sees."""
    rows = TrackedAccount.objects.filter(pk__in=account_ids).order_by("username").values_list("pk", "username")
    return {pk: f"@{username}" for pk, username in rows}


def many(account_ids: Sequence[int], handles: Sequence[str]) -> Target:
    """Accounts as the audit log names them."""
    return Target("account", account_ids[0] if len(account_ids) == 1 else "", named(handles))


def undo_removal(*, tenant: TenantRef, removal_id: int) -> int:
    """Shows the accounts of a removal again, with all they had, and lets their jobs run; returns how many. Twice: 0.

    Raises NotFound, LimitReached where the time is over or the plan has no room for all of them any more.
    """
    now = clock.now()
    with transaction.atomic():
        lock_list(tenant)
        removal = Removal.objects.select_for_update().filter(pk=removal_id).first()
        if removal is None:
            raise NotFound(gettext("There is nothing to undo."))
        if removal.undone_at is not None:
            return 0
        if removal.created_at + UNDO_FOR <= now:
            raise LimitReached(
                gettext("It is too late to undo that: the accounts have been deleted. Track them again.")
            )
        plan_service().check(tenant, "accounts", len(removal.account_ids))
        shown = _as_ops(tenant, SHOW, ids=removal.account_ids, at=removal.created_at)
        release_jobs(shown, STOPPED)
        say_seen(shown)
        removal.undone_at = now
        removal.save(update_fields=["undone_at"])
        record(
            "account.stop_undone",
            target=many(shown, list(handles_of(shown).values())),
            after={"count": len(shown), "accounts": shown},
        )
    return len(shown)


def take_back(*, tenant: TenantRef, tiktok_user_id: str, reason: str, tags: list[str]) -> int | None:
    """The id of an account that was stopped and not deleted yet, tracked again with all it had; None where there is
    none. Runs in the transaction of the caller, who holds the list."""
    found = _as_ops(tenant, TAKE_BACK, creator=tiktok_user_id, reason=reason, tags=tags)
    if not found:
        return None
    for mark in (STOPPED, PAUSED):
        release_jobs(found, mark)
    say_seen(found)
    return found[0]


def remove_stopped() -> int:
    """Deletes the accounts, of all tenants, that can no longer be taken back; returns how many that were.

    In small transactions: one that is killed has deleted some of it, and the next run goes on.
    """
    done = 0
    for schema in schemas():
        with all_tenants(schema):
            before = clock.now() - DELETED_AFTER
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(GIVE_UP, {"before": before, "most": MOST_ACCOUNTS_A_RUN})
                given_up = cursor.fetchall()
            for tenant_id, account_id, avatar_file in given_up:
                _delete(tenant_id, account_id, avatar_file)
            Removal.objects.filter(created_at__lt=before).delete()
        done += len(given_up)
    forget_old_sights()
    if done:
        log.info("stopped_accounts_deleted", accounts=done)
    return done


def _delete(tenant_id: int, account_id: int, avatar_file: str) -> None:
    parameters: dict[str, Any] = {"tenant": tenant_id, "account": account_id, "most": POSTS_AT_ONCE}
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(SOME_POSTS, parameters)
            posts = cursor.fetchall()
            ids = [post_id for post_id, _ in posts]
            for table in OF_POSTS:
                cursor.execute(f"DELETE FROM {table} WHERE tenant_id = %s AND post_id = ANY(%s)", [tenant_id, ids])
            cursor.execute("DELETE FROM posts WHERE tenant_id = %s AND id = ANY(%s)", [tenant_id, ids])
            _drop_files([file for _, file in posts])
        if len(posts) < POSTS_AT_ONCE:
            break
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT cover_file FROM stories WHERE tenant_id = %(tenant)s AND account_id = %(account)s", parameters
        )
        files = [avatar_file, *(file for (file,) in cursor.fetchall())]
        cursor.execute(OF_SAMPLES, parameters)
        for table in OF_ACCOUNT:
            if table != "audience_members":
                cursor.execute(
                    f"DELETE FROM {table} WHERE tenant_id = %(tenant)s AND account_id = %(account)s", parameters
                )
        cursor.execute("DELETE FROM accounts WHERE tenant_id = %(tenant)s AND id = %(account)s", parameters)
        if cursor.rowcount:
            record("account.deleted", tenant_id=tenant_id, target=Target("account", account_id))
        _drop_files(files)


def _drop_files(names: Sequence[str]) -> None:
    """Once the rows are gone for good; no two rows share a file."""
    for name in filter(None, names):
        transaction.on_commit(partial(drop_file, name))


def _as_ops(tenant: TenantRef, statement: str, **parameters: Any) -> list[int]:
    """The ids that a statement about hidden accounts returns: the tenant's own role does not see them."""
    with all_tenants(tenant.schema_name), connection.cursor() as cursor:
        cursor.execute(statement, {"tenant": tenant.id} | parameters)
        return [row[0] for row in cursor.fetchall()]
