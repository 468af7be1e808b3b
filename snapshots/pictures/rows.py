"""Which pictures of an account are to be fetched, and what became of them, in `accounts`, `posts` and `fetch_jobs`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from snapshots.models import FetchJob, TrackedAccount
from snapshots.picture_names import AVATAR, COVER, STORY, source_of
from snapshots.pictures.files import drop_file
from snapshots.scheduling.leases import WITHOUT_WAITING
from tikdash import clock
from tikdash.db.scope import prepared_cursor
from tikdash.db.upsert import array_literal

#: Signed addresses live for a day or two; older ones are not worth asking.
ADDRESS_LIVES = timedelta(hours=36)
#: What could not be had is asked for again after this, so often; links are signed anew meanwhile.
RETRY_AFTER = timedelta(hours=20)
MOST_FAILURES = 3
#: Behind everything else of its tenant.
PRIORITY = -10

#: Stories are few, and gone within a day.
DUE_COVERS = """
    SELECT id, cover_url FROM {table}
     WHERE account_id = %(account)s AND cover_file = '' AND cover_url <> '' AND {there}
           AND measured_at >= %(measured_since)s
           AND (cover_failed_at IS NULL OR cover_failed_at < %(failed_before)s AND cover_failures < %(most_failures)s)
     ORDER BY posted_at DESC, id DESC
     LIMIT %(most)s
"""
#: Table and condition, by kind of picture; in this order they are fetched.
COVERS = {STORY: ("stories", "true"), COVER: ("posts", "deleted_at IS NULL")}
#: Locked in the order in which pages of posts are stored, so that the two wait for each other instead of dead-locking.
STORE_COVERS = """
    WITH found AS (
        SELECT p.id, n.file
          FROM unnest(%(ids)s::bigint[], %(files)s::text[]) AS n(id, file) JOIN {table} p USING (id)
         ORDER BY p.aweme_id FOR NO KEY UPDATE OF p
    )
    UPDATE {table} p
       SET cover_file = found.file,
           cover_failed_at = CASE WHEN found.file = '' THEN %(now)s END,
           cover_failures = CASE WHEN found.file = '' THEN p.cover_failures + 1 ELSE 0 END
      FROM found WHERE p.id = found.id
"""
#: Nobody waits for the disk: what is lost with a server that crashes is wanted again with the next new post.
MAKE_DUE = f"""
    UPDATE fetch_jobs SET next_due_at = %(now)s, priority = %(priority)s
      FROM {WITHOUT_WAITING}
     WHERE account_id = %(account)s AND kind = %(kind)s AND state = 'active' AND next_due_at > %(now)s
"""
STORE_AVATAR = """
    UPDATE accounts a
       SET avatar_file = CASE WHEN %(file)s = '' THEN a.avatar_file ELSE %(file)s END,
           avatar_source = %(source)s,
           avatar_failed_at = CASE WHEN %(file)s = '' THEN %(now)s::timestamptz END,
           avatar_failures = CASE WHEN %(file)s <> '' THEN 0
                                  WHEN a.avatar_source = %(source)s THEN a.avatar_failures + 1 ELSE 1 END
     WHERE a.id = %(account)s
"""


@dataclass(frozen=True, slots=True)
class DuePicture:
    """A picture that we have no copy of; `subject_id` is the id of the account, the post or the story."""

    kind: str
    subject_id: int
    url: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a due picture: the name of our copy, or empty where it cannot be had."""

    picture: DuePicture
    file: str


def due_pictures(account: TrackedAccount, *, most_covers: int) -> list[DuePicture]:
    """The avatar, where it is another one than ours, and the covers that we lack of stories and of the newest posts."""
    due = [DuePicture(AVATAR, account.pk, account.avatar_url)] if _is_avatar_due(account) else []
    now = clock.now()
    parameters: dict[str, Any] = {
        "account": account.pk,
        "measured_since": now - ADDRESS_LIVES,
        "failed_before": now - RETRY_AFTER,
        "most_failures": MOST_FAILURES,
        "most": most_covers,
    }
    with connection.cursor() as cursor:
        for kind, (table, there) in COVERS.items():
            cursor.execute(DUE_COVERS.format(table=table, there=there), parameters)
            due += [DuePicture(kind, subject_id, url) for subject_id, url in cursor.fetchall()]
    return due


def store_outcomes(account: TrackedAccount, outcomes: Sequence[Outcome]) -> None:
    """Notes what became of pictures of one account, in one transaction.

    The copy that a new avatar has replaced is deleted once that is certain.
    """
    now = clock.now()
    with transaction.atomic(), connection.cursor() as cursor:
        for outcome in outcomes:
            if outcome.picture.kind == AVATAR:
                source = source_of(outcome.picture.url)
                values: dict[str, Any] = {"account": account.pk, "file": outcome.file, "source": source, "now": now}
                cursor.execute(STORE_AVATAR, values)
                _drop_replaced(account.avatar_file, outcome.file)
        for kind, (table, _) in COVERS.items():
            found = [(each.picture.subject_id, each.file) for each in outcomes if each.picture.kind == kind]
            if found:
                ids, files = zip(*found, strict=True)
                arrays: dict[str, Any] = {"ids": array_literal("bigint", ids), "files": array_literal("text", files)}
                cursor.execute(STORE_COVERS.format(table=table), arrays | {"now": now})


def want_avatar(account: TrackedAccount, url: str) -> None:
    """Makes the account's pictures due where `url`, which has just been read, leads to another avatar than before.

    `account` is as it was before that.
    """
    if url and source_of(url) != account.avatar_source:
        _make_due(account.pk)


def want_covers(account_id: int, *, new: int) -> None:
    """Makes the account's pictures due where posts or stories came that were not known before."""
    if new:
        _make_due(account_id)


def _make_due(account_id: int) -> None:
    now = clock.now()
    parameters: dict[str, Any] = {
        "account": account_id,
        "kind": FetchJob.Kind.PICTURES,
        "now": now,
        "priority": PRIORITY,
    }
    with prepared_cursor() as cursor:
        cursor.execute(MAKE_DUE, parameters)


def _is_avatar_due(account: TrackedAccount) -> bool:
    if not account.avatar_url:
        return False
    if source_of(account.avatar_url) != account.avatar_source:
        return True
    failed_at = account.avatar_failed_at
    return failed_at is not None and failed_at < clock.now() - RETRY_AFTER and account.avatar_failures < MOST_FAILURES


def _drop_replaced(old: str, new: str) -> None:
    if old and new and old != new:
        transaction.on_commit(lambda: drop_file(old))
