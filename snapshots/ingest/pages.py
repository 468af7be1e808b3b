"""A page of posts in two statements: what was known of them, and all that the page brings.

A worker does this more often than anything else, so both are sent outside of a transaction block, each by itself, and
PostgreSQL plans them once a connection. The second has four forms: with and without hashtags and sounds, which only
new posts bring, and with and without single readings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from snapshots.ingest.normalise import POST_COUNTERS, PostRow
from snapshots.ingest.quality import Judgement
from snapshots.ingest.readings import insert_from, slot_of, suspect_json
from snapshots.ingest.subjects import POST
from snapshots.ingest.tags import KNOWN_TAGS, LINKS, MAKE_SOUNDS_KNOWN, NewTags, links_of, sounds_as_parameters
from tikdash.db.scope import prepared_cursor
from tikdash.db.upsert import array_literal, on_conflict, upsert

_BEFORE = ("id", "deleted_at", "title", "sound_id", *POST_COUNTERS)
BEFORE = f"""
    SELECT aweme_id, {", ".join(_BEFORE)} FROM posts WHERE account_id = %s AND aweme_id = ANY(%s::text[])
"""
LOCK = """
    SELECT FROM posts WHERE account_id = %s AND aweme_id = ANY(%s::text[])
     ORDER BY aweme_id COLLATE "C" FOR NO KEY UPDATE
"""
#: What a post tells of itself, and its newest sound counters.
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
#: The columns of `unnest`, in this order.
_GIVEN = _POST | _DAY
_SNAPSHOT = ("captured_at", *POST_COUNTERS)
#: Of the same answer once more they are not judged anew: what they were compared with has gone since.
_JUDGEMENT = ("state", "suspect")
_READ = ", ".join(f"read_{name}" for name in POST_COUNTERS)
#: Posts first: whoever stores the same posts at the same time waits there, before it comes to anything else. A post
#: that would not change is not among the written ones, and has no `post_id` where another worker has just made it.
STORE = f"""
    WITH given AS (
        SELECT * FROM unnest({{arrays}}) AS given({{columns}})
    ), written AS (
        INSERT INTO posts AS t (account_id, first_seen_at, measured_at, deleted_at, {", ".join(_POST)})
        SELECT %(account)s::bigint, %(at)s::timestamptz, %(at)s::timestamptz, NULL, {", ".join(_POST)} FROM given
        {
    on_conflict(
        ("tenant_id", "account_id", "aweme_id"),
        ("deleted_at", "measured_at", *(name for name in _POST if name != "aweme_id")),
        keep_when_null=POST_COUNTERS,
    )
}
        RETURNING t.aweme_id, t.id
    ), stored AS (
        SELECT given.*, coalesce(known_id, w.id) AS post_id
          FROM given LEFT JOIN written w USING (aweme_id)
         WHERE coalesce(known_id, w.id) IS NOT NULL
    ), days AS (
        INSERT INTO post_snapshots AS t (post_id, captured_on, captured_at, state, suspect, {", ".join(POST_COUNTERS)})
        SELECT post_id, %(day)s::date, %(at)s::timestamptz, state, suspect, {_READ} FROM stored
        {on_conflict(("post_id", "captured_on"), _SNAPSHOT, along=_JUDGEMENT)}
    ){{more}}
    SELECT aweme_id, id FROM written
"""
#: Hashtags before sounds, so that two workers with the same new ones wait for each other instead of dead-locking.
_TAGS = f"""
    , {KNOWN_TAGS}, uses AS (
        SELECT post_id, name, occurrences
          FROM unnest(%(posts)s::text[], %(names)s::text[], %(occurrences)s::smallint[])
               AS used(aweme_id, name, occurrences)
          JOIN stored USING (aweme_id)
    ), links AS ({LINKS}), heard AS (
        {MAKE_SOUNDS_KNOWN.format(where="WHERE (SELECT count(*) FROM made_known) >= 0")}
    )
"""
_READINGS = f"""
    , readings AS ({
    insert_from(
        POST,
        "(SELECT post_id AS id, state, suspect, since, "
        + ", ".join(f"read_{name} AS {name}" for name in POST_COUNTERS)
        + " FROM stored)",
    )
})
"""


def posts_before(account_id: int, aweme_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What is known of these posts, by the upstream's id: `id`, `deleted_at`, `title`, `sound_id`, sound counters."""
    with prepared_cursor() as cursor:
        cursor.execute(BEFORE, [account_id, array_literal("text", aweme_ids)])
        return {row[0]: dict(zip(_BEFORE, row[1:], strict=True)) for row in cursor.fetchall()}


def lock_posts(account_id: int, aweme_ids: Sequence[str]) -> None:
    """For transactions that write about posts in other ways than `store_page`: as there, posts come first, in the order
    of their ids, so that two workers wait for each other instead of dead-locking."""
    with prepared_cursor() as cursor:
        cursor.execute(LOCK, [account_id, array_literal("text", aweme_ids)])


def store_page(
    account_id: int,
    rows: Sequence[PostRow],
    before: Mapping[str, Mapping[str, Any]],
    verdicts: Mapping[str, Judgement],
    measured_at: datetime,
    *,
    tags: NewTags | None = None,
    since: Mapping[str, datetime] | None = None,
) -> dict[str, int]:
    """Posts, their rows of the day, and as far as given their tags and sounds and their readings, all or nothing.

    `since` has moments for `store_readings`, by the upstream's id; None where no reading is kept by itself. `rows` are
    in the order of their ids, so that two workers on one account wait for each other instead of dead-locking. A post
    that is known and would not change, and a day that would not, are left alone. Returns our ids of the posts by the
    upstream's; those that another worker has stored in this very moment are not among them.
    """
    columns = _columns(rows, before, [verdicts[row.aweme_id] for row in rows])
    parameters: dict[str, Any] = {
        "account": account_id,
        "at": measured_at,
        "day": measured_at.astimezone(UTC).date(),
    }
    if since is not None:
        slot = slot_of(measured_at)
        columns["since"] = [since.get(row.aweme_id, slot) for row in rows]
        parameters["slot"] = slot
    for name, values in columns.items():
        parameters[name] = array_literal(_TYPES[name], values)
    if tags is not None:
        parameters |= links_of(tags.titles, "text") | sounds_as_parameters(tags.sounds, measured_at)
        parameters["seen_at"] = measured_at
    with prepared_cursor() as cursor:
        cursor.execute(_statement(tags is not None, since is not None), parameters)
        written = dict(cursor.fetchall())
    # A row that would not have changed is not among the written ones.
    return {aweme_id: found["id"] for aweme_id, found in before.items()} | written


_TYPES = _GIVEN | {"since": "timestamptz"}


@cache
def _statement(with_tags: bool, with_readings: bool) -> str:
    types = _TYPES if with_readings else _GIVEN
    return STORE.format(
        arrays=", ".join(f"%({name})s::{sql_type}[]" for name, sql_type in types.items()),
        columns=", ".join(types),
        more=(_TAGS if with_tags else "") + (_READINGS if with_readings else ""),
    )


def _columns(
    rows: Sequence[PostRow], before: Mapping[str, Mapping[str, Any]], judged: Sequence[Judgement]
) -> dict[str, Sequence[Any]]:
    """The columns of `given` by name."""
    known = [before.get(row.aweme_id) for row in rows]
    columns: dict[str, Sequence[Any]] = {
        "aweme_id": [row.aweme_id for row in rows],
        "title": [row.title for row in rows],
        "cover_url": [row.cover_url for row in rows],
        "duration_s": [row.duration_s for row in rows],
        "kind": [row.kind for row in rows],
        "pinned": [row.pinned for row in rows],
        "sound_id": [row.sound_id for row in rows],
        "posted_at": [row.posted_at for row in rows],
        "known_id": [found and found["id"] for found in known],
        "state": [verdict.state for verdict in judged],
        "suspect": [suspect_json(verdict) for verdict in judged],
    }
    for name in POST_COUNTERS:
        columns[name] = [verdict.sound.get(name) for verdict in judged]
        columns[f"read_{name}"] = [row.counters[name] for row in rows]
    return columns


def store_days_of_others(
    account_id: int, rows: Sequence[PostRow], verdicts: Mapping[str, Judgement], measured_at: datetime
) -> dict[str, int]:
    """The ids of new posts that another worker has stored just as they are since this one looked; stores their days. In
    the caller's transaction."""
    lock_posts(account_id, [row.aweme_id for row in rows])
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
