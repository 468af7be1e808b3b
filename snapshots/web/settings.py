"""What the workspace's pages lead with: chosen by its owners and admins, for all members."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.roles import Capability, can
from accounts.services.workspace import choose_headline_rate
from snapshots.analytics.metrics import HEADLINES, METRICS, headline
from snapshots.web.metric_words import headline_of
from tikdash.errors import TikdashError


@require_http_methods(["GET", "POST"])
def numbers(request: Any) -> HttpResponse:
    """The headline engagement rate, with the definition of each that may be chosen."""
    chosen, error, status = headline_of(request.tenant).id, "", 200
    if request.method == "POST":
        try:
            chosen = headline(request.POST.get("headline", "")[:60] or "nothing").id
            choose_headline_rate(tenant=request.tenant, membership=request.membership, metric_id=chosen)
        except TikdashError as refused:
            error, status = str(refused), refused.status
        else:
            messages.success(request, _("All pages of this workspace lead with “%s” now.") % _(METRICS[chosen].name))
            return redirect("settings_numbers")
    context = {
        "rates": [METRICS[metric_id] for metric_id in HEADLINES],
        "chosen": chosen,
        "error": error,
        "may_choose": can(request.membership.role, Capability.MANAGE_WORKSPACE),
    }
    return render(request, "snapshots/settings_numbers.html", context, status=status)
