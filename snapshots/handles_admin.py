"""Tracking a list of handles for a tenant, by operators: the customers' own import, with the same dry run first."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from accounts.selectors import TenantRef, tenant_by_id
from snapshots.handle_lists import MOST_BYTES, MOST_ROWS, decode_list, read_list
from snapshots.models import TrackedAccount
from snapshots.services.accounts import clean_wish
from snapshots.services.imports import ImportPlan, import_progress, plan_import, start_import
from tikdash.db.scope import tenant_scope
from tikdash.errors import BadInput, TikdashError
from tikdash.tiklive.text import clean_text

PERMISSION = "accounts.bring_handles"
TEMPLATE = "admin/snapshots/bring_handles.html"


class HandlesForm(forms.Form):
    handles = forms.CharField(
        required=False,
        help_text=f"One a line, or CSV with handle, reason, tags; up to {MOST_ROWS}.",
        widget=UnfoldAdminTextareaWidget({"rows": 8}),
    )
    file = forms.FileField(required=False, label="Or a file", help_text="CSV or text in UTF-8.")
    reason = forms.ChoiceField(
        choices=TrackedAccount.Reason.choices,
        initial="competitor",
        label="Tracked as",
        widget=UnfoldAdminSelectWidget(),
    )
    tags = forms.CharField(required=False, max_length=200, widget=UnfoldAdminTextInputWidget())
    token = forms.CharField(required=False, widget=forms.HiddenInput)


def bring_handles(request: HttpRequest, tenant_id: int) -> HttpResponse:
    """The list; sent, first what would become of each row, and once that is confirmed, how far it is."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    tenant = tenant_by_id(tenant_id)
    form, plan, error, status = HandlesForm(request.POST or None, request.FILES or None), None, "", 200
    if request.method == "POST" and form.is_valid():
        try:
            done = _sent(request, tenant, form.cleaned_data)
        except TikdashError as refused:
            error, status = str(refused), 422
        else:
            if isinstance(done, int):
                return redirect(f"{request.path}?batch={done}")
            plan, text = done
            form = HandlesForm(initial=form.cleaned_data | {"handles": text, "file": None, "token": str(uuid4())})
    context = {
        **admin.site.each_context(request),
        "title": f"Track handles for {tenant.name}",
        "tenant": tenant,
        "form": form,
        "plan": plan,
        "error": error,
        "progress": _progress(request, tenant),
    }
    return TemplateResponse(request, TEMPLATE, context, status=422 if form.errors else status)


def _sent(request: HttpRequest, tenant: TenantRef, data: dict[str, Any]) -> int | tuple[ImportPlan, str]:
    """The batch that was begun, or, before it is confirmed, what would become of the list and its text."""
    text = _text(request, data["handles"])
    clean_wish(handle="handle", reason=data["reason"], tags=data["tags"])
    rows = read_list(text)
    with tenant_scope(tenant):
        if not request.POST.get("confirmed"):
            return plan_import(tenant=tenant, rows=rows, reason=data["reason"], tags=data["tags"]), text
        batch = start_import(
            tenant=tenant, token=_token(data["token"]), rows=rows, reason=data["reason"], tags=data["tags"]
        )
    messages.success(request, "The handles are being checked, by the customer’s own pace.")
    return batch


def _text(request: HttpRequest, pasted: str) -> str:
    upload: Any = request.FILES.get("file")
    if upload is not None:
        if upload.size > MOST_BYTES:
            raise BadInput("This file is larger than 1 MB.")
        return clean_text(decode_list(upload.read(MOST_BYTES + 1)))
    return clean_text(pasted)


def _token(text: str) -> UUID:
    with suppress(ValueError):
        return UUID(text)
    raise BadInput("This form is too old. Look at the list again, then send it.")


def _progress(request: HttpRequest, tenant: TenantRef) -> Any:
    batch = request.GET.get("batch", "")
    if not (batch.isascii() and batch.isdecimal() and len(batch) < 19):
        return None
    with tenant_scope(tenant):
        return import_progress(int(batch))
