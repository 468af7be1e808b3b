"""The six sheets as values."""

from __future__ import annotations

from dataclasses import dataclass

#: Days ahead that tenants and credits are shown for.
AHEAD = (30, 60, 90)
#: How far what breaks is looked for, in months of thirty days.
MONTHS = 24
#: Sizes at which the scenario is looked at.
FACTORS = (1, 10, 100)
MONTH_DAYS, YEAR_DAYS = 30, 365


@dataclass(frozen=True)
class FeatureRow:
    """Sheet 1: one feature at one endpoint for one tier. Calls and credits are a day's."""

    name: str
    endpoint: str
    tier: str
    active: int
    calls_per_day: float
    credits_per_call: float
    calls: float
    credits: float
    share: float


@dataclass(frozen=True)
class TierRow:
    """Sheet 2: a tier now and in 30, 60 and 90 days."""

    code: str
    growth: float
    tenants: int
    accounts: int
    tenants_ahead: tuple[float, ...]
    accounts_ahead: tuple[float, ...]


@dataclass(frozen=True)
class CreditRow:
    """Sheet 3: the credits of a feature, over all tiers and endpoints: a day's now, 30 days' at today's size, and a
    day's in 30, 60 and 90 days."""

    feature: str
    daily: float
    monthly: float
    share: float
    daily_ahead: tuple[float, ...]


@dataclass(frozen=True)
class TableRow:
    """Sheet 4. `per_year` is at today's size and without retention; `ahead` with growth and retention, in 30, 60 and 90
    days and in twelve months."""

    name: str
    rows_per_day: float
    bytes_per_row: float
    kept_days: int | None
    per_day: float
    per_year: float
    now: int
    ahead: tuple[float, ...]
    in_twelve_months: float


@dataclass(frozen=True)
class WorkersSheet:
    """Sheet 5. `drains` is how many jobs the threads end within `drain_s`, `at_ceiling` the same with all that may be
    started; `peak_jobs` are due in the busiest such span."""

    threads: int
    ceiling: int
    drain_s: int
    jobs_per_day: float
    peak_jobs: float
    drains: float
    at_ceiling: float
    drains_peak_in_s: float
    threads_needed: int
    busy: float


@dataclass(frozen=True)
class LimitRow:
    """One thing that does not grow by itself. `headroom` is how many times today's load it carries, None without load;
    `breaks_in_months` 0 where it is broken now, None where it holds for two years."""

    code: str
    name: str
    load: float
    limit: float
    share: float
    headroom: float | None
    breaks_in_months: int | None
    remedy: str
    decision: str


@dataclass(frozen=True)
class ScenarioColumn:
    """Sheet 6: the same work at `factor` times the size. `shares` are those of the limits, in their order, the disk's
    after a year; `first` names the broken one with the greatest share, "" where all hold; `broken` is how many do not.
    """

    factor: int
    tenants: float
    accounts: float
    daily_credits: float
    monthly_credits: float
    bytes_per_day: float
    bytes_in_a_year: float
    peak_jobs: float
    threads_needed: int
    keys_needed: int
    shares: tuple[float, ...]
    first: str
    broken: int


@dataclass(frozen=True)
class Assessment:
    """All sheets of a scenario. `months` is the grid behind `breaks_in_months`: the share of every limit, in the order
    of `limits`, now and in each of the next months."""

    features: tuple[FeatureRow, ...]
    tiers: tuple[TierRow, ...]
    credits: tuple[CreditRow, ...]
    tables: tuple[TableRow, ...]
    workers: WorkersSheet
    limits: tuple[LimitRow, ...]
    scenarios: tuple[ScenarioColumn, ...]
    months: tuple[tuple[float, ...], ...]
    tenants: int
    accounts: int
    daily_calls: float
    daily_credits: float
    monthly_credits: float
    bytes_per_day: float
    bytes_now: int

    @property
    def first(self) -> LimitRow | None:
        """What breaks first: the earliest, of equals the one with the greatest share. None where all hold."""
        breaking = [limit for limit in self.limits if limit.breaks_in_months is not None]
        return min(breaking, key=lambda limit: (limit.breaks_in_months or 0, -limit.share)) if breaking else None
