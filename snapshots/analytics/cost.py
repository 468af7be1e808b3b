"""What an account costs: its part of the workspace's credits, by how often each kind of work is done for it.

The ledger says how many credits each kind of work took, not for which account: of regular work this is an estimate. A
backfill counts its own credits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from snapshots.models import FetchJob
from tikdash import clock
from tikdash.words import gettext

#: Runs that the rhythm of each job would have given since it was made, within the days: of the account, and of all.
RUNS = """
    SELECT kind, coalesce(sum(runs) FILTER (WHERE account_id = %(account)s), 0)::float8, sum(runs)::float8
      FROM (SELECT kind, account_id,
                   least(%(seconds)s, greatest(0, extract(epoch FROM %(now)s - created_at))) / cadence_s AS runs
              FROM fetch_jobs
             WHERE tenant_id = %(tenant)s AND account_id IS NOT NULL AND cadence_s > 0) AS of_jobs
     GROUP BY kind
"""


@dataclass(frozen=True)
class Cost:
    """Credits of one kind of work for an account; `estimated` where they are its part of the workspace's."""

    kind: str
    label: str
    credits: float
    estimated: bool


def cost_of(
    *, tenant_id: int, account_id: int, spent: Mapping[str, int], days: int, backfill: int | None = None
) -> list[Cost]:
    """What the account cost in the last `days` days, the dearest kind first; kinds that cost nothing are left out.

    `spent` is what the workspace spent by kind, `backfill` what the account's own backfill did.
    """
    parameters: dict[str, Any] = {
        "tenant": tenant_id, "account": account_id, "seconds": days * 86_400, "now": clock.now(),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(RUNS, parameters)
        runs = {kind: (mine, all_of_them) for kind, mine, all_of_them in cursor.fetchall()}
    costs = [
        Cost(kind, _label(kind), spent[kind] * mine / total, estimated=True)
        for kind, (mine, total) in runs.items()
        if mine and total and spent.get(kind)
    ]
    if backfill:
        costs.append(Cost("backfill", _label("backfill"), backfill, estimated=False))
    return sorted(costs, key=lambda cost: (-cost.credits, cost.kind))


def _label(kind: str) -> str:
    return gettext(FetchJob.Kind(kind).label)
