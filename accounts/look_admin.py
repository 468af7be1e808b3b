"""Looking at a workspace as a person of it, in the administration: the page that asks as whom and why, and the list."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.models import Look, Tenant, User
from accounts.models.looks import LONGEST
from accounts.selectors import tenant_by_id
from accounts.services.looking import LONGEST_REASON, PERMISSION, ask_to_look, people_to_look_as
from accounts.web.hosts import host_url
from accounts.web.second_factor import step_up
from tikdash.errors import BadInput


class LookForm(forms.Form):
    user = forms.TypedChoiceField(label="As", coerce=int, widget=UnfoldAdminSelectWidget())
    reason = forms.CharField(
        max_length=LONGEST_REASON,
        required=False,
        help_text="A sentence that the customer reads, for example: Ticket 512, your chart of May has a gap.",
        widget=UnfoldAdminTextInputWidget(),
    )

    def __init__(self, people: list[User], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["user"].choices = [(one.pk, one.email) for one in people]  # type: ignore[attr-defined]


@step_up
def look_page(request: HttpRequest, context: dict[str, Any], tenant_id: int) -> HttpResponse:
    """Asks as whom and why, after a step-up; leads to the workspace's host with a ticket."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    tenant = get_object_or_404(Tenant.objects.exclude(state=Tenant.State.ERASED), pk=tenant_id)
    people = people_to_look_as(tenant.pk)
    form, way = LookForm(people, request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        try:
            ticket = ask_to_look(
                staff=cast(User, request.user),
                tenant=tenant_by_id(tenant_id),
                user_id=form.cleaned_data["user"],
                reason=form.cleaned_data["reason"],
            )
        except BadInput as error:
            form.add_error(error.data["field"], str(error))
        else:
            host = str(tenant.domains.filter(is_primary=True).values_list("domain", flat=True).get())
            way = f"{host_url(request, host)}/look/?{urlencode({'ticket': ticket})}"
            if host.endswith(f".{settings.BASE_DOMAIN}"):
                return redirect(way)
            # A form must not end on a host that is not ours; a link may.
    context |= {
        "title": f"Look at {tenant.name}",
        "tenant": tenant,
        "people": people,
        "form": form,
        "way": way,
        "minutes": int(LONGEST.total_seconds() // 60),
    }
    return TemplateResponse(
        request, "admin/accounts/tenant/look.html", context, status=422 if form.is_bound and form.errors else 200
    )


@admin.register(Look)
class LookAdmin(ModelAdmin):  # type: ignore[misc]
    """Who of us looked at which workspace, as whom, why, and how long."""

    list_display = ["asked_at", "staff_label", "tenant", "user_label", "reason", "began_at", "until", "ended_at"]
    list_select_related = ["tenant"]
    search_fields = ["staff_label", "user_label", "tenant__slug"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
