"""What a tenant has spent, for pages of other apps: through `tikdash.budget`."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.db import connection

from billing import spending
from tikdash import clock

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


def credits_by_feature(tenant_id: int, days: int) -> dict[str, int]:
    """The credits that the tenant was charged in the last `days` UTC days, today included, by feature."""
    first = clock.today() - timedelta(days=days - 1)
    parameters: dict[str, Any] = {"tenant": tenant_id, "from": first, "begins": datetime.combine(first, time(), UTC)}
    with spending.inside_ledger_of(tenant_id), connection.cursor() as cursor:
        cursor.execute(BY_FEATURE, parameters)
        return dict(cursor.fetchall())
