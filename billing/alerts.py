"""Alerts about spending: found after every rollup, told once per period, resolved when they are no longer so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Sum

from accounts.models import Membership
from billing import spending
from billing.alert_rules import CRITICAL, NOTICE, Finding, of_month, unusual
from billing.forecast import DayOfUse, NoForecast, month_end
from billing.forecast.month import paced
from billing.models import AlertChannel, AlertDelivery, PlatformBudget, UsageAlert, UsageHourly
from billing.models import UsageDaily as Daily
from billing.packs import findings_of_packs
from tikdash import clock
from tikdash.db.partitions import first_of_month
from tikdash.db.scope import all_tenants

#: The rules that are looked at here; others (queues, tables) come and go with their own watch.
BY_MONTH = ("budget_70", "budget_90", "budget_75_by_20", "forecast")
HISTORY_DAYS = 56

#: Tenants that have a month's budget, with what they have been charged this month.
TENANTS = """
    SELECT t.id, greatest(coalesce(b.monthly_credits, p.monthly_credits),
                          (SELECT max(value) FROM public.limit_raises r
                            WHERE r.tenant_id = t.id AND r.until > %(today)s AND r.name = 'credits_month'))
                 + CASE WHEN b.extra_month = %(month)s THEN b.extra_credits ELSE 0 END,
           coalesce(d.charged, 0) + coalesce(c.credits, 0)
      FROM public.tenants t
      JOIN public.plans p ON p.code = t.plan
      LEFT JOIN public.tenant_budgets b ON b.tenant_id = t.id
      LEFT JOIN (SELECT tenant_id, sum(charged) AS charged FROM public.usage_daily
                  WHERE day >= %(month)s GROUP BY tenant_id) d ON d.tenant_id = t.id
      LEFT JOIN (SELECT tenant_id, sum(credits) AS credits FROM public.usage_corrections
                  WHERE day >= %(month)s GROUP BY tenant_id) c ON c.tenant_id = t.id
     WHERE coalesce(b.monthly_credits, p.monthly_credits) IS NOT NULL
"""


@dataclass(frozen=True)
class Looked:
    """What a look has changed."""

    opened: int
    resolved: int


def look() -> Looked:
    """Compares spending with budgets and with yesterday; opens and resolves alerts and sends notices on their way.

    Once per rule, subject and period: what is found again, also after it was resolved, opens nothing new in the period.
    """
    now = clock.now()
    opened = resolved = 0
    with all_tenants():
        for tenant_id, found, period, rules in [*_of_tenants(now), *_of_platform(now)]:
            one, other = _follow(tenant_id, found, period, rules, now)
            opened, resolved = opened + one, resolved + other
    return Looked(opened, resolved)


Findings = tuple[int | None, list[Finding], date, tuple[str, ...]]


def _of_tenants(now: datetime) -> Iterable[Findings]:
    month = first_of_month(now.date())
    with connection.cursor() as cursor:
        cursor.execute(TENANTS, {"month": month, "today": now.date()})
        rows = cursor.fetchall()
    for tenant_id, budget, used in rows:
        used = max(0, int(used))
        # A forecast reads weeks of rows: only for whom it could matter.
        foreseen = paced(used, now)
        if foreseen > 0.7 * budget:
            foreseen = foreseen_of(tenant_id, used, now)
        yield tenant_id, of_month(used=used, budget=int(budget), foreseen=foreseen, now=now), month, BY_MONTH


def _of_platform(now: datetime) -> Iterable[Findings]:
    month, found = first_of_month(now.date()), list[Finding]()
    for budget in PlatformBudget.objects.exclude(monthly_credits=None):
        key = None if budget.scope == PlatformBudget.DEPLOYMENT else budget.scope
        used = spending.spent(spending.of_month(month, key_id=key))
        foreseen = foreseen_of(None, used, now, key)
        whose = "All workspaces: " if key is None else f"Key “{key}”: "
        for finding in of_month(used=used, budget=budget.monthly_credits or 1, foreseen=foreseen, now=now, whose=whose):
            found.append(Finding(finding.rule, budget.scope, finding.level, finding.sentence, finding.facts))
    yield None, found, month, BY_MONTH
    yield None, findings_of_packs(now), month, ("pack_empty",)
    odd = unusual(*_by_this_hour(now), now.hour)
    yield None, [odd] if odd else [], now.date(), ("anomaly",)


def foreseen_of(tenant_id: int | None, used: int, now: datetime, key_id: str | None = None) -> float:
    """What the month will come to: by the trend of the last weeks, or at its own pace where there is none yet."""
    today = now.date()
    rows = Daily.objects.filter(day__gte=today - timedelta(days=HISTORY_DAYS), day__lte=today)
    if tenant_id is not None:
        rows = rows.filter(tenant_id=tenant_id)
    if key_id is not None:
        rows = rows.filter(key_id=key_id)
    column = "charged" if tenant_id is not None else "credits"
    by_day = {day: int(total) for day, total in rows.values_list("day").annotate(total=Sum(column))}
    history = [DayOfUse(day, total) for day, total in sorted(by_day.items()) if day < today]
    found = month_end(history, now=now, spent_today=by_day.get(today, 0), spent_this_month=used)
    return paced(used, now) if isinstance(found, NoForecast) else found.total.expected


def _by_this_hour(now: datetime) -> tuple[dict[str, int], dict[str, int]]:
    """Requests by endpoint of today's whole hours, and of the same hours of yesterday."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    today = datetime.combine(now.date(), time(), UTC)

    def between(begin: datetime, end: datetime) -> dict[str, int]:
        rows = UsageHourly.objects.filter(hour__gte=begin, hour__lt=end).values_list("endpoint")
        return {endpoint: int(total) for endpoint, total in rows.annotate(total=Sum("requests"))}

    day = timedelta(days=1)
    return between(today, hour), between(today - day, hour - day)


def _follow(
    tenant_id: int | None, found: list[Finding], period: date, rules: tuple[str, ...], now: datetime
) -> tuple[int, int]:
    """Opens what is new in the period, and resolves what is no longer so; how many of both."""
    known = {
        (alert.rule, alert.subject): alert
        for alert in UsageAlert.objects.filter(**_of(tenant_id), rule__in=rules, period=period)
    }
    opened = resolved = 0
    for finding in found:
        alert = known.pop((finding.rule, finding.subject), None)
        opened += _open(tenant_id, finding, period, now) if alert is None else _seen(alert, finding, now)
    # Also what is left open of an earlier period: a new month begins with nothing used.
    before = UsageAlert.objects.filter(**_of(tenant_id), rule__in=rules, period__lt=period, resolved_at=None)
    for alert in [*(one for one in known.values() if one.resolved_at is None), *before]:
        with transaction.atomic():
            alert.resolved_at = now
            alert.save(update_fields=["resolved_at"])
            _tell(alert, AlertDelivery.Notice.RESOLVED, now)
        resolved += 1
    return opened, resolved


def _open(tenant_id: int | None, finding: Finding, period: date, now: datetime) -> int:
    with transaction.atomic():
        alert, is_new = UsageAlert.objects.get_or_create(
            **_of(tenant_id),
            rule=finding.rule,
            subject=finding.subject,
            period=period,
            defaults={
                "level": finding.level,
                "sentence": finding.sentence,
                "facts": finding.facts,
                "opened_at": now,
                "seen_at": now,
            },
        )
        if is_new:
            _tell(alert, AlertDelivery.Notice.OPENED, now)
    return int(is_new)


def _seen(alert: UsageAlert, finding: Finding, now: datetime) -> int:
    """Notes that it is still so. What was a notice and has become a warning is told now; returns 1 then."""
    louder = alert.level == NOTICE and finding.level != NOTICE
    alert.seen_at, alert.sentence, alert.facts, alert.resolved_at = now, finding.sentence, finding.facts, None
    if louder:
        alert.level = finding.level
    with transaction.atomic():
        alert.save(update_fields=["seen_at", "sentence", "facts", "level", "resolved_at"])
        if louder:
            _tell(alert, AlertDelivery.Notice.OPENED, now)
    return int(louder)


def _tell(alert: UsageAlert, notice: str, now: datetime) -> None:
    """Puts notices of an alert on their way; a mere notice is on the page only. From 90 % on all channels hear it."""
    if alert.level == NOTICE:
        return
    channels = [
        channel for channel in channels_of(alert.tenant_id) if alert.level == CRITICAL or not channel.escalation
    ]
    AlertDelivery.objects.bulk_create(
        [
            AlertDelivery(tenant_id=alert.tenant_id, alert=alert, channel=channel, notice=notice, next_try_at=now)
            for channel in channels
        ],
        ignore_conflicts=True,
    )


def channels_of(tenant_id: int | None) -> list[AlertChannel]:
    """Where a tenant (None: operations) wants to hear; a tenant that has chosen nothing: its owners' addresses."""
    if tenant_id is not None and not AlertChannel.objects.filter(tenant_id=tenant_id).exists():
        owners = Membership.objects.filter(tenant_id=tenant_id, role="owner", user__is_active=True)
        for email in owners.values_list("user__email", flat=True):
            AlertChannel.objects.get_or_create(tenant_id=tenant_id, kind=AlertChannel.Kind.EMAIL, address=email)
    return list(AlertChannel.objects.filter(**_of(tenant_id), active=True))


def _of(tenant_id: int | None) -> dict[str, Any]:
    """The condition of rows of a tenant, or (None) of the platform's own."""
    return {"tenant_id": tenant_id}
