"""Tenants and people for the operations staff."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action
from unfold.forms import ActionForm, AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.audit_events import sentence_of
from accounts.deletion_admin import delete_workspace_page
from accounts.models import ApiToken, AuditEntryRow, Domain, Membership, Tenant, UpstreamIncident, User
from accounts.privacy_admin import PrivacyRequestAdmin
from accounts.selectors import tenant_by_id
from accounts.services import changing
from accounts.services.auditing import Target, record
from accounts.services.pausing import LONGEST_REASON, pause_tenant, resume_tenant
from accounts.services.tokens import revoke_token
from tikdash.errors import BadInput, TikdashError
from tikdash.ui.admin import EstimatedCountPaginator

#: Django looks for pages here.
__all__ = ["PrivacyRequestAdmin"]

admin.site.unregister(Group)
# Both belong to their person's page.
admin.site.unregister([Authenticator, EmailAddress])


class ActionWithReason(ActionForm):
    """The list of actions with a line beside it."""

    reason = forms.CharField(
        required=False,
        label="",
        max_length=LONGEST_REASON,
        widget=UnfoldAdminTextInputWidget({"placeholder": "Reason, for the customer"}),
    )


class DomainInline(TabularInline):
    model = Domain
    extra = 0


class MembershipInline(TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ["user"]


@admin.register(Tenant)
class TenantAdmin(ModelAdmin):
    """Customers. New ones are made with `manage.py create_tenant`, which gives them a schema."""

    list_display = ["name", "slug", "plan", "state", "key_mode", "shard", "trial_ends_at", "paused", "created_at"]
    list_filter = ["plan", "state", "key_mode", "shard__kind"]
    list_select_related = ["shard"]
    search_fields = ["name", "slug", "domains__domain"]
    readonly_fields = ["slug", "shard", "state", "created_at", "fetching_paused_at", "fetching_paused_reason"]
    actions = ["pause_fetching", "resume_fetching", "suspend", "take_suspension_back"]
    actions_detail = ["delete_workspace"]
    action_form = ActionWithReason
    inlines = [DomainInline, MembershipInline]

    @action(description="Delete the workspace", url_path="to-deletion", permissions=["change"])
    def delete_workspace(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Leads to the page that asks once more."""
        return redirect("admin:accounts_tenant_delete_workspace", object_id)

    def get_urls(self) -> list[Any]:
        page = path(
            "<int:tenant_id>/delete-workspace/",
            self.admin_site.admin_view(self.deletion),
            name="accounts_tenant_delete_workspace",
        )
        return [page, *super().get_urls()]

    def deletion(self, request: HttpRequest, tenant_id: int) -> HttpResponse:
        """Asks for the deletion of a workspace, or calls it off."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        return delete_workspace_page(request, self.admin_site.each_context(request), tenant_id)

    @admin.display(description="Fetching", ordering="fetching_paused_at")
    def paused(self, tenant: Tenant) -> str:
        """Whether anything is fetched for the tenant."""
        if tenant.fetching_paused_at is None:
            return "on"
        return f"paused since {tenant.fetching_paused_at:%Y-%m-%d %H:%M}: {tenant.fetching_paused_reason}"

    @admin.action(description="Pause fetching (give a reason)", permissions=["change"])
    def pause_fetching(self, request: HttpRequest, tenants: QuerySet[Tenant]) -> None:
        """Stops all fetching for the tenants; their pages show the reason."""
        reason = request.POST.get("reason", "")
        try:
            for tenant in tenants:
                pause_tenant(slug=tenant.slug, reason=reason)
                self.log_change(request, tenant, f"Fetching paused: {reason}")
        except BadInput as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, f"Fetching is paused for {len(tenants)} tenant(s).", messages.SUCCESS)

    @admin.action(description="Resume fetching", permissions=["change"])
    def resume_fetching(self, request: HttpRequest, tenants: QuerySet[Tenant]) -> None:
        """What is due for the tenants is fetched again."""
        resumed = 0
        for tenant in tenants:
            try:
                resumed += resume_tenant(slug=tenant.slug)
            except TikdashError as error:
                self.message_user(request, f"{tenant.slug}: {error}", messages.ERROR)
        self.message_user(request, f"Fetching goes on for {resumed} tenant(s).", messages.SUCCESS)

    @admin.action(description="Suspend (give a reason)", permissions=["change"])
    def suspend(self, request: HttpRequest, tenants: QuerySet[Tenant]) -> None:
        """Nothing is fetched, everything stays readable; the pages show the reason."""
        try:
            for tenant in tenants:
                changing.suspend(tenant=tenant_by_id(tenant.pk), reason=request.POST.get("reason", ""))
        except BadInput as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, f"{len(tenants)} tenant(s) are suspended.", messages.SUCCESS)

    @admin.action(description="Take the suspension back", permissions=["change"])
    def take_suspension_back(self, request: HttpRequest, tenants: QuerySet[Tenant]) -> None:
        """They are what they were before."""
        back = sum(changing.take_suspension_back(tenant=tenant_by_id(tenant.pk)) for tenant in tenants)
        self.message_user(request, f"{back} tenant(s) are back.", messages.SUCCESS)

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

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Domain)
class DomainAdmin(ModelAdmin):
    list_display = ["domain", "tenant", "is_primary"]
    list_select_related = ["tenant"]
    search_fields = ["domain", "tenant__name"]
    autocomplete_fields = ["tenant"]


@admin.register(Membership)
class MembershipAdmin(ModelAdmin):
    list_display = ["user", "tenant", "role", "created_at"]
    list_filter = ["role"]
    list_select_related = ["user", "tenant"]
    search_fields = ["user__email", "tenant__name", "tenant__slug"]
    autocomplete_fields = ["user", "tenant"]


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    ordering = ["email"]
    list_display = ["email", "name", "is_active", "is_staff", "last_login", "date_joined"]
    list_filter = ["is_staff", "is_active"]
    search_fields = ["email", "name"]
    readonly_fields = ["last_login", "date_joined"]
    filter_horizontal = ["user_permissions"]
    fieldsets = [
        (None, {"fields": ["email", "name", "password"]}),
        ("Rights", {"fields": ["is_active", "is_staff", "is_superuser", "user_permissions"]}),
        ("Dates", {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [(None, {"classes": ["wide"], "fields": ["email", "name", "password1", "password2"]})]
    inlines = [MembershipInline]

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Operators vouch for the address that they typed."""
        super().save_model(request, obj, form, change)
        if not change or "email" in form.changed_data:
            obj.trust_email()


@admin.register(AuditEntryRow)
class AuditAdmin(ModelAdmin):
    """Append-only: looked at, never changed. Operators see all tenants' entries, and who of them it was."""

    list_display = ["occurred_at", "tenant", "what", "actor_kind", "actor_label", "as_user_label", "reason"]
    list_filter = ["actor_kind", "event"]
    list_select_related = ["tenant"]
    search_fields = ["tenant__slug", "actor_label", "target_label", "event", "request_id"]
    show_full_result_count = False
    paginator = EstimatedCountPaginator
    ordering = ["-occurred_at", "-id"]

    @admin.display(description="What")
    def what(self, entry: AuditEntryRow) -> str:
        return sentence_of(entry.event, entry.target_label, entry.before, entry.after)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ApiToken)
class ApiTokenAdmin(ModelAdmin):
    """Whose token it is that leaked: search for what follows `tkd_`, without the secret."""

    list_display = ["name", "prefix", "tenant", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at"]
    list_select_related = ["tenant"]
    search_fields = ["key", "name", "tenant__slug"]
    exclude = ["digest"]
    actions = ["revoke"]
    action_form = ActionWithReason

    @admin.display(description="Token")
    def prefix(self, token: ApiToken) -> str:
        return f"tkd_{token.key}"

    @admin.action(description="Revoke (give a reason)", permissions=["revoke"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
        """They are refused from now on; the customer's audit log has the reason."""
        for token in tokens:
            revoke_token(tenant=tenant_by_id(token.tenant_id), token_id=token.pk, reason=request.POST.get("reason", ""))
        self.message_user(request, f"{len(tokens)} token(s) are revoked.", messages.SUCCESS)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.delete_apitoken"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Authenticator)
class SecondFactorAdmin(ModelAdmin):
    """Who has which second factor. One that is lost is deleted here, after asking who asks; nothing else is changed."""

    list_display = ["user", "type", "created_at", "last_used_at"]
    list_filter = ["type"]
    list_select_related = ["user"]
    search_fields = ["user__email"]
    fields = ["user", "type", "created_at", "last_used_at"]
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(UpstreamIncident)
class UpstreamIncidentAdmin(ModelAdmin):
    """Times without the upstream: the watch writes them down by itself, operators add what it cannot see."""

    list_display = ["began_at", "ended_at", "by_hand", "note"]
    list_filter = ["by_hand"]
    search_fields = ["note"]
    fields = ["began_at", "ended_at", "note"]

    def save_model(self, request: HttpRequest, obj: UpstreamIncident, form: Any, change: bool) -> None:
        if not change:
            obj.by_hand = True
        super().save_model(request, obj, form, change)
