"""What was measured before, where a new value is doubtful, and what a new value has shown to have been true."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar

import orjson
from django.db import connection

from snapshots.ingest.normalise import CUMULATIVE
from snapshots.ingest.quality import (
    CLEARED_AFTER,
    OK,
    PAST_DAYS,
    STATES,
    Judgement,
    Measured,
    agrees,
    doubts,
    judge,
    judge_with_past,
)
from snapshots.ingest.subjects import Subject
from tikdash.db.upsert import array_literal

Values = Mapping[str, int | None]
K = TypeVar("K")

PAST = """
    SELECT {key}, captured_on, captured_at, suspect, {counters}
      FROM {snapshots}
     WHERE {key} = ANY(%(ids)s) AND captured_on BETWEEN %(first)s AND %(last)s
     ORDER BY {key}, captured_on
"""
SUSPECT_READINGS = """
    SELECT {key}, measured_at, suspect, {counters}
      FROM {readings}
     WHERE {key} = ANY(%(ids)s) AND measured_at >= %(first)s AND measured_at < %(before)s AND suspect IS NOT NULL
"""
#: The stored state of a row whose map of suspect counters is `{suspect}`; the last of STATES is the worst.
_KNOWN = ", ".join(f"('{why}', {place}, {state})" for place, (why, state) in enumerate(STATES.items()))
STATE_OF = f"""
    coalesce((SELECT known.state FROM jsonb_each_text({{suspect}}) AS odd(counter, why)
                JOIN (VALUES {_KNOWN}) AS known(why, place, state) USING (why)
               ORDER BY known.place DESC LIMIT 1), 0)
"""
#: The times are bounded once more as parameters, so that only the months that hold them are opened.
CLEAR = f"""
    UPDATE {{table}} AS t
       SET suspect = nullif(t.suspect - n.counters, jsonb_build_object()),
           state = {STATE_OF.format(suspect="t.suspect - n.counters")}
      FROM (SELECT id, moment, array_agg(counter) AS counters
              FROM unnest(%(ids)s::bigint[], %(moments)s::{{type}}[], %(counters)s::text[]) AS u(id, moment, counter)
             GROUP BY id, moment) AS n
     WHERE t.{{key}} = n.id AND t.{{time}} = n.moment AND t.{{time}} BETWEEN %(first)s AND %(last)s
           AND t.suspect ?| n.counters
"""


@dataclass(frozen=True)
class Backed:
    """A suspect value of a day that `value` has shown to be true, where `previous` was the last sound one before."""

    id: int
    day: date
    counter: str
    value: int
    previous: int


def judge_rows(
    subject: Subject, values: Mapping[K, Values], previous: Mapping[K, Values], ids: Mapping[K, int], at: datetime
) -> dict[K, Judgement]:
    """The judgement of each row of values, measured at `at`.

    The days before are looked up, in one statement, for those rows only whose values are doubtful; `ids` must have
    the ids of all that have been measured before.
    """
    verdicts = {key: judge(values[key], previous.get(key, {}), CUMULATIVE) for key in values}
    doubtful = [
        key for key, first in verdicts.items() if doubts(values[key], previous.get(key, {}), first, subject.jump)
    ]
    if doubtful:
        past = past_of(subject, [ids[key] for key in doubtful], at)
        for key in doubtful:
            rows = past.get(ids[key], [])
            verdicts[key] = judge_with_past(
                values[key], previous[key], verdicts[key], jump=subject.jump, past=rows, at=at
            )
    return verdicts


def past_of(subject: Subject, ids: list[int], at: datetime) -> dict[int, list[Measured]]:
    """The days of some subjects up to the one of `at`, the oldest first, by id."""
    today = at.astimezone(UTC).date()
    found: dict[int, list[Measured]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            PAST.format(**_names(subject)),
            {"ids": ids, "first": today - timedelta(days=PAST_DAYS), "last": today},
        )
        for key, day, moment, suspect, *counters in cursor.fetchall():
            found[key].append(Measured(day, moment, dict(zip(subject.counters, counters, strict=True)), _read(suspect)))
    return found


def clear_backed(
    subject: Subject, values: Mapping[int, Values], previous: Mapping[int, Values], verdicts: Mapping[int, Judgement],
    at: datetime,
) -> None:  # fmt: skip
    """Makes the suspect values of days and readings before `at` sound that `values` have shown to be true."""
    backed = [
        Backed(key, day, counter, values[key][counter] or 0, previous[key][counter] or 0)
        for key, verdict in verdicts.items()
        for day, counter in verdict.cleared
    ]
    if not backed:
        return
    clear(subject.snapshots, subject.key, "captured_on", [(each.id, each.day, each.counter) for each in backed])
    clear(subject.readings, subject.key, "measured_at", _readings_of(subject, backed, at))


def clear(table: str, key: str, column: str, found: Iterable[tuple[int, Any, str]]) -> None:
    """Takes the named counters of rows, (id, day or moment, counter), out of what is suspect in them."""
    rows = sorted(found)
    if not rows:
        return
    ids, moments, counters = zip(*rows, strict=True)
    sql_type = "date" if column == "captured_on" else "timestamptz"
    with connection.cursor() as cursor:
        cursor.execute(
            CLEAR.format(table=table, key=key, time=column, type=sql_type),
            {
                "ids": array_literal("bigint", ids),
                "moments": array_literal(sql_type, moments),
                "counters": array_literal("text", counters),
                "first": min(moments),
                "last": max(moments),
            },
        )


def _readings_of(subject: Subject, backed: list[Backed], at: datetime) -> list[tuple[int, datetime, str]]:
    """The readings of these days that are suspect and say the same."""
    by_place = {(each.id, each.day, each.counter): each for each in backed}
    first = datetime.combine(min(each.day for each in backed), time(), UTC)
    with connection.cursor() as cursor:
        cursor.execute(
            SUSPECT_READINGS.format(**_names(subject)),
            {"ids": list({each.id for each in backed}), "first": first, "before": at},
        )
        rows = cursor.fetchall()
    found = []
    for key, moment, suspect, *counters in rows:
        states = _read(suspect)
        for counter, value in zip(subject.counters, counters, strict=True):
            each = by_place.get((key, moment.astimezone(UTC).date(), counter))
            if each is None or value is None or states.get(counter, OK) not in CLEARED_AFTER:
                continue
            if agrees(each.value, value, each.previous):
                found.append((key, moment, counter))
    return found


def _names(subject: Subject) -> dict[str, str]:
    return {
        "key": subject.key,
        "snapshots": subject.snapshots,
        "readings": subject.readings,
        "counters": ", ".join(subject.counters),
    }


def _read(suspect: str | None) -> dict[str, str]:
    # Django's own cursors leave JSON as text.
    return orjson.loads(suspect) if suspect else {}
