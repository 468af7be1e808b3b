"""The API key is in no log, row, cache, message, report, metric, page or error, whatever the upstream does to us."""

from __future__ import annotations

import base64
import json
import logging
import pickle
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import StringIO
from typing import Any
from urllib.parse import quote

import pytest
import sentry_sdk
import structlog
from celery import current_app
from django.contrib import admin
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client, override_settings
from django.urls import reverse

from accounts.selectors import TenantRef
from billing.gate import gate
from billing.models import Plan
from snapshots.models import FetchJob, TrackedAccount
from snapshots.scheduling.dispatch import RUN_JOBS, claim_these, dispatch, without_waking
from snapshots.services.accounts import clean_wish, request_tracking
from snapshots.tasks import run_jobs
from tests.cast import Cast
from tests.factories import make_account, make_job
from tests.faults.sinks import Sinks, error_of
from tests.reporting import reporting
from tests.simulating import NOW, Caller
from tests.tiklive.upstream import Answer, Upstream, running_upstream
from tikdash import clock, metrics
from tikdash.db.scope import tenant_scope
from tikdash.tiklive.client import client_for
from tikdash.tiklive.simulator.fault_kinds import KINDS

KEY = "sim-hidden/7Qz+Xw3=Lp9Tn4"
#: What is searched for. A part of the key, so that one that was cut in half is found, too; the last four characters
#: may be seen.
CORE = KEY[4:17]
MARKER = "marker.seen.everywhere"
STATUSES = (301, 400, 401, 402, 403, 404, 408, 429, 500, 503)
FAULTS: list[dict[str, Any]] = [
    *({"kind": kind} for kind in KINDS if kind not in {"http", "timeout", "slow"}),
    *({"kind": "http", "status": status} for status in STATUSES),
    {"kind": "http", "status": 429, "retry_after": 1800},
    {"kind": "timeout", "seconds": 0.6},
    {"kind": "slow", "seconds": 0.05},
]
SINKS = {
    "log as JSON", "log on a console", "rows of tables", "keys of Redis", "values of Redis", "messages of Celery",
    "tracebacks", "errors", "reports to Sentry", "metrics", "pages of the admin", "output of a command",
}  # fmt: skip


class Echo(Upstream):
    """Answers with what it was asked, as a proxy's debugging page does: the key is in the error's text."""

    def __init__(self) -> None:
        super().__init__()
        self.status = 400

    def _give(self, handler: Any, answer: Answer) -> None:
        headers = self.asked[-1].headers
        said = json.dumps({"message": f"Invalid API key or bad request: {headers}", "headers": headers})
        super()._give(handler, Answer(said.encode(), self.status, {"X-Echo": headers["x-api-key"]}))


@pytest.fixture
def tenant(committed_db: Cast, settings: Any) -> Iterator[TenantRef]:
    """Acme at the simulator's noon, with the key that must stay hidden, and nothing that makes a call wait."""
    settings.TIKLIVE_KEY = KEY
    settings.TIKLIVE_READ_TIMEOUT_S = 0.3
    settings.TIKLIVE_ATTEMPTS = 1
    settings.TIKLIVE_KEY_PER_MINUTE, settings.TIKLIVE_KEY_BURST = 100_000, 1_000
    plan = Plan.objects.filter(code=committed_db.acme.plan)
    before = plan.values("requests_per_minute", "requests_burst").get()
    plan.update(requests_per_minute=100_000, requests_burst=1_000)
    gate.forget()
    with clock.at(datetime.fromisoformat(NOW)):
        yield committed_db.acme
    plan.update(**before)
    gate.forget()


def spend(tenant: TenantRef, sinks: Sinks, *, echoed: bool = False) -> None:
    """Jobs through the task that workers run, calls of our own, and what they leave behind in Redis."""
    with tenant_scope(tenant), without_waking():
        account = TrackedAccount.objects.get(username="lena.bakes")
        TrackedAccount.objects.filter(username="noor.kitchen").delete()
        FetchJob.objects.all().delete()
        jobs = [make_job(account, kind).pk for kind in ("profile", "posts")]
        jobs.append(request_tracking(tenant=tenant, wish=clean_wish(handle="noor.kitchen", reason="own", tags="")))
    claim_these(tenant, jobs)
    run_jobs.apply(args=[tenant.id, jobs], throw=True)
    client = client_for(tenant.id, feature="probe", priority="interactive")
    for call in (
        lambda: client.userinfo_by_username("lena.bakes"),
        lambda: client.user_posts(account.tiktok_user_id),
        lambda: client.userid("nobody here!"),
    ):
        error = error_of(call)
        if error is not None:
            logging.getLogger("careful").exception("a call failed", exc_info=error)
            sentry_sdk.capture_exception(error)
            # The body stands in a frame while it is read: there an echo shows, in print and reports it does not.
            sinks.add_error(error, with_locals=not echoed)
    sinks.add_redis()
    # What stops the next calls (breaker, pauses, budgets, kept answers) is in Redis.
    cache.clear()


@contextmanager
def searched(tenant: TenantRef, cast: Cast) -> Iterator[Sinks]:
    """Sinks that catch what the block does; after it all of them are filled, and the key must be in none."""
    sinks = Sinks()
    with reporting() as kept, sinks.logs() as as_logged:
        yield sinks
        careless(KEY)
        leave_the_marker_everywhere(tenant, sinks)
        sinks.add("output of a command", command_output(tenant))
        # Real messages of a real tick, read as a worker would.
        assert dispatch() > 0
        sinks.add_messages("pro", "free", "interactive")
        sinks.add_redis()
        sinks.add_database()
        sinks.add("metrics", metrics.exposition())
        sinks.add("pages of the admin", *admin_pages(cast))
    sinks.add("reports to Sentry", kept.everything)
    assert CORE in as_logged.getvalue(), "the careless calls were made"
    assert sinks.with_text(MARKER) == SINKS == sinks.names(), "each sink was really looked into"
    assert sinks.with_text(CORE) == set(), sinks.around(CORE)


def careless(text: str) -> None:
    """What a colleague adds for an hour of debugging, and forgets."""
    logging.getLogger("careless").error("sending %s", {"X-Api-Key": text})
    structlog.get_logger("careless").warning("sending", headers={"X-Api-Key": text.encode()}, url=f"/?key={text}")
    try:
        raise ValueError(f"no luck with {text}")
    except ValueError:
        logging.getLogger("careless").exception("trouble")


def leave_the_marker_everywhere(tenant: TenantRef, sinks: Sinks) -> None:
    """The control: a text that is no secret goes the same ways, and must be found at the end of each."""
    logging.getLogger("urllib3").debug("with %s", {"X": MARKER})
    structlog.get_logger("tikdash.x").debug("seen", text=MARKER)
    cache.set(f"key-of-{MARKER}", "x" * 2000 + MARKER)
    with tenant_scope(tenant):
        make_job(make_account(MARKER), "profile")
    error = error_of(lambda: "".index(MARKER) or int(MARKER))
    sentry_sdk.capture_message(f"{error} {MARKER}")
    sinks.add_error(ValueError(MARKER))
    metrics.SCRAPE_ERRORS.labels(MARKER).inc()
    current_app.send_task(RUN_JOBS, args=[MARKER], queue="free")


def command_output(tenant: TenantRef) -> str:
    """What `manage.py call` prints for an answer or an error."""
    out, err = StringIO(), StringIO()
    error = error_of(lambda: call_command("call", tenant.slug, "userid", f"username={MARKER}", stdout=out, stderr=err))
    return f"{out.getvalue()}{err.getvalue()}{error} for {MARKER}"


def admin_pages(cast: Cast) -> list[bytes]:
    """Every list of the admin, as staff sees it, and the first row of each."""
    olga = Client(headers={"host": "localhost"})
    olga.force_login(cast.olga, backend="allauth.account.auth_backends.AuthenticationBackend")
    pages = []
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        listed = olga.get(reverse(f"{name}_changelist", urlconf="tikdash.urls_public"))
        assert listed.status_code == 200, name
        pages.append(listed.content)
        first = re.search(rb'href="(/admin/[^"?]+/change/)', listed.content)
        if first is not None:
            pages.append(olga.get(first[1].decode()).content)
    return pages


@pytest.fixture
def lena(tenant: TenantRef, upstream: Caller) -> None:
    with tenant_scope(tenant):
        make_account("lena.bakes", tiktok_user_id=upstream.account_id("lena.bakes"))


@pytest.mark.usefixtures("lena")
def test_under_every_fault_the_key_reaches_no_sink(
    tenant: TenantRef, upstream: Caller, committed_db: Cast, settings: Any
) -> None:
    upstream.order("limits", {"all": {"rpm": 100_000, "burst": 100_000}})
    with searched(tenant, committed_db) as sinks:
        spend(tenant, sinks)
        for fault in FAULTS:
            assert isinstance(upstream.order("faults", [fault]), list), fault
            spend(tenant, sinks)
        settings.TIKLIVE_ATTEMPTS = 2
        upstream.order("faults", [{"kind": "http", "status": 503}])
        spend(tenant, sinks)
        upstream.order("faults", [])
        served = upstream.look("stats")["by_key"]
        upstream.order("keys", {"revoked": [KEY]})
        spend(tenant, sinks)
    assert served[KEY] > 3 * len(FAULTS), "the key was really sent, again and again"


@pytest.mark.usefixtures("lena")
def test_an_upstream_that_echoes_the_key_or_is_not_there_makes_nobody_tell(
    tenant: TenantRef, committed_db: Cast, settings: Any
) -> None:
    with searched(tenant, committed_db) as sinks, running_upstream(Echo) as echo:
        settings.TIKLIVE_BASE_URL = echo.base_url
        for echo.status in (200, *STATUSES):
            spend(tenant, sinks, echoed=True)
        assert {asked.headers["x-api-key"] for asked in echo.asked} == {KEY}
        assert not [asked for asked in echo.asked if {"sentry-trace", "baggage"} & set(asked.headers)]
        settings.TIKLIVE_BASE_URL = "http://127.0.0.1:9"
        spend(tenant, sinks)
        with override_settings(REDIS_URL="redis://127.0.0.1:9/0"):
            for priority in ("interactive", "pro"):
                client = client_for(tenant.id, feature="probe", priority=priority)
                error = error_of(lambda client=client: client.userinfo_by_username("lena.bakes"))
                assert error is not None, "neither upstream nor Redis is there"
                sinks.add_error(error)


@pytest.mark.parametrize(
    "written",
    [
        KEY.encode(), quote(KEY, safe="").encode(), json.dumps({"k": [KEY]}).encode(), KEY.encode().hex().encode(),
        b"deflated: " + zlib.compress(b"x" * 500 + KEY.encode()), pickle.dumps({"key": KEY}), KEY[2:20].encode(),
        *(base64.b64encode(b"{" * before + KEY.encode() + b"}") for before in range(1, 7)),
    ],
)  # fmt: skip
def test_the_search_finds_a_key_however_it_is_written(written: bytes) -> None:
    sinks = Sinks()
    sinks.add("one", b"nothing here")
    sinks.add("two", b"before " + written + b" after")
    assert sinks.with_text(CORE) == {"two"}
