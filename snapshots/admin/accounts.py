"""Tracked accounts of all tenants: found by handle or id, with their numbers, jobs, and what operators can do."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import path

from accounts.selectors import tenant_by_id
from snapshots.admin.jobs import RETRY, TenantFilter
from snapshots.admin.measured import DECIDE, decide, decisions_of, jobs_of, measured
from snapshots.admin.ranges import MeasuredFilter, TrackedFilter
from snapshots.admin.searching import account_condition, every_word
from snapshots.analytics.growth import COUNTERS
from snapshots.models import TrackedAccount
from snapshots.services.backfill import estimate, progress_of, start_backfill
from snapshots.services.refresh import refresh_by_staff
from tikdash.db.scope import tenant_scope
from tikdash.errors import BadInput, NotFound, TikdashError
from tikdash.ui.admin_lists import LargeList

REFRESH, BACKFILL = "snapshots.refresh_trackedaccount", "snapshots.backfill_trackedaccount"


@admin.register(TrackedAccount)
class TrackedAccountAdmin(LargeList):
    list_display = ["username", "tenant", "nickname", "state", "tracked_reason", "follower_count", "measured_at"]
    list_filter = ["state", "tracked_reason", TrackedFilter, MeasuredFilter, TenantFilter]
    list_select_related = ["tenant"]
    search_fields = ["username"]
    search_help_text = "A handle or its beginning, an id at TikTok, a sec_uid, or a tenant's address."
    ordering = ["-id"]
    # Of the fleet's accounts a sort takes tens of milliseconds.
    sortable_by = ["username", "follower_count", "measured_at"]
    readonly_fields = ["tenant"]
    change_form_outer_before_template = "admin/snapshots/account.html"

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        return every_word(queryset, search_term, account_condition), False

    def get_urls(self) -> list[Any]:
        ours = [
            path(f"<int:account_id>/{name}/", self.admin_site.admin_view(view), name=f"snapshots_trackedaccount_{name}")
            for name, view in (("refresh", self.refresh), ("backfill", self.backfill), ("decide", self.decide))
        ]
        return [*ours, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        account = self.get_object(request, object_id)
        shown = self._shown(request, account) if account and self.has_view_permission(request, account) else {}
        return super().change_view(request, object_id, form_url, (extra_context or {}) | shown)  # type: ignore[no-any-return]

    def _shown(self, request: HttpRequest, account: TrackedAccount) -> dict[str, Any]:
        with tenant_scope(tenant_by_id(account.tenant_id)):
            cost, progress = estimate(account.pk), None
            jobs = jobs_of(account.tenant_id, account.pk)
            if any(job.kind == "backfill" for job in jobs):
                progress = progress_of(account.pk)
        return {
            "ops": measured("account", account.pk, account.snapshots, list(COUNTERS), request.GET.get("counter", "")),  # type: ignore[attr-defined]
            "jobs": jobs,
            "decisions": decisions_of(account.tenant_id, account.pk),
            "cost": cost,
            "cap": min(cost.credits, settings.BACKFILL_CREDITS),
            "progress": progress,
            "may": {
                "refresh": request.user.has_perm(REFRESH),
                "backfill": request.user.has_perm(BACKFILL),
                "decide": request.user.has_perm(DECIDE),
                "retry": request.user.has_perm(RETRY),
            },
        }

    def refresh(self, request: HttpRequest, account_id: int) -> HttpResponse:
        """Asks for new numbers in the interactive queue."""
        account = self._asked(request, account_id, REFRESH)
        if account is None:
            return HttpResponseNotAllowed(["POST"])
        try:
            refresh_by_staff(tenant=tenant_by_id(account.tenant_id), account_id=account_id, handle=account.username)
        except TikdashError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, "New numbers are asked for. Load this page again in a moment.")
        return redirect("admin:snapshots_trackedaccount_change", account_id)

    def backfill(self, request: HttpRequest, account_id: int) -> HttpResponse:
        """Begins to read the past, up to a number of credits."""
        account = self._asked(request, account_id, BACKFILL)
        if account is None:
            return HttpResponseNotAllowed(["POST"])
        tenant = tenant_by_id(account.tenant_id)
        try:
            months, cap = _number(request, "months"), _number(request, "credit_cap")
            with tenant_scope(tenant), transaction.atomic():
                start_backfill(tenant=tenant, account_id=account_id, months=months, credit_cap=cap)
        except TikdashError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, f"The past of @{account.username} is read, for at most {cap} credits.")
        return redirect("admin:snapshots_trackedaccount_change", account_id)

    def decide(self, request: HttpRequest, account_id: int) -> HttpResponse:
        """Accepts or rejects one value."""
        account = self._asked(request, account_id, DECIDE)
        if account is None:
            return HttpResponseNotAllowed(["POST"])
        decide(request, account.tenant_id, "account", account_id)
        return redirect("admin:snapshots_trackedaccount_change", account_id)

    def _asked(self, request: HttpRequest, account_id: int, permission: str) -> TrackedAccount | None:
        """The account that a form is about; None for anything but a form. Raises PermissionDenied, NotFound."""
        if not request.user.has_perm(permission):
            raise PermissionDenied
        if request.method != "POST":
            return None
        account = TrackedAccount.objects.filter(pk=account_id).first()
        if account is None:
            raise NotFound("There is no such account in this shard.")
        return account


def _number(request: HttpRequest, name: str) -> int:
    text = request.POST.get(name, "")
    if not text.isdecimal() or len(text) > 6:
        raise BadInput("Write months and credits as whole numbers.")
    return int(text)
