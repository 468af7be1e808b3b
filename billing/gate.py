"""The budget gate: whether a tenant may spend, asked before every request. Reads memory and one counter, no models."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day

from django.conf import settings
from django.db import connection

from billing.spending import spent_on
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
    SELECT t.plan, p.name, p.requests_per_minute, p.requests_burst, p.daily_credits
      FROM public.tenants t LEFT JOIN public.plans p ON p.code = t.plan
     WHERE t.id = %s
"""


@dataclass(frozen=True, slots=True)
class _Allowance:
    """What the plan of a tenant lets it spend; `cap` is credits a UTC day, None without one."""

    plan: str
    share: Share
    cap: int | None
    until: float


class BudgetGate:
    """Lets calls through as far as the tenant's plan goes."""

    def __init__(self) -> None:
        self._remembered: dict[int, _Allowance] = {}

    def allow(self, call: PlannedCall) -> Share:
        """The tenant's share of a shared key. Nothing is taken: what is spent is counted by the meter.

        Raises BudgetReached where the call would go beyond the plan's credits of the day (UTC); calls that somebody
        waits for may go beyond them by the reserve. Raises NotFound for a tenant or plan that does not exist.
        """
        allowance = self._remembered.get(call.tenant_id)
        if allowance is None or allowance.until < time.monotonic():
            allowance = self._read(call.tenant_id)
        if allowance.cap is not None:
            _refuse_beyond(allowance.cap, allowance.plan, call)
        return allowance.share

    def forget(self) -> None:
        """Reads every plan again when it is asked for next."""
        self._remembered.clear()

    def _read(self, tenant_id: int) -> _Allowance:
        with connection.cursor() as cursor:
            cursor.execute(ALLOWANCE, [tenant_id])
            row = cursor.fetchone()
        if row is None:
            raise NotFound(f"There is no tenant {tenant_id}.")
        code, name, per_minute, burst, cap = row
        if name is None:
            raise NotFound(f"There is no plan “{code}”.")
        if len(self._remembered) >= MOST_REMEMBERED:
            self._remembered.clear()
        allowance = _Allowance(name, Share(per_minute, burst), cap, time.monotonic() + REMEMBERED_S)
        self._remembered[tenant_id] = allowance
        return allowance


def _refuse_beyond(cap: int, plan: str, call: PlannedCall) -> None:
    now = clock.now()
    critical = call.priority in CRITICAL
    limit = cap + round(cap * settings.BUDGET_RESERVE) if critical else cap
    # Calls that are under way are not counted yet: all processes together may go over by as many as they have open.
    if spent_on(now.date(), call.tenant_id) + call.credits <= limit:
        return
    opens = datetime.combine(now.date() + timedelta(days=1), time_of_day(), UTC)
    spent = f"The {cap:,} credits a day of the {plan} plan are used up"
    reserve = ", and so is the reserve for refreshes" if critical else ""
    raise BudgetReached(f"{spent}{reserve}. Fetching goes on at 00:00 UTC.", retry_after=(opens - now).total_seconds())


gate = BudgetGate()
