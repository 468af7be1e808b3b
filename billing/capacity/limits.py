"""What does not grow by itself: keys, budget, workers, disk, and what one database is made for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from billing.capacity.inputs import Inputs

#: What a broken limit calls for.
PRE_PURCHASE, RE_ARCHITECT, WATCH = "pre-purchase", "re-architect", "watch"


@dataclass(frozen=True)
class Load:
    """What is asked at one moment: a day's calls, credits and rows, bytes on disk, and what the busiest span has."""

    tenants: float
    accounts: float
    calls: float
    credits: float
    rows: float
    bytes: float
    peak_jobs: float
    peak_calls: float


@dataclass(frozen=True)
class Limit:
    """`decision` is what has to be decided when it comes near, `remedy` what then is done."""

    code: str
    name: str
    limit: float
    load: Callable[[Load], float]
    remedy: str
    decision: str

    def share(self, load: Load) -> float:
        """The part that is used; above 1 it is broken."""
        return self.load(load) / self.limit


def limits_of(inputs: Inputs) -> list[Limit]:
    """The limits that a scenario sets, always in the same order."""
    limits, workers = inputs.limits, inputs.workers
    per_minute = limits.keys * limits.calls_per_minute
    found = [
        Limit(
            "key_day", "Calls a day with our keys", per_minute * 1440, lambda load: load.calls,
            "Another key of the upstream, or slower cadences.", PRE_PURCHASE,
        ),
        Limit(
            "key_peak", "Calls in the busiest span", per_minute * workers.drain_s / 60, lambda load: load.peak_calls,
            "Spread the daily work over more hours; meanwhile it waits, and nothing is lost.", WATCH,
        ),
        Limit(
            "workers", "Worker threads for the drain", workers.ceiling,
            lambda load: load.peak_jobs / (workers.jobs_per_second * workers.drain_s),
            "Raise the ceiling: more worker hosts.", PRE_PURCHASE,
        ),
        _optional(
            "monthly_calls", "Calls a month of one deployment", limits.monthly_calls, lambda load: load.calls * 30,
            "A second deployment, or cadences by what an account is worth.", RE_ARCHITECT,
        ),
        _optional(
            "budget", "Credits a month within the budget", limits.monthly_credits, lambda load: load.credits * 30,
            "Buy credits ahead, or slow features that nobody looks at.", PRE_PURCHASE,
        ),
        _optional(
            "tenants", "Tenants on one database", limits.tenants, lambda load: load.tenants,
            "Another shard on a database of its own.", RE_ARCHITECT,
        ),
        _optional(
            "accounts", "Accounts on one database", limits.accounts, lambda load: load.accounts,
            "Another shard on a database of its own.", RE_ARCHITECT,
        ),
        _optional(
            "rows", "Rows written a day", limits.rows_per_day, lambda load: load.rows,
            "Move the largest tenants to shards of their own, or keep fewer readings.", RE_ARCHITECT,
        ),
        _optional(
            "disk", "Disk of the database", limits.disk_bytes, lambda load: load.bytes,
            "A larger disk, or a shorter retention of readings and usage events.", PRE_PURCHASE,
        ),
    ]  # fmt: skip
    return [limit for limit in found if limit]


def _optional(
    code: str, name: str, limit: float | None, load: Callable[[Load], float], remedy: str, decision: str
) -> Limit | None:
    return None if limit is None else Limit(code, name, limit, load, remedy, decision)
