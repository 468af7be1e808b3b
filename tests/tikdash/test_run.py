"""`make run`: its processes begin before any thread does, and end whenever they are told to."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tikdash.management.commands.run import _Manager


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


def test_who_has_not_begun_yet_ends_too() -> None:
    manager = _Manager(lambda: None)
    for name in ("one", "two"):
        manager.add_process(name, "sleep 60")
    manager._start()
    # Nothing that they said has been read yet: no number of theirs is known.
    manager.terminate()
    for each in manager._processes.values():
        each["process"].join(10)
        assert each["process"].exitcode == -signal.SIGKILL
