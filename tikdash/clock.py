"""The one clock. Tests and the demo's seed move it; production asks the machine, and SQL asks PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime

_frozen: ContextVar[datetime | None] = ContextVar("tikdash_frozen_clock", default=None)


def now() -> datetime:
    """The time now, in UTC."""
    return _frozen.get() or datetime.now(UTC)


def today() -> date:
    """The UTC day."""
    return now().date()


def frozen() -> datetime | None:
    """The moved time, or None while the clock runs.

    Statements that compare times of several hosts take it as a parameter, `coalesce(%(now)s, now())`: in
    production PostgreSQL's own clock decides, so a host whose clock is wrong can neither steal nor lose a lease.
    """
    return _frozen.get()


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Inside the block it is `moment` (aware), in this thread."""
    token = _frozen.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _frozen.reset(token)
