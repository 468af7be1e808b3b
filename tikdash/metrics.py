"""Metrics of all processes of a host as one page.

Counters and histograms are plain objects of prometheus_client. Each process writes its own into a file of the shared
directory (`tikdash.env.METRICS`), from where any web process sums them up. What is a state rather than a count (the
depth of a queue) would be wrong when summed: it is computed when somebody asks, by a function given to
`register_at_scrape`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator

import structlog
from django.core.exceptions import ImproperlyConfigured
from prometheus_client import CollectorRegistry, Counter, generate_latest, values
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from tikdash.env import METRICS
from tikdash.errors import Unavailable

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
AtScrape = Callable[[], Iterable[Metric]]

log = structlog.get_logger(__name__)
_at_scrape: dict[str, AtScrape] = {}

if not getattr(values.ValueClass, "_multiprocess", False):
    raise ImproperlyConfigured("prometheus_client came before tikdash.env: each process would count for itself.")

SCRAPE_ERRORS = Counter(
    "tikdash_scrape_errors", "Collectors that could not say anything when the metrics were read.", ["collector"]
)


def register_at_scrape(function: AtScrape) -> AtScrape:
    """Has `function` called at every scrape; it yields metric families. Registering it again changes nothing.

    Where it raises, what it would have said is left out, `tikdash_scrape_errors_total` counts it under the function's
    module and name, and the page answers all the same.
    """
    _at_scrape[f"{function.__module__}.{function.__name__}"] = function
    return function


def exposition() -> bytes:
    """All metrics in Prometheus' text format (version 0.0.4), summed over the processes of this host."""
    # First, so that the errors of this scrape are among the counters below.
    computed = _Computed([family for name, function in _at_scrape.items() for family in _families(name, function)])
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(METRICS))  # type: ignore[no-untyped-call]
    registry.register(computed)
    return generate_latest(registry)


def forget_process(pid: int) -> None:
    """For who outlives the process `pid` of this host: its state goes, its counts stay."""
    mark_process_dead(pid, str(METRICS))  # type: ignore[no-untyped-call]


def forget_ended_processes() -> None:
    """Removes the files of processes that have ended, counts included: for the start of all processes together."""
    for file in METRICS.glob("*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdecimal() and not _lives(int(pid)):
            file.unlink(missing_ok=True)


class _Computed(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families


def _families(name: str, function: AtScrape) -> list[Metric]:
    try:
        return list(function())
    except Unavailable as error:
        log.warning("scrape_incomplete", collector=name, detail=str(error))
    except Exception:
        log.exception("scrape_incomplete", collector=name)
    SCRAPE_ERRORS.labels(name).inc()
    return []


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
