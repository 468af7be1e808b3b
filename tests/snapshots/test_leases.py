"""A lease belongs to one run: who lost it changes nothing, and who fails too often stops."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

import pytest

from accounts.selectors import TenantRef
from snapshots.models import FetchJob
from snapshots.scheduling import leases
from snapshots.scheduling.dispatch import claim_these
from tests.cast import Cast
from tests.factories import make_account, make_job
from tests.threads import at_once
from tikdash import clock
from tikdash.db.scope import tenant_scope

LEASE = timedelta(seconds=300)


def begun(tenant: TenantRef, **fields: object) -> leases.RunningJob:
    """A job that was claimed and has begun."""
    job = make_job(make_account(), **fields)
    claim_these(tenant, [job.pk])
    running = leases.begin(job.pk)
    assert running is not None
    return running


def succeed(job: leases.RunningJob, **changes: object) -> bool:
    given = {"queue": "pro", "cadence_s": 3600, "next_due_at": clock.now() + timedelta(hours=1), "result": {}}
    return leases.succeed(job, **given | changes)  # type: ignore[arg-type]


def fail(job: leases.RunningJob, **changes: object) -> str | None:
    given = {"code": "upstream_down", "error": "It is down.", "next_due_at": clock.now() + timedelta(minutes=1)}
    return leases.fail(job, **given | changes)  # type: ignore[arg-type]


def test_only_a_claimed_job_can_begin_and_only_once(acme: TenantRef) -> None:
    job = make_job(make_account(), params={"note": "é"})
    assert leases.begin(job.pk) is None
    claim_these(acme, [job.pk])
    running = leases.begin(job.pk)
    assert running is not None and (running.id, running.kind, running.params) == (job.pk, "profile", {"note": "é"})
    assert leases.begin(job.pk) is None


def test_a_lease_that_has_ended_lets_nobody_begin(acme: TenantRef, noon: datetime) -> None:
    job = make_job(make_account())
    claim_these(acme, [job.pk])
    with clock.at(noon + LEASE):
        assert leases.begin(job.pk) is None


@pytest.mark.parametrize("state", ["paused", "done", "refused", "dead"])
def test_a_job_that_is_not_active_any_more_does_not_begin(acme: TenantRef, state: str) -> None:
    job = make_job(make_account())
    claim_these(acme, [job.pk])
    FetchJob.objects.update(state=state)
    assert leases.begin(job.pk) is None


def test_of_eight_workers_with_one_message_one_begins(committed_db: Cast, noon: datetime) -> None:
    acme = committed_db.acme
    with tenant_scope(acme):
        job = make_job(make_account())
        claim_these(acme, [job.pk])

    def worker() -> bool:
        with tenant_scope(acme):
            return leases.begin(job.pk) is not None

    assert sorted(at_once([worker] * 8)) == [False] * 7 + [True]


def test_beginning_gives_the_whole_lease_again(acme: TenantRef, noon: datetime) -> None:
    job = make_job(make_account())
    claim_these(acme, [job.pk])
    with clock.at(noon + timedelta(seconds=200)):
        leases.begin(job.pk)
    job.refresh_from_db()
    assert job.lease_until == noon + timedelta(seconds=200) + LEASE


def test_success_frees_the_job_forgets_failures_and_sets_the_next_run(acme: TenantRef, noon: datetime) -> None:
    running = begun(acme, attempts=4, error="It was down.", error_code="upstream_down")
    assert succeed(running, queue="free", cadence_s=7200, next_due_at=noon + timedelta(hours=2))
    job = FetchJob.objects.get()
    assert (job.lease_until, job.started_at, job.attempts, job.error, job.error_code) == (None, None, 0, "", "")
    assert (job.queue, job.cadence_s, job.state) == ("free", 7200, "active")
    assert (job.succeeded_at, job.next_due_at) == (noon, noon + timedelta(hours=2))


def test_a_job_without_cadence_is_done_and_keeps_its_result(acme: TenantRef) -> None:
    running = begun(acme, kind="probe", cadence_s=None, params={"handle": "lena"})
    assert succeed(running, cadence_s=None, next_due_at=None, result={"account_id": 9})
    job = FetchJob.objects.get()
    assert (job.state, job.params) == ("done", {"handle": "lena", "account_id": 9})


def test_a_ghost_whose_lease_was_given_to_another_changes_nothing(acme: TenantRef, noon: datetime) -> None:
    ghost = begun(acme)
    with clock.at(noon + LEASE + timedelta(seconds=1)):
        [claimed] = claim_these(acme, [ghost.id])
        assert claimed.id == ghost.id
        before = FetchJob.objects.values().get()
        # Before the other one has begun …
        assert succeed(ghost) is False and fail(ghost) is None
        assert FetchJob.objects.values().get() == before
        other = leases.begin(ghost.id)
        assert other is not None and asdict(other) | {"started_at": 0} == asdict(ghost) | {"started_at": 0}
        before = FetchJob.objects.values().get()
        # … and while it runs.
        assert succeed(ghost) is False and fail(ghost, refused=True) is None
        assert FetchJob.objects.values().get() == before
        assert succeed(other)
        before = FetchJob.objects.values().get()
        assert fail(ghost) is None and succeed(ghost) is False
        assert FetchJob.objects.values().get() == before


def test_a_worker_that_is_late_but_was_not_replaced_may_still_finish(acme: TenantRef, noon: datetime) -> None:
    running = begun(acme)
    with clock.at(noon + 2 * LEASE):
        assert succeed(running)


def test_the_tenth_failure_in_a_row_ends_a_job_and_a_success_starts_the_count_anew(
    acme: TenantRef, noon: datetime
) -> None:
    job = make_job(make_account())

    def run(number: int, ends_well: bool = False) -> str | None:
        with clock.at(noon + timedelta(days=number)):
            claim_these(acme, [job.pk])
            running = leases.begin(job.pk)
            assert running is not None
            return str(succeed(running)) if ends_well else fail(running)

    assert [run(number) for number in range(9)] == ["active"] * 9
    run(9, ends_well=True)
    assert [run(number) for number in range(10, 20)] == ["active"] * 9 + ["dead"]
    job.refresh_from_db()
    assert (job.state, job.attempts, job.error, job.error_code) == ("dead", 10, "It is down.", "upstream_down")
    with clock.at(noon + timedelta(days=90)):
        assert claim_these(acme, [job.pk]) == []


def test_a_failure_that_is_not_the_jobs_own_is_noted_but_not_counted(acme: TenantRef) -> None:
    running = begun(acme, attempts=9)
    assert fail(running, counts=False, code="out_of_credits", error="No credits.") == "active"
    job = FetchJob.objects.get()
    assert (job.attempts, job.error_code, job.error, job.lease_until) == (9, "out_of_credits", "No credits.", None)


def test_what_was_refused_is_over_after_one_run(acme: TenantRef) -> None:
    assert fail(begun(acme), refused=True) == "refused"


def test_leases_are_given_back_only_where_nobody_has_begun(acme: TenantRef) -> None:
    running, waiting = begun(acme), make_job(make_account())
    claim_these(acme, [waiting.pk])
    leases.give_back([running.id, waiting.pk])
    assert FetchJob.objects.get(pk=running.id).lease_until is not None
    assert [job.id for job in claim_these(acme, [running.id, waiting.pk])] == [waiting.pk]
