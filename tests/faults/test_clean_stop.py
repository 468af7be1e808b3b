"""A worker that is told to end: what it runs it ends, all else of its batches is free for others at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from honcho.environ import parse_procfile
from redis import Redis

from snapshots.models import FetchJob
from snapshots.scheduling.dispatch import dispatch
from tests.cast import Cast
from tests.e2e.stack import wait_for
from tests.environment import ROOT
from tests.factories import make_account, make_job
from tests.simulating import Caller, running_simulator
from tests.snapshots.test_dispatch import QUEUES, messages
from tikdash import clock
from tikdash.db.scope import tenant_scope

JOBS = 60
#: Long enough to be told to end in the middle of a request.
LATENCY_MS = 400


@pytest.fixture
def upstream() -> Iterator[Caller]:
    with running_simulator("--latency-ms", str(LATENCY_MS), "--threads", "32") as base_url:
        yield Caller(base_url)


@pytest.fixture
def worker(committed_db: Cast, upstream: Caller, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker as the Procfile has it, with two threads."""
    with Redis.from_url(settings.REDIS_URL) as redis:
        redis.flushdb()
    command = parse_procfile((ROOT / "Procfile").read_text()).processes["worker"]
    environment = os.environ | {"TIKLIVE_BASE_URL": upstream.base_url, "WORKER_THREADS": "2", "LOG_LEVEL": "INFO"}
    environment |= {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "tikdash.settings"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with (tmp_path / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command}"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        yield process
        process.kill()
        process.wait()


def test_a_worker_ends_within_a_request_and_leaves_the_rest_to_others(
    committed_db: Cast, worker: subprocess.Popen[bytes], upstream: Caller, tmp_path: Path
) -> None:
    acme = committed_db.acme
    handles = [f"stop.{number}" for number in range(JOBS)]
    with tenant_scope(acme):
        for handle in handles:
            account = make_account(handle, tiktok_user_id=str(upstream.look("truth/account", handle=handle)["id"]))
            make_job(account, cadence_s=86_400, next_due_at=clock.now())
        assert dispatch() == JOBS
        wait_for(lambda: FetchJob.objects.exclude(succeeded_at=None).count() >= 4, "the first jobs", tmp_path)
        worker.send_signal(signal.SIGTERM)
        told = time.monotonic()
        assert worker.wait(30) == 0
        took_s = time.monotonic() - told
        jobs = list(FetchJob.objects.values("id", "succeeded_at", "lease_until", "started_at", "attempts"))
    assert took_s < 8, "not the whole batch, which takes more"
    done = [job for job in jobs if job["succeeded_at"]]
    assert 4 <= len(done) < JOBS / 2
    assert upstream.look("stats")["by_endpoint"]["userinfo-by-username"] == len(done), "nothing was given up half-way"
    assert all(job["started_at"] is None and job["attempts"] == 0 for job in jobs)
    with Redis.from_url(settings.REDIS_URL) as redis:
        in_messages = {job_id for queue in QUEUES for _, ids in messages(redis, queue) for job_id in ids}
        redis.flushdb()
    held = {job["id"] for job in jobs if job["lease_until"]}
    assert held <= in_messages, "what is still claimed waits in a queue, for whoever comes"
    assert len(held) < JOBS - len(done)
