"""Metrics: one page for all processes of a host, for who has the token, on the public host only."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.test import Client
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.cast import Cast
from tests.environment import ROOT
from tests.factories import make_account, make_job
from tests.simulating import NOW
from tests.tikdash.test_env import PRODUCTION
from tikdash import clock, metrics
from tikdash.db.scope import tenant_scope
from tikdash.redis import RedisGone

COUNTS = """
import os, sys, threading
from tikdash import env
env.make_directory_of_metrics()
from prometheus_client import Counter, Histogram
work = Counter("work", "Work done.", ["kind"])
took = Histogram("took_seconds", "Time.", buckets=(1, 10))
def count():
    for _ in range(100):
        work.labels("walk").inc()
        took.observe(5)
if sys.argv[1] == "fork" and os.fork():
    os.wait()
threads = [threading.Thread(target=count) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""
SHOWS = "from tikdash import metrics; import sys; sys.stdout.buffer.write(metrics.exposition())"
STARTS_AFRESH = "from tikdash import metrics; metrics.forget_ended_processes()"


def values(text: str | bytes) -> dict[str, float]:
    """The samples of a page: `name{label=value}` → number."""
    page = text.decode() if isinstance(text, bytes) else text
    return {
        sample.name + "".join(f"{{{name}={value}}}" for name, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def run(program: str, directory: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env=dict(os.environ) | {"PROMETHEUS_MULTIPROC_DIR": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def ask(host: str = "localhost", token: str | None = None, address: str = "127.0.0.1", **more: Any) -> Any:
    headers = {"host": host} | ({"authorization": token} if token is not None else {})
    return Client(headers=headers).get("/metrics", REMOTE_ADDR=address, **more)


# --- many processes -------------------------------------------------------------------------------------------------


def test_one_page_sums_what_two_processes_and_a_fork_have_counted_in_threads(tmp_path: Path) -> None:
    directory = tmp_path / "made" / "when needed"
    run(COUNTS, directory, "plain")
    run(COUNTS, directory, "fork")
    seen = values(run(SHOWS, directory))
    assert seen["work_total{kind=walk}"] == 1200
    assert (seen["took_seconds_count"], seen["took_seconds_sum"]) == (1200, 6000)
    assert (seen["took_seconds_bucket{le=1.0}"], seen["took_seconds_bucket{le=10.0}"]) == (0, 1200)


def test_a_start_of_everything_forgets_the_processes_that_have_ended_and_no_others(tmp_path: Path) -> None:
    run(COUNTS, tmp_path, "plain")
    alive = tmp_path / f"counter_{os.getpid()}.db"
    alive.write_bytes(next(tmp_path.glob("counter_*.db")).read_bytes())
    assert values(run(SHOWS, tmp_path))["work_total{kind=walk}"] == 800
    run(STARTS_AFRESH, tmp_path)
    assert values(run(SHOWS, tmp_path))["work_total{kind=walk}"] == 400
    assert alive.exists()


def test_a_process_that_would_count_for_itself_does_not_start(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", "import prometheus_client; import tikdash.metrics"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "prometheus_client came before tikdash.env" in done.stderr


def test_a_directory_that_cannot_be_made_stops_the_start_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = subprocess.run(
        [sys.executable, "manage.py", "help"],
        cwd=ROOT,
        env=dict(os.environ) | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "file" / "inside")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "PROMETHEUS_MULTIPROC_DIR" in done.stdout + done.stderr
    assert "cannot be made" in done.stdout + done.stderr


# --- computed when asked --------------------------------------------------------------------------------------------


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the test registers is gone afterwards; what the product registers is not there."""
    monkeypatch.setattr(metrics, "_at_scrape", {})
    yield


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(
    "error", [RedisGone(), psycopg.OperationalError("the server is gone"), ZeroDivisionError("a mistake")]
)
def test_a_collector_that_fails_is_left_out_and_counted_and_the_others_are_there(error: Exception) -> None:
    def breaks() -> Iterator[Metric]:
        yield GaugeMetricFamily("half_a_truth", "Half.", value=1)
        raise error

    def works() -> Iterator[Metric]:
        yield GaugeMetricFamily("whole_truth", "All.", value=42)

    name = f"tikdash_scrape_errors_total{{collector={__name__}.breaks}}"
    metrics.register_at_scrape(breaks)
    metrics.register_at_scrape(works)
    metrics.register_at_scrape(works)
    before = values(metrics.exposition()).get(name, 0) - 1
    seen = values(metrics.exposition())
    assert seen["whole_truth"] == 42 and "half_a_truth" not in seen
    assert seen[name] - before == 2, "this scrape's error is on this scrape's page"


def test_the_queues_are_told_with_their_depth_and_age(cast: Cast) -> None:
    noon = datetime.fromisoformat(NOW)
    with clock.at(noon):
        for tenant, ages in ((cast.acme, (30, 600)), (cast.globex, (900,))):
            with tenant_scope(tenant):
                account = make_account()
                for kind, age in zip(("profile", "posts"), ages, strict=False):
                    make_job(account, kind, next_due_at=noon - timedelta(seconds=age))
        with tenant_scope(cast.acme):
            make_job(make_account(), next_due_at=noon + timedelta(hours=1))
            make_job(make_account(), state="dead")
            make_job(make_account(), queue="free", lease_until=noon + timedelta(seconds=60))
            make_job(make_account(), queue="free", lease_until=noon - timedelta(seconds=20))
        seen = values(ask().content)
    in_queue = {
        queue: tuple(
            seen[f"tikdash_jobs_{name}{{queue={queue}}}"] for name in ("in_flight", "due", "oldest_due_seconds")
        )
        for queue in ("interactive", "enterprise", "pro", "free", "backfill")
    }
    assert in_queue == {
        "interactive": (0, 0, 0), "enterprise": (0, 0, 0), "pro": (0, 3, 900), "free": (1, 1, 20),
        "backfill": (0, 0, 0),
    }  # fmt: skip


# --- who may see it -------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("cast")
@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1", "10.0.0.7:8000", "[::1]:8000"])
def test_the_public_host_and_the_machines_own_addresses_answer_without_a_session(host: str) -> None:
    answer = ask(host)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "tikdash_jobs_due{queue=pro}" in values(answer.content)
    assert not answer.cookies


@pytest.mark.usefixtures("cast")
@pytest.mark.parametrize("host", ["acme.localhost", "ACME.localhost:8000", "unknown.example", "localhost.evil.example"])
@pytest.mark.parametrize("token", [None, "Bearer the-token-of-operators"])
def test_on_a_tenants_or_an_unknown_host_there_is_nothing(host: str, token: str | None, settings: Any) -> None:
    settings.METRICS_TOKEN = "the-token-of-operators"
    answer = ask(host, token)
    assert answer.status_code == 404
    assert b"tikdash_" not in answer.content


@pytest.mark.usefixtures("cast")
def test_with_a_token_only_who_has_it_gets_an_answer_from_wherever(settings: Any) -> None:
    settings.METRICS_TOKEN = "the-token-of-operators"
    assert ask(token="Bearer the-token-of-operators", address="203.0.113.9").status_code == 200
    for wrong in (
        None, "", "the-token-of-operators", "Bearer ", "Bearer the-token-of-operator", "Bearer thé",
        "bearer the-token-of-operators", "Bearer the-token-of-operators ", "Basic the-token-of-operators",
    ):  # fmt: skip
        assert ask(token=wrong).status_code == 404, wrong


@pytest.mark.usefixtures("cast")
def test_without_a_token_only_a_development_machine_answers_and_only_to_itself(settings: Any) -> None:
    assert [ask(address=address).status_code for address in ("127.0.0.1", "127.8.8.8", "::1")] == [200] * 3
    for address in ("203.0.113.9", "10.0.0.1", "", "nonsense"):
        assert ask(address=address).status_code == 404, address
    settings.METRICS_WITHOUT_TOKEN = False
    assert ask(address="127.0.0.1").status_code == 404


@pytest.mark.usefixtures("cast")
def test_nothing_is_changed_or_told_by_other_methods() -> None:
    client = Client(headers={"host": "localhost"})
    assert [client.post("/metrics").status_code, client.put("/metrics").status_code] == [404, 404]


def test_a_machine_with_a_database_of_its_own_needs_the_token(tmp_path: Path) -> None:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", "from django.conf import settings; print(settings.METRICS_WITHOUT_TOKEN)"],
        cwd=ROOT,
        env=kept | {
            "DJANGO_SETTINGS_MODULE": "tikdash.settings", "TIKDASH_VAR": str(tmp_path), **PRODUCTION,
        },
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.stdout == "False\n", done.stderr
