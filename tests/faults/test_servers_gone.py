"""A server that goes while everything runs: one clear sentence for people, and all goes on when it is back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import urllib3
from honcho.environ import parse_procfile

from tests.e2e.stack import free_port, running, wait_for
from tests.environment import ROOT
from tests.simulating import running_simulator
from tikdash.embedded import Embedded


@dataclass
class Installation:
    """Web, worker and beat on servers of their own, which the test may stop."""

    servers: Embedded
    environment: dict[str, str]
    logs: Path
    port: int

    def ask(self, path: str = "/log-in/") -> urllib3.BaseHTTPResponse:
        return urllib3.request(
            "GET", f"http://127.0.0.1:{self.port}{path}", headers={"Host": "acme.localhost"}, timeout=20, retries=False
        )

    def answers(self) -> bool:
        try:
            return self.ask().status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True,
            check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        url = self.environment["DATABASE_ADMIN_URL"].rsplit("/", 1)[0] + "/tikdash"
        with psycopg.connect(url, autocommit=True, connect_timeout=3) as admin:
            found = admin.execute(statement)
            return found.fetchall() if found.description else []

    def make_all_due(self) -> None:
        self.sql("UPDATE shared.fetch_jobs SET next_due_at = now(), succeeded_at = NULL WHERE kind <> 'probe'")

    def all_ran(self) -> bool:
        return self.sql("SELECT count(*) FROM shared.fetch_jobs WHERE kind <> 'probe' AND succeeded_at IS NULL") == [
            (0,)
        ]

    def log(self, name: str) -> str:
        return (self.logs / f"{name}.log").read_text(errors="replace")


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    directory = tmp_path_factory.mktemp("installation")
    # Durable: what was committed must be there after a crash, or a lease that had ended would be back.
    servers = Embedded(directory)
    addresses = servers.start()
    port = free_port()
    try:
        with ExitStack() as stack:
            environment = dict(os.environ) | {
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "DATABASE_URL": addresses.database_url,
                "DATABASE_ADMIN_URL": addresses.admin_url,
                "REDIS_URL": addresses.redis_url,
                "TIKLIVE_BASE_URL": stack.enter_context(running_simulator()),
                "PORT": str(port),
                "WEB_HOST": "127.0.0.1",
                "DATABASE_POOL": "8",
                "LOG_LEVEL": "INFO",
            }
            made = Installation(servers, environment, directory, port)
            for arguments in (
                ["init_db"], ["collectstatic", "--no-input", "-v0"], ["create_tenant", "acme", "--plan", "pro"],
                ["track", "acme", "lena.bakes", "noor.kitchen"],
            ):  # fmt: skip
                done = made.manage(*arguments)
                assert done.returncode == 0, done.stderr
            commands = parse_procfile((ROOT / "Procfile").read_text()).processes
            for name in ("worker", "beat", "web"):
                stack.enter_context(running(commands[name], directory / f"{name}.log", environment))
            wait_for(made.answers, "the web", directory)
            yield made
    finally:
        servers.stop()
        servers.release()


def works(installation: Installation) -> Callable[[], bool]:
    """Due jobs are run by the worker, and pages answer."""
    installation.make_all_due()
    return lambda: installation.all_ran() and installation.answers()


def test_without_postgresql_people_get_a_page_that_says_so_and_all_goes_on_when_it_is_back(
    installation: Installation,
) -> None:
    wait_for(works(installation), "the jobs", installation.logs)
    installation.servers.stop_postgres("immediate")
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
