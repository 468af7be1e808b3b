"""What a scenario asks of the deployment, now and after months of growth."""

from __future__ import annotations

import math

from billing.capacity.inputs import Feature, Inputs, Table
from billing.capacity.limits import Load
from billing.capacity.sheets import MONTH_DAYS


def load_after(inputs: Inputs, month: int) -> Load:
    """What is asked of the deployment after so many months of thirty days."""
    days = month * MONTH_DAYS
    growth = {tier.code: tier.growth for tier in inputs.tiers}
    accounts = _accounts(inputs, month)
    calls = math.fsum(
        feature.active * feature.calls_per_day * grown(growth[feature.tier], days) for feature in inputs.features
    )
    return Load(
        tenants=math.fsum(tier.tenants * grown(tier.growth, days) for tier in inputs.tiers),
        accounts=accounts,
        calls=calls,
        credits=math.fsum(credits_of(feature) * grown(growth[feature.tier], days) for feature in inputs.features),
        rows=math.fsum(accounts * table.rows_per_account for table in inputs.tables),
        bytes=math.fsum(size_after(inputs, table, month) for table in inputs.tables),
        peak_jobs=accounts * inputs.workers.jobs_per_account * inputs.workers.peak_share,
        peak_calls=calls * inputs.workers.peak_share,
    )


def grown(growth: float, days: float) -> float:
    """By how many times something has grown after so many days."""
    return float((1 + growth) ** (days / MONTH_DAYS))


def _accounts(inputs: Inputs, month: int) -> float:
    return math.fsum(tier.accounts * grown(tier.growth, month * MONTH_DAYS) for tier in inputs.tiers)


def credits_of(feature: Feature) -> float:
    """A day's credits of a feature."""
    return feature.active * feature.calls_per_day * feature.credits_per_call


def per_day(inputs: Inputs, table: Table) -> float:
    """Bytes a day at today's number of accounts."""
    return inputs.accounts * table.rows_per_account * table.bytes_per_row


def size_after(inputs: Inputs, table: Table, month: int) -> float:
    """Bytes after so many months: each month adds thirty days at the accounts of its beginning; with retention no more
    than the days kept have at the accounts of its end."""
    a_row = table.rows_per_account * table.bytes_per_row
    added = math.fsum(_accounts(inputs, each) * a_row * MONTH_DAYS for each in range(month))
    if table.kept_days is None or not month:
        return table.bytes_now + added
    return min(table.bytes_now + added, _accounts(inputs, month) * a_row * table.kept_days)
