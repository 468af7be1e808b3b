"""Fixtures around the simulator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulating import NOW, Caller, StartSimulator, running_simulator


@pytest.fixture(autouse=True)
def _nothing_in_redis() -> Iterator[None]:
    """No cached answer, no opened breaker and no spent token of another test."""
    from tikdash.redis import server

    server().connection.flushdb()
    yield


@pytest.fixture(scope="module")
def simulator_process() -> Iterator[str]:
    """Base URL of a simulator with seed 7, epoch 2026-10-01 and no limits."""
    with running_simulator() as base_url:
        yield base_url


@pytest.fixture
def simulator(simulator_process: str) -> Iterator[Caller]:
    """A caller whose simulator stands frozen at `NOW`, without faults and with empty statistics."""
    caller = Caller(simulator_process)
    caller.order("reset")
    caller.set_clock(NOW)
    yield caller
    caller.http.clear()


@pytest.fixture
def start_simulator() -> StartSimulator:
    """`running_simulator`, for a test that needs its own options."""
    return running_simulator
