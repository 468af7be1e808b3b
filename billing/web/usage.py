"""What a workspace has used, what it will, and what another pace would cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from accounts.roles import Capability, can
from billing.selectors import Day, invoices, usage_of_month
from billing.services.usage import Budget, another_pace, budget_of, outlook
from billing.web.channels import channels_shown
from tikdash import clock
from tikdash.errors import BadInput
from tikdash.plans import account_costs

#: Seconds between two readings that the form offers.
PACES = {900: _("15 minutes"), 1800: _("30 minutes"), 3600: _("hour"), 21600: _("6 hours"), 86400: _("day")}
KINDS = {"profile": _("profiles"), "posts": _("posts"), "comments": _("comments")}
MOST_ACCOUNTS = 50


@require_GET
def index(request: Any) -> HttpResponse:
    """Today, the month, its forecast, splits, refusals, and the cost of another pace where one is asked for."""
    return page(request)


def page(request: Any, *, errors: dict[str, str] | None = None, values: Any = None, status: int = 200) -> HttpResponse:
    """The page, with what the form for alerts was sent where it was refused."""
    usage, costs = usage_of_month(clock.today()), account_costs()
    budget = budget_of(request.tenant)
    pace, pace_error = _pace(request, len(costs), budget)
    manages = can(request.membership.role, Capability.MANAGE_WORKSPACE)
    context = {
        "usage": usage,
        "bars": _bars(usage.days),
        "budget": budget,
        "outlook": outlook(request.tenant, usage),
        "costs": costs[:MOST_ACCOUNTS],
        "more_accounts": max(0, len(costs) - MOST_ACCOUNTS),
        "credits_a_day": sum(cost.credits_a_day for cost in costs),
        "paces": PACES,
        "kinds": KINDS,
        "pace": pace,
        "pace_error": pace_error,
        "wanted": {"kind": request.GET.get("kind", "posts")[:20], "every": request.GET.get("every", "3600")[:10]},
        "manages": manages,
        "channels": channels_shown() if manages else [],
        "invoices": invoices() if manages else [],
        "errors": errors or {},
        "values": values or {},
    }
    return render(request, "billing/usage.html", context, status=status)


def _bars(days: Sequence[Day]) -> list[dict[str, Any]]:
    """Where the bar of each day stands in a drawing of 31 × 40."""
    most = max([1, *(day.credits for day in days)])
    heights = [round(38 * day.credits / most, 2) for day in days]
    return [
        {"day": day.day, "credits": day.credits, "x": place + 0.1, "y": round(40 - height, 2), "height": height}
        for place, (day, height) in enumerate(zip(days, heights, strict=True))
    ]


def _pace(request: Any, accounts: int, budget: Budget) -> tuple[Any, str]:
    kind, every = request.GET.get("kind"), request.GET.get("every")
    if kind is None or every is None:
        return None, ""
    try:
        if kind not in KINDS or not every.isdecimal() or int(every) not in PACES:
            raise BadInput(str(_("Choose one of the paces of the list.")))
        return another_pace(request.tenant, kind, int(every), accounts, budget), ""
    except BadInput as error:
        return None, str(error)
