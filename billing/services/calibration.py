"""A scenario's inputs as they are measured: usage, tenants, sizes of tables, and the history of queues."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max, Min

from accounts.models import Tenant
from billing.capacity import Feature, Inputs, Limits, Table, Tier, Workers
from billing.capacity.inputs import LEAST_GROWTH, MOST_GROWTH
from billing.models import CapacityScenario, PlatformBudget, QueueSample, TableSample, UsageDaily
from billing.services.planner import inputs_of, inputs_of_new, write_inputs
from tikdash import clock
from tikdash.db.scope import all_tenants
from tikdash.db.table_sizes import TableSize, table_sizes
from tikdash.errors import BadInput
from tikdash.work import accounts_by_tenant

#: Whole days of usage that are looked at, and days back that growth is measured over.
USAGE_DAYS, GROWTH_DAYS = 28, 90
#: What was used on a single day is taken for work of once a week, unless that day is longer ago.
ONCE_IS_WEEKLY = 7
#: Fewer tenants than that 90 days ago say nothing about growth.
FEWEST_FOR_GROWTH = 5
#: The tables that are planned for: the largest, without those that do not grow with accounts.
TABLES = 10
NOT_PLANNED = re.compile(
    r"django_.*|auth_.*|accounts?_email.*|users|tenants|domains|shards|memberships|plans|watch_.*|queue_samples"
    r"|table_samples|capacity_.*|fetch_jobs|account_handles"
)

USAGE = """
    SELECT feature, endpoint, t.plan, sum(requests)::bigint, sum(credits)::bigint, count(DISTINCT day), min(day),
           array_agg(DISTINCT tenant_id)
      FROM usage_daily u JOIN tenants t ON t.id = u.tenant_id
     WHERE day >= %s AND day < %s
     GROUP BY 1, 2, 3
    HAVING sum(requests) > 0
     ORDER BY 5 DESC, 1, 2, 3
"""
#: Jobs that were ended in spans of five minutes, of whole days with samples: the busiest span's part of its day.
PEAK = """
    SELECT avg(most / total), avg(total) FROM (
        SELECT day, max(ended) AS most, sum(ended) AS total FROM (
            SELECT (sampled_at AT TIME ZONE 'UTC')::date AS day,
                   floor(extract(epoch FROM sampled_at) / %(drain)s) AS span, sum(ended_per_s * 60) AS ended
              FROM queue_samples
             WHERE sampled_at >= %(since)s AND sampled_at < %(until)s AND ended_per_s IS NOT NULL
             GROUP BY 1, 2) AS spans
         GROUP BY day HAVING sum(ended) > 0 AND count(*) >= 12) AS days
"""


@dataclass
class Measured:
    """Inputs as far as they are measured, and a sentence for each that is not."""

    inputs: Inputs
    missing: list[str] = field(default_factory=list)


@transaction.atomic
def calibrate(scenario: CapacityScenario) -> list[str]:
    """Puts what is measured in place of what was believed, and returns what could not be measured, as sentences.

    What cannot be measured stays as it is. Raises BadInput where nothing sound would come out.
    """
    measured = measure(inputs_of(scenario))
    write_inputs(scenario, measured.inputs)
    scenario.calibrated_at, scenario.calibration = clock.now(), measured.missing
    scenario.save(update_fields=["calibrated_at", "calibration"])
    return measured.missing


@transaction.atomic
def new_from_measured() -> tuple[CapacityScenario, list[str]]:
    """A scenario of its own with what is measured now, and what could not be, as sentences.

    Raises BadInput where there is one of this minute already, and where there are no tenants yet.
    """
    name = f"Measured {clock.now():%Y-%m-%d %H:%M}"
    if CapacityScenario.objects.filter(name=name).exists():
        raise BadInput("There is a scenario of this minute already. Open it, or wait for a minute.")
    start = CapacityScenario(name=name)
    measured = measure(replace(inputs_of_new(start), tiers=(), features=(), tables=()))
    write_inputs(start, measured.inputs)
    start.calibrated_at, start.calibration = clock.now(), measured.missing
    start.save(update_fields=["calibrated_at", "calibration"])
    return start, measured.missing


def measure(before: Inputs) -> Measured:
    """What an installation measures now; `before` stands in for what it cannot."""
    missing: list[str] = []
    accounts = accounts_by_tenant()
    with all_tenants():
        tiers = _tiers(accounts, missing)
        features = _features(accounts, missing)
        tables = _tables(sum(accounts.values()), missing)
        workers = _workers(before.workers, sum(accounts.values()), missing)
        limits = _limits(before.limits)
    return Measured(
        replace(
            before,
            tiers=tiers or before.tiers,
            features=features or tuple(each for each in before.features if each.tier in {tier.code for tier in tiers}),
            tables=tables or before.tables,
            workers=workers,
            limits=limits,
        ),
        missing,
    )


def _tiers(accounts: dict[int, int], missing: list[str]) -> tuple[Tier, ...]:
    """By plan, without suspended tenants. Growth is of tenants over the last 90 days, as a month's."""
    then = clock.now() - timedelta(days=GROWTH_DAYS)
    now_of: dict[str, int] = defaultdict(int)
    then_of: dict[str, int] = defaultdict(int)
    accounts_of: dict[str, int] = defaultdict(int)
    tenants = Tenant.objects.exclude(state__in=[Tenant.State.SUSPENDED, Tenant.State.ERASED]).order_by("plan", "id")
    for tenant_id, plan, made in tenants.values_list("id", "plan", "created_at"):
        now_of[plan] += 1
        then_of[plan] += made <= then
        accounts_of[plan] += accounts.get(tenant_id, 0)
    if not now_of:
        missing.append("There are no tenants yet: tiers stay as they are.")
    tiers = []
    for plan, tenants_now in now_of.items():
        growth = 0.0
        if then_of[plan] >= FEWEST_FOR_GROWTH:
            growth = (tenants_now / then_of[plan]) ** (30 / GROWTH_DAYS) - 1
        else:
            missing.append(
                f"The growth of {plan}: it had {then_of[plan]} tenants {GROWTH_DAYS} days ago, and {FEWEST_FOR_GROWTH}"
                " are needed. It is taken for none."
            )
        tiers.append(Tier(plan, tenants_now, accounts_of[plan], round(min(max(growth, LEAST_GROWTH), MOST_GROWTH), 4)))
    return tuple(tiers)


def _features(accounts: dict[int, int], missing: list[str]) -> tuple[Feature, ...]:
    """From the rollups of the last whole days. Active are the accounts of the tenants that used the feature, or these
    tenants themselves where they track none."""
    until = clock.today()
    with connection.cursor() as cursor:
        cursor.execute(USAGE, [until - timedelta(days=USAGE_DAYS), until])
        rows: list[Any] = cursor.fetchall()
    if not rows:
        missing.append(f"What features ask for: no day of the last {USAGE_DAYS} has been rolled up.")
    features = []
    for name, endpoint, plan, requests, credits, days, first, tenants in rows:
        active = sum(accounts.get(tenant, 0) for tenant in tenants) or len(tenants)
        # Since it was first used: what runs once a week is not there on most days.
        span = max((until - first).days, ONCE_IS_WEEKLY if days == 1 else 0)
        each = requests / span / active
        features.append(Feature(name, endpoint, plan, active, round(each, 4), round(credits / requests, 4)))
    return tuple(features)


def _tables(accounts: int, missing: list[str]) -> tuple[Table, ...]:
    """The largest tables: bytes a row from their size, rows a day from samples of the last days."""
    sizes = [size for size in table_sizes() if size.rows and not NOT_PLANNED.fullmatch(size.name)][:TABLES]
    if not sizes or not accounts:
        missing.append("Tables: nothing is tracked yet, or PostgreSQL has not counted rows yet (it does within a day).")
        return ()
    unsampled, tables = [], []
    for size in sizes:
        per_day = _rows_per_day(size)
        if per_day is None:
            per_day = size.rows / _days_of_life()
            unsampled.append(size.name)
        row_bytes = size.bytes_per_row or 0.0
        tables.append(
            Table(size.name, round(per_day / accounts, 4), round(row_bytes, 1), _kept_days(size.name), size.bytes)
        )
    if unsampled:
        missing.append(
            f"Rows a day of {', '.join(unsampled)}: there are no samples of two days yet. All rows are spread over the"
            " time since the first tenant came."
        )
    return tuple(tables)


def _rows_per_day(size: TableSize) -> float | None:
    today = clock.today()
    oldest = (
        TableSample.objects.filter(name=size.name, day__gte=today - timedelta(days=USAGE_DAYS), day__lt=today)
        .order_by("day")
        .values_list("day", "rows")
        .first()
    )
    if oldest is None:
        return None
    return max(0.0, (size.rows - oldest[1]) / (today - oldest[0]).days)


def _days_of_life() -> int:
    """Since the first tenant came, or the first request was made: a history may have been brought along."""
    made, used = Tenant.objects.aggregate(at=Min("created_at"))["at"], UsageDaily.objects.aggregate(at=Min("day"))["at"]
    days = [day for day in (made.date() if made else None, used) if day]
    return max(1, (clock.today() - min(days)).days) if days else 1


def _kept_days(name: str) -> int | None:
    """How long rows are kept, as the settings say."""
    if name.endswith("_readings"):
        return int(settings.READINGS_KEPT_DAYS)
    return 30 * int(settings.USAGE_KEPT_MONTHS) if name == "usage_events" else None


def _workers(before: Workers, accounts: int, missing: list[str]) -> Workers:
    """Threads of the newest sample, what a busy thread ends a second, jobs a day, and the busiest span's part."""
    newest = QueueSample.objects.aggregate(at=Max("sampled_at"))["at"]
    samples = list(QueueSample.objects.filter(sampled_at=newest)) if newest else []
    ended = sum(sample.ended or 0 for sample in samples)
    busy_s = sum(sample.busy_s or 0.0 for sample in samples)
    threads = next((sample.threads for sample in samples if sample.threads), None)
    today = clock.today()
    with connection.cursor() as cursor:
        parameters: dict[str, Any] = {
            "drain": before.drain_s,
            "since": _midnight(today - timedelta(days=7)),
            "until": _midnight(today),
        }
        cursor.execute(PEAK, parameters)
        peak, jobs = cursor.fetchone()
    if threads is None:
        missing.append("Worker threads: none has answered.")
    if not busy_s or not ended:
        missing.append("Jobs a second of a thread: no job has been counted yet.")
    if peak is None or not accounts:
        missing.append("Jobs a day and their busiest span: there is no whole day of samples yet.")
    threads = threads or before.threads
    return replace(
        before,
        threads=threads,
        ceiling=max(threads, int(settings.WORKERS_CEILING)),
        jobs_per_second=round(max(0.001, ended / busy_s), 4) if ended and busy_s else before.jobs_per_second,
        jobs_per_account=round(float(jobs) / accounts, 4) if jobs and accounts else before.jobs_per_account,
        peak_share=round(min(1.0, max(0.0001, float(peak))), 4) if peak else before.peak_share,
    )


def _limits(before: Limits) -> Limits:
    """What the settings and the budget say; the rest is the planner's."""
    budget = PlatformBudget.objects.filter(pk=PlatformBudget.DEPLOYMENT).first()
    return replace(
        before,
        calls_per_minute=int(settings.TIKLIVE_KEY_PER_MINUTE * settings.TIKLIVE_KEY_SHARE),
        monthly_credits=budget.monthly_credits if budget and budget.monthly_credits else before.monthly_credits,
        disk_bytes=int(settings.DATABASE_DISK_BYTES) or before.disk_bytes,
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
