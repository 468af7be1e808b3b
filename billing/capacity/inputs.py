"""What a scenario says, and what it may not say."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields

#: The most that a scenario may say: ten thousand times what one database is made for is a slip of the finger.
MOST_TENANTS, MOST_ACCOUNTS = 10_000_000, 100_000_000
MOST_A_DAY, MOST_CREDITS_A_CALL = 100_000.0, 1_000.0
MOST_BYTES_A_ROW, MOST_KEPT_DAYS, MOST_BYTES = 10_000_000.0, 36_500, 10**17
#: Growth in thirty days, as a part: from losing nearly all to ten times as many.
LEAST_GROWTH, MOST_GROWTH = -0.95, 9.0
MOST_THREADS, MOST_RATE, MOST_DRAIN_S = 100_000, 1_000.0, 86_400
MOST_KEYS, MOST_PER_MINUTE, MOST_CREDITS = 10_000, 1_000_000, 10**12


@dataclass(frozen=True)
class Tier:
    """Tenants of one plan, the accounts that they track together, and how both grow in thirty days (0.1: a tenth)."""

    code: str
    tenants: int
    accounts: int
    growth: float = 0.0


@dataclass(frozen=True)
class Feature:
    """What one feature asks of one endpoint for a tier: `active` tenants or accounts, each so many calls a day."""

    name: str
    endpoint: str
    tier: str
    active: int
    calls_per_day: float
    credits_per_call: float = 1.0


@dataclass(frozen=True)
class Table:
    """A table that grows with the accounts. `bytes_per_row` includes indexes; `kept_days` None: rows are kept for good.

    `bytes_now` is what it has already.
    """

    name: str
    rows_per_account: float
    bytes_per_row: float
    kept_days: int | None = None
    bytes_now: int = 0


@dataclass(frozen=True)
class Workers:
    """`threads` work `jobs_per_second` each, `ceiling` is the most that may be started. `peak_share` is the part of a
    day's jobs that is due within the busiest `drain_s` seconds; spread evenly over the day it is drain_s / 86,400."""

    threads: int
    jobs_per_second: float
    ceiling: int
    jobs_per_account: float
    peak_share: float = 300 / 3600
    drain_s: int = 300


@dataclass(frozen=True)
class Limits:
    """What does not grow by itself. None: no limit. The defaults are those of the design (its section 11)."""

    keys: int = 1
    calls_per_minute: int = 160
    monthly_calls: int | None = 7_500_000
    monthly_credits: int | None = None
    tenants: int | None = 10_000
    accounts: int | None = 100_000
    rows_per_day: int | None = 3_000_000
    disk_bytes: int | None = None


@dataclass(frozen=True)
class Inputs:
    """A scenario."""

    tiers: tuple[Tier, ...]
    features: tuple[Feature, ...]
    tables: tuple[Table, ...]
    workers: Workers
    limits: Limits

    @property
    def tenants(self) -> int:
        return sum(tier.tenants for tier in self.tiers)

    @property
    def accounts(self) -> int:
        return sum(tier.accounts for tier in self.tiers)


@dataclass(frozen=True)
class Problem:
    """What cannot be reckoned with: where (`tiers`, `features`, `tables`, `workers`, `limits`), which row of it, which
    field ("" for the whole), and what to do, as a sentence."""

    where: str
    row: int
    field: str
    sentence: str


#: Least and most of every number, by class and field.
BOUNDS: dict[str, dict[str, tuple[float, float]]] = {
    "Tier": {
        "tenants": (0, MOST_TENANTS),
        "accounts": (0, MOST_ACCOUNTS),
        "growth": (LEAST_GROWTH, MOST_GROWTH),
    },
    "Feature": {
        "active": (0, MOST_ACCOUNTS),
        "calls_per_day": (0, MOST_A_DAY),
        "credits_per_call": (0, MOST_CREDITS_A_CALL),
    },
    "Table": {
        "rows_per_account": (0, MOST_A_DAY),
        "bytes_per_row": (0, MOST_BYTES_A_ROW),
        "kept_days": (1, MOST_KEPT_DAYS),
        "bytes_now": (0, MOST_BYTES),
    },
    "Workers": {
        "threads": (1, MOST_THREADS),
        "jobs_per_second": (0.001, MOST_RATE),
        "ceiling": (1, MOST_THREADS),
        "jobs_per_account": (0, MOST_A_DAY),
        "peak_share": (0.0001, 1),
        "drain_s": (1, MOST_DRAIN_S),
    },
    "Limits": {
        "keys": (1, MOST_KEYS),
        "calls_per_minute": (1, MOST_PER_MINUTE),
        "monthly_calls": (1, MOST_CREDITS),
        "monthly_credits": (1, MOST_CREDITS),
        "tenants": (1, MOST_TENANTS),
        "accounts": (1, MOST_ACCOUNTS),
        "rows_per_day": (1, MOST_CREDITS),
        "disk_bytes": (1, MOST_BYTES),
    },
}


def problems(inputs: Inputs) -> list[Problem]:
    """Everything that cannot be reckoned with; empty when the scenario is sound."""
    found = [
        *_in_rows("tiers", inputs.tiers),
        *_in_rows("features", inputs.features),
        *_in_rows("tables", inputs.tables),
        *_in_rows("workers", (inputs.workers,)),
        *_in_rows("limits", (inputs.limits,)),
    ]
    if not inputs.tenants:
        found.append(Problem("tiers", 0, "tenants", "A scenario has at least one tenant."))
    found += _named_twice("tiers", [tier.code for tier in inputs.tiers], "code")
    found += _named_twice("tables", [table.name for table in inputs.tables], "name")
    codes = {tier.code for tier in inputs.tiers}
    for row, feature in enumerate(inputs.features):
        if feature.tier not in codes:
            known = ", ".join(sorted(codes)) or "none yet"
            sentence = f"There is no tier “{feature.tier}” in this scenario. Tiers: {known}."
            found.append(Problem("features", row, "tier", sentence))
    if inputs.workers.threads > inputs.workers.ceiling:
        found.append(Problem("workers", 0, "ceiling", "The ceiling is not below the number of threads that run now."))
    return found


def bounded(name: str, value: float, least: float, most: float) -> str:
    """What is wrong with a number, as a sentence; empty when nothing is."""
    if not math.isfinite(value):
        return "This is not a number."
    if value < least:
        return "This cannot be negative." if least == 0 else f"At least {least:,g}."
    return f"At most {most:,.0f}." if value > most else ""


def _in_rows(where: str, rows: tuple[object, ...]) -> Iterator[Problem]:
    for number, row in enumerate(rows):
        bounds = BOUNDS[type(row).__name__]
        for field in fields(row):  # type: ignore[arg-type]
            value = getattr(row, field.name)
            if field.name in bounds and value is not None:
                if sentence := bounded(field.name, value, *bounds[field.name]):
                    yield Problem(where, number, field.name, sentence)
            elif field.name not in bounds and not str(value).strip():
                yield Problem(where, number, field.name, "A name is missing.")


def _named_twice(where: str, names: list[str], field: str) -> list[Problem]:
    counts = Counter(names)
    return [
        Problem(where, row, field, f"“{name}” is there twice.")
        for row, name in enumerate(names)
        if counts[name] > 1 and name in names[:row]
    ]
