from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import kombu.pools
import urllib3
from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.core.management.base import CommandError
from honcho.environ import expand_processes, parse_procfile
from honcho.manager import Manager
from redis.exceptions import RedisError

from snapshots.scheduling.dispatch import LAST_TICK
from tikdash import demo
from tikdash.env import ROOT, VAR, env
from tikdash.management.commands._base import TikdashCommand
from tikdash.metrics import forget_ended_processes
from tikdash.servers import REAL_UPSTREAM, note_simulator

SIMULATOR_PORT = 8100
READY_WITHIN_S = 90


class _Manager(Manager):
    """honcho's, which forks a child for each process: `then` runs in a thread behind that, as a child that is forked
    beside a thread may inherit a lock that nobody opens again.

    Told to end before all have said that they began, it waits until they have; told twice, it does not.
    """

    def __init__(self, then: Callable[[], None]) -> None:
        super().__init__()
        self._then = then
        self._is_ending = False

    def _start(self) -> None:
        # A child closes Celery's connections first; one that still waits for an answer (of workers, asked for by the
        # demo) is shared by all of them, and whoever reads last would wait for ever.
        kombu.pools.reset()
        # The app still holds the pool that is closed; it makes another one.
        current_app._after_fork()  # type: ignore[attr-defined]
        super()._start()
        threading.Thread(target=self._then, daemon=True).start()

    def terminate(self) -> None:
        if self._is_ending or super()._all_started():
            super().terminate()
        self._is_ending = True

    def _all_started(self) -> bool:
        """Asked in each round of the loop."""
        began = bool(super()._all_started())
        if began and self._is_ending:
            super().terminate()
        return began

    def _killall(self, force: bool = False) -> None:
        for process in self._processes.values():
            if "pid" not in process:
                process["process"].kill()
                process |= {"pid": process["process"].pid, "returncode": -signal.SIGKILL}
        super()._killall(force)


class Command(TikdashCommand):
    help = "Prepares everything and runs web, worker, beat and simulator until Ctrl-C."

    def run(self, **options: Any) -> tuple[str, Any]:
        # Until the processes run and honcho takes the signals over: leave through `finally` and `atexit`.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        port = self._free_web_port()
        forget_ended_processes()
        # Somebody who brings a database, but no administrator's address, has made it and its roles already.
        call_command("init_db", tables_only=not settings.DATABASE_ADMIN_URL, stdout=self.stdout)
        call_command("collectstatic", interactive=False, verbosity=0)
        simulator = self._simulator_options() if "simulator" in self._names() else None
        if simulator:
            os.environ["TIKLIVE_BASE_URL"] = settings.TIKLIVE_BASE_URL = f"http://127.0.0.1:{simulator['port']}"
            note_simulator(settings.TIKLIVE_BASE_URL)
        if simulator and env.bool("DEMO", default=True) and not demo.exists():
            with _running_simulator(simulator):
                demo.seed(lambda text: self.stdout.write(text))
        manager = self._manager(port, simulator)
        manager.loop()
        if manager.returncode not in {0, 130, -2, -15, 143}:
            raise CommandError("One of the processes ended; its last lines above say why.")
        return "Stopped.", {"stopped": True}

    # --- processes -----------------------------------------------------------------------------------------------

    def _names(self) -> set[str]:
        """The processes to run: no simulator where a real upstream is set."""
        names = {"web", "worker", "beat", "simulator"}
        return names - {"simulator"} if os.environ.get(REAL_UPSTREAM) else names

    def _manager(self, port: int, simulator: dict[str, Any] | None) -> _Manager:
        manager = _Manager(lambda: self._announce(port))
        environment = dict(os.environ) | {
            "PORT": str(port),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "PYTHONUNBUFFERED": "1",
        }
        commands = parse_procfile((ROOT / "Procfile").read_text()).processes
        wanted = {name: command for name, command in commands.items() if name in self._names()}
        if simulator:
            wanted["simulator"] += " " + _as_arguments(simulator)
        for process in expand_processes(wanted, env=environment, port=port):
            # expand_processes hands out ports of its own, 100 apart; the first is the web's.
            manager.add_process(process.name, process.cmd, env=process.env | {"PORT": str(port)}, cwd=str(ROOT))
        return manager

    def _simulator_options(self) -> dict[str, Any]:
        # The dated events of its cast count from an epoch: kept, so that history stays what it was.
        epoch_file = VAR / "run" / "simulator-epoch"
        if not epoch_file.exists():
            epoch_file.write_text(f"{datetime.now(UTC) - timedelta(days=45):%Y-%m-%d}")
        return {
            # The web listens only later: its port still looks free.
            "port": _free_port(SIMULATOR_PORT + (settings.PORT == SIMULATOR_PORT)),
            "epoch": epoch_file.read_text().strip(),
            "handles-file": str(VAR / "simulator-handles"),
            "latency-ms": env.int("SIMULATOR_LATENCY_MS", default=150),
        }

    def _free_web_port(self) -> int:
        port = settings.PORT
        if _free_port(port) != port:
            raise CommandError(f"Port {port} is taken. Choose another one: PORT={port + 1} make run")
        return int(port)

    # --- until it answers ----------------------------------------------------------------------------------------

    def _announce(self, port: int) -> None:
        began = time.time()
        web, waits_for = f"http://127.0.0.1:{port}/health/ready", "web"
        checks: dict[str, Callable[[], bool]] = {"web": lambda: _answers(web), "worker and beat": lambda: _ticks(began)}
        for waits_for, check in checks.items():
            while not check():
                if time.time() - began > READY_WITHIN_S:
                    self.stderr.write(f"{waits_for} does not answer after {READY_WITHIN_S} s; see its lines above.")
                    return
                time.sleep(0.2)
        self.stdout.write(self._welcome(port))
        self.stdout.flush()

    def _welcome(self, port: int) -> str:
        base = settings.BASE_DOMAIN
        lines = ["", "─" * 88, f"  Tikdash is ready: http://{base}:{port}/", ""]
        if demo.exists():
            for tenant in demo.TENANTS:
                plan = f"{tenant.plan}{', trial' if tenant.trial else ''}{', own schema' if tenant.dedicated else ''}"
                lines.append(f"  {tenant.name:<16} http://{tenant.slug}.{base}:{port}/   {tenant.owner:<22} ({plan})")
            lines += [
                f"  {'Administration':<16} http://{base}:{port}/admin/   {demo.OPS}",
                "  Its log-in asks for a code of an app as well; for the demo, `make code` shows it.",
                "",
                f"  The password of everybody is {demo.PASSWORD}. Ctrl-C stops everything; the data stay.",
            ]
        return "\n".join([*lines, "─" * 88, ""])


def _as_arguments(options: dict[str, Any]) -> str:
    return " ".join(f"--{name} {value}" for name, value in options.items())


@contextmanager
def _running_simulator(options: dict[str, Any]) -> Iterator[None]:
    """A simulator for the seed alone: without latency, and its clock is moved."""
    arguments = _as_arguments(options | {"latency-ms": 0}).split()
    process = subprocess.Popen(
        [sys.executable, "-m", "tikdash.tiklive.simulator", *arguments],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    try:
        began = time.time()
        while not _answers(f"http://127.0.0.1:{options['port']}/_sim/clock"):
            if process.poll() is not None or time.time() - began > READY_WITHIN_S:
                raise CommandError("The simulator does not start.")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def _answers(url: str) -> bool:
    try:
        return urllib3.request("GET", url, timeout=2, retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def _ticks(since: float) -> bool:
    """True once the dispatcher, sent by beat and run by the worker, has ticked."""
    try:
        return float(cache.get(LAST_TICK) or 0) >= since
    except RedisError:
        return False


def _free_port(preferred: int) -> int:
    """`preferred`, or another one where it is taken."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("0.0.0.0", port))  # noqa: S104  (the web listens there)
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise CommandError("No free port.")
