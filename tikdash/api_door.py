"""The way into the partner API: from a request with a token to its tenant's scope, and back to one kind of answer.

Addresses under `/api/` pass none of what is for browsers: no session, no cookie, no CSRF token, no language but
English. The token alone says whose rows are shown; a host of a tenant only lets in tokens of this tenant.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

import structlog
from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, get_resolver
from django.utils import translation
from django.utils.cache import get_conditional_response, patch_vary_headers

from accounts.models import Domain
from accounts.services.auditing import acting
from accounts.services.exports import token_of_link
from accounts.services.repeating import answered_once
from accounts.services.telling import maintenance_now
from accounts.services.tokens import BadToken, TokenIdentity, authenticate, authenticate_link
from tikdash.api import errors, limiting
from tikdash.db.guard import was_refused
from tikdash.db.scope import tenant_scope
from tikdash.error_pages import server_gone
from tikdash.errors import LimitReached, NotFound, TikdashError, Unavailable
from tikdash.middleware import RequestLogMiddleware, host_of, is_too_large
from tikdash.plans import limits_of, plan_service, plans_remembered

Handler = Callable[[HttpRequest], HttpResponseBase]
log = structlog.get_logger(__name__)

PREFIX = "/api/"
URLCONF = "tikdash.urls_api"
#: Read without a token: what the API is.
OPEN = ("/api/docs/", "/api/v1/openapi.")
READING = frozenset({"GET", "HEAD", "OPTIONS"})
#: Answers that have no body, and so no length of it.
BARE = frozenset({204, 304})
#: The one address that a signed link may lead to, and where its signature is.
LINKED, LINK_KEY = "api_export_file", "key"
CREDITS_LEFT = {"credits_day": "Credits-Left-Day", "credits_month": "Credits-Left-Month"}
#: Tokens that are no good, from one address in a minute: the next ones are told to wait, good ones are not.
WRONG_A_MINUTE = 60


class Moving(Unavailable):
    code = "moving"
    message = "This workspace is being moved. It can be read; write again in a minute."


class UnderMaintenance(Unavailable):
    code = "maintenance"


class Closing(LimitReached):
    code = "closing"
    message = "This workspace is going to be deleted, and can only be read until then."


class ApiMiddleware:
    """Answers everything under `/api/`; other addresses go on."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.logged = RequestLogMiddleware(self.answer)  # type: ignore[arg-type]

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(PREFIX) and request.path_info != PREFIX[:-1]:
            return self.get_response(request)
        with translation.override("en"):
            return self.logged(request)

    def answer(self, request: HttpRequest) -> HttpResponseBase:
        """Whatever happens, an answer in the API's own form."""
        try:
            with plans_remembered():
                response = _serve(request)
        except TikdashError as error:
            if error.status >= 500:
                _tell(request)
            response = errors.answer(error, _id_of(request))
        except Exception as error:  # noqa: BLE001  (the last one that can turn it into an answer)
            ours = _as_ours(error)
            if ours.status >= 500:
                _tell(request)
            response = errors.answer(ours, _id_of(request))
        response.headers.setdefault("Cache-Control", "private, no-cache")
        response.headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        patch_vary_headers(response, ["Authorization", "Accept"])
        if isinstance(response, HttpResponse) and response.status_code not in BARE:
            response.headers.setdefault("Content-Length", str(len(response.content)))
        return response


def _serve(request: Any) -> HttpResponseBase:
    request.tenant = request.arrival = request.identity = None
    if is_too_large(request):
        raise errors.TooLarge
    host = host_of(request)
    is_public = host in {settings.BASE_DOMAIN, "127.0.0.1", "[::1]"}
    if request.path_info.startswith(OPEN):
        if not is_public and not Domain.objects.filter(domain=host).exists():
            raise NotFound
        return _view(request)
    identity = _of_link(request) or _identity(request)
    if not is_public and not Domain.objects.filter(domain=host, tenant_id=identity.tenant.id).exists():
        raise BadToken
    request.identity, request.tenant = identity, identity.tenant
    with _inside(identity):
        rate = limiting.count(f"token:{identity.token_id}", limits_of(identity.tenant).api_requests_per_minute)
        response = _limited(request, identity, rate)
        told = rate.headers | (_credits_left(identity) if request.method not in READING else {})
    for name, value in told.items():
        response.headers.setdefault(name, value)
    return response


def _credits_left(identity: TokenIdentity) -> dict[str, str]:
    """What the plan still has, after a write; nothing where it does not count."""
    return {
        CREDITS_LEFT[each.name]: str(max(0, each.limit - each.used))
        for each in plan_service().standings(identity.tenant)
        if each.name in CREDITS_LEFT and each.limit is not None
    }


@contextmanager
def _inside(identity: TokenIdentity) -> Iterator[None]:
    """All that is read and written is the token's tenant's, and the token has done it."""
    names = structlog.contextvars.bound_contextvars(tenant=identity.tenant.slug, token=identity.key)
    with tenant_scope(identity.tenant), names, acting(identity.actor):
        yield


def _identity(request: HttpRequest) -> TokenIdentity:
    scheme, _, raw = request.headers.get("Authorization", "").partition(" ")
    ip = _ip_of(request)
    try:
        if scheme.lower() != "bearer" or not raw.strip():
            raise BadToken("Send a token: “Authorization: Bearer tkd_…”. Owners and admins make them in the settings.")
        return authenticate(raw.strip(), ip)
    except BadToken:
        if limiting.count(f"wrong:{ip}", WRONG_A_MINUTE).is_over:
            raise errors.RateLimited("Too many requests without a good token.", wait_s=limiting.WINDOW_S) from None
        raise


def _of_link(request: HttpRequest) -> TokenIdentity | None:
    """Whose token signed the link that is followed; None where it is no link to a file."""
    if request.method not in READING or LINK_KEY not in request.GET:
        return None
    try:
        match = get_resolver(URLCONF).resolve(request.path_info)
    except Resolver404:
        return None
    if match.url_name != LINKED:
        return None
    token_id = token_of_link(request.GET[LINK_KEY], match.kwargs["export_id"])
    return authenticate_link(token_id, _ip_of(request))


def _ip_of(request: HttpRequest) -> str:
    """Empty where the server does not know it, as behind a socket without a proxy that is trusted."""
    try:
        return str(get_adapter().get_client_ip(request) or "")
    except PermissionDenied:
        return ""


def _limited(request: Any, identity: TokenIdentity, rate: limiting.Rate) -> HttpResponseBase:
    if rate.is_over:
        wait = rate.reset_s
        return errors.answer(
            errors.RateLimited(f"At most {rate.limit} requests a minute. Again in {wait} s.", wait_s=wait),
            _id_of(request),
        )
    if request.method in READING:
        return _conditional(request, _view(request))
    if (lasting := maintenance_now()) is not None:
        raise UnderMaintenance(lasting.sentence, wait_s=300)
    if identity.is_moving:
        raise Moving(wait_s=60)
    if identity.is_closing:
        raise Closing
    if not rate.known:
        raise Unavailable("Requests cannot be counted at the moment, so nothing is written. Try again soon.", wait_s=5)
    key = request.headers.get("Idempotency-Key", "")
    if request.method != "POST" or not key:
        return _view(request)
    fingerprint = sha256(
        b"\n".join([request.get_full_path().encode("utf-8", "replace"), bytes(request.body)])
    ).hexdigest()
    return answered_once(token_id=identity.token_id, key=key, fingerprint=fingerprint, work=lambda: _view(request))


def _view(request: Any) -> HttpResponseBase:
    try:
        match = get_resolver(URLCONF).resolve(request.path_info)
    except Resolver404:
        raise NotFound("There is no such address. They are listed at /api/docs/.") from None
    request.urlconf, request.resolver_match = URLCONF, match
    response: Any = match.func(request, *match.args, **match.kwargs)
    if hasattr(response, "render") and not response.is_rendered:
        response.render()
    found: HttpResponseBase = response
    return found


def _conditional(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """304 where the partner has the same answer already."""
    if response.status_code != 200 or not isinstance(response, HttpResponse) or response.streaming:
        return response
    tag = sha256(response.headers.get("Content-Type", "").encode() + response.content).hexdigest()[:32]
    response["ETag"] = f'"{tag}"'
    found = get_conditional_response(request, etag=f'"{tag}"', response=response)
    return found if found is not None else response


def _as_ours(error: Exception) -> TikdashError:
    if was_refused(error):
        return Moving(wait_s=60)
    if server_gone(error):
        return Unavailable(wait_s=5)
    if isinstance(error, RequestDataTooBig):
        return errors.TooLarge()
    return TikdashError()


def _tell(request: HttpRequest) -> None:
    """The log, with its traceback, and whoever collects errors."""
    log.error("api_failed", path=request.path, exc_info=sys.exc_info())
    got_request_exception.send(sender=ApiMiddleware, request=request)


def _id_of(request: Any) -> str:
    return str(getattr(request, "request_id", ""))
