"""What every page knows: the workspace, the way round in it, and the way back to the list of workspaces."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.conf import settings
from django.urls import get_urlconf, reverse

from accounts.roles import capabilities_of
from accounts.time_zones import zone_named
from accounts.web.hosts import host_url
from snapshots.models import FetchJob
from snapshots.selectors import count_of_accounts
from tikdash import clock
from tikdash.plans import PlanLimits, Standing, limits_of, plan_service
from tikdash.words import N_, gettext

#: Name of the address, label, icon, and the letter that goes there behind a `g`. A phone's bar has room for five.
PAGES = (
    ("overview", N_("Overview"), "overview", "o"),
    ("accounts", N_("Accounts"), "accounts", "a"),
    ("posts", N_("Posts"), "posts", "p"),
    ("compare", N_("Compare"), "compare", "c"),
    ("hashtags", N_("Hashtags"), "hashtag", "h"),
    ("sounds", N_("Sounds"), "sound", "s"),
)
MOST_ON_PHONES = 5
#: Limits that are no news everywhere: names of the addresses at which they are told before they are passed.
SAID_AT = {
    "accounts": {"overview", "accounts", "account_add", "bulk"},
    "seats": {"people"},
}


def workspace(request: Any) -> dict[str, Any]:
    """`workspace` (None on the public host), `nav` and `workspaces_url`."""
    tenant = getattr(request, "tenant", None)
    context: dict[str, Any] = {
        "workspace": None,
        "nav": [],
        "workspaces_url": host_url(request, settings.BASE_DOMAIN) + "/",
        "base_domain": settings.BASE_DOMAIN,
    }
    if tenant is None:
        return context
    shown = {"name": tenant.name, "slug": tenant.slug, "state": tenant.state, "is_trial": tenant.state == "trial"}
    shown["time_zone"] = zone_named(tenant.time_zone).key
    if getattr(request, "membership", None) is not None:
        limits, used = limits_of(tenant), count_of_accounts()
        request.plan_features = limits.features
        shown |= {
            "paused": _pauses(request, limits),
            "erase_at": request.arrival.erase_at,
            "plan_name": limits.name,
            "features": limits.features,
            # Asked where a template says so, and once.
            "limits": cache(lambda: _limits(request, used)),
            "trial_days_left": _days_left(tenant),
            "accounts_used": used,
            "accounts_limit": limits.tracked_accounts,
            "role": request.membership.role,
            "may": capabilities_of(request.membership.role),
        }
        context["nav"] = _way_round(request.path, used)
    return context | {"workspace": shown}


def _limits(request: Any, accounts: int) -> list[Standing]:
    """What is to be said of the plan's limits on this page: what stands still, or soon will, on every page; that there
    is no more room, where somebody would want it."""
    place = request.resolver_match.url_name if request.resolver_match else ""
    return [
        one
        for one in plan_service().standings(request.tenant, accounts=accounts)
        if one.is_grave or (one.state != "fine" and (one.name not in SAID_AT or place in SAID_AT[one.name]))
    ]


def _way_round(path: str, accounts: int) -> list[dict[str, Any]]:
    entries = []
    for place, (name, label, icon, key) in enumerate(PAGES):
        url = _address(name, get_urlconf())
        count = accounts if name == "accounts" else None
        entries.append(
            {
                "label": gettext(label),
                "url": url,
                "icon": icon,
                "key": key,
                "count": count,
                "active": path.startswith(url),
                "minor": place >= MOST_ON_PHONES,
            }
        )
    return entries


@cache
def _address(name: str, addresses: str | None) -> str:
    return reverse(name)


def _pauses(request: Any, limits: PlanLimits) -> list[str]:
    """What is not fetched at present and why, one sentence each; of kinds only those that the plan has."""
    if request.arrival.erase_at is not None:
        # The page says that it is going to be deleted, which explains the rest.
        return []
    if request.tenant.paused_reason:
        return [
            gettext("Fetching is paused for this workspace: {paused_reason}").format(
                paused_reason=request.tenant.paused_reason
            )
        ]
    return [
        gettext("{label}: fetching is paused. {reason}").format(label=gettext(FetchJob.Kind(kind).label), reason=reason)
        for kind, reason in request.arrival.paused_kinds.items()
        if kind in limits.cadences
    ]


def _days_left(tenant: Any) -> int | None:
    if tenant.trial_ends_at is None:
        return None
    return int(max(0, (tenant.trial_ends_at - clock.now()).days))
