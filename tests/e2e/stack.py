"""The whole product as real processes: the lines of the Procfile, on free ports, with the database of this test run."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import urllib3
from honcho.environ import parse_procfile

from tests.environment import ROOT, RUN
from tests.simulating import Caller, running_simulator
from tikdash.env import VAR

READY_WITHIN_S = 60
STOPPED_WITHIN_S = 20
LATENCY_MS = 120
#: Where the web puts its mails, a file each.
MAILS = VAR / "e2e" / str(RUN) / "mails"


class Stack:
    """A running product: where it answers, and what its upstream holds."""

    def __init__(self, port: int, upstream: Caller) -> None:
        self.port = port
        self.upstream = upstream

    def url(self, tenant: str = "", path: str = "/") -> str:
        """The address of a page of a tenant, or of the public host."""
        return f"http://{tenant + '.' if tenant else ''}localhost:{self.port}{path}"

    def truth(self, handle: str) -> dict[str, int]:
        """The counters that the upstream holds for an account now."""
        return dict(self.upstream.look("truth/account", handle=handle))

    def later(self, **span: float) -> None:
        """Moves the upstream's clock, so that its numbers change; the product's clock is the machine's."""
        now = datetime.fromisoformat(str(self.upstream.look("clock")["now"]))
        self.upstream.set_clock(f"{now + timedelta(**span):%Y-%m-%dT%H:%M:%SZ}")

    def settle(self) -> None:
        """Waits until no job runs: what a worker still holds would be written into the next test."""
        from snapshots.scheduling.dispatch import jobs_in_flight

        wait_for(lambda: not sum(jobs_in_flight().values()), "the worker to be done")


@contextmanager
def running_stack() -> Iterator[Stack]:
    """Web, worker, beat and simulator for as long as the block runs.

    Raises AssertionError with the end of a process's output where one does not start, or does not stop when asked to.
    """
    logs = VAR / "e2e" / str(RUN)
    MAILS.mkdir(parents=True, exist_ok=True)
    port = free_port()
    epoch = f"{datetime.now(UTC) - timedelta(days=45):%Y-%m-%d}"
    with ExitStack() as stack:
        base_url = stack.enter_context(running_simulator("--latency-ms", str(LATENCY_MS), "--epoch", epoch))
        environment = _environment(port, base_url)
        collected = subprocess.run(
            [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0"],
            cwd=ROOT,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
        )
        assert collected.returncode == 0, collected.stderr
        began = time.time()
        commands = parse_procfile((ROOT / "Procfile").read_text()).processes
        for name in ("worker", "beat", "web"):
            stack.enter_context(running(commands[name], logs / f"{name}.log", environment))
        wait_for(lambda: _answers(port), "the web", logs)
        wait_for(lambda: _ticks(began), "worker and beat", logs)
        yield Stack(port, Caller(base_url))


def _environment(port: int, simulator: str) -> dict[str, str]:
    return dict(os.environ) | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "DJANGO_SETTINGS_MODULE": "tikdash.settings",
        "WEB_HOST": "127.0.0.1",
        "PORT": str(port),
        "TIKLIVE_BASE_URL": simulator,
        "LOG_LEVEL": "WARNING",
        # Every test signs in, all from one address.
        "LOGIN_RATE_LIMIT": "1000/m/ip",
        "SIGN_UP_RATE_LIMIT": "1000/m/ip",
        "KEY_CHECK_HANDLE": "lena.bakes",
        "EMAIL_URL": f"filemail:///{MAILS}",
        # Backfills wait, whatever time of the day it is.
        "BACKFILL_FROM": f"{datetime.now(UTC) + timedelta(hours=12):%H:%M}",
        "BACKFILL_UNTIL": f"{datetime.now(UTC) + timedelta(hours=13):%H:%M}",
    }


@contextmanager
def running(command: str, log: Path, environment: dict[str, str]) -> Iterator[None]:
    with log.open("w") as output:
        process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command}"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield
            assert process.poll() is None, f"{shlex.split(command)[0]} has ended: {_end_of(log)}"
        finally:
            _stop(process, log)


def _stop(process: subprocess.Popen[bytes], log: Path) -> None:
    process.terminate()
    try:
        process.wait(STOPPED_WITHIN_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise AssertionError(f"{log.stem} did not stop when asked to: {_end_of(log)}") from None


def wait_for(holds: Callable[[], object], what: str, logs: Path | None = None, *, every_s: float = 0.05) -> None:
    """Asks until it holds; raises AssertionError after a minute."""
    deadline = time.monotonic() + READY_WITHIN_S
    while not holds():
        if time.monotonic() > deadline:
            ends = "".join(f"\n{log.stem}: {_end_of(log)}" for log in sorted(logs.glob("*.log"))) if logs else ""
            raise AssertionError(f"Waited {READY_WITHIN_S} s for {what}.{ends}")
        time.sleep(every_s)


def _answers(port: int) -> bool:
    try:
        return urllib3.request("GET", f"http://127.0.0.1:{port}/health/ready", timeout=2, retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def _ticks(since: float) -> bool:
    from django.core.cache import cache

    from snapshots.scheduling.dispatch import LAST_TICK

    return float(cache.get(LAST_TICK) or 0) >= since


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
