"""`manage.py jobs`: how the work stands, by queue and kind, over all shards; quick with a million rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.services.pausing import pause_kind, pause_tenant, resume_kind, resume_tenant
from snapshots.metrics import jobs_due
from snapshots.scheduling import leases
from snapshots.scheduling.dispatch import claim
from snapshots.services.overview import Counts, jobs_overview
from tests.cast import Cast, clean_up
from tests.factories import make_account, make_job
from tests.tikdash.test_commands import data_of, manage
from tikdash.db.scope import all_tenants, owner, tenant_scope

MANY, DUE_OF_MANY = 1_000_000, 2_000


@pytest.fixture
def work(cast: Cast, noon: datetime) -> datetime:
    return make_work(cast, noon)


def make_work(cast: Cast, noon: datetime) -> datetime:
    """Acme: two due, one of them late, one claimed, one running, one of tomorrow; Globex: one paused, one dead."""
    with tenant_scope(cast.acme):
        make_job(make_account(), next_due_at=noon - timedelta(hours=3))
        make_job(make_account(), "posts", queue="free", next_due_at=noon)
        make_job(make_account(), next_due_at=noon + timedelta(days=1))
        begun, _ = (make_job(make_account(), queue="enterprise") for _ in range(2))
        claim("shared", {"enterprise": 2})
        leases.begin(begun.pk)
    with tenant_scope(cast.globex):
        make_job(make_account(), state="paused")
        make_job(make_account(), state="dead")
    return noon


def test_jobs_are_counted_by_queue_and_kind_over_all_shards(work: datetime) -> None:
    overview = jobs_overview()
    late = work - timedelta(hours=3)
    assert overview.total == Counts(2, 1, 0, 1, 1, 1, 1, late)
    assert list(overview.by_queue) == ["enterprise", "pro", "free"]
    assert overview.by_queue["pro"] == Counts(1, 1, 0, 0, 0, 1, 1, late)
    assert overview.by_queue["enterprise"] == Counts(claimed=1, running=1)
    assert overview.by_kind["posts"] == Counts(due=1, oldest_due_at=work)
    assert overview.top_tenants == {"acme": 2}


def test_one_tenants_work_is_shown_alone(cast: Cast, work: datetime) -> None:
    assert jobs_overview(cast.globex).total == Counts(paused=1, dead=1)
    assert jobs_overview(cast.rival).total == Counts()


def test_what_is_paused_or_waits_for_the_night_is_held_back_and_not_late(cast: Cast, noon: datetime) -> None:
    with tenant_scope(cast.acme):
        make_job(make_account(), "backfill", queue="backfill", next_due_at=noon - timedelta(hours=3))
    with tenant_scope(cast.rival):
        make_job(make_account(), next_due_at=noon - timedelta(hours=3))
    pause_tenant(slug="rival", reason="Asked for it.")
    assert jobs_overview().total == Counts(held_back=2)
    assert jobs_overview().top_tenants == {}
    assert jobs_due() == {}
    resume_tenant(slug="rival")
    assert jobs_due()["pro"].jobs == 1


def test_the_command_says_it_in_a_table_and_as_json(committed_db: Cast, noon: datetime) -> None:
    make_work(committed_db, noon)
    pause_tenant(slug="rival", reason="Asked for it.")
    pause_kind(kind="sound", reason="TikTok changes them.")
    lines = manage("jobs").stdout.splitlines()
    assert " ".join(lines[0].split()) == "due overdue held back claimed running paused dead oldest due"
    assert lines[1].split() == ["all", "2", "1", "0", "1", "1", "1", "1", "3", "h", "ago"]
    assert "Most due: acme 2" in lines
    assert lines[-2].startswith("Paused: rival since 2026-11-15 12:00. Asked")
    assert lines[-1].startswith("Paused: sound since")
    resume_tenant(slug="rival")
    resume_kind(kind="sound")
    data = data_of(manage("jobs", "--tenant", "acme", "--json"))
    assert data["total"]["due"] == 2 and data["by_kind"]["profile"]["running"] == 1


@pytest.fixture(scope="module")
def many_jobs(_cast: Cast, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        clean_up()
        with all_tenants("shared"), connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO fetch_jobs (tenant_id, kind, queue, priority, cadence_s, offset_s, next_due_at, cursor,
                                        params, attempts, state, error_code, error, created_at)
                SELECT 1000000 + n %% 10000, 'profile', (ARRAY['pro', 'free'])[1 + n %% 2], 0, 3600, 0,
                       now() + (n - %s) * interval '1 s', '', '{}', 0, 'active', '', '', now()
                  FROM generate_series(1, %s) AS n
                """,
                [DUE_OF_MANY, MANY],
            )
        with owner("shared"), connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE fetch_jobs")
        yield
        clean_up()
        connection.close()


@pytest.mark.usefixtures("many_jobs")
def test_among_a_million_jobs_only_those_that_count_are_read(django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        with CaptureQueriesContext(connection) as captured:
            assert jobs_overview().total.due >= DUE_OF_MANY - 1
        statement = next(query["sql"] for query in captured.captured_queries if "FROM fetch_jobs" in query["sql"])
        with all_tenants("shared"), connection.cursor() as cursor:
            cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement.replace("%", "%%"), [])
            plan = cursor.fetchone()[0][0]["Plan"]
    # The table has more than ten thousand pages.
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 500
