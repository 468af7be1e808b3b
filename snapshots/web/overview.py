"""The start page: a group of accounts at a glance, and what needs somebody's attention."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from snapshots.analytics.attention import LINKS, Notice, attention
from snapshots.analytics.breakout import breakouts_among
from snapshots.analytics.digests import POST_DAYS, likeliest
from snapshots.analytics.overview import DAYS, Group, group_of, overview, tags_of
from snapshots.selectors import count_of_accounts
from snapshots.web.export_links import export_links
from snapshots.web.metric_words import headline_of
from tikdash.errors import BadInput
from tikdash.ui.htmx import wants_piece, with_query
from tikdash.words import N_, gettext

MOST_BREAKOUTS, MOST_NOTICES = 6, 8
REASONS = {"own": N_("Own"), "competitor": N_("Competitors"), "partner": N_("Partners")}


@require_GET
def start(request: Any) -> HttpResponse:
    """The overview where there is something to look at; before that, the list with the form for the first account."""
    return redirect("overview" if count_of_accounts() else "accounts")


@require_GET
def show(request: Any) -> HttpResponse:
    """The numbers of the group that the address names by `reason` and `tag`."""
    group, error = read_group(request)
    context: dict[str, Any] = group_choices(request, group) | {"error": error, "group": group}
    if not error:
        context |= _numbers(request, group)
    template = "snapshots/_overview.html" if wants_piece(request) else "snapshots/overview.html"
    return render(request, template, context, status=422 if error else 200)


def read_group(request: Any) -> tuple[Group, str]:
    """The group that the address names, and a sentence where it names none; the group is then that of all accounts."""
    reason, tag = (request.GET.get(name, "")[:60] for name in ("reason", "tag"))
    try:
        return group_of(tenant_id=request.tenant.id, reason=reason, tag=tag), ""
    except BadInput as error:
        return Group([], 0, "", ""), str(error)


def group_choices(request: Any, group: Group) -> dict[str, Any]:
    """What the form of a group offers."""
    return {
        "reasons": [
            {"key": key, "label": gettext(label), "url": with_query(request, reason=key), "active": key == group.reason}
            for key, label in {"": N_("All"), **REASONS}.items()
        ],
        "tags": tags_of(tenant_id=request.tenant.id),
        "tag": group.tag,
        "reason": group.reason,
    }


def _numbers(request: Any, group: Group) -> dict[str, Any]:
    # Without ids the statements walk the tenant's accounts by themselves.
    ids = None if group.is_whole else group.ids
    rate = headline_of(request.tenant)
    shown = overview(tenant_id=request.tenant.id, group=group, rate_id=rate.id)
    broke = breakouts_among(request.tenant.id, likeliest(request.tenant.id, shown.digests))
    notices = attention(request.tenant.id, ids) if group.members else []
    totals = shown.totals
    return {
        "totals": totals,
        "rate": rate,
        "days": DAYS,
        "post_days": POST_DAYS,
        "up": shown.up,
        "down": shown.down,
        "breakouts": broke[:MOST_BREAKOUTS],
        "breakouts_total": len(broke),
        "exports": {
            part: export_links("overview_export", {"reason": group.reason, "tag": group.tag}, part=part)
            for part in ("movers", "breakouts", "attention")
        },
        "standing_still": _standing_still(request),
        "notices": [_notice(one) for one in notices[:MOST_NOTICES]],
        "more_notices": [_notice(one) for one in notices[MOST_NOTICES:]],
        "notices_total": len(notices),
    }


def _standing_still(request: Any) -> str:
    """Why the whole workspace is not read at present; empty where it is."""
    paused = request.tenant.paused_reason
    return gettext("Fetching is paused for this workspace: {paused}").format(paused=paused) if paused else ""


def _notice(notice: Notice) -> dict[str, Any]:
    place = {"growth": "growth", "posts": "posts", "jobs": "jobs"}.get(LINKS[notice.kind], "account-header")
    grave = notice.kind in {"not_found", "dead_job", "private"}
    return {
        "sentence": notice.sentence,
        "since": notice.since,
        "grave": grave,
        "url": f"{reverse('account', args=[notice.account_id])}#{place}",
    }
