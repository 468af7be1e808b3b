"""Where a workspace stands with its credits: its budget in words, where the month will end, what a pace would cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Sum

from accounts.selectors import TenantRef
from billing.alerts import HISTORY_DAYS
from billing.consumption import days_left
from billing.forecast import DayOfUse, MonthForecast, NoForecast, month_end
from billing.models import LimitRaise, Plan, TenantBudget, UsageDaily
from billing.selectors import Usage
from billing.services.grants import Balance, balance_of, last_days
from billing.services.limits import limits
from tikdash import clock
from tikdash.db.partitions import first_of_month
from tikdash.plans import Standing, limits_of

DAY_S, DAYS_A_MONTH = 86_400, 30
#: Credits of one run where it is more than one, as the planner has them.
CREDITS_A_RUN = {"comments": 10}


@dataclass(frozen=True)
class Budget:
    """A workspace's caps; None without one. `monthly` includes what grants add."""

    daily: int | None
    monthly: int | None
    grace_percent: int


@dataclass(frozen=True)
class Outlook:
    """Where the workspace stands with each limit of its plan, in words, and where the month will end."""

    limits: tuple[Standing, ...]
    forecast: MonthForecast | None
    no_forecast: str
    balance: Balance
    days_left: float | None

    @property
    def today(self) -> Standing | None:
        """The day's credits; None without a cap."""
        return next((one for one in self.limits if one.name == "credits_day"), None)

    @property
    def month(self) -> Standing | None:
        """The month's credits; None without a cap."""
        return next((one for one in self.limits if one.name == "credits_month"), None)

    @property
    def grants_shown(self) -> list[dict[str, Any]]:
        """Grants in the order in which they are used, with what is left of each."""
        return [
            {"grant": self.balance.grants[one.source.id], "left": one.left}
            for one in self.balance.consumption.of_grants()
            if one.source.id is not None
        ]


@dataclass(frozen=True)
class Pace:
    """What reading all accounts so often would cost a month, and how that compares with now and with the budget."""

    credits_a_month: int
    now_a_month: int
    share: float | None

    @property
    def percent(self) -> int | None:
        """Share of the month's credits, in hundredths."""
        return None if self.share is None else round(self.share * 100)


def budget_of(tenant: TenantRef) -> Budget:
    """The caps of a tenant, from its own budget, its plan and its grants."""
    plan = Plan.objects.get(code=tenant.plan)
    own = TenantBudget.objects.filter(tenant_id=tenant.id).first()
    monthly = (own and own.monthly_credits) or plan.monthly_credits
    daily = (own and own.daily_credits) or plan.daily_credits
    raised = LimitRaise.objects.filter(tenant_id=tenant.id, until__gt=clock.today()).values_list("name", "value")
    for name, value in raised:
        if name == LimitRaise.Name.DAY and daily is not None:
            daily = max(daily, value)
        if name == LimitRaise.Name.MONTH and monthly is not None:
            monthly = max(monthly, value)
    if monthly is not None and own is not None and own.extra_month == first_of_month(clock.today()):
        monthly += own.extra_credits
    return Budget(daily, monthly, plan.grace_percent)


def outlook(tenant: TenantRef, usage: Usage) -> Outlook:
    """Standing and forecast of the present month."""
    now = clock.now()
    rows = UsageDaily.objects.filter(tenant_id=tenant.id, day__gte=now.date() - timedelta(days=HISTORY_DAYS))
    by_day = dict(rows.values_list("day").annotate(total=Sum("charged")))
    history = [DayOfUse(day, int(total)) for day, total in sorted(by_day.items()) if day < now.date()]
    found = month_end(history, now=now, spent_today=usage.today, spent_this_month=max(0, usage.month))
    balance = balance_of(tenant.id)
    return Outlook(
        limits=limits.standings(tenant),
        forecast=None if isinstance(found, NoForecast) else found,
        no_forecast=found.reason if isinstance(found, NoForecast) else "",
        balance=balance,
        days_left=days_left(balance.consumption.left, last_days(tenant.id)),
    )


def another_pace(tenant: TenantRef, kind: str, every_s: int, accounts: int, budget: Budget) -> Pace:
    """What a pace of one kind of work would cost all accounts of a workspace, before it is chosen."""
    a_run: Any = CREDITS_A_RUN.get(kind, 1)
    wanted = round(accounts * a_run * DAY_S / every_s * DAYS_A_MONTH)
    now_s = limits_of(tenant).cadences.get(kind)
    now = round(accounts * a_run * DAY_S / now_s * DAYS_A_MONTH) if now_s else 0
    return Pace(wanted, now, wanted / budget.monthly if budget.monthly else None)
