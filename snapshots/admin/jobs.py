"""Jobs of all tenants: what is due, what runs, what is dead and of what; and another chance for the dead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, F, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from accounts.models import Tenant
from accounts.services.incidents import mark_incident
from snapshots.admin.searching import every_word, job_condition
from snapshots.models import FetchJob
from snapshots.services.dead_letters import dead_groups
from snapshots.services.retrying import (
    AT_ONCE,
    Choice,
    begin_retry,
    cost_of,
    credits_of,
    progress_of_retry,
    retry_now,
)
from snapshots.tasks import retry_dead_jobs
from tikdash import clock
from tikdash.db.scope import current_scope
from tikdash.errors import BadInput, NotFound, TikdashError, Unavailable
from tikdash.ui.admin import EstimatedCountPaginator
from tikdash.ui.admin_lists import LargeList
from tikdash.words import counted

TEMPLATES = "admin/snapshots/fetchjob"
#: As many jobs can be ticked on a page of the list, and be named in an address.
MOST_NAMED = 500
RETRY = "snapshots.retry_fetchjob"
MARK = "accounts.mark_incident"


class StandsFilter(admin.SimpleListFilter):
    """How a job stands now, by the clock: each is a range of an index."""

    title = "stands"
    parameter_name = "stands"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        overdue = settings.WATCH_OVERDUE_S // 60
        return [("due", "Due"), ("overdue", f"Overdue for {overdue} min"), ("running", "Claimed or running")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[FetchJob]) -> QuerySet[FetchJob]:
        now = clock.now()
        if self.value() == "running":
            return queryset.filter(lease_until__gt=now)
        if self.value() in ("due", "overdue"):
            late = timedelta(seconds=settings.WATCH_OVERDUE_S if self.value() == "overdue" else 0)
            # The front page counts what would be claimed: without tenants that are paused. The queues are named because
            # the index begins with them.
            paused = Tenant.objects.filter(pk=OuterRef("tenant_id"), fetching_paused_at__isnull=False)
            rows = queryset.filter(state="active", queue__in=FetchJob.Queue.values, claimable_at__lte=now - late)
            return rows.exclude(Exists(paused))
        return queryset


class DuePaginator(EstimatedCountPaginator):
    """Jobs by when they became due: the index has them in that order queue by queue, and nothing else is read."""

    def keys(self, begin: int, end: int) -> list[Any]:
        """The first of each queue, and of these the first."""
        rows: Any = self.object_list
        order = ("claimable_at", "-id")
        queues = [
            rows.filter(queue=queue).order_by(*order).values_list("claimable_at", "id")[:end]
            for queue in FetchJob.Queue.values
        ]
        first, *others = queues
        return [key for _, key in first.union(*others, all=True).order_by(*order)[begin:end]]


class CauseFilter(admin.SimpleListFilter):
    """What dead jobs died of."""

    title = "cause of death"
    parameter_name = "cause"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        codes = FetchJob.objects.filter(state="dead").order_by("error_code").values_list("error_code", flat=True)
        return [(code or "-", code or "no cause") for code in codes.distinct()[:30]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[FetchJob]) -> QuerySet[FetchJob]:
        if not self.value():
            return queryset
        return queryset.filter(state="dead", error_code="" if self.value() == "-" else self.value())


class TenantFilter(admin.SimpleListFilter):
    """One tenant, named in the address: a list of all to choose from would be as long as the table."""

    title = "tenant"
    parameter_name = "tenant"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        slug = request.GET.get(self.parameter_name, "")
        return [(slug, slug)] if slug else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        return queryset.filter(tenant_id__in=Tenant.objects.filter(slug=self.value()).values("pk"))


@admin.register(FetchJob)
class FetchJobAdmin(LargeList):
    list_display = [
        "kind", "account", "tenant", "queue", "state", "next_due_at", "why", "attempts", "error_code", "succeeded_at",
    ]  # fmt: skip
    list_filter = [StandsFilter, "state", CauseFilter, "kind", "queue", TenantFilter]
    list_select_related = ["account", "tenant"]
    search_fields = ["account__username"]
    search_help_text = (
        "A handle, a tenant's address, a cause of death, or a job's id; the beginning of a name is enough."
    )
    ordering = ["-id"]
    readonly_fields = ["tenant"]
    raw_id_fields = ["account"]
    actions = ["retry"]
    list_before_template = f"{TEMPLATES}/list_head.html"

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        return every_word(queryset, search_term, job_condition), False

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        # The longest due first.
        return [F("claimable_at").asc()] if _asks_what_is_due(request) else ["-id"]

    def get_paginator(self, request: HttpRequest, queryset: Any, *args: Any, **kwargs: Any) -> EstimatedCountPaginator:
        if _asks_what_is_due(request):
            return DuePaginator(queryset, *args, **kwargs)
        return cast(EstimatedCountPaginator, super().get_paginator(request, queryset, *args, **kwargs))

    @admin.action(description="Retry those that are dead", permissions=["retry"])
    def retry(self, request: HttpRequest, jobs: QuerySet[FetchJob]) -> HttpResponse:
        """Leads to the page that asks once more, with what it costs."""
        ids = list(jobs.filter(state="dead").values_list("pk", flat=True)[:MOST_NAMED])
        return redirect(f"{reverse('admin:snapshots_fetchjob_retry')}?{urlencode({'ids': ','.join(map(str, ids))})}")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(RETRY))

    def get_urls(self) -> list[Any]:
        pages = [
            ("dead/", self.dead, "dead"),
            ("retry/", self.retry_page, "retry"),
            ("retry/<slug:run>/", self.progress, "retry_progress"),
            ("outage/", self.outage, "outage"),
        ]
        ours = [
            path(route, self.admin_site.admin_view(view), name=f"snapshots_fetchjob_{name}")
            for route, view, name in pages
        ]
        return [*ours, *super().get_urls()]

    def dead(self, request: HttpRequest) -> HttpResponse:
        """Dead jobs by cause and kind over all shards, each group with its way back; and a form to mark an outage."""
        self._require(request, "snapshots.view_fetchjob")
        choice = _choice(request.GET)
        groups = [
            (
                group,
                credits_of(group.kind, group.jobs),
                urlencode({"code": group.error_code, "kind": group.kind}),
            )
            for group in dead_groups(code=choice.code, kind=choice.kind)
        ]
        shown = {"code": choice.code, "kind": choice.kind}
        oldest = min((group.oldest for group, *_ in groups if group.oldest), default=clock.now())
        context = self._context(request, "Dead jobs by cause") | {
            "groups": groups,
            "code": choice.code,
            "query": urlencode({name: value for name, value in shown.items() if value is not None}),
            "jobs": sum(group.jobs for group, *_ in groups),
            "may_retry": request.user.has_perm(RETRY),
            "may_mark": request.user.has_perm(MARK),
            "oldest": oldest.astimezone(UTC),
            "now": clock.now(),
        }
        return TemplateResponse(request, f"{TEMPLATES}/dead.html", context)

    def retry_page(self, request: HttpRequest) -> HttpResponse:
        """Says how many jobs come back and what it costs; does it when that is confirmed."""
        self._require(request, RETRY)
        query = request.POST if request.method == "POST" else request.GET
        try:
            choice = _choice(query)
            cost = cost_of(choice)
            if request.method == "POST":
                return self._retried(request, choice, cost.jobs)
        except TikdashError as error:
            messages.error(request, str(error))
            return redirect("admin:snapshots_fetchjob_dead")
        context = self._context(request, "Retry dead jobs") | {
            "cost": cost,
            "choice": choice,
            "ids": ",".join(map(str, choice.ids or ())),
            "in_background": cost.jobs > AT_ONCE,
        }
        return TemplateResponse(request, f"{TEMPLATES}/retry.html", context)

    def progress(self, request: HttpRequest, run: str) -> HttpResponse:
        """How far the worker is; the page asks again until it is over."""
        self._require(request, RETRY)
        said, progress = "", None
        try:
            progress = progress_of_retry(run)
        except Unavailable as error:
            said = str(error)
        else:
            if progress is None:
                raise NotFound("Nobody knows of such a run any more.")
        context = self._context(request, "Retrying dead jobs") | {"progress": progress, "said": said, "run": run}
        name = "_progress.html" if request.headers.get("HX-Request") else "progress.html"
        return TemplateResponse(request, f"{TEMPLATES}/{name}", context)

    def outage(self, request: HttpRequest) -> HttpResponse:
        """Marks a time as an outage of the upstream: charts of all tenants say so."""
        self._require(request, MARK)
        if request.method == "POST":
            try:
                mark_incident(
                    began_at=_moment(request.POST.get("began_at", "")) or _missing(),
                    ended_at=_moment(request.POST.get("ended_at", "")),
                    note=request.POST.get("note", ""),
                )
            except BadInput as error:
                messages.error(request, str(error))
            else:
                messages.success(request, "The outage is marked: charts say so beside their gaps.")
        return redirect("admin:snapshots_fetchjob_dead")

    def _retried(self, request: HttpRequest, choice: Choice, jobs: int) -> HttpResponse:
        if jobs <= AT_ONCE:
            messages.success(request, f"Active again, one behind the other: {counted(retry_now(choice), 'job')}.")
            return redirect("admin:snapshots_fetchjob_dead")
        run = begin_retry(choice)
        try:
            retry_dead_jobs.delay(run)
        except (BrokerError, RedisError, OSError):
            raise Unavailable("No worker can be told: Redis does not answer. Try again soon.") from None
        return redirect("admin:snapshots_fetchjob_retry_progress", run)

    def _require(self, request: HttpRequest, permission: str) -> None:
        if not request.user.has_perm(permission):
            raise PermissionDenied

    def _context(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return self.admin_site.each_context(request) | {"title": title, "opts": self.model._meta}


def _asks_what_is_due(request: HttpRequest) -> bool:
    return request.GET.get(StandsFilter.parameter_name) in ("due", "overdue")


def _choice(query: Any) -> Choice:
    """The dead jobs that an address or form names; ids are of the shard on the screen. Raises BadInput."""
    ids = query.get("ids")
    if ids is None:
        return Choice(query.get("code"), query.get("kind") or None, query.get("tenant") or None)
    try:
        numbers = tuple(int(one) for one in ids.split(",") if one)[:MOST_NAMED]
    except ValueError:
        raise BadInput("Jobs are named by their numbers.") from None
    if not numbers:
        raise BadInput("None of the jobs that you chose is dead.")
    return Choice(ids=numbers, schema=current_scope().schema)


def _moment(text: str) -> datetime | None:
    """A moment as `datetime-local` sends it, in UTC; None for an empty field. Raises BadInput."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise BadInput("Write times as 2026-11-27 03:12, in UTC.") from None


def _missing() -> datetime:
    raise BadInput("Say when it began, in UTC.")
