"""What is watched: the arithmetic, samples of real queues and tables, alarms that open and end, and who shows them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from hypothesis import given
from hypothesis import strategies as st

from billing.models import AlertChannel, AlertDelivery, QueueSample, TableSample, UsageAlert, WatchState
from billing.operations import faults_of_operations, queue_standings, watched
from billing.services.sampling import sample_queues, sample_tables
from billing.watching import (
    CRITICAL,
    OK,
    WARNING,
    Finding,
    QueueNow,
    Standing,
    TableNow,
    Thresholds,
    drain_seconds,
    follow,
    of_ceiling,
    of_partitions,
    of_queue,
    of_tables,
)
from snapshots.scheduling.ended import count_ended, ended_so_far
from tests.cast import Cast
from tests.factories import make_account, make_job
from tests.simulating import NOW
from tests.tikdash.test_metrics import ask, values
from tikdash import clock
from tikdash.db.scope import all_tenants, tenant_scope
from tikdash.redis import server
from tikdash.work import accounts_by_tenant, queue_figures

NOON = datetime.fromisoformat(NOW)
LIMITS = Thresholds()


def levels(findings: list[Finding]) -> dict[str, str]:
    return {finding.watch: finding.level for finding in findings}


# --- arithmetic -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("waiting", "rate", "expected"),
    [
        (3_000, 10.0, {"queue_drain": WARNING, "queue_stands": OK, "overdue": OK}),
        (2_400, 10.0, {"queue_drain": OK, "queue_stands": OK, "overdue": OK}),
        (3_001, 10.0, {"queue_drain": CRITICAL, "queue_stands": OK, "overdue": OK}),
        (1, 0.0, {"queue_drain": OK, "queue_stands": CRITICAL, "overdue": OK}),
        (0, 0.0, {"queue_drain": OK, "queue_stands": OK, "overdue": OK}),
        (9_999, None, {"queue_drain": OK, "queue_stands": OK, "overdue": OK}),
    ],
)
def test_a_queue_is_judged_by_the_five_minutes_in_which_it_should_drain(
    waiting: int, rate: float | None, expected: dict[str, str]
) -> None:
    assert levels(of_queue(QueueNow("pro", waiting, 5.0, 0, rate), LIMITS)) == expected


def test_the_oldest_job_says_how_late_the_work_is() -> None:
    ages = {600: OK, 1_500: WARNING, 1_801: CRITICAL}
    for age, level in ages.items():
        found = of_queue(QueueNow("pro", 1, age, 0, 1.0), LIMITS)
        assert levels(found)["overdue"] == level
    assert "30 min" in found[2].sentence


def test_the_ceiling_is_reached_where_more_threads_were_needed_than_may_be_started() -> None:
    deep = QueueNow("pro", 3_000, 0, 0, 5.0, per_thread=1.0)
    found = of_ceiling([deep, QueueNow("free", 3_000, 0, 0, 5.0, per_thread=0.5)], 8, LIMITS)
    assert (found.value, found.level) == (30, OK)
    assert "30 threads would drain" in found.sentence and "8 run" in found.sentence
    assert of_ceiling([deep], 8, Thresholds(ceiling=9)).level == CRITICAL
    assert of_ceiling([deep], None, Thresholds(ceiling=12)).level == WARNING
    assert of_ceiling([], 20, Thresholds(ceiling=12)).level == WARNING, "more run than should"


def test_a_table_that_grows_faster_than_it_did_is_named_and_the_disk_counts_its_days() -> None:
    tables = [
        TableNow("posts", 50 * 10**9, 10**9, 2 * 10**8), TableNow("accounts", 10**6, 10**5, 10.0),
        TableNow("new", 10**9, None, None),
    ]  # fmt: skip
    found = {finding.subject: finding for finding in of_tables(tables, Thresholds(disk_bytes=100 * 10**9))}
    assert {name: finding.level for name, finding in found.items()} == {
        "posts": WARNING, "accounts": OK, "database": WARNING,
    }  # fmt: skip
    assert "1 GB a day" in found["posts"].sentence and "in 49 days" in found["database"].sentence
    assert of_tables(tables, Thresholds(disk_bytes=52 * 10**9))[-1].level == CRITICAL
    assert of_tables(tables, Thresholds(disk_bytes=40 * 10**9))[-1].value == 0


def test_missing_partitions_are_critical() -> None:
    assert of_partitions([]).level == OK
    assert of_partitions(["a is missing.", "b is missing."]).sentence == "a is missing. And 1 more."


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.floats(0.001, 1e4), st.floats(0.001, 1e4))
def test_more_jobs_never_drain_sooner_nor_a_faster_rate_later(less: int, more: int, slow: float, fast: float) -> None:
    (less, more), (slow, fast) = sorted((less, more)), sorted((slow, fast))
    assert (drain_seconds(less, slow) or 0) <= (drain_seconds(more, slow) or 0)
    assert (drain_seconds(more, fast) or 0) <= (drain_seconds(more, slow) or 0)
    assert drain_seconds(1, 0) == math.inf and drain_seconds(1, None) is None


def run(levels_of_samples: list[str], samples: int = 3) -> list[str]:
    standing: Standing | None = None
    heard = []
    for number, level in enumerate(levels_of_samples):
        finding = Finding("queue_drain", "pro", level, level)
        standing, news = follow(standing, finding, NOON + timedelta(minutes=number), samples)
        heard.append(news)
    return heard


def test_an_alarm_needs_several_samples_in_a_row_and_so_does_its_end() -> None:
    bad, good = CRITICAL, OK
    assert run([bad, bad, good, bad, bad, good]) == [""] * 6
    assert run([bad, bad, bad, bad]) == ["", "", "opened", ""]
    assert run([WARNING, bad, WARNING]) == ["", "", "opened"], "warning or critical, it is not well"
    assert run([bad, bad, bad, good, bad, good, good, good]) == ["", "", "opened", "", "", "", "", "resolved"]


@given(st.lists(st.sampled_from([OK, WARNING, CRITICAL]), max_size=40), st.integers(1, 6))
def test_alarms_open_and_end_by_turns(seen: list[str], samples: int) -> None:
    news = [each for each in run(seen, samples) if each]
    assert news == [("opened", "resolved")[number % 2] for number in range(len(news))]


# --- samples --------------------------------------------------------------------------------------------------------


@pytest.fixture
def queues(committed_db: Cast, settings: Any) -> Iterator[Cast]:
    """Three jobs of two tenants in queue pro, one of them late; nothing counted yet; two samples make an alarm."""
    server().connection.flushdb()
    settings.WATCH_SAMPLES, settings.WORKERS_ANSWER_WITHIN_S = 2, 0.05
    with clock.at(NOON):
        for tenant, age in ((committed_db.acme, 40), (committed_db.acme, 7_200), (committed_db.globex, 20)):
            with tenant_scope(tenant):
                make_job(make_account(), next_due_at=NOON - timedelta(seconds=age))
    yield committed_db
    server().connection.flushdb()


def sample(minute: float) -> None:
    with clock.at(NOON + timedelta(minutes=minute)):
        sample_queues()


def test_the_port_tells_how_queues_stand_and_who_tracks_how_many(queues: Cast) -> None:
    count_ended({"pro": 4}, {"pro": 6_000})
    with clock.at(NOON):
        pro = next(each for each in queue_figures() if each.queue == "pro")
    assert (pro.waiting, pro.oldest_s, pro.in_flight, pro.ended, pro.busy_s) == (3, 7_200, 0, 4, 6.0)
    assert accounts_by_tenant() == {queues.acme.id: 2, queues.globex.id: 1}


def test_samples_know_the_rate_between_them_and_nothing_where_redis_was_emptied(queues: Cast) -> None:
    sample(0)
    count_ended({"pro": 120}, {"pro": 60_000})
    sample(1)
    server().connection.flushdb()
    sample(2)
    with all_tenants():
        rates = list(
            QueueSample.objects.filter(queue="pro").order_by("sampled_at").values_list("ended_per_s", flat=True)
        )
    assert rates == [None, 2.0, None]
    standing = next(each for each in queue_standings() if each.queue == "pro")
    assert (standing.waiting, standing.oldest_s) == (3, 7_320)


def test_a_job_that_runs_is_counted_with_its_time(queues: Cast) -> None:
    """`tests/snapshots/test_jobs.py` runs jobs; here it is the count that is looked at."""
    from snapshots.scheduling.dispatch import claim_these
    from snapshots.services.jobs import run_jobs

    with tenant_scope(queues.acme):
        ids = list(make_account("lena.bakes").jobs.values_list("id", flat=True)) or [make_job(make_account()).id]
    claim_these(queues.acme, ids)
    run_jobs(queues.acme, ids)
    counted = ended_so_far()
    assert counted and counted[0] == {"pro": len(ids)} and counted[1]["pro"] >= 0


def test_an_alarm_opens_once_tells_the_channels_of_operations_and_is_resolved(queues: Cast) -> None:
    with all_tenants():
        AlertChannel.objects.create(tenant=None, kind="email", address="ops@tikdash.example")
    for minute in range(4):
        sample(minute)
        sample(minute)
    with all_tenants():
        alert = UsageAlert.objects.get(rule="overdue", subject="pro")
        assert (alert.tenant_id, alert.level, alert.opened_at, alert.resolved_at) == (
            None, "critical", NOON + timedelta(minutes=1), None,
        )  # fmt: skip
        assert alert.sentence == "Jobs overdue, pro: The oldest job has been due for 2.0 h."
        assert [each.notice for each in alert.deliveries.all()] == ["opened"]
    from snapshots.models import FetchJob

    for tenant in (queues.acme, queues.globex):
        with tenant_scope(tenant):
            FetchJob.objects.all().delete()
    sample(5)
    sample(6)
    with all_tenants():
        alert.refresh_from_db()
        assert alert.resolved_at == NOON + timedelta(minutes=6)
        assert {each.notice for each in AlertDelivery.objects.all()} == {"opened", "resolved"}
        assert WatchState.objects.get(watch="overdue", subject="pro").alarmed_at is None


def test_backfills_drain_at_their_own_pace(queues: Cast) -> None:
    with clock.at(NOON):
        assert "backfill" not in {finding.subject for finding in sample_queues()}


def test_old_samples_go(queues: Cast, settings: Any) -> None:
    settings.QUEUE_SAMPLES_KEPT_DAYS = 1
    sample(0)
    sample(60 * 25)
    with all_tenants():
        assert QueueSample.objects.filter(queue="pro").count() == 1


def test_tables_are_sampled_with_real_sizes_once_a_day(queues: Cast) -> None:
    with clock.at(NOON):
        sample_tables()
        sample_tables()
    with all_tenants():
        posts = TableSample.objects.get(name="fetch_jobs")
        assert posts.day == NOON.date() and posts.bytes > 8_192
        assert not TableSample.objects.filter(name__contains="_2026_").exists(), "partitions count for their parent"
        TableSample.objects.create(day=NOON.date() - timedelta(days=7), name="posts", rows=1, bytes=1)
    with clock.at(NOON):
        found = {finding.subject: finding for finding in sample_tables()}
    assert found["posts"].value and found["posts"].value > 1_000


# --- who shows it ---------------------------------------------------------------------------------------------------


def test_doctor_tells_alarms_and_metrics_their_levels(queues: Cast) -> None:
    sample(0)
    with clock.at(NOON):
        assert faults_of_operations() == [], "one sample is no alarm"
    sample(1)
    with clock.at(NOON + timedelta(minutes=2)):
        with pytest.raises(CommandError, match="Jobs overdue, pro"):
            call_command("doctor")
        seen = values(ask().content)
        assert watched()[0].sentence.startswith("The oldest job")
    assert seen["tikdash_watch_level{subject=pro}{watch=overdue}"] == 2
    assert seen["tikdash_watch_level{subject=free}{watch=overdue}"] == 0
    assert seen["tikdash_queue_drain_seconds{queue=free}"] == 0


def test_doctor_notices_when_nobody_looks_any_more(queues: Cast) -> None:
    sample(0)
    with clock.at(NOON + timedelta(minutes=9)):
        assert faults_of_operations() == ["Nobody has looked at the queues for 9 min. Do beat and a worker run?"]
