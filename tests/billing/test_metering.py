"""The ledger: an event of a spent credit is written once, for its tenant, and survives whatever comes after."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from billing.metering import make_partitions, meter
from billing.models import UsageEvent
from billing.tasks import make_partitions as make_partitions_task
from tests.cast import Cast
from tests.threads import at_once
from tikdash import clock
from tikdash.db.partitions import rows_in_default
from tikdash.db.scope import all_tenants, owner, tenant_scope
from tikdash.tiklive.endpoints import CATALOGUE
from tikdash.tiklive.ports import UsageRecord, uuid7


def event_of(cast: Cast, **changes: object) -> UsageRecord:
    event = UsageRecord(
        id=uuid7(),
        tenant_id=cast.acme.id,
        occurred_at=datetime.now(UTC),
        key_id="shared",
        endpoint="user-posts",
        feature="posts",
        priority="pro",
        outcome="ok",
        http_status=200,
        credits=1,
        attempts=1,
        latency_ms=120,
    )
    return replace(event, **changes)  # type: ignore[arg-type]


def partitions() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'usage_events'::regclass")
        return sorted(row[0] for row in cursor.fetchall())


def test_an_event_is_stored_field_by_field_and_a_replay_changes_nothing(cast: Cast) -> None:
    event = event_of(cast, http_status=None, outcome="upstream_timeout", credits=0)
    with tenant_scope(cast.acme):
        meter.record(event)
        meter.record(replace(event, credits=9))
        row = UsageEvent.objects.get()
    for name in ("id", "occurred_at", "endpoint", "feature", "priority", "outcome", "http_status", "credits"):
        assert getattr(row, name) == getattr(event, name)
    assert (row.tenant_id, row.key_id, row.attempts, row.latency_ms) == (cast.acme.id, "shared", 1, 120)


def test_a_request_that_begins_has_its_event_until_somebody_says_how_it_ended(cast: Cast) -> None:
    event = event_of(cast)
    with tenant_scope(cast.acme):
        meter.begin(replace(event, outcome="begun", credits=0, http_status=None, latency_ms=0))
        assert UsageEvent.objects.values_list("outcome", "credits").get() == ("begun", 0), "all that a killed one says"
        meter.record(event)
        meter.record(replace(event, outcome="begun", credits=9))
        row = UsageEvent.objects.get()
    assert (row.outcome, row.http_status, row.credits, row.latency_ms) == ("ok", 200, 1, 120)


def test_a_request_that_was_never_sent_is_taken_back_and_one_that_ended_is_not(cast: Cast) -> None:
    unsent, ended = event_of(cast, outcome="begun"), event_of(cast)
    with tenant_scope(cast.acme):
        meter.begin(unsent)
        meter.record(ended)
        for event in (unsent, ended):
            meter.take_back(event)
        assert UsageEvent.objects.values_list("id", flat=True).get() == ended.id


def test_only_the_end_of_a_request_does_not_wait_for_the_disk(committed_db: Cast) -> None:
    event = event_of(committed_db)
    with tenant_scope(committed_db.acme), connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = on")
        try:
            meter.begin(replace(event, outcome="begun", credits=0))
            for _ in range(7):
                meter.record(event)
            cursor.execute("SHOW synchronous_commit")
            assert cursor.fetchone() == ("on",)
        finally:
            cursor.execute("RESET synchronous_commit")


def test_an_event_of_another_tenant_is_refused_by_the_database_and_seen_by_nobody_else(cast: Cast) -> None:
    with tenant_scope(cast.rival), pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
        connection.cursor().execute(
            "INSERT INTO usage_events (id, occurred_at, tenant_id, key_id, endpoint, feature, priority, outcome,"
            " credits, attempts, latency_ms) VALUES (gen_random_uuid(), now(), %s, '', '', '', '', '', 1, 1, 1)",
            [cast.acme.id],
        )
    with tenant_scope(cast.acme):
        meter.record(event_of(cast))
    with tenant_scope(cast.rival):
        assert UsageEvent.objects.count() == 0
    assert UsageEvent.objects.count() == 0
    with all_tenants():
        assert UsageEvent.objects.count() == 1


def test_no_request_can_cost_more_than_its_column_holds() -> None:
    assert 0 < max(endpoint.credits for endpoint in CATALOGUE.values()) < 2**15 // 100


def test_the_meter_refuses_to_be_part_of_a_transaction(committed_db: Cast) -> None:
    with tenant_scope(committed_db.acme):
        with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
            meter.record(event_of(committed_db))
        meter.record(event_of(committed_db))
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            raise ZeroDivisionError
        assert UsageEvent.objects.count() == 1


def test_many_workers_count_every_call_once(committed_db: Cast) -> None:
    events = [event_of(committed_db) for _ in range(100)]

    def worker() -> None:
        with tenant_scope(committed_db.acme):
            for event in events:
                meter.record(event)

    at_once([worker] * 4)
    with tenant_scope(committed_db.acme):
        assert UsageEvent.objects.count() == 100


def test_this_month_and_the_next_three_are_there_and_making_them_again_makes_nothing(cast: Cast) -> None:
    with clock.at(datetime(2033, 11, 30, 23, 59, tzinfo=UTC)):
        made = make_partitions(3)
        assert made == [f"usage_events_{month}" for month in ("2033_11", "2033_12", "2034_01", "2034_02")]
        assert set(made) <= set(partitions())
        assert make_partitions(3) == []
        make_partitions_task()
    with clock.at(datetime(2033, 12, 1, tzinfo=UTC)):
        assert make_partitions(3) == ["usage_events_2034_03"]


def test_a_fresh_database_has_the_months_ahead(cast: Cast) -> None:
    today = clock.today()
    later = [(today.replace(day=15) + timedelta(days=30 * months)) for months in range(4)]
    assert {f"usage_events_{day:%Y_%m}" for day in later} <= set(partitions())


def test_an_event_of_a_month_that_was_forgotten_is_kept_and_moves_when_the_month_is_made(cast: Cast) -> None:
    forgotten = datetime(2034, 6, 15, 12, tzinfo=UTC)
    with tenant_scope(cast.acme):
        meter.record(event_of(cast, occurred_at=forgotten))
    with owner():
        assert rows_in_default("usage_events") == 1
    with clock.at(forgotten):
        make_partitions(0)
    with owner():
        assert rows_in_default("usage_events") == 0
    with tenant_scope(cast.acme):
        assert UsageEvent.objects.get().occurred_at == forgotten


def test_partitions_belong_to_nobody_who_logs_in(cast: Cast) -> None:
    with clock.at(datetime(2035, 1, 1, tzinfo=UTC)):
        [name] = make_partitions(0)
    with tenant_scope(cast.acme), pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        connection.cursor().execute(f'SELECT * FROM "{name}"')
