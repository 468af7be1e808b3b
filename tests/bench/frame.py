"""What every bench shares: figures with their aims, measuring two things in turns, and what is printed.

A bench is a module with `run(options) -> Iterator[Figure]` and one line in `BENCHES`.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

SIZES = ("small", "full")
#: Name for `--only` and the module that runs it, in the order in which they run.
BENCHES = {
    "scope": "tests.bench.scope",
    "tenants": "tests.bench.tenants",
    "chart": "tests.bench.chart",
    "limiter": "tests.bench.limiter",
    "client": "tests.bench.client",
    "decode": "tests.bench.decode",
    "credits": "tests.bench.credits",
    "ingest": "tests.bench.ingest",
    "dispatch": "tests.bench.dispatch",
    "storage": "tests.bench.storage",
    "pipeline": "tests.bench.pipeline",
    "export": "tests.bench.export",
    "pages": "tests.bench.pages",
    "scroll": "tests.bench.scroll",
    "rollup": "tests.bench.rollup",
    "gate": "tests.bench.gate",
    "api": "tests.bench.api",
    "admin": "tests.bench.admin",
}
#: One round of a measurement: does the work and returns its figure, in the unit of the metric.
Measure = Callable[[], float]


@dataclass(frozen=True)
class Options:
    """What a run was asked for."""

    size: str
    fresh: bool = False


@dataclass(frozen=True)
class Aim:
    """What a metric should reach: its ratio, or its value where there is no baseline."""

    limit: float
    at_least: bool = False

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}"

    def is_met(self, reached: float) -> bool:
        return reached >= self.limit if self.at_least else reached <= self.limit


def at_most(limit: float) -> Aim:
    return Aim(limit)


def at_least(limit: float) -> Aim:
    return Aim(limit, at_least=True)


@dataclass(frozen=True)
class Figure:
    """One line of the output. `baseline` is None only where nothing can be compared with."""

    bench: str
    metric: str
    unit: str
    value: float
    baseline: float | None
    rounds: int
    aim: Aim | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """value / baseline."""
        return self.value / self.baseline if self.baseline else None

    @property
    def met(self) -> bool | None:
        """Whether the aim is reached; None where there is no aim."""
        if self.aim is None:
            return None
        return self.aim.is_met(self.value if self.ratio is None else self.ratio)


@dataclass(frozen=True)
class Measured:
    """Medians over the rounds."""

    value: float
    baseline: float
    rounds: int


def interleaved(value: Measure, baseline: Measure, rounds: int = 15) -> Measured:
    """Runs both in turns, each first in every other round, after one round of each that does not count.

    On a shared machine the same work varies by a factor of two within minutes; what is measured side by side does not.
    """
    if rounds < 5:
        raise ValueError("A median needs at least 5 rounds.")
    found: dict[Measure, list[float]] = {value: [], baseline: []}
    value(), baseline()
    for number in range(rounds):
        for measure in (value, baseline) if number % 2 else (baseline, value):
            found[measure].append(measure())
    return Measured(median(found[value]), median(found[baseline]), rounds)


def repeated(measure: Measure, rounds: int = 15) -> float:
    """The median over the rounds, after one that does not count: for what has no baseline."""
    measure()
    return median(measure() for _ in range(rounds))


def seconds(work: Callable[[], object], times: int) -> Measure:
    """A round that does `work` `times` times and returns the median of what one takes, in seconds."""

    def measure() -> float:
        taken = []
        for _ in range(times):
            began = time.perf_counter()
            work()
            taken.append(time.perf_counter() - began)
        return median(taken)

    return measure


def a_second(work: Callable[[], object], times: int) -> Measure:
    """A round that does `work` `times` times and returns how often a second that was."""

    def measure() -> float:
        began = time.perf_counter()
        for _ in range(times):
            work()
        return times / (time.perf_counter() - began)

    return measure


def machine() -> str:
    """Processors, memory, system and versions, in one line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} × {_processor()}, {memory:.0f} GB, {platform.system()} {platform.release()},"
        f" Python {platform.python_version()}, load {load:.1f} at the start"
    )


class Printer:
    """JSON lines on stdout for machines, a table on stderr for people."""

    COLUMNS = "{:<10} {:<26} {:>12} {:>12} {:<6} {:>7}  {:<8} {}"

    def __init__(self, size: str) -> None:
        self.size = size
        self.machine = machine()

    def begin(self) -> None:
        self.say(f"{self.machine}; size {self.size}")
        self.say(self.COLUMNS.format("bench", "metric", "value", "baseline", "unit", "ratio", "aim", "met"))

    def figure(self, figure: Figure) -> None:
        line = {
            "bench": figure.bench,
            "metric": figure.metric,
            "value": _rounded(figure.value),
            "unit": figure.unit,
            "baseline": _rounded(figure.baseline),
            "ratio": _rounded(figure.ratio),
            "size": self.size,
            "rounds": figure.rounds,
            "aim": str(figure.aim) if figure.aim else None,
            "met": figure.met,
            **figure.facts,
            "machine": self.machine,
        }
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
        sys.stdout.flush()
        met = {True: "yes", False: "NO", None: ""}[figure.met]
        self.say(
            self.COLUMNS.format(
                figure.bench,
                figure.metric,
                _short(figure.value),
                _short(figure.baseline),
                figure.unit,
                _short(figure.ratio),
                str(figure.aim or ""),
                met,
            )
        )

    @staticmethod
    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _rounded(number: float | None) -> float | None:
    return None if number is None else float(f"{number:.4g}")


def _short(number: float | None) -> str:
    return "–" if number is None else f"{number:.4g}"
