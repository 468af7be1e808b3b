"""How the work stands, asked through a port: jobs are rows of `snapshots`, which `billing` must not import."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from django.conf import settings
from django.utils.module_loading import import_string


@dataclass(frozen=True)
class QueueFigures:
    """One queue over all shards: jobs that are due and unclaimed, for how many seconds the oldest has been, and jobs
    that are claimed or running.

    `ended` and `busy_s` are sums since Redis began to count: jobs that ended, well or not, and the seconds that threads
    spent on them. None without Redis.
    """

    queue: str
    waiting: int
    oldest_s: float
    in_flight: int
    ended: int | None
    busy_s: float | None


def queue_figures() -> list[QueueFigures]:
    """Every queue, in the order in which workers look at them."""
    return cast(list[QueueFigures], _port("QUEUES")())


def accounts_by_tenant() -> dict[int, int]:
    """How many accounts each tenant tracks; tenants without any are not among them."""
    return cast(dict[int, int], _port("ACCOUNTS")())


@cache
def _port(name: str) -> Callable[[], Any]:
    return cast(Callable[[], Any], import_string(settings.WORK_PORTS[name]))
