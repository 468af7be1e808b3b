"""Plans as the rest of the product sees them."""

from __future__ import annotations

from billing.models import Plan
from tikdash.errors import NotFound
from tikdash.plans import PlanLimits


def limits_of(code: str) -> PlanLimits:
    """The limits of plan `code`. Raises NotFound for a plan that does not exist."""
    plan = Plan.objects.filter(code=code).first()
    if plan is None:
        raise NotFound(f"There is no plan “{code}”. Plans: {', '.join(Plan.objects.values_list('code', flat=True))}.")
    return PlanLimits(
        code=plan.code,
        name=plan.name,
        tracked_accounts=plan.tracked_accounts,
        queue=plan.queue,
        cadences=dict(plan.cadences),
        posts_kept_fresh=plan.posts_kept_fresh,
        chart_days=plan.chart_days,
        readings_kept_days=plan.readings_kept_days,
    )
