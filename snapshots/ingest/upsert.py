"""Storing what was fetched: a few set-based statements in one transaction; doing it again changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection, transaction

from snapshots.ingest.normalise import ACCOUNT_COUNTERS, PostRow, ProfileRow
from snapshots.ingest.pages import lock_posts, posts_before, store_days_of_others, store_page
from snapshots.ingest.past import clear_backed, judge_rows
from snapshots.ingest.quality import Judgement
from snapshots.ingest.readings import store_readings, suspect_json
from snapshots.ingest.subjects import ACCOUNT, POST, Subject
from snapshots.ingest.tags import NewTags, new_tags, store_tags
from snapshots.scheduling.marks import window_at
from tikdash import clock
from tikdash.db.partitions import ensure_months
from tikdash.db.scope import prepared_cursor
from tikdash.db.upsert import array_literal, upsert
from tikdash.errors import NotFound
from tikdash.words import gettext

ACCOUNT_BEFORE = f"SELECT {', '.join(ACCOUNT_COUNTERS)} FROM accounts WHERE id = %s FOR NO KEY UPDATE"
ACCOUNT_UPDATE = f"""
    UPDATE accounts
       SET sec_uid = %(sec_uid)s, nickname = %(nickname)s, avatar_url = %(avatar_url)s, bio = %(bio)s,
           verified = %(verified)s, measured_at = %(measured_at)s,
           state = CASE WHEN state = 'paused' THEN state ELSE %(state)s END,
           {", ".join(f"{name} = coalesce(%({name})s, {name})" for name in ACCOUNT_COUNTERS)}
     WHERE id = %(id)s
"""
#: Between the oldest and the newest row that the upstream gave, what it did not give has vanished. Pinned posts stand
#: out of order and say nothing about the window.
VANISHED = """
    WITH gone AS (
        SELECT id FROM posts
         WHERE account_id = %(account)s AND deleted_at IS NULL AND posted_at >= %(since)s AND posted_at < %(until)s
               AND NOT aweme_id = ANY(%(given)s::text[])
         ORDER BY aweme_id COLLATE "C" FOR NO KEY UPDATE
    )
    UPDATE posts p SET deleted_at = %(now)s FROM gone WHERE p.id = gone.id
    RETURNING p.aweme_id
"""

#: What the chart tells of a post that came back: the row itself forgets that it was gone.
RETURNED = """
    UPDATE posts SET was_gone_at = deleted_at, returned_at = %(at)s
     WHERE account_id = %(account)s AND aweme_id = ANY(%(ids)s) AND deleted_at IS NOT NULL
"""

SNAPSHOT_COLUMNS = [
    ("captured_on", "date"),
    ("captured_at", "timestamptz"),
    ("state", "smallint"),
    ("suspect", "jsonb"),
]


@dataclass(frozen=True)
class StoredPosts:
    """What storing one page did: ids that were not known before, and ids that came back after they had vanished."""

    new: list[str]
    returned: list[str]


def store_profile(account_id: int, profile: ProfileRow, *, measured_at: datetime, intraday: bool = False) -> Judgement:
    """The account's newest facts and its snapshot of the day on which they were measured.

    `intraday` keeps the reading by itself too. Suspect counters stay out of the account's row.
    """
    _ensure_months(ACCOUNT, measured_at, intraday)
    values = {account_id: profile.counters}
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(ACCOUNT_BEFORE, [account_id])
            if (found := cursor.fetchone()) is None:
                # Somebody stopped tracking it while it was read.
                raise NotFound(gettext("This account is no longer tracked."))
            previous = {account_id: dict(zip(ACCOUNT_COUNTERS, found, strict=True))}
            verdicts = judge_rows(ACCOUNT, values, previous, {account_id: account_id}, measured_at)
            verdict = verdicts[account_id]
            cursor.execute(
                ACCOUNT_UPDATE,
                {
                    "id": account_id,
                    "measured_at": measured_at,
                    "sec_uid": profile.sec_uid,
                    "nickname": profile.nickname,
                    "avatar_url": profile.avatar_url,
                    "bio": profile.bio,
                    "verified": profile.verified,
                    "state": "private" if profile.is_private else "active",
                    **{name: verdict.sound.get(name) for name in ACCOUNT_COUNTERS},
                },
            )
        upsert(
            "account_snapshots",
            [("account_id", "bigint"), *SNAPSHOT_COLUMNS, *((name, "bigint") for name in ACCOUNT_COUNTERS)],
            [(account_id, *_snapshot(measured_at, verdict), *profile.counters.values())],
            key=["account_id", "captured_on"],
            update=["captured_at", *ACCOUNT_COUNTERS],
            # The same answer once more is not judged anew: what it was compared with has gone since.
            along=["state", "suspect"],
        )
        clear_backed(ACCOUNT, values, previous, verdicts, measured_at)
        if intraday:
            store_readings(ACCOUNT, values, verdicts, measured_at)
    return verdict


def store_posts(account_id: int, rows: list[PostRow], *, measured_at: datetime, intraday: bool = False) -> StoredPosts:
    """Posts with their newest sound counters, and their snapshots of the day on which they were measured.

    `intraday` keeps the reading by itself too.
    """
    if not rows:
        return StoredPosts([], [])
    _ensure_months(POST, measured_at, intraday)
    before = posts_before(account_id, [row.aweme_id for row in rows])
    # One order for everybody: two workers on one account wait for each other instead of dead-locking.
    rows = sorted(rows, key=lambda row: row.aweme_id)
    verdicts = _judge_posts(rows, before, measured_at)
    tags = new_tags(rows, before)
    returned = [row.aweme_id for row in rows if row.aweme_id in before and before[row.aweme_id]["deleted_at"]]
    looks_back = returned or any(verdict.cleared for verdict in verdicts.values())
    if not looks_back and (tags is None or not tags.linked):
        # Nearly every page: one statement, which is a transaction by itself.
        since = _marks(rows, measured_at) if intraday else None
        ids = store_page(account_id, rows, before, verdicts, measured_at, tags=tags, since=since)
        if others := [row for row in rows if row.aweme_id not in ids]:
            _follow_others(account_id, others, verdicts, measured_at, intraday)
    else:
        with transaction.atomic():
            if returned:
                lock_posts(account_id, [row.aweme_id for row in rows])
                with connection.cursor() as cursor:
                    cursor.execute(RETURNED, {"account": account_id, "ids": returned, "at": measured_at})
            ids = store_page(account_id, rows, before, verdicts, measured_at)
            if others := [row for row in rows if row.aweme_id not in ids]:
                ids |= store_days_of_others(account_id, others, verdicts, measured_at)
            _store_all_of(account_id, rows, ids, before, verdicts, measured_at, intraday, tags)
    return StoredPosts(
        new=[row.aweme_id for row in rows if row.aweme_id not in before],
        returned=returned,
    )


def flag_vanished(account_id: int, given: Iterable[str], since: datetime, until: datetime) -> list[str]:
    """Flags the account's posts of that time that the upstream no longer gives; returns their ids."""
    with prepared_cursor() as cursor:
        cursor.execute(
            VANISHED,
            {
                "account": account_id,
                "given": array_literal("text", given),
                "since": since,
                "until": until,
                "now": clock.now(),
            },
        )
        return [row[0] for row in cursor.fetchall()]


def _judge_posts(rows: list[PostRow], before: dict[str, dict[str, Any]], at: datetime) -> dict[str, Judgement]:
    ids = {aweme_id: found["id"] for aweme_id, found in before.items()}
    return judge_rows(POST, {row.aweme_id: row.counters for row in rows}, before, ids, at)


def _follow_others(
    account_id: int, rows: list[PostRow], verdicts: dict[str, Judgement], at: datetime, intraday: bool
) -> None:
    """Stores what is missing of new posts that another worker has made at the same moment."""
    with transaction.atomic():
        ids = store_days_of_others(account_id, rows, verdicts, at)
        _store_all_of(account_id, rows, ids, {}, verdicts, at, intraday, new_tags(rows, {}))


def _store_all_of(
    account_id: int,
    rows: list[PostRow],
    ids: dict[str, int],
    before: dict[str, dict[str, Any]],
    verdicts: dict[str, Judgement],
    at: datetime,
    intraday: bool,
    tags: NewTags | None,
) -> None:
    """Tags and sounds of posts that are stored, what they say of older rows, and their readings."""
    if tags is not None:
        store_tags(account_id, tags, ids, seen_at=at)
    values = {ids[row.aweme_id]: row.counters for row in rows}
    judged = {ids[row.aweme_id]: verdicts[row.aweme_id] for row in rows}
    clear_backed(POST, values, {ids[row.aweme_id]: before.get(row.aweme_id, {}) for row in rows}, judged, at)
    if intraday:
        since = {ids[aweme_id]: opens_at for aweme_id, opens_at in _marks(rows, at).items()}
        store_readings(POST, values, judged, at, since=since)


def _marks(rows: list[PostRow], at: datetime) -> dict[str, datetime]:
    """Where posts of the page stand within a mark of early readings: when it opened, by the upstream's id."""
    marks = {row.aweme_id: window_at(row.posted_at, at) for row in rows}
    return {aweme_id: mark.opens_at for aweme_id, mark in marks.items() if mark}


def _ensure_months(subject: Subject, measured_at: datetime, intraday: bool) -> None:
    day = _utc_day(measured_at)
    ensure_months(subject.snapshots, [day])
    if intraday:
        ensure_months(subject.readings, [day])


def _snapshot(measured_at: datetime, verdict: Judgement) -> tuple[Any, ...]:
    return _utc_day(measured_at), measured_at, verdict.state, suspect_json(verdict)


def _utc_day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()
