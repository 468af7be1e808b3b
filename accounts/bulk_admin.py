"""The pages of actions on many rows of the administration: asked once more, and how far a worker is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IS_POPUP_VAR
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from accounts.bulk_page import MOST_NAMES, MOST_ROWS, BulkAction
from accounts.services.batches import AT_ONCE, Done, begin_batch, do_to, progress_of_batch
from tikdash.errors import NotFound, TikdashError, Unavailable


class BulkActionsMixin:
    """A list with actions that are asked once more, each for whom its permission allows it."""

    bulk_actions: Sequence[BulkAction] = ()

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        found: dict[str, Any] = super().get_actions(request)  # type: ignore[misc]
        if IS_POPUP_VAR in request.GET:
            return found
        possible = [one for one in self.bulk_actions if request.user.has_perm(one.permission)]
        return found | {one.name: (_asked(one), one.name, f"{one.title} …") for one in possible}


def _asked(action: BulkAction) -> Any:
    def asked(model_admin: Any, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse:
        return confirm_page(model_admin, request, rows, action)

    return asked


def confirm_page(model_admin: Any, request: HttpRequest, rows: QuerySet[Any], action: BulkAction) -> HttpResponse:
    """What an action does to the chosen rows and what it costs; confirmed, the action.

    What is done is what was counted on this page: where all rows of a filtered list are meant and others have come
    since, it is asked anew.
    """
    if not request.user.has_perm(action.permission):
        raise PermissionDenied
    keys = list(rows.order_by("pk").values_list("pk", flat=True)[: MOST_ROWS + 1])
    confirmed, error = bool(request.POST.get("confirmed")), ""
    form = (action.form or forms.Form)(request.POST if confirmed else None)
    refuses = f"At most {MOST_ROWS:,} rows at once. Filter the list more narrowly." if len(keys) > MOST_ROWS else ""
    if confirmed and request.POST.get("counted") != str(len(keys)):
        error = f"The list has changed meanwhile: it is {action.count_of(len(keys))} now."
    elif confirmed and not refuses and form.is_valid():
        try:
            return _do(request, action, keys, form.cleaned_data)
        except TikdashError as refused:
            error = str(refused)
    chosen = model_admin.model._default_manager.filter(pk__in=keys[:MOST_ROWS])
    names = [str(row) for row in chosen.order_by("pk")[:MOST_NAMES]]
    context = model_admin.admin_site.each_context(request) | {
        "title": action.title,
        "opts": model_admin.model._meta,
        "action": action,
        "count": action.count_of(len(keys)),
        "counted": len(keys),
        "names": names,
        "more": len(keys) - len(names),
        "says": [] if refuses else action.says(chosen),
        "refuses": refuses,
        "error": error,
        "form": form,
        "in_background": len(keys) > AT_ONCE,
        "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
        "across": request.POST.get("select_across", "0"),
        "back": request.get_full_path(),
    }
    wrong = confirmed and bool(refuses or error or form.errors)
    return TemplateResponse(request, "admin/bulk/confirm.html", context, status=422 if wrong else 200)


def _do(request: HttpRequest, action: BulkAction, keys: list[int], data: dict[str, Any]) -> HttpResponse:
    if len(keys) > AT_ONCE:
        return redirect("admin_batch", begin_batch(action, keys, data))
    done = do_to(action, keys, data)
    for sentence in done.said:
        messages.error(request, sentence)
    if done.refused > len(done.said):
        messages.error(request, f"{done.refused - len(done.said)} more were refused.")
    (messages.success if done.changed else messages.warning)(request, sentence_of(action, done))
    return redirect(request.get_full_path())


def sentence_of(action: BulkAction, done: Done) -> str:
    """What came of it, in one line."""
    parts = [f"{action.title}: done for {action.count_of(done.changed)}"]
    parts += [f"{done.same:,} were so already"] if done.same else []
    parts += [f"{done.refused:,} refused"] if done.refused else []
    return ", ".join(parts) + "."


def batch_page(request: HttpRequest, run: str) -> HttpResponse:
    """How far the worker is; the page asks again until it is over."""
    said, progress = "", None
    try:
        progress = progress_of_batch(run)
    except Unavailable as error:
        said = str(error)
    else:
        if progress is None:
            raise NotFound("Nobody knows of such a run any more.")
        if not request.user.has_perm(progress.action.permission):
            raise PermissionDenied
    context = admin.site.each_context(request) | {
        "title": progress.action.title if progress else "Many rows at once",
        "progress": progress,
        "said": said,
        "run": run,
        "sentence": sentence_of(progress.action, progress.done) if progress else "",
        "back": reverse(f"admin:{_list_of(progress.action)}") if progress else "",
    }
    name = "_progress.html" if request.headers.get("HX-Request") else "progress.html"
    return TemplateResponse(request, f"admin/bulk/{name}", context)


def _list_of(action: BulkAction) -> str:
    return f"{action.model._meta.app_label}_{action.model._meta.model_name}_changelist"
