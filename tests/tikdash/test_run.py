"""`make run`: its processes begin before any thread does, and end whenever they are told to."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from billing.services.sampling import threads_running
from tikdash.management.commands.run import SIMULATOR_PORT, Command, _Manager


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_no_thread_runs_beside_the_forks() -> None:
    forked: list[bool] = []
    manager = _Manager(lambda: forked.append(all("process" in each for each in manager._processes.values())))
    for name in ("one", "two", "three"):
        manager.add_process(name, "sleep 0.3")
    manager.loop()
    assert forked == [True] and manager.returncode == 0


def test_told_to_end_before_all_have_begun_it_ends_them_all() -> None:
    manager = _Manager(lambda: manager.terminate())
    for name in ("one", "two", "three"):
        manager.add_process(name, "sleep 60")
    began = time.monotonic()
    manager.loop()
    assert time.monotonic() - began < 30
    assert [each["returncode"] for each in manager._processes.values()] == [-signal.SIGTERM] * 3


def test_told_twice_it_waits_for_nobody() -> None:
    manager = _Manager(lambda: None)
    manager.add_process("one", "sleep 0.5")
    manager._start()
    # Nothing that it said has been read yet: no number of it is known.
    manager.terminate(), manager.terminate()
    fork = manager._processes["one"]["process"]
    fork.join(10)
    assert fork.exitcode == -signal.SIGKILL


def test_processes_begin_although_an_answer_of_workers_is_awaited() -> None:
    threads_running()
    manager = _Manager(lambda: None)
    for name in ("one", "two", "three"):
        manager.add_process(name, "true")
    # Without an end to it a child that hangs would hang the test.
    late = threading.Timer(30, manager.kill)
    late.start()
    manager.loop()
    late.cancel()
    assert [each.get("returncode") for each in manager._processes.values()] == [0] * 3
    # Whoever asks next has a connection again.
    threads_running()


def test_the_simulator_leaves_the_web_its_port(settings: Any) -> None:
    """The web listens later than the simulator is given its port, which then still looks free."""
    settings.PORT = SIMULATOR_PORT
    assert Command()._simulator_options()["port"] != SIMULATOR_PORT
