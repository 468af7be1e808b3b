"""How a tenant stands with its credits, for pages of other apps: through `tikdash.budget`."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.db import connection

from billing import spending
from billing.gate import gate
from tikdash import clock
from tikdash.budget import BudgetWord

#: From this part of a cap on it is near.
NEAR = 0.8
#: Which key does not matter: caps of keys are not the customer's.
ANY_KEY = "shared"

BY_FEATURE = """
    SELECT feature, sum(credits)::bigint FROM (
        SELECT feature, charged AS credits FROM public.usage_daily
         WHERE tenant_id = %(tenant)s AND day >= %(from)s
         UNION ALL
        SELECT feature, credits FROM public.usage_events
         WHERE tenant_id = %(tenant)s AND outcome = 'ok'
               AND occurred_at >= greatest(%(begins)s, (SELECT max(filled_until) FROM public.usage_fills))
    ) AS spent
     GROUP BY feature HAVING sum(credits) > 0
"""


def budget_words(tenant_id: int) -> list[BudgetWord]:
    """A sentence for each cap of the tenant that is near or reached, the day's first."""
    caps = [cap for cap in gate.caps_of(tenant_id, ANY_KEY) if cap.name.startswith("tenant_")]
    if not caps:
        return []
    words = []
    for cap, known in zip(caps, spending.counted([cap.count.name for cap in caps]), strict=True):
        used = spending.summed(cap.count) if known is None else int(known)
        opens = datetime.combine(cap.count.ends, time(), UTC)
        when = f"on {opens:%-d %B}" if cap.count.monthly else "at 00:00 UTC"
        if used >= cap.limit:
            words.append(BudgetWord("reached", f"{cap.sentence}. Fetching goes on {when}."))
        elif used >= NEAR * cap.limit:
            of = "this month" if cap.count.monthly else "today"
            words.append(
                BudgetWord("near", f"{used / cap.limit:.0%} of the {cap.limit:,} credits of {of} are used up.")
            )
    return words


def credits_by_feature(tenant_id: int, days: int) -> dict[str, int]:
    """The credits that the tenant was charged in the last `days` UTC days, today included, by feature."""
    first = clock.today() - timedelta(days=days - 1)
    parameters: dict[str, Any] = {"tenant": tenant_id, "from": first, "begins": datetime.combine(first, time(), UTC)}
    with spending.inside_ledger_of(tenant_id), connection.cursor() as cursor:
        cursor.execute(BY_FEATURE, parameters)
        return dict(cursor.fetchall())
