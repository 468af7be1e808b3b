"""The tenant's page of the administration: how it stands, and what operators do about it."""

from __future__ import annotations

from typing import Any, cast

from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action

from accounts.bulk_actions import ACTIONS
from accounts.bulk_admin import BulkActionsMixin
from accounts.deletion_admin import delete_workspace_page
from accounts.look_admin import look_page
from accounts.models import Domain, Membership, Tenant
from accounts.recorded_admin import PlacesBelowMixin
from accounts.selectors import tenant_by_id
from accounts.services import changing
from accounts.services.auditing import Target, record
from accounts.tenant_page import Asked, TenantAction, actions, panels_of
from tikdash.errors import TikdashError
from tikdash.ui.tiles import RISKS, risks_by_tenant


class RiskFilter(admin.SimpleListFilter):
    """Tenants at risk as the front page counts them: the same questions, asked when somebody wants the list."""

    title = "at risk"
    parameter_name = "risk"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("any", "Any"), *RISKS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> QuerySet[Tenant]:
        kind = self.value()
        if not kind:
            return queryset
        found = risks_by_tenant().items()
        return queryset.filter(pk__in=[one for one, all_ in found if kind == "any" or kind in {r.kind for r in all_}])


class RowsInline(TabularInline):
    """Each field says its column's name to who cannot see the column. A field that is searched asks for what it shows,
    row by row: so there are not more rows at once.
    """

    per_page = 10

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            field.widget.attrs["aria-label"] = str(db_field.verbose_name).capitalize()
        return field


class DomainInline(RowsInline):
    model = Domain
    extra = 0


class MembershipInline(RowsInline):
    model = Membership
    extra = 0
    autocomplete_fields = ["user"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        # A row says whose it is.
        return cast("QuerySet[Membership]", super().get_queryset(request).select_related("user", "tenant"))


@admin.register(Tenant)
class TenantAdmin(BulkActionsMixin, PlacesBelowMixin, ModelAdmin):
    """Customers. New ones are made with `manage.py create_tenant`, which gives them a schema."""

    list_display = ["name", "slug", "plan", "state", "key_mode", "shard", "trial_ends_at", "paused", "created_at"]
    list_filter = [RiskFilter, "plan", "state", "key_mode", "shard__kind"]
    list_select_related = ["shard"]
    list_per_page = 50
    search_fields = ["name", "slug", "domains__domain"]
    readonly_fields = ["slug", "shard", "state", "created_at", "fetching_paused_at", "fetching_paused_reason"]
    bulk_actions = [one for one in ACTIONS if one.model is Tenant]
    actions_detail = ["look", "delete_workspace"]
    change_form_outer_before_template = "admin/accounts/tenant/page.html"
    inlines = [DomainInline, MembershipInline]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Tenant], search_term: str
    ) -> tuple[QuerySet[Tenant], bool]:
        # Joined with their domains, tenants would have to be told apart again, each with all its columns.
        for word in search_term.split():
            known_by = Domain.objects.filter(domain__contains=word.lower()).values("tenant_id")
            named = Q(name__icontains=word) | Q(slug__contains=word.lower())
            queryset = queryset.filter(named | Q(pk__in=known_by))
        return queryset, False

    @action(description="Look as a person", url_path="to-look", permissions=["look_as_person"])
    def look(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Leads to the page that asks as whom, and why."""
        return redirect("admin:accounts_tenant_look_as_person", _number(object_id))

    @action(description="Delete the workspace", url_path="to-deletion", permissions=["close_workspace"])
    def delete_workspace(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Leads to the page that asks once more."""
        return redirect("admin:accounts_tenant_deletion", _number(object_id))

    def get_urls(self) -> list[Any]:
        pages = [
            ("<int:tenant_id>/delete-workspace/", self.deletion, "accounts_tenant_deletion"),
            ("<int:tenant_id>/look/", self.look_as_person, "accounts_tenant_look_as_person"),
            ("<int:tenant_id>/do/<slug:name>/", self.do, "accounts_tenant_do"),
        ]
        ours = [path(route, self.admin_site.admin_view(view), name=name) for route, view, name in pages]
        return [*ours, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """How the tenant stands, what can be done about it, and below its own fields."""
        shown: dict[str, Any] = {}
        if request.method == "GET" and object_id.isdecimal() and self.has_view_permission(request):
            tenant = get_object_or_404(Tenant, pk=object_id)
            ref = tenant_by_id(tenant.pk)
            possible = [one for one in actions().values() if request.user.has_perm(one.permission)]
            shown = {"panels": panels_of(ref, request), "possible": possible, "tenant": tenant}
        return cast(HttpResponse, super().change_view(request, object_id, form_url, shown | (extra_context or {})))

    def do(self, request: HttpRequest, tenant_id: int, name: str) -> HttpResponse | FileResponse:
        """Asks once more, then does it."""
        action = actions().get(name)
        if action is None:
            raise Http404
        if not request.user.has_perm(action.permission):
            raise PermissionDenied
        return action_page(request, self.admin_site.each_context(request), tenant_id, action)

    def look_as_person(self, request: HttpRequest, tenant_id: int) -> HttpResponse:
        """The way into the workspace as one of its people."""
        return look_page(request, self.admin_site.each_context(request), tenant_id)

    def deletion(self, request: HttpRequest, tenant_id: int) -> HttpResponse:
        """Asks for the deletion of a workspace, or calls it off."""
        if not request.user.has_perm("accounts.close_workspace"):
            raise PermissionDenied
        return delete_workspace_page(request, self.admin_site.each_context(request), tenant_id)

    @admin.display(description="Fetching", ordering="fetching_paused_at")
    def paused(self, tenant: Tenant) -> str:
        """Whether anything is fetched for the tenant."""
        if tenant.fetching_paused_at is None:
            return "on"
        return f"paused since {tenant.fetching_paused_at:%Y-%m-%d %H:%M}: {tenant.fetching_paused_reason}"

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        """What is changed here is in the audit log, also the customer's; plan and key mode go their own way."""
        moved = {name: form.cleaned_data[name] for name in ("plan", "key_mode") if name in form.changed_data}
        for name in moved:
            setattr(obj, name, form.initial[name])
        changed = [name for name in form.changed_data if name not in moved]
        obj.save(update_fields=changed)
        try:
            if "plan" in moved:
                changing.change_plan(tenant=tenant_by_id(obj.pk), plan=moved["plan"])
            if "key_mode" in moved:
                changing.change_key_mode(tenant=tenant_by_id(obj.pk), mode=moved["key_mode"])
        except TikdashError as error:
            self.message_user(request, str(error), messages.ERROR)
        before = {name: form.initial.get(name) for name in changed}
        after = {name: form.cleaned_data.get(name) for name in changed}
        if before:
            target = Target("tenant", obj.pk, obj.slug)
            facts = {"fields": changed} | after
            record("workspace.changed", tenant_id=obj.pk, target=target, before=before, after=facts)

    # unfold asks these with an object; named in full, it would look for the permissions in the database at each start.
    def has_look_as_person_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("accounts.look_as_person"))

    def has_close_workspace_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("accounts.close_workspace"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _number(object_id: str) -> int:
    """The id of an address that takes any text."""
    if not (object_id.isascii() and object_id.isdecimal()):
        raise Http404
    return int(object_id)


def action_page(
    request: HttpRequest, context: dict[str, Any], tenant_id: int, action: TenantAction
) -> HttpResponse | FileResponse:
    """What an action does and costs, with its form; confirmed, the action. Grave ones ask first who asks."""
    tenant = tenant_by_id(get_object_or_404(Tenant.objects.exclude(state=Tenant.State.ERASED), pk=tenant_id).pk)
    if action.is_grave:
        raise_if_reauthentication_required(request, app="")
    form_class = action.form(tenant) if action.form else forms.Form
    sent = request.method == "POST"
    form, refuses, error = form_class(request.POST if sent else None), action.refuses(tenant), ""
    if sent and not refuses and form.is_valid():
        try:
            done = action.run(Asked(tenant, request, form.cleaned_data))
        except TikdashError as refused:
            error = str(refused)
        else:
            if not isinstance(done, str):
                return done
            messages.success(request, done)
            return redirect("admin:accounts_tenant_change", tenant_id)
    context |= {
        "title": f"{action.title}: {tenant.name}",
        "tenant": tenant,
        "action": action,
        "says": action.says(tenant),
        "form": form,
        "refuses": refuses,
        "error": error,
    }
    wrong = sent and (refuses or error or form.errors)
    return TemplateResponse(request, "admin/accounts/tenant/confirm.html", context, status=422 if wrong else 200)
