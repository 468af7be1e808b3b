"""Where more is due than a claim reads, it walks from tenant to tenant: everybody is reached, the urgent job first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.db import connection, transaction

from snapshots.models import FetchJob
from snapshots.scheduling.dispatch import claim
from tests.cast import Cast
from tikdash.db.scope import all_tenants

TENANTS, JOBS_EACH = 60, 3
JOBS = """
    INSERT INTO fetch_jobs (tenant_id, kind, queue, priority, cadence_s, offset_s, next_due_at, cursor, params,
                            attempts, state, error_code, error, created_at)
    SELECT tenant, 'profile', 'pro', 5 * job, 3600, 0, %s::timestamptz - job * interval '1 s', '', '{}', 0,
           'active', '', '', now()
      FROM generate_series(1, %s) AS tenant CROSS JOIN generate_series(0, %s) AS job
"""


@pytest.fixture
def crowd(cast: Cast, noon: datetime, settings: Any) -> Iterator[None]:
    """Many tenants with jobs of three priorities each, where a claim reads almost nothing at once."""
    settings.CLAIM_READS = 1
    with all_tenants("shared"), connection.cursor() as cursor:
        cursor.execute(JOBS, [noon, TENANTS, JOBS_EACH - 1])
    yield


@pytest.mark.usefixtures("crowd")
def test_every_tenant_has_its_first_job_before_any_has_its_second_wherever_a_walk_begins() -> None:
    first = [job for _ in range(TENANTS) for job in claim("shared", {"pro": 1})]
    assert Counter(Counter(job.tenant_id for job in first).values()) == {1: TENANTS}
    second = [job for _ in range(TENANTS) for job in claim("shared", {"pro": 1})]
    assert Counter(Counter(job.tenant_id for job in second).values()) == {1: TENANTS}


@pytest.mark.usefixtures("crowd")
def test_a_tenant_at_which_a_walk_ends_does_not_lose_its_urgent_job_to_an_ordinary_one() -> None:
    for _ in range(TENANTS):
        with transaction.atomic():
            [job] = claim("shared", {"pro": 1})
            with all_tenants("shared"):
                assert FetchJob.objects.get(pk=job.id).priority == 5 * (JOBS_EACH - 1)
            transaction.set_rollback(True)


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize("room", [7, 45, 1_000])
def test_a_claim_takes_as_many_as_there_is_room_for(room: int) -> None:
    assert len(claim("shared", {"pro": room})) == min(room, JOBS_EACH * TENANTS)
