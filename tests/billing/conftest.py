"""A gate that has read nothing, and a Redis that has counted nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from django.core.cache import cache

from billing.gate import gate
from billing.tallies import tallies
from tests.simulating import NOW
from tikdash import clock

NOON = datetime.fromisoformat(NOW)


@pytest.fixture
def noon() -> Iterator[datetime]:
    """The clock stands at noon, UTC."""
    with clock.at(NOON):
        yield NOON


@pytest.fixture
def fresh_gate() -> Iterator[None]:
    """Plans are read anew, Redis is empty, and nothing is counted, before and behind."""
    _forget_all()
    yield
    _forget_all()


def _forget_all() -> None:
    gate.forget()
    cache.clear()
    tallies.forget()
