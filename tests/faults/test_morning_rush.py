"""Everything is due at once, on one key: it is read at the key's pace, without one 429 and without going in rounds.

Everything goes 15 times as fast: 3,000 requests a minute in place of 200, for the key and for tenants, and a tick, a
call's patience and what is claimed ahead are a fifteenth.
"""

from __future__ import annotations

import threading
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.core.cache import cache
from django.db import connection
from django.db.models import F
from redis import Redis

from accounts.selectors import TenantRef, tenant_by_id
from accounts.services.tenants import create_tenant
from billing.gate import gate
from billing.models import Plan
from snapshots.models import AccountSnapshot, FetchJob
from snapshots.scheduling.dispatch import dispatch
from snapshots.services.jobs import RunReport, run_jobs
from tests.cast import Cast
from tests.factories import make_account, make_job
from tests.simulating import Caller, running_simulator
from tikdash import clock
from tikdash.db.scope import all_tenants, tenant_scope
from tikdash.plans import limits_of
from tikdash.redis import server

FASTER = 15
LIMIT = 200 * FASTER
QUEUES = ["interactive", "enterprise", "pro", "free", "backfill"]
TENANTS, ACCOUNTS_EACH = 8, 100
WORKERS = 16
OF_THE_TEST = "sim-of-the-test"


class Fleet:
    """Workers that take messages off the queues, in the order of Celery's queues, and a dispatcher's tick."""

    def __init__(self, redis_url: str) -> None:
        self.redis = Redis.from_url(redis_url)
        self.reports: list[RunReport] = []
        self.errors: list[BaseException] = []
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._work) for _ in range(WORKERS)]

    def run(self, until: Any, within_s: float) -> float:
        """Ticks until `until` is true; the seconds that took."""
        began = time.monotonic()
        for thread in self._threads:
            thread.start()
        try:
            while not until() and time.monotonic() - began < within_s and not self.errors:
                dispatch()
                # A tick every 2 s, so much faster as the upstream is.
                time.sleep(2 / FASTER)
        finally:
            self._ended.set()
            for thread in self._threads:
                thread.join(30)
        return time.monotonic() - began

    def _work(self) -> None:
        try:
            while not self._ended.is_set():
                found: Any = self.redis.brpop(QUEUES, timeout=0.2)
                if found:
                    [tenant_id, ids], *_ = orjson.loads(b64decode(orjson.loads(found[1])["body"]))
                    self.reports += run_jobs(tenant_by_id(tenant_id), ids)
        except BaseException as error:
            self.errors.append(error)
            raise
        finally:
            connection.close()


@pytest.fixture
def upstream(settings: Any, committed_db: Cast) -> Iterator[Caller]:
    """An upstream that refuses strictly what is beyond the limit, and a key and plans that know the limit."""
    settings.TIKLIVE_KEY_PER_MINUTE, settings.TIKLIVE_KEY_IN_FLIGHT = LIMIT, 20
    settings.TIKLIVE_PATIENCE_S /= FASTER
    settings.KEY_CLAIMED_AHEAD_S /= FASTER
    Plan.objects.update(requests_per_minute=F("requests_per_minute") * FASTER, daily_credits=None)
    server().connection.flushdb()
    gate.forget()
    cache.clear()
    with running_simulator("--rpm", str(LIMIT), "--burst", "100", "--threads", "32", "--latency-ms", "40") as base_url:
        settings.TIKLIVE_BASE_URL = base_url
        caller = Caller(base_url)
        caller.order("limits", {"keys": {OF_THE_TEST: {"rpm": 0, "burst": 0}}})
        yield caller
    Plan.objects.update(requests_per_minute=F("requests_per_minute") / FASTER)
    server().connection.flushdb()
    gate.forget()


def make_due(tenant: TenantRef, upstream: Caller, count: int) -> None:
    """Accounts whose profile is due now."""
    handles = [f"rush.{tenant.slug}.{number}" for number in range(count)]
    ids = [upstream.get("/userid/", key=OF_THE_TEST, username=handle)["id"] for handle in handles]
    with tenant_scope(tenant):
        for handle, tiktok_user_id in zip(handles, ids, strict=True):
            account = make_account(handle, tiktok_user_id=str(tiktok_user_id))
            make_job(account, queue=limits_of(tenant).queue, cadence_s=86_400, next_due_at=clock.now())


def not_read_yet(tenants: list[TenantRef]) -> int:
    left = 0
    for schema in {tenant.schema_name for tenant in tenants}:
        with all_tenants(schema):
            left += FetchJob.objects.filter(succeeded_at=None).count()
    return left


def refused(upstream: Caller) -> int:
    """How many requests the upstream has answered with 429."""
    return sum(outcomes.get("rate_limited", 0) for outcomes in upstream.look("stats")["by_outcome"].values())


def test_800_accounts_due_at_once_do_not_make_one_429(committed_db: Cast, upstream: Caller, settings: Any) -> None:
    more = [create_tenant(slug=f"rush{n}", plan="pro") for n in range(TENANTS - len(committed_db.tenants))]
    tenants = [*committed_db.tenants, *more]
    for tenant in tenants:
        make_due(tenant, upstream, ACCOUNTS_EACH)
    asked_before = upstream.look("stats")["requests"]
    fleet = Fleet(settings.REDIS_URL)
    took_s = fleet.run(lambda: not_read_yet(tenants) == 0, within_s=90)
    outcomes = Counter(report.outcome for report in fleet.reports)
    put_back = [report for report in fleet.reports if report.wait_s is not None]
    assert refused(upstream) == 0
    assert fleet.errors == []
    assert outcomes["ok"] == 800 and set(outcomes) <= {"ok", "too_busy"}
    assert upstream.look("stats")["requests"] - asked_before == 800
    # Without places for the key, claims go in rounds: more than three a success.
    assert len(put_back) <= 2 * 800
    # The key's pace is 80 % of its limit.
    assert took_s <= 2 * 800 / (LIMIT * 0.8 / 60)
    for tenant in tenants:
        with tenant_scope(tenant):
            assert AccountSnapshot.objects.count() == ACCOUNTS_EACH
