"""A page of posts in two statements: what was known of them, and posts with their rows of the day.

A worker does this more often than anything else. Both statements are the same for every page, so PostgreSQL plans them
once a connection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from snapshots.ingest.normalise import POST_COUNTERS, PostRow
from snapshots.ingest.quality import Judgement
from snapshots.ingest.readings import suspect_json
from tikdash.db.scope import prepared_cursor
from tikdash.db.upsert import array_literal, on_conflict, upsert

_BEFORE = ("id", "deleted_at", "title", "sound_id", *POST_COUNTERS)
BEFORE = f"""
    SELECT aweme_id, {", ".join(_BEFORE)} FROM posts WHERE account_id = %s AND aweme_id = ANY(%s::text[])
"""
#: What a post tells of itself, and its newest sound counters; these are the columns of `unnest`, in this order.
_POST = {
    "aweme_id": "text",
    "title": "text",
    "cover_url": "text",
    "duration_s": "integer",
    "kind": "text",
    "pinned": "boolean",
    "sound_id": "text",
    "posted_at": "timestamptz",
} | dict.fromkeys(POST_COUNTERS, "bigint")
#: Its row of the day: `read_…` is what the upstream gave, sound or not, `known_id` our id where the post has one.
_DAY = {"known_id": "bigint", "state": "smallint", "suspect": "jsonb"} | {
    f"read_{name}": "bigint" for name in POST_COUNTERS
}
_SNAPSHOT = ("captured_at", *POST_COUNTERS)
#: Of the same answer once more they are not judged anew: what they were compared with has gone since.
_JUDGEMENT = ("state", "suspect")
#: Posts first: whoever stores the same posts at the same time waits there, before it comes to their days.
STORE = f"""
    WITH given AS (
        SELECT * FROM unnest({", ".join(f"%s::{sql_type}[]" for sql_type in (_POST | _DAY).values())})
                      AS given({", ".join(_POST | _DAY)})
    ), written AS (
        INSERT INTO posts AS t (account_id, first_seen_at, measured_at, deleted_at, {", ".join(_POST)})
        SELECT %s::bigint, moment, moment, NULL, {
    ", ".join(_POST)
} FROM given, (SELECT %s::timestamptz AS moment) AS now
        {
    on_conflict(
        ("tenant_id", "account_id", "aweme_id"),
        ("deleted_at", "measured_at", *(name for name in _POST if name != "aweme_id")),
        keep_when_null=POST_COUNTERS,
    )
}
        RETURNING t.aweme_id, t.id
    ), days AS (
        INSERT INTO post_snapshots AS t (post_id, captured_on, captured_at, state, suspect, {", ".join(POST_COUNTERS)})
        SELECT coalesce(known_id, w.id), %s::date, %s::timestamptz, state, suspect,
               {", ".join(f"read_{name}" for name in POST_COUNTERS)}
          FROM given LEFT JOIN written w USING (aweme_id)
         WHERE coalesce(known_id, w.id) IS NOT NULL
        {on_conflict(("post_id", "captured_on"), _SNAPSHOT, along=_JUDGEMENT)}
    )
    SELECT aweme_id, id FROM written
"""


def posts_before(account_id: int, aweme_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What is known of these posts, by the upstream's id: `id`, `deleted_at`, `title`, `sound_id`, sound counters."""
    with prepared_cursor() as cursor:
        cursor.execute(BEFORE, [account_id, array_literal("text", aweme_ids)])
        return {row[0]: dict(zip(_BEFORE, row[1:], strict=True)) for row in cursor.fetchall()}


def store_page(
    account_id: int,
    rows: Sequence[PostRow],
    before: Mapping[str, Mapping[str, Any]],
    verdicts: Mapping[str, Judgement],
    measured_at: datetime,
) -> dict[str, int]:
    """Posts and their rows of the day; returns our ids of the posts by the upstream's.

    `rows` are in the order of their ids, so that two workers on one account wait for each other instead of
    dead-locking. A post that is known and would not change, and a day that would not, are left alone.
    """
    day = measured_at.astimezone(UTC).date()
    judged = [verdicts[row.aweme_id] for row in rows]
    values = _columns(rows, before, judged)
    types = (_POST | _DAY).values()
    arrays = [array_literal(sql_type, column) for sql_type, column in zip(types, values, strict=True)]
    with prepared_cursor() as cursor:
        cursor.execute(STORE, [*arrays, account_id, measured_at, day, measured_at])
        written = dict(cursor.fetchall())
    # A row that would not have changed is not among the written ones.
    ids = {aweme_id: found["id"] for aweme_id, found in before.items()} | written
    return ids | _stored_by_others(account_id, [row for row in rows if row.aweme_id not in ids], verdicts, measured_at)


def _columns(
    rows: Sequence[PostRow], before: Mapping[str, Mapping[str, Any]], judged: Sequence[Judgement]
) -> list[Sequence[Any]]:
    """The columns of `unnest`, in their order."""
    known = [before.get(row.aweme_id) for row in rows]
    return [
        [row.aweme_id for row in rows],
        [row.title for row in rows],
        [row.cover_url for row in rows],
        [row.duration_s for row in rows],
        [row.kind for row in rows],
        [row.pinned for row in rows],
        [row.sound_id for row in rows],
        [row.posted_at for row in rows],
        *([verdict.sound.get(name) for verdict in judged] for name in POST_COUNTERS),
        [found and found["id"] for found in known],
        [verdict.state for verdict in judged],
        [suspect_json(verdict) for verdict in judged],
        *([row.counters[name] for row in rows] for name in POST_COUNTERS),
    ]


def _stored_by_others(
    account_id: int, rows: Sequence[PostRow], verdicts: Mapping[str, Judgement], measured_at: datetime
) -> dict[str, int]:
    """The ids of new posts that another worker has stored just as they are since this one looked; stores their days."""
    if not rows:
        return {}
    ids = {
        aweme_id: found["id"] for aweme_id, found in posts_before(account_id, [row.aweme_id for row in rows]).items()
    }
    day = measured_at.astimezone(UTC).date()
    upsert(
        "post_snapshots",
        [
            ("post_id", "bigint"),
            ("captured_on", "date"),
            ("captured_at", "timestamptz"),
            ("state", "smallint"),
            ("suspect", "jsonb"),
            *((name, "bigint") for name in POST_COUNTERS),
        ],
        [
            (
                ids[row.aweme_id],
                day,
                measured_at,
                verdicts[row.aweme_id].state,
                suspect_json(verdicts[row.aweme_id]),
                *row.counters.values(),
            )
            for row in rows
        ],
        key=["post_id", "captured_on"],
        update=_SNAPSHOT,
    )
    return ids
