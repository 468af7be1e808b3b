"""Measured values that are suspect, for operators to decide on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection

from snapshots.analytics.growth import COUNTERS
from snapshots.models.posts import POST_COUNTERS
from tikdash import clock
from tikdash.errors import BadInput
from tikdash.words import gettext

COUNTERS_OF: dict[str, frozenset[str]] = {"account": frozenset(COUNTERS), "post": frozenset(POST_COUNTERS)}
#: What somebody can decide on. Where nothing came there is nothing to accept, and rounded values are shown as they are.
DECIDABLE = ("zeroed", "negative", "regressed", "spike")
MOST_LISTED = 200

LIST = """
    SELECT {own}, s.captured_on, odd.counter, odd.why, (to_jsonb(s) ->> odd.counter)::bigint,
           (SELECT (to_jsonb(b) ->> odd.counter)::bigint FROM {snapshots} b
             WHERE b.{key} = s.{key} AND b.captured_on BETWEEN %(first)s AND s.captured_on - 1
                   AND coalesce(b.suspect ->> odd.counter, 'rounded') = 'rounded'
             ORDER BY b.captured_on DESC LIMIT 1)
      FROM {source}, LATERAL jsonb_each_text(s.suspect) AS odd(counter, why)
     WHERE s.captured_on BETWEEN %(first)s AND %(last)s AND s.suspect IS NOT NULL AND odd.why = ANY(%(states)s)
     ORDER BY s.captured_on DESC, s.{key}, odd.counter
     LIMIT %(most)s
"""
OF_ACCOUNTS = LIST.format(
    own="s.account_id, a.username, ''",
    snapshots="account_snapshots",
    key="account_id",
    source="accounts a JOIN account_snapshots s ON s.account_id = a.id",
)
OF_POSTS = LIST.format(
    own="s.post_id, a.username, p.aweme_id",
    snapshots="post_snapshots",
    key="post_id",
    source="posts p JOIN post_snapshots s ON s.post_id = p.id JOIN accounts a ON a.id = p.account_id",
)


@dataclass(frozen=True)
class ValueId:
    """One counter of one day of an account or post; as text `account-12-20261114-heart_count`."""

    subject: str
    subject_id: int
    day: date
    counter: str

    def __str__(self) -> str:
        return f"{self.subject}-{self.subject_id}-{self.day:%Y%m%d}-{self.counter}"


@dataclass(frozen=True)
class SuspectValue:
    """A value that was kept aside: what came, why it is doubted, and the last sound value of a day before."""

    id: str
    handle: str
    aweme_id: str
    day: date
    counter: str
    state: str
    value: int
    before: int | None


def value_id(text: str) -> ValueId:
    """The value that `text` names. Raises BadInput."""
    try:
        subject, number, day, counter = text.split("-")
        found: ValueId | None = ValueId(subject, int(number), date.fromisoformat(day), counter)
    except ValueError:
        found = None
    if found is None or found.counter not in COUNTERS_OF.get(found.subject, ()):
        raise BadInput(
            gettext("“{text}” names no value. Write it as it is listed, like account-12-20261114-heart_count.").format(
                text=text[:60]
            )
        )
    return found


def suspect_values(days: int = 30) -> list[SuspectValue]:
    """What was kept aside in the last days and can be decided on, the newest first, accounts before posts."""
    today = clock.today()
    parameters: dict[str, Any] = {
        "first": today - timedelta(days=days),
        "last": today,
        "states": list(DECIDABLE),
        "most": MOST_LISTED,
    }
    found = []
    with connection.cursor() as cursor:
        for subject, statement in (("account", OF_ACCOUNTS), ("post", OF_POSTS)):
            cursor.execute(statement, parameters)
            for subject_id, handle, aweme_id, day, counter, state, value, before in cursor.fetchall():
                name = str(ValueId(subject, subject_id, day, counter))
                found.append(SuspectValue(name, handle, aweme_id, day, counter, state, value, before))
    return found
