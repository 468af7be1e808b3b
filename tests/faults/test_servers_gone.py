"""A server that goes while everything runs: one clear sentence for people, and all goes on when it is back."""

from __future__ import annotations

import signal
import time

import psycopg
import pytest
import redis

from tests.e2e.stack import wait_for
from tests.faults.installation import Installation, works


def test_without_postgresql_people_get_a_page_that_says_so_and_all_goes_on_when_it_is_back(
    installation: Installation,
) -> None:
    wait_for(works(installation), "the jobs", installation.logs)
    installation.servers.stop_postgres("immediate")
    with pytest.raises(psycopg.OperationalError):
        installation.sql("SELECT 1")
    answer = installation.ask()
    text = answer.data.decode()
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "5"
    assert "moment" in text
    assert "Traceback" not in text
    assert "psycopg" not in text
    assert installation.ask("/health/ready").status == 503
    assert installation.ask("/health/live").status == 200
    command = installation.manage("track", "acme", "tinyfermenter")
    assert command.returncode == 1
    assert command.stderr.startswith("CommandError: A server does not answer:")
    assert len(command.stderr.strip().splitlines()) == 1
    time.sleep(3)
    installation.servers.start_postgres()
    wait_for(installation.answers, "the web to go on", installation.logs)
    wait_for(works(installation), "the worker to go on", installation.logs)
    web = installation.log("web")
    assert "server_gone" in web
    assert "Traceback" not in web


def test_without_valkey_pages_answer_and_the_worker_goes_on_when_it_is_back_empty(installation: Installation) -> None:
    wait_for(works(installation), "the jobs", installation.logs)
    # At a moment at which a task runs: its message is not acknowledged yet.
    with redis.Redis.from_url(installation.environment["REDIS_URL"]) as broker:
        installation.make_all_due()
        wait_for(lambda: broker.hlen("unacked"), "a task that runs", every_s=0.0005)
    installation.servers.stop_valkey(signal.SIGKILL)
    for left in (installation.servers.directory / "valkey").glob("*.rdb"):
        left.unlink()
    assert installation.ask().status == 200
    assert installation.ask("/health/ready").status == 503
    installation.make_all_due()
    time.sleep(3)
    installation.servers.start_valkey()
    # The rows were the queue all the time: nothing was in Valkey that could be lost.
    wait_for(works(installation), "the worker to go on", installation.logs)


def test_jobs_whose_worker_was_lost_run_again_when_their_lease_ends(installation: Installation) -> None:
    installation.sql(
        "UPDATE shared.fetch_jobs SET started_at = now(), lease_until = now() + interval '3 s' WHERE kind <> 'probe'"
    )
    wait_for(works(installation), "the leases to end and the jobs to run", installation.logs)
    doubles = installation.sql(
        "SELECT account_id, captured_on, count(*) FROM shared.account_snapshots GROUP BY 1, 2 HAVING count(*) > 1"
    )
    assert doubles == []
