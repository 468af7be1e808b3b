"""From a scenario's inputs to its six sheets."""

from __future__ import annotations

import math

from billing.capacity.inputs import Inputs, Table, problems
from billing.capacity.limits import Load, limits_of
from billing.capacity.loads import credits_of, grown, load_after, per_day, size_after
from billing.capacity.sheets import (
    AHEAD,
    FACTORS,
    MONTH_DAYS,
    MONTHS,
    YEAR_DAYS,
    Assessment,
    CreditRow,
    FeatureRow,
    LimitRow,
    ScenarioColumn,
    TableRow,
    TierRow,
    WorkersSheet,
)


def assess(inputs: Inputs) -> Assessment:
    """All sheets. Raises ValueError for a scenario with problems."""
    if found := problems(inputs):
        raise ValueError(found[0].sentence)
    loads = [load_after(inputs, month) for month in range(MONTHS + 1)]
    shares = tuple(tuple(limit.share(load) for limit in limits_of(inputs)) for load in loads)
    now = loads[0]
    return Assessment(
        features=_features(inputs),
        tiers=_tiers(inputs),
        credits=_credits(inputs),
        tables=tuple(_table(inputs, table) for table in inputs.tables),
        workers=_workers(inputs),
        limits=_limits(inputs, now, shares),
        scenarios=tuple(_scenario(inputs, now, factor) for factor in FACTORS),
        months=shares,
        tenants=inputs.tenants,
        accounts=inputs.accounts,
        daily_calls=now.calls,
        daily_credits=now.credits,
        monthly_credits=now.credits * MONTH_DAYS,
        bytes_per_day=math.fsum(per_day(inputs, table) for table in inputs.tables),
        bytes_now=sum(table.bytes_now for table in inputs.tables),
    )


def drained(threads: int, jobs_per_second: float, seconds: float) -> float:
    """How many jobs so many threads end in so many seconds."""
    return threads * jobs_per_second * seconds


def _features(inputs: Inputs) -> tuple[FeatureRow, ...]:
    total = math.fsum(credits_of(feature) for feature in inputs.features)
    return tuple(
        FeatureRow(
            feature.name, feature.endpoint, feature.tier, feature.active, feature.calls_per_day,
            feature.credits_per_call, feature.active * feature.calls_per_day, credits_of(feature),
            credits_of(feature) / total if total else 0.0,
        )
        for feature in inputs.features
    )  # fmt: skip


def _tiers(inputs: Inputs) -> tuple[TierRow, ...]:
    return tuple(
        TierRow(
            tier.code, tier.growth, tier.tenants, tier.accounts,
            tuple(tier.tenants * grown(tier.growth, days) for days in AHEAD),
            tuple(tier.accounts * grown(tier.growth, days) for days in AHEAD),
        )
        for tier in inputs.tiers
    )  # fmt: skip


def _credits(inputs: Inputs) -> tuple[CreditRow, ...]:
    """In the order in which features are first named."""
    growth = {tier.code: tier.growth for tier in inputs.tiers}
    total = math.fsum(credits_of(feature) for feature in inputs.features)
    rows = []
    for name in dict.fromkeys(feature.name for feature in inputs.features):
        parts = [feature for feature in inputs.features if feature.name == name]
        daily = math.fsum(map(credits_of, parts))
        ahead = tuple(math.fsum(credits_of(part) * grown(growth[part.tier], days) for part in parts) for days in AHEAD)
        rows.append(CreditRow(name, daily, daily * MONTH_DAYS, daily / total if total else 0.0, ahead))
    return tuple(rows)


def _table(inputs: Inputs, table: Table) -> TableRow:
    sizes = [size_after(inputs, table, month) for month in (1, 2, 3, 12)]
    return TableRow(
        name=table.name,
        rows_per_day=inputs.accounts * table.rows_per_account,
        bytes_per_row=table.bytes_per_row,
        kept_days=table.kept_days,
        per_day=per_day(inputs, table),
        per_year=per_day(inputs, table) * YEAR_DAYS,
        now=table.bytes_now,
        ahead=tuple(sizes[:3]),
        in_twelve_months=sizes[3],
    )


def _workers(inputs: Inputs) -> WorkersSheet:
    workers = inputs.workers
    jobs = inputs.accounts * workers.jobs_per_account
    peak = jobs * workers.peak_share
    rate = workers.threads * workers.jobs_per_second
    return WorkersSheet(
        threads=workers.threads,
        ceiling=workers.ceiling,
        drain_s=workers.drain_s,
        jobs_per_day=jobs,
        peak_jobs=peak,
        drains=drained(workers.threads, workers.jobs_per_second, workers.drain_s),
        at_ceiling=drained(workers.ceiling, workers.jobs_per_second, workers.drain_s),
        drains_peak_in_s=peak / rate,
        threads_needed=threads_needed(peak, workers.jobs_per_second, workers.drain_s),
        busy=jobs / (rate * 86_400),
    )


def threads_needed(peak_jobs: float, jobs_per_second: float, drain_s: float) -> int:
    """The fewest threads, at least one, that end so many jobs within the drain."""
    # The tenth decimal is float's, and needs no thread.
    return max(1, math.ceil(round(peak_jobs / (jobs_per_second * drain_s), 9)))


def _limits(inputs: Inputs, now: Load, shares: tuple[tuple[float, ...], ...]) -> tuple[LimitRow, ...]:
    rows = []
    for place, limit in enumerate(limits_of(inputs)):
        months = [month for month, of_month in enumerate(shares) if of_month[place] > 1]
        share = shares[0][place]
        rows.append(
            LimitRow(
                limit.code, limit.name, limit.load(now), limit.limit, share, 1 / share if share else None,
                months[0] if months else None, limit.remedy, limit.decision,
            )
        )  # fmt: skip
    return tuple(rows)


def _scenario(inputs: Inputs, now: Load, factor: int) -> ScenarioColumn:
    year = math.fsum(per_day(inputs, table) * min(YEAR_DAYS, table.kept_days or YEAR_DAYS) for table in inputs.tables)
    load = Load(
        tenants=now.tenants * factor,
        accounts=now.accounts * factor,
        calls=now.calls * factor,
        credits=now.credits * factor,
        rows=now.rows * factor,
        bytes=year * factor,
        peak_jobs=now.peak_jobs * factor,
        peak_calls=now.peak_calls * factor,
    )
    limits = limits_of(inputs)
    shares = tuple(limit.share(load) for limit in limits)
    highest = max(shares, default=0.0)
    per_key = inputs.limits.calls_per_minute * 1440
    return ScenarioColumn(
        factor=factor,
        tenants=load.tenants,
        accounts=load.accounts,
        daily_credits=load.credits,
        monthly_credits=load.credits * MONTH_DAYS,
        bytes_per_day=math.fsum(per_day(inputs, table) for table in inputs.tables) * factor,
        bytes_in_a_year=load.bytes,
        peak_jobs=load.peak_jobs,
        threads_needed=threads_needed(load.peak_jobs, inputs.workers.jobs_per_second, inputs.workers.drain_s),
        keys_needed=max(1, math.ceil(round(load.calls / per_key, 9))),
        shares=shares,
        first=limits[shares.index(highest)].name if highest > 1 else "",
        broken=sum(share > 1 for share in shares),
    )
