"""The web behind a real gunicorn: the Procfile's line on a free port, with a bench's database."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import urllib3
from honcho.environ import parse_procfile

from tests.bench import environment
from tikdash.env import VAR

READY_WITHIN_S = 60


@dataclass(frozen=True)
class Web:
    """A gunicorn that listens on `port` of this machine; `pid` is its arbiter's."""

    port: int
    pid: int

    def peak_kb(self) -> int:
        """The most memory that any of its workers has held, KB."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return max(_peak_of(int(child)) for child in children)


@contextmanager
def web(name: str, *, log: str, application: str = "", ready: str = "/health/live", **more: str) -> Iterator[Web]:
    """The web's line of the Procfile with database `name`; `application` in place of the product's, `more` variables.

    It counts as up when `ready` answers.
    """
    port, log_file = _free_port(), VAR / log
    variables = dict(os.environ) | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "TIKDASH_EMBEDDED": "1",
        "DATABASE_URL": environment.database_url(name),
        "WEB_HOST": "127.0.0.1",
        "PORT": str(port),
    }
    command = parse_procfile((environment.ROOT / "Procfile").read_text()).processes["web"]
    if application:
        assert "tikdash.wsgi" in command
        command = command.replace("tikdash.wsgi", application)
    with log_file.open("w") as output:
        process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command}"],
            cwd=environment.ROOT, env=variables | more, stdout=output, stderr=output,
        )  # fmt: skip
        try:
            _wait_for(port, ready, log_file)
            yield Web(port, process.pid)
        finally:
            process.terminate()
            process.wait()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait_for(port: int, ready: str, log: Path) -> None:
    until = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            urllib3.request("GET", f"http://127.0.0.1:{port}{ready}", retries=False, timeout=2)
        except urllib3.exceptions.HTTPError:
            assert time.monotonic() < until, f"The web does not answer; see {log}"
            time.sleep(0.2)
        else:
            return


def _peak_of(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise ValueError(f"Process {pid} does not say what it has held.")
