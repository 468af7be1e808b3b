"""Months come ahead of time and go when nobody needs them; no insert fails for a month that is missing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from snapshots.ingest.upsert import store_profile
from snapshots.models import AccountReading
from tests.cast import Cast
from tests.environment import DATABASE
from tests.factories import make_account
from tests.snapshots.test_upsert import profile
from tests.tikdash.test_metrics import ask, values
from tikdash import clock
from tikdash.db import partitions
from tikdash.db.partition_health import faults_of_partitions, partitioned_tables
from tikdash.db.partitions import drop_months, ensure_months, first_of_month, rows_in_default
from tikdash.db.scope import owner, tenant_scope

FAR = date(2001, 1, 1)
"""A time of which no table has months but those of the test."""


def months(table: str, year: str, schema: str = "shared") -> list[str]:
    with owner(schema):
        return [name for name, month in partitions._months_of(schema, table) if f"{month:%Y}" == year]


def make(table: str, *later: int) -> None:
    with owner("shared"):
        ensure_months(table, [first_of_month(FAR, month) for month in later])


def read_at(cast: Cast, moment: datetime) -> None:
    with tenant_scope(cast.acme):
        store_profile(make_account().pk, profile(), measured_at=moment, intraday=True)


@pytest.mark.parametrize("table", ["account_readings", "account_snapshots"])
def test_only_months_that_are_wholly_over_are_dropped(cast: Cast, table: str) -> None:
    make(table, 0, 1, 2)
    with owner("shared"):
        for before, dropped in (
            (date(2001, 1, 31), []),
            (date(2001, 2, 1), [f"{table}_2001_01"]),
            (date(2001, 2, 28), []),
            (date(2001, 3, 2), [f"{table}_2001_02"]),
        ):
            assert drop_months(table, before) == dropped
    assert months(table, "2001") == [f"{table}_2001_03"]


def test_rows_that_are_kept_are_still_there(cast: Cast) -> None:
    for moment in (datetime(2001, 1, 31, 23, 59, tzinfo=UTC), datetime(2001, 2, 1, tzinfo=UTC)):
        read_at(cast, moment)
    with owner("shared"):
        drop_months("account_readings", date(2001, 2, 1))
    with tenant_scope(cast.acme):
        assert [row.measured_at.month for row in AccountReading.objects.all()] == [2]


def test_other_tables_and_schemas_keep_their_months(cast: Cast) -> None:
    make("account_readings", 0)
    make("post_readings", 0)
    with owner("tenant_globex"):
        ensure_months("account_readings", [FAR])
    with owner("shared"):
        assert drop_months("account_readings", date(2002, 1, 1)) == ["account_readings_2001_01"]
    assert months("post_readings", "2001") == ["post_readings_2001_01"]
    assert months("account_readings", "2001", "tenant_globex") == ["account_readings_2001_01"]


def test_what_somebody_else_attached_is_left_alone(cast: Cast) -> None:
    with owner("shared"), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE shared.account_readings_archive PARTITION OF shared.account_readings"
            " FOR VALUES FROM ('2001-01-01Z') TO ('2002-01-01Z')"
        )
        assert drop_months("account_readings", date(2002, 1, 1)) == []
        cursor.execute("SELECT to_regclass('shared.account_readings_archive') IS NOT NULL")
        assert cursor.fetchone() == (True,)


def test_a_late_row_makes_the_dropped_month_anew(committed_db: Cast) -> None:
    late = datetime(2001, 1, 10, tzinfo=UTC)
    read_at(committed_db, late)
    with owner("shared"):
        assert drop_months("account_readings", date(2001, 2, 1)) == ["account_readings_2001_01"]
    try:
        read_at(committed_db, late)
        with tenant_scope(committed_db.acme), connection.cursor() as cursor:
            cursor.execute("SELECT tableoid::regclass::text FROM account_readings")
            assert cursor.fetchall() == [("account_readings_2001_01",)]
    finally:
        with owner("shared"):
            drop_months("account_readings", date(2001, 2, 1))
            drop_months("account_snapshots", date(2001, 2, 1))


def test_a_process_that_still_believes_in_a_dropped_month_loses_no_row(
    committed_db: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = datetime(2001, 1, 10, tzinfo=UTC)
    read_at(committed_db, late)
    monkeypatch.setattr(partitions, "forget", lambda schema, table: None)
    try:
        with owner("shared"):
            drop_months("account_readings", date(2001, 2, 1))
        read_at(committed_db, late)
        with owner("shared"):
            assert rows_in_default("account_readings") == 1
            drop_months("account_readings", date(2001, 1, 10))
            assert rows_in_default("account_readings") == 1, "it is as young as what is kept"
            drop_months("account_readings", date(2001, 1, 11))
            assert rows_in_default("account_readings") == 0
    finally:
        monkeypatch.undo()
        partitions.forget("shared", "account_readings")
        with owner("shared"):
            drop_months("account_snapshots", date(2001, 2, 1))


def test_a_table_that_is_busy_is_left_for_the_next_run(committed_db: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "LONGEST_WAIT_FOR_LOCK", "50ms")
    make("account_readings", 0)
    with psycopg.connect(settings.DATABASE_ADMIN_URL, dbname=DATABASE) as reader:
        reader.execute("SELECT count(*) FROM shared.account_readings")
        with owner("shared"):
            assert drop_months("account_readings", date(2001, 2, 1)) == []
    with owner("shared"):
        assert drop_months("account_readings", date(2001, 2, 1)) == ["account_readings_2001_01"]


def test_dropping_again_drops_nothing(cast: Cast) -> None:
    make("post_readings", 0)
    with owner("shared"):
        assert drop_months("post_readings", date(2001, 2, 1)) == ["post_readings_2001_01"]
        assert drop_months("post_readings", date(2001, 2, 1)) == []


# --- early warning ---------------------------------------------------------------------------------------------------


def table(name: str, schema: str = "shared") -> Any:
    return next(each for each in partitioned_tables() if (each.schema, each.table) == (schema, name))


def test_every_partitioned_table_of_every_schema_is_watched(cast: Cast) -> None:
    names = {each.name for each in partitioned_tables()}
    assert {"public.usage_events", "shared.post_readings", "tenant_globex.account_snapshots"} <= names
    assert all(each.months_ahead == settings.PARTITIONS_AHEAD_MONTHS for each in partitioned_tables())


def test_months_ahead_end_at_the_first_gap(cast: Cast) -> None:
    with clock.at(datetime(2001, 1, 15, tzinfo=UTC)):
        make("post_readings", 0, 1, 3)
        assert table("post_readings").months_ahead == 1
    with clock.at(datetime(2001, 3, 1, tzinfo=UTC)):
        assert table("post_readings").months_ahead == -1


def test_a_missing_month_is_a_fault_before_a_row_needs_it(cast: Cast) -> None:
    ahead = settings.PARTITIONS_AHEAD_MONTHS
    assert faults_of_partitions(ahead) == []
    with clock.at(clock.now() + timedelta(days=31)):
        assert faults_of_partitions(ahead) == [], "the task of this month may not have run yet"
    with clock.at(clock.now() + timedelta(days=62)):
        assert "shared.post_readings has 1 month ahead, and should have 3. Does beat run?" in faults_of_partitions(
            ahead
        )
    with clock.at(clock.now() + timedelta(days=200)):
        assert "shared.post_readings has not even this month, and should have 3. Does beat run?" in (
            faults_of_partitions(ahead)
        )


def lose_a_row(cast: Cast) -> None:
    """A row that no month takes."""
    with tenant_scope(cast.acme):
        AccountReading.objects.create(account=make_account(), measured_at=datetime(2001, 1, 1, tzinfo=UTC))


def test_doctor_tells_of_rows_that_no_month_took(cast: Cast) -> None:
    call_command("doctor")
    lose_a_row(cast)
    with pytest.raises(CommandError, match=r"shared\.account_readings_default holds 1 row"):
        call_command("doctor")


def test_doctor_tells_how_tables_grow(cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    read_at(cast, clock.now())
    call_command("doctor", "--tables")
    sound, *lines = capsys.readouterr().out.splitlines()
    assert sound == "Everything is sound."
    [line] = [line for line in lines if line.startswith("shared.account_readings:")]
    assert line.endswith("3 months ahead.")
    assert table("account_readings").bytes_this_month > 0


def test_metrics_tell_rows_in_default_and_months_ahead(cast: Cast) -> None:
    lose_a_row(cast)
    seen = values(ask().content)
    assert seen["tikdash_rows_in_default{table=account_readings}"] == 1
    assert seen["tikdash_rows_in_default{table=usage_events}"] == 0
    assert seen["tikdash_months_ahead{table=usage_events}"] == 3
