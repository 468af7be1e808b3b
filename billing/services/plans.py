"""Plans as the rest of the product sees them."""

from __future__ import annotations

import orjson

from billing.models import Plan
from tikdash.db.scope import prepared_row
from tikdash.errors import NotFound
from tikdash.plans import PlanLimits

#: Every job asks twice. In the order of `PlanLimits`.
LIMITS = """
    SELECT code, name, tracked_accounts, queue, cadences::text, posts_kept_fresh, readings_kept_days, daily_credits,
           seats, history_days, features::text, api_requests_per_minute
      FROM public.plans WHERE code = %s
"""


def limits_of(code: str) -> PlanLimits:
    """The limits of plan `code`. Raises NotFound for a plan that does not exist."""
    row = prepared_row(LIMITS, [code])
    if row is None:
        raise NotFound(f"There is no plan “{code}”. Plans: {', '.join(Plan.objects.values_list('code', flat=True))}.")
    code, name, tracked_accounts, queue, cadences, posts, readings, credits, seats, history, features, requests = row
    has = frozenset(orjson.loads(features))
    paces = orjson.loads(cadences)
    return PlanLimits(
        code, name, tracked_accounts, queue, paces, posts, readings, credits, seats, history, has, requests
    )
