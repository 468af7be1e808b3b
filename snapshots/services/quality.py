"""Operators decide on measured values that the rules doubt, or should have doubted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import orjson
from django.db import connection, transaction

from accounts.services.auditing import Target, record
from snapshots.analytics.kept_runs import forget_runs
from snapshots.analytics.suspects import DECIDABLE, ValueId
from snapshots.ingest.past import clear
from snapshots.ingest.quality import OK, REJECTED, STATES
from snapshots.ingest.subjects import SUBJECTS, Subject
from snapshots.models import Post, TrackedAccount, ValueDecision
from tikdash import clock
from tikdash.db.scope import current_tenant_id
from tikdash.errors import BadInput, NotFound
from tikdash.tiklive.text import clean_text
from tikdash.words import gettext

LONGEST_REASON = 400

FIND = "SELECT {counter}, suspect FROM {snapshots} WHERE {key} = %s AND captured_on = %s FOR UPDATE"
#: Of that day's readings those that said the same.
SAME_READINGS = """
    SELECT measured_at FROM {readings}
     WHERE {key} = %(id)s AND measured_at >= %(first)s AND measured_at < %(next)s AND {counter} = %(value)s
"""
REJECT = """
    UPDATE {table} SET suspect = coalesce(suspect, jsonb_build_object()) || %(rejected)s::jsonb, state = %(state)s
     WHERE {key} = %(id)s AND {time} = ANY(%(moments)s)
"""
#: The newest value that can be trusted, of days or of readings.
NEWEST = """
    UPDATE {table}
       SET {counter} = (
               SELECT value FROM (
                   (SELECT captured_at AS at, {counter} AS value FROM {snapshots}
                     WHERE {key} = %(id)s AND {counter} IS NOT NULL
                           AND coalesce(suspect ->> %(counter)s, 'rounded') = 'rounded'
                     ORDER BY captured_on DESC LIMIT 1)
                   UNION ALL
                   (SELECT measured_at, {counter} FROM {readings}
                     WHERE {key} = %(id)s AND {counter} IS NOT NULL
                           AND coalesce(suspect ->> %(counter)s, 'rounded') = 'rounded'
                     ORDER BY measured_at DESC LIMIT 1)
               ) AS sound ORDER BY at DESC LIMIT 1)
     WHERE id = %(id)s
    RETURNING {counter}
"""


@dataclass(frozen=True)
class Decided:
    """What was decided, and the counter that account or post show now."""

    id: str
    decision: str
    value: int
    newest: int | None


def accept_value(*, value: ValueId, reason: str, decided_by: str) -> Decided:
    """The value is true: it counts everywhere, and is the newest one where nothing sound was read since.

    Raises NotFound for a value that is not stored, BadInput without a reason and for a value that is not suspect, is
    below zero or never came.
    """
    return _decide(value, ValueDecision.Decision.ACCEPTED, reason, decided_by)


def reject_value(*, value: ValueId, reason: str, decided_by: str) -> Decided:
    """The value is wrong, for good: neither it nor the readings after it that say the same clear themselves.

    A value that the rules had nothing against can be rejected, too. A later reading of the same day that says something
    else takes its place. Raises as `accept_value` does.
    """
    return _decide(value, ValueDecision.Decision.REJECTED, reason, decided_by)


def _decide(value: ValueId, decision: str, reason: str, decided_by: str) -> Decided:
    reason = clean_text(reason).strip()
    if not reason:
        raise BadInput(gettext("Say why: the reason is kept with the decision."))
    if len(reason) > LONGEST_REASON:
        raise BadInput(
            gettext("Give the reason in at most {longest_reason} characters.").format(longest_reason=LONGEST_REASON)
        )
    subject = SUBJECTS[value.subject]
    with transaction.atomic():
        account_id = _lock(value)
        measured, state = _measured(subject, value)
        _refuse(decision, measured, state)
        if decision == ValueDecision.Decision.ACCEPTED:
            clear(subject.snapshots, subject.key, "captured_on", [(value.subject_id, value.day, value.counter)])
            same = _same_readings(subject, value, measured)
            clear(subject.readings, subject.key, "measured_at", [(value.subject_id, at, value.counter) for at in same])
        else:
            _mark_rejected(subject, subject.snapshots, "captured_on", value, [value.day])
            _mark_rejected(subject, subject.readings, "measured_at", value, _same_readings(subject, value, measured))
        newest = _set_newest(subject, value)
        ValueDecision.objects.create(
            account_id=account_id,
            post_id=value.subject_id if value.subject == "post" else None,
            captured_on=value.day,
            counter=value.counter,
            value=measured,
            state=STATES[state],
            decision=decision,
            reason=reason,
            decided_by=decided_by,
            decided_at=clock.now(),
        )
        record(
            f"value.{decision}",
            target=Target(value.subject, value.subject_id, f"{value.subject} {value.subject_id}"),
            before={"state": state},
            after={"counter": value.counter, "value": measured, "day": value.day, "shown_now": newest},
            reason=reason,
        )
    forget_runs(current_tenant_id() or 0)
    return Decided(str(value), decision, measured, newest)


def _lock(value: ValueId) -> int:
    """Locks the account or post as an ingest does, so that the two wait for each other; returns the account's id."""
    account_id: int | None
    if value.subject == "account":
        accounts = TrackedAccount.objects.select_for_update(no_key=True).filter(pk=value.subject_id)
        account_id = accounts.values_list("pk", flat=True).first()
    else:
        posts = Post.objects.select_for_update(no_key=True).filter(pk=value.subject_id)
        account_id = posts.values_list("account_id", flat=True).first()
    if account_id is None:
        raise NotFound(
            gettext("There is no {subject} {subject_id} in this workspace.").format(
                subject=value.subject, subject_id=value.subject_id
            )
        )
    return account_id


def _measured(subject: Subject, value: ValueId) -> tuple[int, str]:
    """The stored value and its state."""
    with connection.cursor() as cursor:
        cursor.execute(
            FIND.format(counter=value.counter, snapshots=subject.snapshots, key=subject.key),
            [value.subject_id, value.day],
        )
        row = cursor.fetchone()
    if row is None:
        raise NotFound(
            gettext("Nothing was read of this {subject} on {day}.").format(subject=value.subject, day=value.day)
        )
    if row[0] is None:
        raise BadInput(gettext("TikTok gave no value there, so there is nothing to decide on."))
    states: dict[str, str] = orjson.loads(row[1]) if row[1] else {}
    return row[0], states.get(value.counter, OK)


def _refuse(decision: str, measured: int, state: str) -> None:
    if decision == ValueDecision.Decision.REJECTED:
        if state == REJECTED:
            raise BadInput(gettext("This value has been rejected already."))
    elif measured < 0:
        raise BadInput(gettext("A counter below zero cannot be true."))
    elif state not in (*DECIDABLE, REJECTED):
        raise BadInput(gettext("This value is not suspect."))


def _same_readings(subject: Subject, value: ValueId, measured: int) -> list[datetime]:
    first = datetime.combine(value.day, time(), UTC)
    parameters: dict[str, Any] = {
        "id": value.subject_id,
        "first": first,
        "next": first + timedelta(days=1),
        "value": measured,
    }
    with connection.cursor() as cursor:
        cursor.execute(
            SAME_READINGS.format(readings=subject.readings, key=subject.key, counter=value.counter), parameters
        )
        return [row[0] for row in cursor.fetchall()]


def _mark_rejected(subject: Subject, table: str, column: str, value: ValueId, moments: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            REJECT.format(table=table, key=subject.key, time=column),
            {
                "rejected": orjson.dumps({value.counter: REJECTED}).decode(),
                "state": STATES[REJECTED],
                "id": value.subject_id,
                "moments": moments,
            },
        )


def _set_newest(subject: Subject, value: ValueId) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(
            NEWEST.format(
                table=subject.table,
                snapshots=subject.snapshots,
                readings=subject.readings,
                key=subject.key,
                counter=value.counter,
            ),
            {"id": value.subject_id, "counter": value.counter},
        )
        newest: int | None = cursor.fetchone()[0]
    return newest
