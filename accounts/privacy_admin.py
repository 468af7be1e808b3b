"""The privacy desk in the administration: requests of people at TikTok, and who is left out."""

from __future__ import annotations

from datetime import date
from typing import Any

from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.export_list import exports_listed
from accounts.models import LeftOut, PrivacyRequest
from accounts.services import privacy
from accounts.services.auditing import record
from accounts.services.exports import Asker, ask_for_export, open_export
from accounts.services.left_out import left_out
from accounts.services.personal import kinds
from tikdash import clock
from tikdash.errors import NotFound, TikdashError
from tikdash.tiklive.people import Person

#: A handle as people write it, an id, a sec_uid.
LONGEST_NAME = 200
TEMPLATES = "admin/accounts/privacyrequest"


class RequestForm(forms.Form):
    """What reached us: who it is about, who asked, on which ground, and until when an answer is due."""

    handle = forms.CharField(required=False, max_length=LONGEST_NAME, widget=UnfoldAdminTextInputWidget())
    tiktok_id = forms.CharField(
        required=False, max_length=32, label="TikTok id", widget=UnfoldAdminTextInputWidget({"inputmode": "numeric"})
    )
    sec_uid = forms.CharField(
        required=False, max_length=LONGEST_NAME, label="sec_uid", widget=UnfoldAdminTextInputWidget()
    )
    kind = forms.ChoiceField(choices=PrivacyRequest.Kind.choices, widget=UnfoldAdminSelectWidget())
    asked_by = forms.ChoiceField(choices=PrivacyRequest.By.choices, label="Who asked", widget=UnfoldAdminSelectWidget())
    basis = forms.ChoiceField(
        choices=PrivacyRequest.Basis.choices, label="Legal basis", widget=UnfoldAdminSelectWidget()
    )
    contact = forms.CharField(
        required=False,
        max_length=254,
        label="Where the answer goes",
        help_text="Forgotten when the request is done.",
        widget=UnfoldAdminTextInputWidget(),
    )
    asked_on = forms.DateField(label="Reached us on", widget=UnfoldAdminDateWidget())

    def clean_handle(self) -> str:
        return str(self.cleaned_data["handle"]).strip().rstrip("/").rpartition("/")[2].lstrip("@").lower()

    def clean_tiktok_id(self) -> str:
        text = str(self.cleaned_data["tiktok_id"]).strip()
        if text and not (text.isascii() and text.isdecimal()):
            raise forms.ValidationError("An id at TikTok has digits only.")
        return text

    def clean_asked_on(self) -> date:
        day: date = self.cleaned_data["asked_on"]
        if day > clock.today():
            raise forms.ValidationError("This day lies ahead.")
        return day

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and not any(cleaned.get(name) for name in ("handle", "tiktok_id", "sec_uid")):
            self.add_error("handle", "Give a handle, an id or a sec_uid.")
        return cleaned

    def person(self) -> Person:
        """Whom it is about."""
        names = (self.cleaned_data[name].strip() for name in ("handle", "tiktok_id", "sec_uid"))
        return Person(*(frozenset(filter(None, [name])) for name in names))


@admin.register(PrivacyRequest)
class PrivacyRequestAdmin(ModelAdmin):  # type: ignore[misc]
    """Opened here, answered on the page of the request. No list shows a name: they are sealed, and go in the end."""

    list_display = ["number", "kind", "state", "asked_by", "basis", "asked_on", "due_on", "done_at"]
    list_filter = ["state", "kind", "basis"]

    @admin.display(description="Request", ordering="pk")
    def number(self, request: PrivacyRequest) -> str:
        return f"Request {request.pk}"

    def get_urls(self) -> list[Any]:
        kept = path("kept/", self.admin_site.admin_view(self.kept), name="accounts_privacyrequest_kept")
        copy = path(
            "<int:request_id>/copy.zip", self.admin_site.admin_view(self.copy), name="accounts_privacyrequest_copy"
        )
        return [kept, copy, *super().get_urls()]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """A new request."""
        self._refuse_unless_allowed(request)
        form = RequestForm(
            request.POST or None,
            initial={"asked_on": clock.today(), "kind": "erasure", "basis": PrivacyRequest.Basis.OBJECTION},
        )
        if request.method == "POST" and form.is_valid():
            facts = {name: form.cleaned_data[name] for name in ("kind", "asked_by", "basis", "contact", "asked_on")}
            opened = privacy.open_request(person=form.person(), **facts)
            try:
                privacy.search(opened)
            except TikdashError as error:
                messages.error(request, str(error))
            return redirect("admin:accounts_privacyrequest_change", opened.pk)
        context = self._context(request, "A person asks") | {"form": form}
        return TemplateResponse(request, f"{TEMPLATES}/ask.html", context, status=422 if form.errors else 200)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The desk: what was found, in whose workspaces, and what can be done."""
        self._refuse_unless_allowed(request)
        one = get_object_or_404(PrivacyRequest, pk=object_id if object_id.isdecimal() else 0)
        if request.method == "POST":
            self._act(request, one)
            return redirect("admin:accounts_privacyrequest_change", one.pk)
        context = self._context(request, f"Request {one.pk}") | {
            "one": one,
            "person": privacy.person_of(one),
            "contact": privacy.contact_of(one),
            "rows": [(kind, one.found.get(kind.name, 0), one.erased.get(kind.name, 0)) for kind in kinds()],
            "days_left": (one.due_on - clock.today()).days,
            "copy": next((each for each in exports_listed(subject=str(one.pk)) if each.kind == privacy.COPY), None),
        }
        return TemplateResponse(request, f"{TEMPLATES}/desk.html", context)

    def _act(self, request: HttpRequest, one: PrivacyRequest) -> None:
        action = request.POST.get("action", "")
        if action in ("copy", "erase"):
            raise_if_reauthentication_required(request, app="")
        try:
            if action == "search":
                privacy.search(one)
            elif action == "copy":
                asker = Asker(str(request.user), user_id=request.user.pk)
                ask_for_export(tenant=None, kind=privacy.COPY, asker=asker, subject=str(one.pk))
                messages.success(request, "A worker makes the copy.")
            elif action == "erase":
                privacy.begin_erasure(one)
                messages.success(
                    request, "Nothing of this person is fetched from now on; a worker erases what there is."
                )
            elif action == "answered":
                privacy.answer(one)
            elif action == "refuse":
                privacy.refuse(one, request.POST.get("outcome", ""))
        except TikdashError as error:
            messages.error(request, str(error))

    def copy(self, request: HttpRequest, request_id: int) -> HttpResponse | FileResponse:
        """The copy for the person, as a zip with JSON and CSV; after a step-up, for the operator who had it made."""
        self._refuse_unless_allowed(request)
        raise_if_reauthentication_required(request, app="")
        one = get_object_or_404(PrivacyRequest, pk=request_id)
        copy = next((each for each in exports_listed(subject=str(one.pk)) if each.state == "ready"), None)
        try:
            if copy is None:
                raise NotFound("There is no copy, or no longer. Make it again.")
            opened = open_export(tenant=None, export_id=copy.id, user_id=request.user.pk)
        except TikdashError as error:
            messages.error(request, str(error))
            return redirect("admin:accounts_privacyrequest_change", one.pk)
        return FileResponse(opened.file, as_attachment=True, filename=f"request-{one.pk}.zip")

    def kept(self, request: HttpRequest) -> HttpResponse:
        """Which data of people is kept for what, and for how long."""
        self._refuse_unless_allowed(request)
        context = self._context(request, "What is kept, and for how long") | {"kinds": kinds()}
        return TemplateResponse(request, f"{TEMPLATES}/kept.html", context)

    def _context(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "title": title, "opts": self.opts}

    def _refuse_unless_allowed(self, request: HttpRequest) -> None:
        if not request.user.has_perm("accounts.change_privacyrequest"):
            raise PermissionDenied

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(LeftOut)
class LeftOutAdmin(ModelAdmin):  # type: ignore[misc]
    """Who is left out, as digests. An entry is deleted where a handle is somebody else's by now, or on the person's
    own wish."""

    list_display = ["what", "request", "created_at", "pepper_id"]
    list_filter = ["what"]
    list_select_related = ["request"]

    def delete_model(self, request: HttpRequest, obj: LeftOut) -> None:
        super().delete_model(request, obj)
        self._taken_back([obj])

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        entries = list(queryset)
        super().delete_queryset(request, queryset)
        self._taken_back(entries)

    def _taken_back(self, entries: list[LeftOut]) -> None:
        for entry in entries:
            record("privacy.entry_deleted", after={"request": entry.request_id, "what": str(entry.what)})
        left_out.forget()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
