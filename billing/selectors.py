"""Reading the ledger for pages: from rollups only. Frozen values come out, never QuerySets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Sum
from django.utils.module_loading import import_string

from billing.models import BudgetRefusal, Invoice, Plan, UsageAlert, UsageCorrection, UsageDaily, UsageFill, UsageSaved
from billing.models.packs import amount
from tikdash import clock
from tikdash.db.partitions import first_of_month
from tikdash.db.scope import all_tenants
from tikdash.retelling import retold

#: Features whose answer goes to the one who asked: a look by hand, and the check of a key.
ANSWERED_AT_ONCE = frozenset({"call", "key check"})


@dataclass(frozen=True)
class Part:
    """One line of a split: `share` of all credits of the period, as a part of 1."""

    name: str
    requests: int
    credits: int
    share: float

    @property
    def percent(self) -> str:
        """The share for people: one digit behind the point below ten."""
        return f"{self.share * 100:.{1 if self.share < 0.1 else 0}f}"


@dataclass(frozen=True)
class Day:
    """What a UTC day was charged."""

    day: date
    credits: int


@dataclass(frozen=True)
class Refused:
    """Calls that a cap stopped on a day, and what was said."""

    day: date
    feature: str
    calls: int
    last_at: datetime
    sentence: str


@dataclass(frozen=True)
class AlertRow:
    """An alert as pages show it."""

    level: str
    sentence: str
    opened_at: datetime
    resolved_at: datetime | None


@dataclass(frozen=True)
class Usage:
    """A tenant's month so far, as far as it is counted (`counted_until`, None before the first rollup)."""

    counted_until: datetime | None
    today: int
    month: int
    corrections: int
    failed: int
    days: tuple[Day, ...]
    by_feature: tuple[Part, ...]
    by_endpoint: tuple[Part, ...]
    saved: int
    refused: tuple[Refused, ...]
    alerts: tuple[AlertRow, ...]


def usage_of_month(day: date) -> Usage:
    """The usage of the present scope's tenant in the month of `day`, from rollups."""
    month, until = first_of_month(day), first_of_month(day, 1)
    rows = UsageDaily.objects.filter(day__gte=month, day__lt=until)
    by_day = dict(rows.values_list("day").annotate(total=Sum("charged")))
    corrections = UsageCorrection.objects.filter(day__gte=month, day__lt=until).aggregate(n=Sum("credits"))["n"] or 0
    fill = UsageFill.objects.order_by("-day").first()
    last = min(until - timedelta(days=1), clock.today())
    length = (last - month).days + 1
    return Usage(
        counted_until=fill.filled_until if fill else None,
        today=int(by_day.get(clock.today(), 0)),
        month=int(sum(by_day.values())) + corrections,
        corrections=corrections,
        failed=rows.aggregate(n=Sum("failed"))["n"] or 0,
        days=tuple(Day(one, int(by_day.get(one, 0))) for one in (month + timedelta(days=n) for n in range(length))),
        by_feature=_parts(list(rows.values_list("feature").annotate(Sum("requests"), Sum("charged")))),
        by_endpoint=_parts(list(rows.values_list("endpoint").annotate(Sum("requests"), Sum("charged")))),
        saved=UsageSaved.objects.filter(day__gte=month, day__lt=until).aggregate(n=Sum("credits"))["n"] or 0,
        refused=tuple(
            Refused(one.day, one.feature, one.calls, one.last_at, retold(one.sentence))
            for one in BudgetRefusal.objects.filter(day__gte=month, day__lt=until).order_by("-last_at")[:10]
        ),
        alerts=tuple(
            AlertRow(one.level, retold(one.sentence), one.opened_at, one.resolved_at)
            for one in UsageAlert.objects.filter(period__gte=month, period__lt=until)[:10]
        ),
    )


def invoices() -> list[Invoice]:
    """The invoices of the present scope's tenant, the newest first."""
    return list(Invoice.objects.order_by("-month")[:120])


def _parts(rows: Sequence[tuple[str, int, int]]) -> tuple[Part, ...]:
    total = sum(int(credits) for _, _, credits in rows)
    parts = [
        Part(name, int(requests), int(credits), int(credits) / total if total else 0.0)
        for name, requests, credits in rows
    ]
    return tuple(sorted(parts, key=lambda part: (-part.credits, -part.requests, part.name)))


# --- for operations --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Leader:
    """One line of a leaderboard: credits of the last 30 days, their share, and the change against the 30 before."""

    name: str
    requests: int
    credits: int
    share: float
    before: int

    @property
    def trend(self) -> float | None:
        """Change as a part of what was before; None without anything before."""
        return (self.credits - self.before) / self.before if self.before else None

    @property
    def trend_shown(self) -> str:
        """The trend for people."""
        return "new" if self.trend is None else f"{self.trend:+.0%}"

    @property
    def percent(self) -> str:
        """The share for people."""
        return f"{self.share * 100:.1f}"


@dataclass(frozen=True)
class Margin:
    """What a tenant pays a month, and what its credits of the last 30 days have cost us, cents."""

    tenant: str
    plan: str
    price_cents: int
    credits: int
    cost_cents: float

    @property
    def pays(self) -> str:
        return amount(self.price_cents)

    @property
    def costs(self) -> str:
        return amount(round(self.cost_cents))

    @property
    def margin(self) -> str:
        return amount(round(self.price_cents - self.cost_cents))


LEADERS = """
    SELECT {name}, sum(requests) FILTER (WHERE day > %(middle)s), sum(credits) FILTER (WHERE day > %(middle)s),
           coalesce(sum(credits) FILTER (WHERE day <= %(middle)s), 0)
      FROM public.usage_daily d {join}
     WHERE day > %(since)s GROUP BY 1 HAVING sum(credits) FILTER (WHERE day > %(middle)s) IS NOT NULL
     ORDER BY 3 DESC, 1 LIMIT 50
"""
MARGINS = """
    SELECT t.slug, t.plan, p.price_cents, coalesce(sum(d.credits), 0)
      FROM public.tenants t
      LEFT JOIN public.plans p ON p.code = t.plan
      LEFT JOIN public.usage_daily d ON d.tenant_id = t.id AND d.day > %s
     GROUP BY t.slug, t.plan, p.price_cents ORDER BY 4 DESC, 1 LIMIT 100
"""
MARGIN_OF = """
    SELECT t.slug, t.plan, p.price_cents,
           coalesce((SELECT sum(credits) FROM public.usage_daily d WHERE d.tenant_id = t.id AND d.day > %s), 0)
      FROM public.tenants t LEFT JOIN public.plans p ON p.code = t.plan
     WHERE t.id = %s
"""
CENTS_A_CREDIT = """
    SELECT coalesce(sum(price_cents)::float / nullif(sum(credits), 0), 0) FROM public.credit_packs
     WHERE price_cents > 0
"""


def leaders(by: str) -> list[Leader]:
    """Who spends most, `by` endpoint, feature or tenant. KeyError for anything else."""
    name, join = {
        "endpoint": ("d.endpoint", ""),
        "feature": ("d.feature", ""),
        "tenant": ("t.slug", "JOIN public.tenants t ON t.id = d.tenant_id"),
    }[by]
    today = clock.today()
    dates = {"middle": today - timedelta(days=30), "since": today - timedelta(days=60)}
    with all_tenants(), connection.cursor() as cursor:
        cursor.execute(LEADERS.format(name=name, join=join), dates)
        rows = cursor.fetchall()
    total = sum(int(credits) for _, _, credits, _ in rows) or 1
    return [Leader(name, int(n), int(credits), int(credits) / total, int(old)) for name, n, credits, old in rows]


def unread() -> list[Leader]:
    """Features that cost credits and of whose results no page, export or metric reads anything."""
    read: frozenset[str] = import_string(settings.FEATURES_READ)() | ANSWERED_AT_ONCE
    return [one for one in leaders("feature") if one.name not in read]


def margins() -> list[Margin]:
    """What tenants pay against what they cost, the dearest first; a credit costs what our packs did on average."""
    with all_tenants(), connection.cursor() as cursor:
        cursor.execute(CENTS_A_CREDIT)
        cents = float(cursor.fetchone()[0])
        cursor.execute(MARGINS, [clock.today() - timedelta(days=30)])
        return [Margin(slug, plan, price or 0, int(n), int(n) * cents) for slug, plan, price, n in cursor.fetchall()]


def margin_of(tenant_id: int) -> Margin:
    """The same of one tenant. One that does not exist pays and costs nothing."""
    with all_tenants(), connection.cursor() as cursor:
        cursor.execute(CENTS_A_CREDIT)
        cents = float(cursor.fetchone()[0])
        cursor.execute(MARGIN_OF, [clock.today() - timedelta(days=30), tenant_id])
        slug, plan, price, n = cursor.fetchone() or ("", "", 0, 0)
        return Margin(slug, plan, price or 0, int(n), int(n) * cents)


def savings() -> list[Part]:
    """Credits that were not spent in the last 30 days, by what saved them; shares are of all that would have been."""
    since = clock.today() - timedelta(days=30)
    with all_tenants():
        spent = UsageDaily.objects.filter(day__gt=since).aggregate(n=Sum("credits"))["n"] or 0
        rows = UsageSaved.objects.filter(day__gt=since).values_list("way").annotate(Sum("answers"), Sum("credits"))
        found = [(UsageSaved.Way(way).label, int(answers), int(credits)) for way, answers, credits in rows]
    whole = spent + sum(credits for *_, credits in found) or 1
    return [Part(str(name), answers, credits, credits / whole) for name, answers, credits in sorted(found)]


def refusals() -> list[tuple[str, Refused, str]]:
    """The last week's refusals: tenant, what was refused, and by which cap."""
    since = clock.today() - timedelta(days=7)
    with all_tenants():
        rows = BudgetRefusal.objects.filter(day__gt=since).select_related("tenant").order_by("-last_at")[:100]
        return [
            (one.tenant.slug, Refused(one.day, one.feature, one.calls, one.last_at, one.sentence), one.cap)
            for one in rows
        ]


def plan_named(code: str) -> Plan | None:
    """The plan `code`."""
    return Plan.objects.filter(code=code).first()
