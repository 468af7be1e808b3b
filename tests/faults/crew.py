"""Worker processes to be ordered about and killed, a Valkey that may be taken away, and ways to read what happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from select import select
from tempfile import TemporaryDirectory
from typing import Any

import redis
from django.db import connection

from tests.environment import ROOT
from tests.faults.workers import Order
from tikdash.db.scope import all_tenants
from tikdash.embedded import Embedded

KEY: dict[str, Any] = {"id": "shared", "secret": "sim-shared", "last_four": "ared", "shared": True}
#: A key that makes nobody wait.
WIDE = KEY | {"per_minute": 1_000_000, "in_flight": 10_000}
_ENDS_WITHIN_S = 60


class Worker:
    """One process that carries out an order."""

    def __init__(self, order: Order, environment: dict[str, str]) -> None:
        self.order = order
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.workers", json.dumps(asdict(order))],
            cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def wait_until_ready(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n", f"{self.order.name} did not start"

    def go(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def interrupt(self) -> None:
        """As Ctrl-C does: an exception wherever the main thread is."""
        self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Kills it where it still runs."""
        self.kill()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()

    def stop(self) -> None:
        """Asks it to end behind the calls that are under way."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def report(self) -> Report:
        """What it saw, when its calls are made."""
        assert self._process.stdout is not None
        assert select([self._process.stdout], [], [], _ENDS_WITHIN_S)[0], f"{self.order.name} does not come to an end"
        said = self._process.stdout.readline()
        self._process.wait(_ENDS_WITHIN_S)
        assert said, f"{self.order.name} ended without a report: {self._process.returncode}"
        return Report(**json.loads(said))


@dataclass(frozen=True)
class Report:
    """Calls with their outcomes, and the events of meters made by hand; times are seconds."""

    calls: list[dict[str, Any]]
    events: list[dict[str, Any]]

    def outcomes(self) -> set[str]:
        return {call["outcome"] for call in self.calls}


@contextmanager
def working(orders: Sequence[Order], redis_url: str, **settings: object) -> Iterator[list[Worker]]:
    """Workers that are ready to go, killed at the end of the block; `settings` are variables of their environment."""
    with ExitStack() as stack:
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tikdash.settings",
            "REDIS_URL": redis_url,
            "LOG_LEVEL": "CRITICAL",
            # What they count is not this process's.
            "PROMETHEUS_MULTIPROC_DIR": stack.enter_context(TemporaryDirectory()),
        }
        environment |= {name: str(value) for name, value in settings.items()}
        workers = [stack.enter_context(closing(Worker(order, environment))) for order in orders]
        for worker in workers:
            worker.wait_until_ready()
        yield workers


def stopped(workers: Sequence[Worker]) -> Report:
    """What all of them have seen together until now."""
    for worker in workers:
        worker.stop()
    return reports(workers)


def reports(workers: Sequence[Worker]) -> Report:
    """What all of them saw together, events in the order of time, when their calls are made."""
    single = [worker.report() for worker in workers]
    events = sorted((event for one in single for event in one.events), key=lambda event: event["at"])
    return Report([call for one in single for call in one.calls], events)


class Valkey:
    """A Valkey of a test's own."""

    def __init__(self, directory: Path) -> None:
        (directory / "run").mkdir(parents=True)
        self._servers = Embedded(directory, durable=False)
        port = self._servers.start_valkey()
        self.url = f"redis://:{(directory / 'run' / 'secret').read_text()}@127.0.0.1:{port}/0"

    def stop(self) -> None:
        self._servers.stop_valkey(signal.SIGKILL)

    def start(self) -> None:
        """Starts it again, empty."""
        self._servers.start_valkey()

    def flush(self) -> None:
        with redis.Redis.from_url(self.url) as connected:
            connected.flushall()


@contextmanager
def own_valkey(directory: Path) -> Iterator[Valkey]:
    """A Valkey under `directory` that nobody else uses, gone at the end of the block."""
    valkey = Valkey(directory)
    try:
        yield valkey
    finally:
        valkey.stop()


def most_within(seconds: float, moments: Sequence[float]) -> int:
    """The most of these moments, in ascending order, that lie in any time of this length."""
    most = first = 0
    for last, moment in enumerate(moments):
        while moments[first] <= moment - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def written_events() -> list[dict[str, Any]]:
    """The usage events in the ledger, in the order of time; `at` in unix seconds."""
    with all_tenants("shared"), connection.cursor() as cursor:
        cursor.execute(
            "SELECT endpoint, outcome, credits, priority, extract(epoch FROM occurred_at)::float8 AS at"
            "  FROM public.usage_events ORDER BY occurred_at"
        )
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
