"""Small counts that are kept in the process and written every few seconds: refusals, and answers that cost nothing.

They are looked at, not paid for: a process that is killed takes the last seconds of them along.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime

import structlog
from celery.signals import worker_process_shutdown, worker_shutdown
from django.db import DatabaseError, InterfaceError, connection

from tikdash import clock
from tikdash.db.scope import all_tenants

log = structlog.get_logger(__name__)

WRITTEN_EVERY_S = 5.0

SAVE_SAVED = """
    INSERT INTO public.usage_saved AS s (tenant_id, day, endpoint, feature, way, answers, credits)
    SELECT * FROM unnest(%s::bigint[], %s::date[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[])
        ON CONFLICT (tenant_id, day, endpoint, feature, way) DO UPDATE
       SET answers = s.answers + excluded.answers, credits = s.credits + excluded.credits
"""
SAVE_REFUSALS = """
    INSERT INTO public.budget_refusals AS r
           (tenant_id, day, feature, priority, cap, calls, first_at, last_at, sentence)
    SELECT * FROM unnest(%s::bigint[], %s::date[], %s::text[], %s::text[], %s::text[], %s::bigint[],
                         %s::timestamptz[], %s::timestamptz[], %s::text[])
        ON CONFLICT (tenant_id, day, feature, priority, cap) DO UPDATE
       SET calls = r.calls + excluded.calls, last_at = greatest(r.last_at, excluded.last_at),
           first_at = least(r.first_at, excluded.first_at), sentence = excluded.sentence
"""


@dataclass
class _Refused:
    calls: int
    first_at: datetime
    last_at: datetime
    sentence: str


class Tallies:
    """What one process has counted and not yet written."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: Counter[tuple[int, date, str, str, str]] = Counter()
        self._credits: Counter[tuple[int, date, str, str, str]] = Counter()
        self._refused: dict[tuple[int, date, str, str, str], _Refused] = {}
        self._written_at = 0.0

    def saved(self, tenant_id: int, endpoint: str, feature: str, way: str, credits: int) -> None:
        """An answer that cost nothing, and the credits that it would have cost."""
        key = (tenant_id, clock.today(), endpoint, feature, way)
        with self._lock:
            self._answers[key] += 1
            self._credits[key] += credits
        self.write_when_due()

    def refused(self, tenant_id: int, feature: str, priority: str, cap: str, sentence: str) -> None:
        """A call that the gate refused because of `cap`, with what the customer was told."""
        now = clock.now()
        key = (tenant_id, now.date(), feature, priority, cap)
        with self._lock:
            found = self._refused.setdefault(key, _Refused(0, now, now, sentence))
            found.calls, found.last_at, found.sentence = found.calls + 1, now, sentence
        self.write_when_due()

    def forget(self) -> None:
        """Drops what is not written yet."""
        with self._lock:
            self._answers, self._credits, self._refused = Counter(), Counter(), {}
            self._written_at = 0.0

    def write_when_due(self) -> None:
        """Writes what there is, every few seconds; inside of somebody's transaction it waits for the next time."""
        if time.monotonic() - self._written_at < WRITTEN_EVERY_S or connection.in_atomic_block:
            return
        self.write()

    def write(self) -> None:
        """Writes what there is. What cannot be written now is kept for the next time."""
        with self._lock:
            self._written_at = time.monotonic()
            answers, credits, refused = self._answers, self._credits, self._refused
            self._answers, self._credits, self._refused = Counter(), Counter(), {}
        if not answers and not refused:
            return
        try:
            with all_tenants(), connection.cursor() as cursor:
                if answers:
                    rows = [(*key, count, credits[key]) for key, count in sorted(answers.items())]
                    cursor.execute(SAVE_SAVED, [list(column) for column in zip(*rows, strict=True)])
                    answers = Counter()
                if refused:
                    lines = [
                        (*key, one.calls, one.first_at, one.last_at, one.sentence)
                        for key, one in sorted(refused.items())
                    ]
                    cursor.execute(SAVE_REFUSALS, [list(column) for column in zip(*lines, strict=True)])
                    refused = {}
        except (DatabaseError, InterfaceError) as error:
            # The call that is being counted is worth more than its count.
            log.warning("tallies_not_written", error=type(error).__name__)
            self._take_back(answers, credits, refused)

    def _take_back(
        self,
        answers: Counter[tuple[int, date, str, str, str]],
        credits: Counter[tuple[int, date, str, str, str]],
        refused: dict[tuple[int, date, str, str, str], _Refused],
    ) -> None:
        with self._lock:
            self._answers.update(answers)
            self._credits.update({key: credits[key] for key in answers})
            for key, one in refused.items():
                later = self._refused.get(key)
                calls = one.calls + (later.calls if later else 0)
                self._refused[key] = _Refused(calls, one.first_at, (later or one).last_at, (later or one).sentence)


tallies = Tallies()


def _at_the_end(**_: object) -> None:
    tallies.write()


worker_shutdown.connect(_at_the_end)
worker_process_shutdown.connect(_at_the_end)
atexit.register(_at_the_end)
