"""Lists of the workspace as files, which a worker makes: asked for, looked at, called off, fetched.

A token has the exports that it has asked for; those of people and of other tokens do not exist for it.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import FileResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.export_list import ExportRef, export_of_token, exports_of_token
from accounts.models import Export
from accounts.roles import MEMBER
from accounts.services.export_kinds import ExportKind, export_kinds
from accounts.services.exports import (
    Asker,
    ask_for_export,
    cancel_export,
    delete_export,
    open_export,
    retry_export,
    token_link,
)
from accounts.services.tokens import MOST_TAGS
from accounts.token_scopes import READ
from tikdash.api import paging
from tikdash.api.parameters import Param
from tikdash.api.rendering import Zip
from tikdash.api.shapes import page_of
from tikdash.api.views import CURSOR, LIMIT, Listing, Resource, answers
from tikdash.errors import BadInput, NotFound

TAG = "Exports"
URLCONF = "tikdash.urls_api"
#: Kinds that a token may ask for.
KINDS = {kind.name: kind for kind in export_kinds().values() if kind.resources}
FORMATS = list(dict.fromkeys(name for kind in KINDS.values() for name in kind.formats))
EXAMPLE = {
    "id": "3f1f0f0e-6f0e-4c39-9d0a-0a9c6a1f7c11", "kind": "posts", "format": "csv", "tags": ["bakery"],
    "state": "ready", "progress": 1.0, "size": 48_213, "message": "", "created_at": "2026-11-27T02:14:07Z",
    "finished_at": "2026-11-27T02:14:09Z", "expires_at": "2026-11-30T02:14:09Z",
    "url": "/api/v1/exports/3f1f0f0e-6f0e-4c39-9d0a-0a9c6a1f7c11",
    "download_url": "https://app.example.com/api/v1/exports/3f1f0f0e-6f0e-4c39-9d0a-0a9c6a1f7c11/file?key=WyIz…",
    "download_expires_at": "2026-11-27T02:31:40Z",
}  # fmt: skip


def _scopes(kind: ExportKind) -> str:
    return " and ".join(f"{resource}:{READ}" for resource in kind.resources)


class ExportShape(serializers.Serializer):
    """A file of data that a worker makes: a zip with a file for each list."""

    id = serializers.UUIDField()
    kind = serializers.CharField(help_text=f"{', '.join(KINDS)}.")
    format = serializers.CharField(help_text=f"Of the files in it: {', '.join(FORMATS)}.")
    tags = serializers.ListField(
        child=serializers.CharField(), help_text="Only accounts with one of these are in it; empty: all."
    )
    state = serializers.CharField(
        help_text=f"{', '.join(Export.State.values)}. `waiting` and `running` go on by themselves."
    )
    progress = serializers.FloatField(allow_null=True, help_text="From 0 to 1; null while nobody knows.")
    size = serializers.IntegerField(help_text="Bytes so far, of the whole file once it is ready.")
    message = serializers.CharField(allow_blank=True, help_text="Why it failed.")
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True, help_text="Then the file is deleted.")
    url = serializers.CharField(help_text="Where to ask again.")
    download_url = serializers.CharField(
        allow_null=True,
        help_text="The file, once it is ready, for whoever has this link: it needs no token. Each answer has a fresh"
        " one.",
    )
    download_expires_at = serializers.DateTimeField(allow_null=True, help_text="When this link ends.")


class NewExport(serializers.Serializer):
    """What to make a file of."""

    kind = serializers.ChoiceField(
        choices=list(KINDS),
        help_text="The token must be allowed to read it, too: "
        + ", ".join(f"{name} needs {_scopes(kind)}" for name, kind in KINDS.items())
        + ".",
    )
    format = serializers.ChoiceField(choices=FORMATS, default=FORMATS[0])
    tags = serializers.ListField(
        child=serializers.CharField(max_length=40),
        default=list,
        max_length=MOST_TAGS,
        help_text="Only accounts with one of these. A token for some tags names some of its own, or has all of them.",
    )


class _OfExports(Resource):
    resource = "exports"

    def own(self, export_id: UUID) -> ExportRef:
        """Raises NotFound for one that this token has not asked for."""
        found = export_of_token(self.identity.token_id, export_id)
        if found is None:
            raise NotFound("There is no such export of this token.")
        return found

    @property
    def asker(self) -> Asker:
        return Asker(self.identity.actor.label, MEMBER, token_id=self.identity.token_id)

    def refuse_unless_read(self, kind: str) -> None:
        """Raises TokenNotAllowed where the token may not read what would be in the file."""
        for resource in KINDS[kind].resources:
            self.identity.refuse_unless(resource, READ)

    def shown(self, found: ExportRef) -> dict[str, Any]:
        link, until = None, None
        if found.state == Export.State.READY:
            key, until = token_link(found.id, self.identity.token_id)
            path = reverse("api_export_file", args=[found.id], urlconf=URLCONF)
            link = self.request._request.build_absolute_uri(f"{path}?{urlencode({'key': key})}")
        return {
            "id": found.id,
            "kind": found.kind,
            "format": found.format,
            "tags": found.tags,
            "state": found.state,
            "progress": 1.0 if link else None if found.permille is None else found.permille / 1000,
            "size": found.size,
            "message": found.error,
            "created_at": found.created_at,
            "finished_at": found.finished_at,
            "expires_at": found.expires_at,
            "url": _address(found.id),
            "download_url": link,
            "download_expires_at": until,
        }

    def begun(self, export_id: UUID) -> Response:
        return Response(self.shown(self.own(export_id)), status=202, headers={"Location": _address(export_id)})


class Exports(_OfExports, Listing):
    """All exports of the token, and asking for another one."""

    @answers(
        "List exports",
        page_of(ExportShape),
        params=[CURSOR, LIMIT],
        about="Those that this token has asked for, the newest first.",
        example={"data": [EXAMPLE], "next": None, "as_of": None, "metrics": {}},
        name="exports_list",
        tag=TAG,
    )
    def get(self, request: Request) -> Response:
        most, place = self.query["limit"], self.place
        after = (paging.moment(place[0]), UUID(place[1])) if place else None
        found = exports_of_token(self.identity.token_id, after=after, most=most + 1)
        rows = found[:most]
        next_key = [rows[-1].created_at, str(rows[-1].id)] if len(found) > most else None
        return self.page([self.shown(one) for one in rows], next_key)

    @answers(
        "Ask for an export",
        body=NewExport,
        status={202: ExportShape},
        about="A worker makes the file; ask its `url` how far it is, then fetch `download_url`. One of a kind is made"
        " at a time, and a token has ten files at most: 409 beyond that. Of a token for some tags only these tags'"
        " accounts are in the file. Send an `Idempotency-Key`.",
        name="exports_ask",
        tag=TAG,
    )
    def post(self, request: Request) -> Response:
        sent = self.sent(NewExport)
        self.refuse_unless_read(sent["kind"])
        wishes = {"format": sent["format"], "tags": _tags(sent["tags"], self.identity.tags)}
        return self.begun(ask_for_export(tenant=self.tenant, kind=sent["kind"], asker=self.asker, parameters=wishes))


def _tags(wanted: list[str], reach: tuple[str, ...]) -> list[str]:
    """The tags that a file is limited to: never more than the token has. Raises BadInput."""
    if reach and not set(wanted) <= set(reach):
        raise BadInput(f"This token is for accounts with one of the tags: {', '.join(reach)}.", field="tags")
    return list(dict.fromkeys(wanted)) or list(reach)


class OneExport(_OfExports):
    """One export."""

    @answers("Look how far an export is", ExportShape, example=EXAMPLE, name="exports_get", tag=TAG)
    def get(self, request: Request, export_id: UUID) -> Response:
        return Response(self.shown(self.own(export_id)))

    @answers(
        "Call an export off, or delete its file",
        ExportShape,
        about="One that is waited for is made no further; of one that is ready the file goes before its time. Twice:"
        " nothing changes.",
        name="exports_cancel",
        tag=TAG,
    )
    def delete(self, request: Request, export_id: UUID) -> Response:
        found = self.own(export_id)
        # It may become ready in this very moment.
        for end in (cancel_export, delete_export):
            try:
                end(tenant=self.tenant, export_id=found.id)
            except NotFound:
                continue
            break
        return Response(self.shown(self.own(export_id)))


class Retry(_OfExports):
    """The same export once more."""

    @answers(
        "Ask for the same export again",
        status={202: ExportShape},
        about="After one that failed, was called off or is deleted: another export with the same wishes. 404 for one"
        " that is waited for or ready.",
        errors=[409, 422],
        name="exports_retry",
        tag=TAG,
    )
    def post(self, request: Request, export_id: UUID) -> Response:
        found = self.own(export_id)
        self.refuse_unless_read(found.kind)
        return self.begun(retry_export(tenant=self.tenant, export_id=found.id, asker=self.asker))


class File(_OfExports):
    """The file of an export."""

    renderer_classes = (Zip,)

    @answers(
        "Fetch the file of an export",
        {"type": "string", "format": "binary"},
        params=[Param("key", "Of a `download_url`: then no token is needed.", most=400)],
        about="A zip. Either with the token that asked for it, or by `download_url`, which ends after a while and as"
        " soon as its token does.",
        media_type="application/zip",
        errors=[410],
        name="exports_file",
        tag=TAG,
    )
    def get(self, request: Request, export_id: UUID) -> HttpResponseBase:
        opened = open_export(tenant=self.tenant, export_id=export_id, role=MEMBER, token_id=self.identity.token_id)
        answer = FileResponse(opened.file, as_attachment=True, filename=opened.name, content_type=Zip.media_type)
        answer["Content-Length"] = opened.size
        answer["Cache-Control"] = "private, no-store"
        return answer


def _address(export_id: UUID) -> str:
    return reverse("api_export", args=[export_id], urlconf=URLCONF)
