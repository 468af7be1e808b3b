"""One shape for everything that goes wrong, whoever noticed it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from django.http import Http404, HttpResponse
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import set_rollback

from tikdash.errors import BadInput, TikdashError
from tikdash.tiklive.text import clean_text

DOCS = "/api/docs/errors#{code}"
#: What DRF calls its errors, as we call them.
CODES = {
    "parse_error": "bad_json",
    "method_not_allowed": "method_not_allowed",
    "not_acceptable": "not_acceptable",
    "unsupported_media_type": "unsupported_media_type",
    "not_found": "not_found",
}
MESSAGES = {
    "method_not_allowed": "This address does not take {method}.",
    "not_acceptable": "This address cannot answer in the format that “Accept” asks for.",
    "unsupported_media_type": "Send JSON, with “Content-Type: application/json”.",
    "not_found": "This does not exist.",
}
#: Every code that an answer may carry, with what it means: the documentation lists them, and a test watches.
ALL = {
    "bad_input": "Something that was sent cannot be used; `errors` names the field and says what to change.",
    "bad_json": "The body is not JSON.",
    "bad_token": "There is no token, or none that is good at this host. The token gives the workspace.",
    "token_not_allowed": "The token is good, but lacks the scope that the message names, or may not come from here.",
    "not_in_plan": "The workspace's plan has no such feature.",
    "not_allowed": "The workspace's rules do not allow it.",
    "not_found": "It does not exist, or not for this token; the two are never told apart.",
    "method_not_allowed": "The address exists, but not with this method; `Allow` names those it takes.",
    "not_acceptable": "The address has no such format; ask for application/json.",
    "limit_reached": "A limit of the plan or of the product stands in the way.",
    "conflict": "A request with the same Idempotency-Key is being worked on. Ask again in a moment.",
    "key_reused": "The Idempotency-Key was used for another request in the last 24 hours.",
    "marker_too_old": "The marker of `updated_since` is no longer good. Begin anew with `updated_since=start`.",
    "link_over": "The link to a file has ended. Get the export again: it has a fresh one.",
    "too_large": "The request is larger than anything that this API takes.",
    "unsupported_media_type": "The body is not declared as JSON.",
    "rate_limited": "Too many requests a minute; `Retry-After` says when to go on.",
    "fetching_paused": "Nothing is fetched for this workspace at present; the message says why.",
    "closing": "The workspace is going to be deleted; until then it can be read.",
    "unavailable": "A part that we depend on does not answer. Try again.",
    "maintenance": "We are working on the installation; it can be read meanwhile, and the message says why.",
    "moving": "The workspace is being moved and can only be read for some minutes.",
    "error": "Something went wrong on our side. Tell us the `request_id`.",
}


class MarkerTooOld(TikdashError):
    """A marker from which nothing can be followed any more."""

    code = "marker_too_old"
    status = 410
    message = "This marker is too old, or of another database. Begin anew with updated_since=start."


class RateLimited(TikdashError):
    """The token has asked too often."""

    code = "rate_limited"
    status = 429
    message = "Too many requests. Wait as long as Retry-After says."


class Conflict(TikdashError):
    code = "conflict"
    status = 409
    message = "A request with this Idempotency-Key is being worked on. Ask again in a moment."


class KeyReused(TikdashError):
    code = "key_reused"
    status = 422
    message = "This Idempotency-Key was used for another request. Use a new key for each request."


class TooLarge(TikdashError):
    code = "too_large"
    status = 413
    message = "This request is too large."


class Fields(BadInput):
    """Several fields that are wrong at once."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        super().__init__(_summary(errors))
        self.errors = errors


def body(code: str, message: str, request_id: str, errors: Mapping[str, list[str]] | None = None) -> dict[str, Any]:
    """The one shape."""
    return {
        "code": code,
        "message": message,
        "errors": dict(errors or {}),
        "request_id": request_id,
        "docs": DOCS.format(code=code),
    }


def handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """For DRF: an answer to what a view raised, or None for what only the door can answer (500, 503)."""
    request = context["request"]
    request_id = getattr(request, "request_id", "")
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    if isinstance(error, TikdashError):
        if error.status >= 500:
            return None
        set_rollback()
        return Response(of_ours(error, request_id), status=error.status, headers=headers_of(error))
    if isinstance(error, exceptions.ValidationError):
        set_rollback()
        found = flattened(error.detail)
        return Response(body("bad_input", _summary(found), request_id, found), status=status.HTTP_400_BAD_REQUEST)
    if isinstance(error, exceptions.APIException):
        set_rollback()
        code = CODES.get(error.default_code, error.default_code)
        message = MESSAGES.get(error.default_code, str(error.detail)).format(method=request.method)
        return Response(body(code, message, request_id), status=error.status_code)
    return None


def of_ours(error: TikdashError, request_id: str) -> dict[str, Any]:
    """An error of the product's tree in the one shape."""
    errors: Mapping[str, list[str]] = {}
    if isinstance(error, Fields):
        errors = error.errors
    elif "field" in error.data:
        errors = {str(error.data["field"]): [str(error)]}
    # Kinds of bad input have codes of their own on pages; a program is told by the fields.
    code = error.code if error.code in ALL else "bad_input" if isinstance(error, BadInput) else _by_status(error.status)
    return body(code, str(error), request_id, errors)


def headers_of(error: TikdashError) -> dict[str, str]:
    """What the answer's head has to say."""
    if error.status == 401:
        return {"WWW-Authenticate": 'Bearer realm="Tikdash"'}
    wait = error.data.get("wait_s") or error.data.get("retry_after")
    return {"Retry-After": str(max(1, int(wait)))} if isinstance(wait, int | float) else {}


def answer(error: TikdashError, request_id: str) -> HttpResponse:
    """The same without DRF."""
    response = HttpResponse(
        orjson.dumps(of_ours(error, request_id)), status=error.status, content_type="application/json"
    )
    for name, value in headers_of(error).items():
        response[name] = value
    return response


def flattened(detail: Any, name: str = "") -> dict[str, list[str]]:
    """What DRF has found, by field: `tags.0` for the first of a list."""
    if isinstance(detail, Mapping):
        found: dict[str, list[str]] = {}
        for key, value in detail.items():
            path = name if key == "non_field_errors" else f"{name}.{key}" if name else clean_text(str(key))[:60]
            found |= flattened(value, path)
        return found
    if isinstance(detail, list) and any(isinstance(item, Mapping | list) for item in detail):
        found = {}
        for place, item in enumerate(detail):
            if item:
                found |= flattened(item, f"{name}.{place}" if name else str(place))
        return found
    said = detail if isinstance(detail, list) else [detail]
    return {name or "body": [str(one) for one in said]}


def _summary(errors: Mapping[str, list[str]]) -> str:
    name, said = next(iter(errors.items()), ("", []))
    more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{name}: {said[0]}{more}" if said else "This input cannot be used."


def _by_status(number: int) -> str:
    return {
        400: "bad_input", 401: "bad_token", 403: "not_allowed", 404: "not_found", 409: "limit_reached",
        422: "bad_input", 429: "rate_limited", 503: "unavailable",
    }.get(number, "error")  # fmt: skip
