"""What each tracked account costs at its present pace."""

from __future__ import annotations

from snapshots.models import FetchJob
from snapshots.scheduling.cadence import DAY_S
from snapshots.scheduling.planner import CREDITS
from tikdash.plans import AccountCost


def costs_of_accounts() -> list[AccountCost]:
    """Credits a day of each account of the present scope by its running jobs, the dearest first."""
    rows = (
        FetchJob.objects.filter(account__isnull=False, cadence_s__gt=0)
        .exclude(state__in=["dead", "cancelled", "done", "refused", "paused"])
        .values_list("account_id", "kind", "cadence_s", "account__username")
    )
    found: dict[int, AccountCost] = {}
    for account_id, kind, cadence_s, handle in rows:
        before = found.get(account_id) or AccountCost(account_id, handle, 0.0)
        a_day = DAY_S / (cadence_s or DAY_S) * CREDITS.get(kind, 1.0)
        found[account_id] = AccountCost(account_id, handle, before.credits_a_day + a_day)
    return sorted(found.values(), key=lambda cost: (-cost.credits_a_day, cost.handle))
