"""The budget gate: whether a tenant may spend, asked before every request. Reads memory and its counts, no models.

A call passes up to six caps: of its tenant, of its key and of the whole deployment, in a UTC day and month. All counts
are read in one round trip.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from datetime import time as time_of_day

from django.conf import settings
from django.db import connection

from billing import spending
from billing.spending import Count
from billing.tallies import tallies
from tikdash import clock
from tikdash.errors import NotFound
from tikdash.tiklive.errors import BudgetReached
from tikdash.tiklive.ports import PlannedCall, Share

#: Seconds for which a process remembers a tenant's plan: so long a changed plan may take to be felt.
REMEMBERED_S = 5.0
MOST_REMEMBERED = 20_000
#: Calls that somebody waits for; they may use the reserve.
CRITICAL = frozenset({"interactive"})

ALLOWANCE = """
    SELECT t.plan, p.name, p.requests_per_minute, p.requests_burst, p.grace_percent,
           coalesce(b.daily_credits, p.daily_credits), coalesce(b.monthly_credits, p.monthly_credits),
           b.extra_credits, b.extra_month,
           (SELECT max(value) FROM public.limit_raises r
             WHERE r.tenant_id = t.id AND r.until > %s AND r.name = 'credits_day'),
           (SELECT max(value) FROM public.limit_raises r
             WHERE r.tenant_id = t.id AND r.until > %s AND r.name = 'credits_month')
      FROM public.tenants t
      LEFT JOIN public.plans p ON p.code = t.plan
      LEFT JOIN public.tenant_budgets b ON b.tenant_id = t.id
     WHERE t.id = %s
"""
PLATFORM = """
    SELECT scope, daily_credits, monthly_credits, reserve_percent FROM public.platform_budgets
     WHERE scope IN ('deployment', %s)
"""


@dataclass(frozen=True, slots=True)
class Cap:
    """One cap: up to `limit` every call passes, up to `critical_limit` those that somebody waits for.

    `name` tells it from the others in lists, `sentence` tells the customer, and `reserve` what is used up beyond.
    """

    name: str
    count: Count
    limit: int
    critical_limit: int
    sentence: str
    reserve: str = ""


@dataclass(frozen=True, slots=True)
class _Allowance:
    """What holds for a tenant with a key on one UTC day."""

    share: Share
    caps: tuple[Cap, ...]
    names: tuple[bytes, ...]
    day: date
    until: float


class BudgetGate:
    """Lets calls through as far as the tenant's plan and our own budgets go."""

    def __init__(self) -> None:
        self._remembered: dict[tuple[int, str], _Allowance] = {}

    def allow(self, call: PlannedCall) -> Share:
        """The tenant's share of a shared key. Nothing is taken: what is spent is counted by the meter.

        Raises BudgetReached where the call would go beyond a cap; calls that somebody waits for may use the reserve.
        Raises NotFound for a tenant or plan that does not exist.
        """
        today = clock.today()
        allowance = self._remembered.get((call.tenant_id, call.key_id))
        if allowance is None or allowance.day != today or allowance.until < time.monotonic():
            allowance = self._read(call.tenant_id, call.key_id, today)
        if allowance.caps:
            # Calls that are under way are not counted yet: all processes together may go over by as many as they have
            # open.
            for cap, known in zip(allowance.caps, spending.counted(allowance.names), strict=True):
                used = spending.summed(cap.count) if known is None else int(known)
                if used + call.credits > (cap.critical_limit if call.priority in CRITICAL else cap.limit):
                    self._refuse(cap, call)
        return allowance.share

    def forget(self) -> None:
        """Reads every plan and budget again when it is asked for next."""
        self._remembered.clear()

    def _refuse(self, cap: Cap, call: PlannedCall) -> None:
        opens = datetime.combine(cap.count.ends, time_of_day(), UTC)
        when = f"on {opens:%-d %B}" if cap.count.monthly else "at 00:00 UTC"
        reserve = cap.reserve if call.priority in CRITICAL else ""
        sentence = f"{cap.sentence}{reserve}. Fetching goes on {when}."
        tallies.refused(call.tenant_id, call.feature, call.priority, cap.name, sentence)
        raise BudgetReached(sentence, retry_after=(opens - clock.now()).total_seconds())

    def _read(self, tenant_id: int, key_id: str, today: date) -> _Allowance:
        with spending.inside_ledger_of(tenant_id), connection.cursor() as cursor:
            cursor.execute(ALLOWANCE, [today, today, tenant_id])
            row = cursor.fetchone()
            cursor.execute(PLATFORM, [key_id])
            platform = {scope: more for scope, *more in cursor.fetchall()}
        if row is None:
            raise NotFound(f"There is no tenant {tenant_id}.")
        code, name, per_minute, burst, grace, daily, monthly, extra, extra_month, day_raised, month_raised = row
        if name is None:
            raise NotFound(f"There is no plan “{code}”.")
        # A raise only raises: no cap stays none.
        daily = daily if daily is None else max(daily, day_raised or 0)
        monthly = monthly if monthly is None else max(monthly, month_raised or 0)
        if monthly is not None and extra and extra_month == today.replace(day=1):
            monthly += extra
        caps = (
            *_tenant_caps(tenant_id, name, daily, monthly, grace, today),
            *_platform_caps("key", platform.get(key_id), today, key_id=key_id),
            *_platform_caps("all", platform.get("deployment"), today),
        )
        names = tuple(cap.count.name.encode() for cap in caps)
        if len(self._remembered) >= MOST_REMEMBERED:
            self._remembered.clear()
        allowance = _Allowance(Share(per_minute, burst), caps, names, today, time.monotonic() + REMEMBERED_S)
        self._remembered[tenant_id, key_id] = allowance
        tallies.write_when_due()
        return allowance


def _tenant_caps(
    tenant_id: int, plan: str, daily: int | None, monthly: int | None, grace: int, today: date
) -> Iterable[Cap]:
    """The caps of a tenant. The day's is hard; behind the month's there is the plan's grace."""
    reserve = ", and so is the reserve for refreshes"
    if daily is not None:
        sentence = f"The {daily:,} credits a day of the {plan} plan are used up"
        with_reserve = daily + round(daily * settings.BUDGET_RESERVE)
        yield Cap("tenant_day", spending.of_day(today, tenant_id=tenant_id), daily, with_reserve, sentence, reserve)
    if monthly is not None:
        limit = monthly + monthly * grace // 100
        sentence = f"The {monthly:,} credits of this month are used up" + (
            f", with the {grace} % that the {plan} plan allows beyond them" if grace else ""
        )
        with_reserve = limit + round(monthly * settings.BUDGET_RESERVE)
        count = spending.of_month(today, tenant_id=tenant_id)
        yield Cap("tenant_month", count, limit, with_reserve, sentence, reserve)


def _platform_caps(
    name: str, budget: list[int | None] | None, today: date, *, key_id: str | None = None
) -> Iterable[Cap]:
    """The caps of a key or of the deployment; a part of each is a reserve. A customer is told no figure of them."""
    if budget is None:
        return
    daily, monthly, reserve = budget
    for cap, monthly_one, count in (
        (daily, False, spending.of_day(today, key_id=key_id)),
        (monthly, True, spending.of_month(today, key_id=key_id)),
    ):
        if cap is not None:
            limit = cap - cap * (reserve or 0) // 100
            sentence = "Tikdash fetches nothing more for now. Your own credits are untouched"
            yield Cap(f"{name}_{'month' if monthly_one else 'day'}", count, limit, cap, sentence)


gate = BudgetGate()
