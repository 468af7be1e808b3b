"""Tenants and people for the operations staff."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.audit_events import EVENTS, sentence_of
from accounts.bulk_actions import ACTIONS
from accounts.bulk_admin import BulkActionsMixin
from accounts.look_admin import LookAdmin
from accounts.models import ApiToken, AuditEntryRow, Domain, Membership, UpstreamIncident, User
from accounts.privacy_admin import PrivacyRequestAdmin
from accounts.recorded_admin import PlacesBelowMixin, PlacesMixin, RecordedMixin, removed
from accounts.services.auditing import Target, record
from accounts.services.incidents import record_incident
from accounts.telling_admin import AnnouncementAdmin, MaintenanceAdmin
from accounts.tenant_admin import MembershipInline, TenantAdmin
from tikdash.ui.admin import EstimatedCountPaginator

#: Django looks for pages here.
__all__ = ["AnnouncementAdmin", "LookAdmin", "MaintenanceAdmin", "PrivacyRequestAdmin", "TenantAdmin"]

admin.site.unregister(Group)
# Both belong to their person's page.
admin.site.unregister([Authenticator, EmailAddress])


def is_superuser(request: HttpRequest) -> bool:
    """Whether the one who asks may everything."""
    return bool(getattr(request.user, "is_superuser", False))


@admin.register(Domain)
class DomainAdmin(PlacesMixin, ModelAdmin):
    list_display = ["domain", "tenant", "is_primary"]
    list_select_related = ["tenant"]
    search_fields = ["domain", "tenant__name"]
    autocomplete_fields = ["tenant"]


@admin.register(Membership)
class MembershipAdmin(PlacesMixin, ModelAdmin):
    list_display = ["user", "tenant", "role", "created_at"]
    list_filter = ["role"]
    list_select_related = ["user", "tenant"]
    list_per_page = 50
    search_fields = ["user__email", "tenant__name", "tenant__slug"]
    autocomplete_fields = ["user", "tenant"]


@admin.register(User)
class UserAdmin(PlacesBelowMixin, RecordedMixin, DjangoUserAdmin, ModelAdmin):
    saved_event, removed_event = "operations.person_saved", "operations.person_removed"
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    ordering = ["email"]
    list_per_page = 50
    list_display = ["email", "name", "is_active", "is_staff", "last_login", "date_joined"]
    list_filter = ["is_staff", "is_active"]
    search_fields = ["email", "name"]
    readonly_fields = ["last_login", "date_joined"]
    filter_horizontal = ["groups", "user_permissions"]
    fieldsets = [
        (None, {"fields": ["email", "name", "password"]}),
        ("Rights", {"fields": ["is_active", "is_staff", "groups", "is_superuser", "user_permissions"]}),
        ("Dates", {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [(None, {"classes": ["wide"], "fields": ["email", "name", "password1", "password2"]})]
    inlines = [MembershipInline]
    #: What makes staff of somebody, or more of staff: superusers alone decide.
    rights = ("is_staff", "is_superuser", "groups", "user_permissions")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fixed = [*super().get_readonly_fields(request, obj)]
        return fixed if is_superuser(request) else [*fixed, *self.rights]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may change people may not change staff: a new password would be the way to their rights."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or not (obj.is_staff or obj.is_superuser) or is_superuser(request))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or not (obj.is_staff or obj.is_superuser) or is_superuser(request))

    def target_of(self, obj: Any) -> Target:
        return Target("user", obj.pk, obj.email)

    def facts_of(self, obj: Any) -> dict[str, Any]:
        groups = sorted(obj.groups.values_list("name", flat=True))
        return {"is_active": obj.is_active, "is_staff": obj.is_staff, "is_superuser": obj.is_superuser, "roles": groups}

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for row in Membership.objects.filter(user__in=[one.pk for one in queryset]).select_related("user"):
            removed(row)
        return super().log_deletions(request, queryset)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Operators vouch for the address that they typed."""
        super().save_model(request, obj, form, change)
        if not change or "email" in form.changed_data:
            obj.trust_email()


class EventFilter(admin.SimpleListFilter):
    """Every event that there is: to ask for those that have happened reads the whole log."""

    title = "event"
    parameter_name = "event"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted(EVENTS)]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(event=self.value()) if self.value() else queryset


@admin.register(AuditEntryRow)
class AuditAdmin(ModelAdmin):
    """Append-only: looked at, never changed. Operators see all tenants' entries, and who of them it was."""

    list_display = ["occurred_at", "tenant", "what", "actor_kind", "actor_label", "as_user_label", "reason"]
    list_filter = ["actor_kind", EventFilter]
    list_select_related = ["tenant"]
    search_fields = ["tenant__slug", "actor_label", "target_label", "event", "request_id"]
    show_full_result_count = False
    paginator = EstimatedCountPaginator
    # Their ids are made of the time, and the key of each month is in that order.
    ordering = ["-id"]
    list_per_page = 50

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
class ApiTokenAdmin(BulkActionsMixin, ModelAdmin):
    """Whose token it is that leaked: search for what follows `tkd_`, without the secret."""

    list_display = ["name", "prefix", "tenant", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at"]
    list_select_related = ["tenant"]
    search_fields = ["key", "name", "tenant__slug"]
    exclude = ["digest"]
    bulk_actions = [one for one in ACTIONS if one.model is ApiToken]

    @admin.display(description="Token")
    def prefix(self, token: ApiToken) -> str:
        return f"tkd_{token.key}"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Authenticator)
class SecondFactorAdmin(RecordedMixin, ModelAdmin):
    """Who has which second factor. One that is lost is deleted here, after asking who asks; nothing else is changed."""

    removed_event = "operations.second_factor_removed"

    list_display = ["user", "type", "created_at", "last_used_at"]
    list_filter = ["type"]
    list_select_related = ["user"]
    search_fields = ["user__email"]
    fields = ["user", "type", "created_at", "last_used_at"]
    readonly_fields = fields

    def target_of(self, obj: Any) -> Target:
        return Target("user", obj.user_id, obj.user.email)

    def facts_of(self, obj: Any) -> dict[str, Any]:
        return {"type": obj.type}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(UpstreamIncident)
class UpstreamIncidentAdmin(ModelAdmin):
    """Times without the upstream: the watch writes them down by itself, operators add what it cannot see."""

    nothing = (
        "No outage is written down. The watch does it by itself when the upstream stays away; what it cannot see is"
        " added here, or beside the dead jobs."
    )
    list_display = ["began_at", "ended_at", "by_hand", "note"]
    list_filter = ["by_hand"]
    search_fields = ["note"]
    fields = ["began_at", "ended_at", "note"]

    def save_model(self, request: HttpRequest, obj: UpstreamIncident, form: Any, change: bool) -> None:
        if not change:
            obj.by_hand = True
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            record_incident(obj)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for obj in queryset:
            record("fetching.incident_removed", target=Target("incident", obj.pk, str(obj)))
        return super().log_deletions(request, queryset)
