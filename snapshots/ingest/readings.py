"""Single readings, where counters are read more often than once a day: one set-based statement a page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache

import orjson

from snapshots.ingest.quality import Judgement
from snapshots.ingest.subjects import Subject
from tikdash.db.scope import prepared_cursor
from tikdash.db.upsert import array_literal

#: Of what does not move, one reading in so many hours is kept (decision 0010).
SLOT_HOURS = 6

#: What equals the reading before it in the same slot is left out. `there` tells a row of NULLs from no row. A row may
#: have a slot of its own that began later; the common one stays a parameter, so that only its month is opened.
INSERT = """
    INSERT INTO {readings} AS t ({key}, measured_at, state, suspect, {counters})
    SELECT n.id, %(at)s::timestamptz, n.state, n.suspect, {new}
      FROM {source} AS n
      LEFT JOIN LATERAL (SELECT true AS there, r.suspect, {old}
                           FROM {readings} r
                          WHERE r.{key} = n.id AND r.measured_at >= %(slot)s::timestamptz AND r.measured_at >= n.since
                                AND r.measured_at < %(at)s::timestamptz
                          ORDER BY r.measured_at DESC LIMIT 1) AS last ON true
     WHERE last.there IS NULL OR (n.suspect, {new}) IS DISTINCT FROM (last.suspect, {last})
    ON CONFLICT ({key}, measured_at) DO UPDATE
       SET state = EXCLUDED.state, suspect = EXCLUDED.suspect, {assignments}
     WHERE (t.suspect, {mine}) IS DISTINCT FROM (EXCLUDED.suspect, {excluded})
"""
GIVEN = """
    (SELECT * FROM unnest(%(ids)s::bigint[], %(states)s::smallint[], %(suspects)s::jsonb[], %(since)s::timestamptz[],
                          {arrays}) AS given(id, state, suspect, since, {counters}))
"""


def store_readings(
    subject: Subject,
    values: Mapping[int, Mapping[str, int | None]],
    verdicts: Mapping[int, Judgement],
    at: datetime,
    *,
    since: Mapping[int, datetime] | None = None,
) -> None:
    """The readings of some accounts or posts, by id, at one moment; what has not moved since the last one is left out.

    `since` names moments, by id, before which no reading spares one: the first reading behind it is kept, moved or not.
    The month's partition must be there.
    """
    ids, slot = sorted(values), slot_of(at)
    begins = since or {}
    arrays = {
        "ids": array_literal("bigint", ids),
        "states": array_literal("smallint", [verdicts[key].state for key in ids]),
        "since": array_literal("timestamptz", [begins.get(key, slot) for key in ids]),
        "suspects": array_literal("jsonb", [suspect_json(verdicts[key]) for key in ids]),
    } | {name: array_literal("bigint", [values[key][name] for key in ids]) for name in subject.counters}
    with prepared_cursor() as cursor:
        cursor.execute(_statement(subject), arrays | {"at": at, "slot": slot})


def slot_of(at: datetime) -> datetime:
    """The beginning of the UTC slot of `SLOT_HOURS` hours in which `at` lies."""
    moment = at.astimezone(UTC)
    return moment.replace(hour=moment.hour - moment.hour % SLOT_HOURS, minute=0, second=0, microsecond=0)


def suspect_json(verdict: Judgement) -> str | None:
    """The map of suspect counters as it is stored; None where all are sound."""
    return orjson.dumps(verdict.suspect, option=orjson.OPT_SORT_KEYS).decode() if verdict.suspect else None


def insert_from(subject: Subject, source: str) -> str:
    """The statement that keeps the readings of `source`: a query with `id`, `state`, `suspect`, `since`, counters."""

    def each(form: str) -> str:
        return ", ".join(form.format(name) for name in subject.counters)

    return INSERT.format(
        readings=subject.readings,
        key=subject.key,
        source=source,
        counters=each("{0}"),
        new=each("n.{0}"),
        old=each("r.{0}"),
        last=each("last.{0}"),
        mine=each("t.{0}"),
        excluded=each("EXCLUDED.{0}"),
        assignments=each("{0} = EXCLUDED.{0}"),
    )


@cache
def _statement(subject: Subject) -> str:
    arrays = ", ".join(f"%({name})s::bigint[]" for name in subject.counters)
    return insert_from(subject, GIVEN.format(arrays=arrays, counters=", ".join(subject.counters)))
