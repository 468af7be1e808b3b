"""The admin's sidebar, and the switch that says whose rows it shows."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import reverse

from accounts.models import Tenant
from accounts.selectors import schemas
from tikdash.errors import NotFound


def choose_shard(request: Any) -> HttpResponse:
    """Shows the rows of another shard from now on; raises NotFound for one that does not exist."""
    schema = request.GET.get("schema", "")
    if schema not in schemas():
        raise NotFound("There is no such shard.")
    request.session["admin_schema"] = schema
    return redirect("admin:index")


def _may_see(request: HttpRequest, *, app_and_model: str) -> bool:
    """A list that the role may not open is no link."""
    app, _, model = app_and_model.partition("_")
    return any(request.user.has_perm(f"{app}.{verb}_{model}") for verb in ("view", "change"))


def _may_see_timetable(request: HttpRequest) -> bool:
    return any(request.user.has_perm(f"django_celery_beat.{verb}_periodictask") for verb in ("view", "change"))


def whose(request: HttpRequest) -> list[str] | None:
    """Whose rows are on the screen, for the label at the top of every page; None for who is not signed in."""
    if not request.user.is_authenticated:
        return None
    schema = _shown(request)
    if schema == settings.SHARED_SCHEMA:
        return ["All tenants", "info"]
    name = Tenant.objects.filter(shard__schema_name=schema).values_list("name", flat=True).first()
    return [f"{name or schema} alone", "warning"]


def frame(request: HttpRequest) -> str:
    """The style sheet of the frame around every page: another colour where the rows are one customer's alone."""
    alone = request.user.is_authenticated and _shown(request) != settings.SHARED_SCHEMA
    return static(f"tikdash/admin-frame-{'alone' if alone else 'shared'}.css")


def _shown(request: HttpRequest) -> str:
    return str(request.session.get("admin_schema", settings.SHARED_SCHEMA))


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Groups of links; the shard on the screen is marked, and the one link that leads nearest to this page."""
    groups = _groups(request)
    links = [item for group in groups for item in group["items"] if "?" not in item["link"]]
    nearest = max((one["link"] for one in links if request.path.startswith(one["link"])), key=len, default="")
    for group in groups:
        for item in group["items"]:
            # unfold would take every link that is a part of this address.
            item["active"] = item["link"] == nearest
    return groups


def _groups(request: HttpRequest) -> list[dict[str, Any]]:
    shown = _shown(request)

    def models(*rows: tuple[str, str, str]) -> list[dict[str, Any]]:
        return [
            {
                "title": title,
                "icon": icon,
                "link": reverse(f"admin:{name}_changelist"),
                "permission": partial(_may_see, app_and_model=name),
            }
            for title, icon, name in rows
        ]

    return [
        {
            "title": "Tenants and people",
            "items": models(
                ("Tenants", "apartment", "accounts_tenant"),
                ("Domains", "language", "accounts_domain"),
                ("Users", "person", "accounts_user"),
                ("Memberships", "badge", "accounts_membership"),
                ("Second factors", "phonelink_lock", "mfa_authenticator"),
                ("API tokens", "vpn_key", "accounts_apitoken"),
                ("Announcements", "campaign", "accounts_announcement"),
                ("Maintenance", "engineering", "accounts_maintenance"),
                ("Outages of the upstream", "cloud_off", "accounts_upstreamincident"),
                ("Audit log", "history", "accounts_auditentryrow"),
                ("Looks at workspaces", "visibility", "accounts_look"),
                ("Deletions", "delete_forever", "accounts_tenanterasure"),
                ("Privacy desk", "shield_person", "accounts_privacyrequest"),
                ("Left out", "person_off", "accounts_leftout"),
            ),
        },
        {
            "title": f"Tracked data · {shown}",
            "items": models(
                ("Accounts", "account_circle", "snapshots_trackedaccount"),
                ("Posts", "movie", "snapshots_post"),
                ("Comments", "chat", "snapshots_comment"),
                ("Hashtags", "tag", "snapshots_hashtag"),
                ("Sounds", "music_note", "snapshots_sound"),
                ("Audience samples", "groups", "snapshots_audiencesample"),
                ("Stories", "amp_stories", "snapshots_story"),
                ("Jobs", "schedule", "snapshots_fetchjob"),
            ),
        },
        {
            "title": "Billing",
            "items": [
                {"title": "Spending", "icon": "leaderboard", "link": reverse("admin:billing_spending")},
                *models(
                    ("Plans", "sell", "billing_plan"),
                    ("Plans of tenants", "card_membership", "billing_subscription"),
                    ("Our budgets", "savings", "billing_platformbudget"),
                    ("Budgets of tenants", "account_balance_wallet", "billing_tenantbudget"),
                    ("Raised limits", "trending_up", "billing_limitraise"),
                    ("Our packs", "inventory_2", "billing_creditpack"),
                    ("Grants", "redeem", "billing_creditgrant"),
                    ("Corrections", "edit_note", "billing_usagecorrection"),
                    ("Invoices", "request_quote", "billing_invoice"),
                    ("Alerts", "notifications", "billing_usagealert"),
                    ("Channels of alerts", "alternate_email", "billing_alertchannel"),
                    ("Notices on their way", "outgoing_mail", "billing_alertdelivery"),
                    ("Usage events", "receipt_long", "billing_usagerecordrow"),
                    ("Capacity planner", "query_stats", "billing_capacityscenario"),
                ),
            ],
        },
        {
            "title": "Operations",
            "items": [
                {
                    "title": "Dead jobs by cause",
                    "icon": "skull",
                    "link": reverse("admin:snapshots_fetchjob_dead"),
                    "permission": partial(_may_see, app_and_model="snapshots_fetchjob"),
                },
                {
                    "title": "Timetable",
                    "icon": "event_repeat",
                    "link": reverse("admin:django_celery_beat_periodictask_changelist"),
                    "permission": _may_see_timetable,
                },
                *models(
                    ("What is watched", "visibility", "billing_watchstate"),
                    ("Samples of queues", "stacked_line_chart", "billing_queuesample"),
                ),
            ],
        },
        {
            "title": "Whose rows are shown",
            "collapsible": True,
            "items": [
                {
                    "title": f"{schema} {'✓' if schema == shown else ''}".strip(),
                    "icon": "database",
                    "link": f"{reverse('admin_shard')}?schema={schema}",
                }
                for schema in schemas()
            ],
        },
    ]
