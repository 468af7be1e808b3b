"""From a request to its tenant, person and scope."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address
from secrets import compare_digest
from typing import Any

import structlog
from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import DisallowedHost
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.request import split_domain_port
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.crypto import constant_time_compare

from accounts.models import User
from accounts.selectors import arrival_at, membership_of, person_in
from accounts.services.auditing import NOBODY, Actor, acting
from accounts.services.looking import open_look
from accounts.services.telling import maintenance_now
from accounts.sessions import LOOK
from accounts.web.looking import admin_page
from accounts.web.second_factor import way_to_second_factor
from tikdash import health, metrics
from tikdash.db.scope import all_tenants, tenant_scope
from tikdash.errors import NotAllowed, TikdashError
from tikdash.plans import plans_remembered
from tikdash.words import gettext

Handler = Callable[[HttpRequest], HttpResponse]
log = structlog.get_logger(__name__)


class ErrorMiddleware:
    """What our own errors look like when a view lets them through: a page with their sentence and their status."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, TikdashError) or error.status >= 500:
            return None
        return render(
            request, "404.html" if error.status == 404 else "error.html", {"error": error}, status=error.status
        )


class NoSeat(NotAllowed):
    """A member whom the workspace's plan has no seat for at present."""

    code = "no_seat"

    def __init__(self) -> None:
        super().__init__(
            gettext(
                "The plan of this workspace has no seat for you at present. You can come in again as soon as there is"
                " room: ask an owner or admin for it. Nothing of yours is gone."
            )
        )


#: What somebody without a seat can do all the same, by the names of the addresses.
WITHOUT_SEAT = frozenset({"leave"})


class RequestSizeMiddleware:
    """Whoever sends more than anybody needs gets 413, and nothing of it is read."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if is_too_large(request):
            return render(None, "413.html", status=413)
        return self.get_response(request)


def is_too_large(request: HttpRequest) -> bool:
    """Whether its head says that more comes than anybody needs."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    return not length.isdecimal() or len(length) > 18 or int(length) > settings.MOST_REQUEST_BYTES


class HealthMiddleware:
    """`/health/live` and `/health/ready` on any host, before a tenant is looked for, and `/metrics` for who may see it.

    To anybody else `/metrics` is an address that does not exist.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info == "/health/live":
            return HttpResponse("ok\n", content_type="text/plain")
        if request.path_info == "/health/ready":
            return health.ready()
        if request.path_info == "/metrics" and request.method == "GET" and _may_read_metrics(request):
            return HttpResponse(metrics.exposition(), content_type=metrics.CONTENT_TYPE)
        return self.get_response(request)


def _may_read_metrics(request: HttpRequest) -> bool:
    """On the public host, or an address of this machine, with the token; where none is set, from this machine only."""
    host = host_of(request)
    if host != settings.BASE_DOMAIN and _ip_address(host.strip("[]")) is None:
        return False
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "").encode("utf-8", "replace")
        return compare_digest(given, f"Bearer {settings.METRICS_TOKEN}".encode())
    caller = _ip_address(request.META.get("REMOTE_ADDR", ""))
    return settings.METRICS_WITHOUT_TOKEN and caller is not None and caller.is_loopback


def _ip_address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def host_of(request: HttpRequest) -> str:
    """The host that was asked, without port and closing dot; empty where it is none that may be asked."""
    try:
        return split_domain_port(request.get_host())[0].rstrip(".")
    except DisallowedHost:
        return ""


class TenantMiddleware:
    """The host gives the tenant: its scope is open for the whole request. An unknown host is a 404 page."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        host = host_of(request)
        request.tenant = request.arrival = None  # type: ignore[attr-defined]
        if "\0" in request.path_info:
            # No address of ours: PostgreSQL, which takes no NUL, would be asked for what is named so.
            return render(None, "404.html", status=404)
        session_key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
        if not (session_key.isascii() and session_key.isalnum()):
            # No key of ours: PostgreSQL would not even take it, were there a NUL in it.
            request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
            session_key = ""
        if host in {settings.BASE_DOMAIN, "127.0.0.1", "[::1]"}:
            if not _may_change_meanwhile(request) and (lasting := maintenance_now()) is not None:
                return _only_reading(lasting.sentence)
            return self.get_response(request)
        arrival = arrival_at(host, session_key)
        if arrival is None:
            return render(None, "404.html", {"unknown_host": True}, status=404)
        if arrival.is_read_only and request.method not in ("GET", "HEAD", "OPTIONS"):
            response = render(None, "503.html", {"being_moved": True}, status=503)
            response["Retry-After"] = "60"
            return response
        if arrival.maintenance and not _may_change_meanwhile(request):
            return _only_reading(arrival.maintenance)
        if arrival.erase_at is not None and not _may_change_while_closing(request):
            return render(None, "409.html", status=409)
        tenant = arrival.tenant
        request.tenant, request.arrival = tenant, arrival  # type: ignore[attr-defined]
        request.urlconf = settings.TENANT_URLCONF  # type: ignore[attr-defined]
        with tenant_scope(tenant), plans_remembered(), structlog.contextvars.bound_contextvars(tenant=tenant.slug):
            response = self.get_response(request)
        # Many addresses answer HTMX with a piece and everybody else with the page.
        patch_vary_headers(response, ["HX-Request"])
        return response


#: What people may send although their workspace is going to be deleted: to sign in and out, and to keep it.
_STILL_SENT = (
    "/look/end/",
    "/log-in/",
    "/log-out/",
    "/confirm/",
    "/password/",
    "/language/",
    "/settings/delete/",
    "/settings/exports/",
)


def _may_change_while_closing(request: HttpRequest) -> bool:
    return request.method in ("GET", "HEAD", "OPTIONS") or request.path_info.startswith(_STILL_SENT)


#: What people may send during a maintenance: to sign in and out. Staff goes on with its work.
_SENT_MEANWHILE = ("/look/end/", "/log-in/", "/log-out/", "/confirm/", "/language/", "/admin/")
#: When it makes sense to try again, s.
_MEANWHILE_S = 300


def _may_change_meanwhile(request: HttpRequest) -> bool:
    return request.method in ("GET", "HEAD", "OPTIONS") or request.path_info.startswith(_SENT_MEANWHILE)


def _only_reading(sentence: str) -> HttpResponse:
    response = render(None, "503.html", {"maintenance": sentence}, status=503)
    response["Retry-After"] = str(_MEANWHILE_S)
    return response


class TenantSessionMiddleware(SessionMiddleware):
    """Django's sessions; on a tenant's host the session has come with the tenant, and the person with the membership.

    Whatever is not plainly a valid log-in is left to Django, which looks again and decides.
    """

    def process_request(self, request: Any) -> None:
        super().process_request(request)
        request.session.visitor = lambda: (
            get_adapter().get_client_ip(request),
            request.META.get("HTTP_USER_AGENT", "").replace("\0", ""),
        )
        if request.arrival is None or request.arrival.session_data is None:
            return
        session = request.session
        session._session_cache = session.decode(request.arrival.session_data)
        user_id = session.get(SESSION_KEY, "")
        found = person_in(request.tenant.id, int(user_id)) if user_id.isdecimal() else None
        if found and _is_log_in_of(session, found[0]):
            request._cached_user, request.membership = found


def _is_log_in_of(session: Any, user: User) -> bool:
    """True where the session was opened by a log-in that still holds: the password is the one of then."""
    return session.get(BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS and constant_time_compare(
        session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash()
    )


class RequestLogMiddleware:
    """One line a request with its id, which the answer carries too."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = uuid.uuid4().hex[:16]
        request.request_id = request_id  # type: ignore[attr-defined]
        began = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
            log.info(
                "request",
                method=request.method,
                path=request.path,
                status=response.status_code,
                ms=round((time.perf_counter() - began) * 1000, 1),
            )
        response["X-Request-Id"] = request_id
        return response


class LookMiddleware:
    """Staff who look at a workspace as a person of it: named on the request, refused whatever could change anything.

    Everything but GET, HEAD and OPTIONS is 403, HTMX's requests like a form's; only the look's own end is sent. Of a
    look that is over nothing is left but a page that says so.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        request.impersonated_by = request.look = None
        kept = request.session.get(LOOK) if request.tenant is not None and request.arrival.session_data else None
        if kept is None:
            return self.get_response(request)
        look = open_look(
            look_id=kept["id"], tenant_id=request.tenant.id, user_id=request.user.pk, staff_hash=kept["hash"]
        )
        context = {"admin_url": admin_page(request, request.tenant)}
        if look is None:
            request.session.flush()
            request.user, request.membership = AnonymousUser(), None
            return render(request, "accounts/look_over.html", context, status=403)
        request.impersonated_by, request.look = look.staff, look
        if request.method not in ("GET", "HEAD", "OPTIONS") and request.path_info != "/look/end/":
            # A page of its own, without the way round in the workspace.
            request.membership = None
            return render(request, "accounts/look_refused.html", context, status=403)
        response = self.get_response(request)
        # Neither the browser nor a proxy keeps what belongs to a customer for the next who sits there.
        response["Cache-Control"] = "no-store"
        # Nor does it ask for pages that nobody opens.
        del response["Speculation-Rules"]
        return response


class ActorMiddleware:
    """Whoever is logged in did what this request does; in the admin as staff, elsewhere as a person.

    Staff who look through somebody else's eyes (`request.impersonated_by`, of `LookMiddleware`) are named both.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with acting(lambda: _actor_of(request)):
            return self.get_response(request)


def _actor_of(request: Any) -> Actor:
    user, staff = request.user, getattr(request, "impersonated_by", None)
    if not user.is_authenticated:
        return NOBODY
    if staff is not None:
        return Actor("staff", staff.pk, staff.email, as_user_id=user.pk, as_user_label=user.email)
    return Actor("user" if request.tenant is not None or not user.is_staff else "staff", user.pk, user.email)


class MembershipMiddleware:
    """On a tenant's host only its members get an answer; to anybody else nothing exists there.

    LoginRequiredMiddleware before it has sent those who are not logged in to the log-in page.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: Any, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        found = getattr(request, "membership", None)
        request.membership = None
        if request.tenant is None or not getattr(view, "login_required", True):
            return None
        if request.user.is_authenticated:
            if found is None or found.user_id != request.user.pk:
                found = membership_of(request.tenant.id, request.user.pk)
            if found is None:
                raise Http404
            if found.waits and request.resolver_match.url_name not in WITHOUT_SEAT:
                return render(request, "error.html", {"error": NoSeat()}, status=NoSeat.status)
            request.membership = found
        return None


class AdminScopeMiddleware:
    """Staff in the admin, on the public host, and with their second factor, see all tenants of the shard they chose."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        if request.tenant is not None or not request.path_info.startswith("/admin/"):
            return self.get_response(request)
        if request.user.is_authenticated and request.user.is_staff and (way := way_to_second_factor(request)):
            return redirect(way)
        request.GET = _without_nul(request.GET)
        with all_tenants(self._schema(request)):
            response = self.get_response(request)
        # unfold's pages run Alpine.js, which evaluates expressions, and have styles in their tags; no script stands in
        # a page here either, and nothing of a customer's page is loosened.
        response._csp_update = {  # type: ignore[attr-defined]
            "script-src": ["'self'", "'unsafe-eval'"],
            "style-src": ["'self'", "'unsafe-inline'"],
        }
        return response

    @staticmethod
    def _schema(request: Any) -> str:
        if request.user.is_authenticated and request.user.is_staff:
            return str(request.session.get("admin_schema", settings.SHARED_SCHEMA))
        return "public"


def _without_nul(query: QueryDict) -> QueryDict:
    """PostgreSQL takes no NUL, and Django's lists hand it whatever stands in the address."""
    if not any("\0" in name + value for name, values in query.lists() for value in values):
        return query
    kept = QueryDict(mutable=True)
    for name, values in query.lists():
        kept.setlist(name.replace("\0", ""), [value.replace("\0", "") for value in values])
    return kept


class FormStatusMiddleware:
    """A form that is shown again because something in it was wrong answers 422, allauth's like ours."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_template_response(self, request: HttpRequest, response: Any) -> Any:
        if request.method == "POST" and response.status_code == 200 and not request.path_info.startswith("/admin/"):
            shown = (response.context_data or {}).values()
            if any(isinstance(form, BaseForm) and form.is_bound and form.errors for form in shown):
                response.status_code = 422
        return response
