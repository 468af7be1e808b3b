"""What the front page of operations shows of queues, the upstream, credits, tables and alarms.

From samples and rollups of the whole deployment, never from rows of tenants: the page costs the same at any size.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db import connection
from django.db.models import Sum
from django.urls import reverse

from billing.forecast import DayOfUse, NoForecast, month_end
from billing.models import BudgetRefusal, PlatformBudget, QueueSample, TableSample, UsageAlert, UsageFill, UsageHourly
from billing.operations import queue_standings, watched
from billing.packs import kept_standings
from tikdash import clock
from tikdash.db.partitions import first_of_month
from tikdash.db.scope import all_tenants
from tikdash.redis import RedisGone, server
from tikdash.tiklive.breaker import State, states
from tikdash.ui.bars import Bar, bars_svg
from tikdash.ui.numbers import exact, short
from tikdash.ui.tiles import BAD, GOOD, QUOTA, WARN, Figure, Risk, Row, Tile, at, size, span, tile

#: Latency and refusals are those of the last minutes.
UPSTREAM_MINUTES = 15
#: Parts of answers that are refused for the rate from which on it is worth a look, and bad.
RATE_WARNS, RATE_IS_BAD = 0.02, 0.1
HISTORY_DAYS, CHART_HOURS, CHART_MINUTES = 56, 48, 180
MOST_TABLES, MOST_ALERTS, MOST_TENANTS = 6, 6, 20
TONES = {"ok": "", "notice": "", "warning": WARN, "critical": BAD}

#: The newest rows of the ledger: its index of times holds a summary of every few pages only, and these are the last.
UPSTREAM = """
    SELECT count(*), count(*) FILTER (WHERE outcome = 'rate_limited'),
           count(*) FILTER (WHERE outcome NOT IN ('ok', 'begun', 'entity_not_found', 'entity_private', 'rate_limited')),
           percentile_cont(0.5) WITHIN GROUP (ORDER BY latency_ms) FILTER (WHERE outcome <> 'begun'),
           percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms) FILTER (WHERE outcome <> 'begun')
      FROM usage_events WHERE occurred_at >= %s AND occurred_at <= %s
"""


@dataclass(frozen=True)
class UpstreamNow:
    """Requests of the last minutes: how many, how many of them were refused for the rate or failed, and how long they
    took in milliseconds (None without any)."""

    requests: int
    rate_limited: int
    failed: int
    p50_ms: float | None
    p95_ms: float | None

    @property
    def rate(self) -> float:
        """The part that was refused for the rate."""
        return self.rate_limited / self.requests if self.requests else 0.0


@dataclass(frozen=True)
class CreditsNow:
    """Credits of the deployment today and this month, its month's budget, where the month will end, and in how many
    days the packs are used up; None where nobody knows."""

    today: int
    month: int
    budget: int | None
    expected: float | None
    days_left: int | None
    counted_until: datetime | None
    hours: tuple[tuple[datetime, int], ...]


def upstream_now() -> UpstreamNow:
    """The last minutes."""
    now = clock.now()
    with all_tenants(), connection.cursor() as cursor:
        cursor.execute(UPSTREAM, [now - timedelta(minutes=UPSTREAM_MINUTES), now])
        return UpstreamNow(*cursor.fetchone())


def credits_now() -> CreditsNow:
    """From the rollup by hour, which knows no tenants."""
    now = clock.now()
    today, month = now.date(), first_of_month(now.date())
    since = min(today - timedelta(days=HISTORY_DAYS), month)
    with all_tenants():
        rows = UsageHourly.objects.filter(hour__gte=_midnight(since)).values_list("hour").annotate(n=Sum("credits"))
        by_hour = {hour: int(credits) for hour, credits in rows}
        budget = PlatformBudget.objects.filter(pk=PlatformBudget.DEPLOYMENT).values_list("monthly_credits", flat=True)
        cap = budget.first()
        fill = UsageFill.objects.order_by("-day").first()
    by_day: dict[date, int] = defaultdict(int)
    for hour, credits in by_hour.items():
        by_day[hour.astimezone(UTC).date()] += credits
    spent = sum(credits for day, credits in by_day.items() if day >= month)
    history = [DayOfUse(day, credits) for day, credits in sorted(by_day.items()) if day < today]
    found = month_end(history, now=now, spent_today=by_day[today], spent_this_month=spent)
    days = [each.emptying.days_left(today) for each in kept_standings(now) if each.emptying]
    first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=CHART_HOURS - 1)
    hours = [first + timedelta(hours=each) for each in range(CHART_HOURS)]
    return CreditsNow(
        today=by_day[today],
        month=spent,
        budget=cap,
        expected=None if isinstance(found, NoForecast) else found.total.expected,
        days_left=min((day for day in days if day is not None), default=None),
        counted_until=fill.filled_until if fill else None,
        hours=tuple((hour, by_hour.get(hour, 0)) for hour in hours),
    )


@tile("queues", "Queues", permission="billing.view_queuesample", link="admin:billing_queuesample_changelist", wide=True)
def queues() -> Tile:
    """Depth, age and drain of every queue at the newest sample, and the depth of the last hours."""
    standings = queue_standings()
    if not standings:
        return Tile(nothing="No sample has been taken yet.")
    age = (clock.now() - standings[0].sampled_at).total_seconds()
    jobs = reverse("admin:snapshots_fetchjob_changelist")
    return Tile(
        figures=(
            Figure("Sampled", f"{span(max(0.0, age))} ago", "", BAD if age > 300 else ""),
            Figure("Waiting", exact(sum(queue.waiting for queue in standings))),
        ),
        headings=("Queue", "Waiting", "Oldest", "In flight", "Ended a minute", "Drains in"),
        rows=tuple(
            Row(
                (
                    queue.queue,
                    exact(queue.waiting),
                    span(queue.oldest_s) if queue.waiting else "–",
                    exact(queue.in_flight),
                    "unknown" if queue.ended_per_s is None else f"{queue.ended_per_s * 60:,.0f}",
                    _drain(queue.waiting, queue.ended_per_s, queue.drains_in_s),
                ),
                BAD if queue.waiting and queue.ended_per_s == 0 else "",
                f"{jobs}?{urlencode({'queue': queue.queue, 'stands': 'due'})}",
            )
            for queue in standings
        ),
        chart=_depth_chart(),
    )


@tile(
    "upstream", "TikLiveAPI", permission="billing.view_usagerecordrow", link="admin:billing_usagerecordrow_changelist"
)
def upstream() -> Tile:
    """Latency, refusals for the rate, failures and breakers."""
    now = upstream_now()
    ledger = reverse("admin:billing_usagerecordrow_changelist")
    tone = BAD if now.rate > RATE_IS_BAD else WARN if now.rate > RATE_WARNS else ""
    failed = now.failed / now.requests if now.requests else 0.0
    return Tile(
        figures=(
            Figure("Requests", exact(now.requests), f"in {UPSTREAM_MINUTES} min", link=f"{ledger}?since=15"),
            Figure("p50", _ms(now.p50_ms)),
            Figure("p95", _ms(now.p95_ms)),
            Figure("429", f"{now.rate:.1%}", exact(now.rate_limited), tone, f"{ledger}?outcome=rate_limited&since=15"),
            Figure("Failed", f"{failed:.1%}", exact(now.failed), BAD if failed > RATE_IS_BAD else ""),
        ),
        headings=("Breaker", "Stands"),
        rows=_breakers(),
    )


@tile("credits", "Credits", permission="billing.view_platformbudget", link="admin:billing_spending", kept_s=30)
def credits() -> Tile:
    """Today, the month against its budget, where it will end, and how long the packs last."""
    now = credits_now()
    month = Figure("Month", short(now.month))
    if now.budget:
        part = now.month / now.budget
        tone = BAD if part >= 0.9 else WARN if part >= 0.7 else ""
        month = Figure("Month", f"{part:.0%}", f"{short(now.month)} of {short(now.budget)}", tone,
                       reverse("admin:billing_platformbudget_changelist"))  # fmt: skip
    over = bool(now.budget and now.expected and now.expected > now.budget)
    days = now.days_left
    return Tile(
        figures=(
            Figure("Today", exact(now.today), link=reverse("admin:billing_spending")),
            month,
            Figure("Forecast", "unknown" if now.expected is None else short(round(now.expected)), "by the month’s end",
                   BAD if over else ""),
            Figure("Packs last", "unknown" if days is None else f"{days} d", "",
                   "" if days is None else BAD if days <= 5 else WARN if days <= 14 else GOOD,
                   reverse("admin:billing_creditpack_changelist")),
        ),
        chart=_credits_chart(now),
        said="" if now.counted_until is None else f"Counted until {at(now.counted_until)}.",
    )  # fmt: skip


@tile("tables", "Tables", permission="billing.view_watchstate", link="admin:billing_watchstate_changelist", kept_s=60)
def tables() -> Tile:
    """Months ahead, the disk, and the tables that grow most."""
    found = [each for each in watched() if each.watch in ("partitions", "disk")]
    return Tile(
        figures=tuple(
            Figure(each.name, "sound" if each.level == "ok" else each.level, each.sentence, TONES[each.level],
                   reverse("admin:billing_watchstate_changelist") + f"?watch={each.watch}")
            for each in found
        ),
        headings=("Table", "Size", "Rows", "A day"),
        rows=tuple(
            Row((name, size(bytes_), short(rows), "–" if growth is None else size(growth)))
            for name, bytes_, rows, growth in _largest_tables()
        ),
        nothing="No sizes are sampled yet.",
    )  # fmt: skip


@tile("alarms", "Alarms", permission="billing.view_usagealert", link="admin:billing_usagealert_changelist", wide=True)
def alarms() -> Tile:
    """What is an alarm now, and the last alerts."""
    standing = [each for each in watched(only_bad=True) if each.alarmed_at]
    with all_tenants():
        last = list(UsageAlert.objects.select_related("tenant").order_by("-opened_at")[:MOST_ALERTS])
    worst = BAD if any(each.level == "critical" for each in standing) else WARN if standing else GOOD
    return Tile(
        figures=(
            Figure("Alarms now", str(len(standing)), "; ".join(f"{each.name}, {each.subject}" for each in standing[:3]),
                   worst, reverse("admin:billing_watchstate_changelist") + "?alarmed=yes"),
        ),
        headings=("Alert", "About", "Opened", "State"),
        rows=tuple(
            Row(
                (row.sentence, row.tenant.slug if row.tenant_id else "all", at(row.opened_at),
                 f"over since {at(row.resolved_at)}" if row.resolved_at else row.level),
                "" if row.resolved_at else TONES[row.level],
                reverse("admin:billing_usagealert_change", args=[row.pk]),
            )
            for row in last
        ),
        nothing="There has been no alert.",
    )  # fmt: skip


def risks() -> list[Risk]:
    """Tenants whose calls a cap has stopped today, and those that have nearly used up their month."""
    with all_tenants():
        refused = (
            BudgetRefusal.objects.filter(day=clock.today(), cap__startswith="tenant")
            .values_list("tenant_id")
            .annotate(n=Sum("calls"))
            .order_by("-n")[:MOST_TENANTS]
        )
        found = [Risk(one, f"Over its quota: {calls:,} calls refused today", 0.9, QUOTA) for one, calls in refused]
        open_alerts = UsageAlert.objects.filter(tenant__isnull=False, resolved_at=None, rule="budget_90")
        told = open_alerts.order_by("-opened_at").values_list("tenant_id", flat=True)[:MOST_TENANTS]
        over = {risk.tenant_id for risk in found}
        said = "90 % of its month’s credits are used"
        return found + [Risk(one, said, 0.6, QUOTA) for one in told if one not in over]


def _drain(waiting: int, ended_per_s: float | None, seconds: float | None) -> str:
    if waiting and ended_per_s == 0:
        return "stands still"
    return "unknown" if seconds is None else span(seconds)


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f} ms"


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _breakers() -> tuple[Row, ...]:
    """All that are not closed, and the upstream's; without Redis nobody knows."""
    try:
        found = states(server())
    except RedisGone:
        return (Row(("all", "unknown: Redis does not answer"), WARN),)
    words = {State.CLOSED: ("closed", ""), State.HALF_OPEN: ("half-open", WARN), State.OPEN: ("open", BAD)}
    link = reverse("admin:accounts_upstreamincident_changelist")
    return tuple(Row((name, words[state][0]), words[state][1], link) for name, state in list(found.items())[:10])


def _depth_chart() -> str:
    """Waiting jobs of all queues in steps of ten minutes, the deepest sample of each."""
    now, step = clock.now(), 10
    first = now - timedelta(minutes=CHART_MINUTES)
    with all_tenants():
        rows = QueueSample.objects.filter(sampled_at__gt=first, sampled_at__lte=now).values_list("sampled_at")
        samples = list(rows.annotate(n=Sum("waiting")).order_by("sampled_at"))
    deepest: dict[int, int] = defaultdict(int)
    for sampled_at, waiting in samples:
        place = int((sampled_at - first).total_seconds() // (60 * step))
        deepest[place] = max(deepest[place], waiting)
    link = reverse("admin:billing_queuesample_changelist")
    bars = []
    for place in range(CHART_MINUTES // step):
        begin = first + timedelta(minutes=place * step)
        bars.append(Bar(f"{begin:%H:%M}", deepest[place], f"{link}?day={begin:%Y-%m-%d}"))
    return bars_svg(bars, "Waiting jobs of the last three hours, UTC")


def _credits_chart(now: CreditsNow) -> str:
    link = reverse("admin:billing_usagerecordrow_changelist")
    bars = [Bar(f"{hour:%d %b %H:00}", credits, f"{link}?day={hour:%Y-%m-%d}") for hour, credits in now.hours]
    return bars_svg(bars, "Credits by hour of the last two days, UTC")


def _largest_tables() -> list[tuple[str, int, int, float | None]]:
    """The largest tables of the newest sample: name, bytes, rows, and bytes a day since the sample a week before."""
    with all_tenants():
        newest = TableSample.objects.order_by("-day").values_list("day", flat=True).first()
        if newest is None:
            return []
        rows = list(TableSample.objects.filter(day=newest).order_by("-bytes")[:MOST_TABLES])
        names = [row.name for row in rows]
        past: dict[str, Any] = {}
        before = TableSample.objects.filter(day__lt=newest, day__gte=newest - timedelta(days=7), name__in=names)
        for row in before.order_by("day"):
            past.setdefault(row.name, row)
    found = []
    for row in rows:
        old = past.get(row.name)
        growth = (row.bytes - old.bytes) / max(1, (newest - old.day).days) if old else None
        found.append((row.name, row.bytes, row.rows, growth if growth is None or math.isfinite(growth) else None))
    return found
