"""From due rows to stored snapshots: dispatcher, Valkey and Celery's workers as they run in production.

Pages are counted by the simulator. A round makes all jobs due again, a day later upstream, and ends when all have run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.test import override_settings

from accounts.selectors import TenantRef, all_tenants_listed, tenant_by_slug
from snapshots.scheduling.dispatch import dispatch
from tests.bench import environment
from tests.bench.byhand import ByHand
from tests.bench.client import plenty_of_plan
from tests.bench.data import Shape, connected_to, database, vacuum
from tests.bench.frame import Figure, Measure, Options, at_least, interleaved
from tests.bench.posting import TABLES, Creator, creators_of, tracked_by
from tests.simulating import Caller, running_simulator
from tikdash import clock
from tikdash.db.scope import all_tenants, owner, tenant_scope
from tikdash.redis import server

TENANTS, CREATORS = 50, 8
#: Of each round by hand.
PAGES_BY_HAND = 200
ROUNDS = 5
#: What the queues of so fast an installation hold, and how often they are filled.
ROOM, TICK_S = 400, 0.2
PROCESSES, THREADS = 2, 4
QUEUES = "interactive,control,enterprise,pro,free,backfill"
WIDE = {
    "TIKLIVE_KEY_PER_MINUTE": 10_000_000,
    "TIKLIVE_KEY_BURST": 10_000,
    "TIKLIVE_KEY_IN_FLIGHT": 10_000,
    "ROOM_PRO": ROOM,
}
LATENCY_S, KEYS, PER_MINUTE = 0.75, 200, 160
#: Threads of each process where answers take their time, and for how long calls are left to find their rhythm and are
#: counted then, s. More threads, of which each holds a connection, than PostgreSQL has places would only wait.
CROWD, SETTLE_S, COUNTED_S = 75, 2.5, 4.0
DAY_S = 86_400
LONGEST_S = 120.0

MAKE_JOBS = """
    INSERT INTO fetch_jobs (tenant_id, account_id, kind, queue, priority, cadence_s, offset_s, next_due_at, cursor,
                            params, attempts, state, error_code, error, created_at)
    SELECT tenant_id, id, 'posts', 'pro', 0, 86400, 0, now() + interval '1 day', '', '{}', 0, 'active', '', '', now()
      FROM accounts WHERE username LIKE 'bench.creator.%'
"""
MAKE_DUE = """
    UPDATE fetch_jobs SET next_due_at = now(), succeeded_at = NULL, lease_until = NULL, started_at = NULL,
                          cadence_s = 86400, attempts = 0, state = 'active'
"""
LEFT = "SELECT count(*) FROM fetch_jobs WHERE succeeded_at IS NULL"
AGAIN = "UPDATE fetch_jobs SET next_due_at = now() WHERE next_due_at > now() AND lease_until IS NULL"


def run(options: Options) -> Iterator[Figure]:
    name = database(f"{environment.DATABASE}_crowd", Shape(tenants=KEYS, posts=0, days=1), options)
    with connected_to(name), plenty_of_plan("pro"):
        yield _pages(name)
        yield _key_use(name)
    server().connection.flushdb()


def _pages(name: str) -> Figure:
    """Pages a second without latency, and by hand."""
    server().connection.flushdb()
    with running_simulator() as base_url:
        caller = Caller(base_url)
        caller.order("clock", {"offset_s": -DAY_S * (ROUNDS + 3)})
        by_hand, tenants = tenant_by_slug(f"bench-{KEYS}"), [tenant_by_slug(f"bench-{n + 1}") for n in range(TENANTS)]
        creators = tracked_by(by_hand, creators_of(caller, PAGES_BY_HAND))
        _make_jobs(tenants, caller)
        with _dispatching(), workers(name, base_url, WIDE), closing(ByHand(name, by_hand, base_url)) as raw:
            measured = interleaved(_round(caller), _by_hand(raw, creators), ROUNDS)
    facts = {"processes": PROCESSES, "threads": THREADS, "jobs": TENANTS * CREATORS}
    return Figure("pipeline", "pages_vs_raw", "1/s", measured.value, measured.baseline, ROUNDS, at_least(0.8), facts)


def _round(caller: Caller) -> Measure:
    """A round: all jobs due, dispatched and run; pages a second."""
    days = iter(range(ROUNDS + 2, -1, -1))

    def measure() -> float:
        caller.order("clock", {"offset_s": -DAY_S * next(days)})
        _forget_answers()
        with all_tenants(settings.SHARED_SCHEMA), connection.cursor() as cursor:
            cursor.execute("DELETE FROM post_snapshots WHERE captured_on = %s", [clock.today()])
            cursor.execute(MAKE_DUE)
        before, began = _pages_given(caller), time.perf_counter()
        while _left():
            dispatch()
            time.sleep(TICK_S)
            if time.perf_counter() - began > LONGEST_S:
                raise AssertionError(f"{_left()} jobs have not run")
        return (_pages_given(caller) - before) / (time.perf_counter() - began)

    return measure


def _by_hand(raw: ByHand, creators: Sequence[Creator]) -> Measure:
    """Pages a second by hand, of a day before any that was stored."""
    days = iter(range(1, ROUNDS + 2))

    def measure() -> float:
        at = clock.now() - timedelta(days=next(days))
        began = time.perf_counter()
        for creator in creators:
            raw.in_one_statement(creator, at)
        return len(creators) / (time.perf_counter() - began)

    return measure


def _key_use(name: str) -> Figure:
    """Calls a second where each answer takes its time, against what the keys allow, or the machine without that."""
    server().connection.flushdb()
    allowed = KEYS * PER_MINUTE / 60
    tenants = [tenant_by_slug(f"bench-{n + 1}") for n in range(KEYS)]
    limits: dict[str, object] = {"TIKLIVE_KEY_PER_MINUTE": 200, "ROOM_PRO": 2 * ROOM, "DATABASE_POOL": CROWD + 5}
    limits["DJANGO_SETTINGS_MODULE"] = "tests.bench.crowd_settings"
    with running_simulator("--threads", "600", "--rpm", "200") as base_url:
        caller = Caller(base_url)
        _make_jobs(tenants, caller)
        with _own_keys(), _dispatching(), workers(name, base_url, WIDE | limits, CROWD):
            measured = interleaved(_calls(caller, LATENCY_S), _calls(caller, 0), ROUNDS)
    facts = {
        "keys_allow": round(allowed),
        "machine_makes": round(measured.baseline),
        "threads": PROCESSES * CROWD,
        "latency_ms": 1000 * LATENCY_S,
    }
    limit = min(allowed, measured.baseline)
    return Figure("pipeline", "key_use", "1/s", measured.value, limit, ROUNDS, at_least(0.9), facts)


def _calls(caller: Caller, latency_s: float) -> Measure:
    """Calls a second while all jobs become due again and again, and each answer takes `latency_s`."""

    def measure() -> float:
        caller.order("faults", [{"kind": "slow", "seconds": latency_s}] if latency_s else [])
        _keep_busy(SETTLE_S)
        before, began = _pages_given(caller), time.perf_counter()
        _keep_busy(COUNTED_S)
        return (_pages_given(caller) - before) / (time.perf_counter() - began)

    return measure


def _keep_busy(seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        with all_tenants(settings.SHARED_SCHEMA), connection.cursor() as cursor:
            cursor.execute(AGAIN)
        dispatch()
        time.sleep(TICK_S)


@contextmanager
def workers(name: str, base_url: str, variables: Mapping[str, object], threads: int = THREADS) -> Iterator[None]:
    """Celery's workers, as the Procfile starts them, for as long as the block runs."""
    environ = os.environ | {name: str(value) for name, value in variables.items()}
    environ |= {"DATABASE_URL": environment.database_url(name), "TIKLIVE_BASE_URL": base_url}
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "tikdash", "worker", "--pool", "threads",
               "--concurrency", str(threads), "--queues", QUEUES, "--without-mingle", "--without-gossip",
               "--loglevel", "warning"]  # fmt: skip
    running = [
        subprocess.Popen([*command, "--hostname", f"bench{n}@localhost"], cwd=environment.ROOT, env=environ,
                         stdout=subprocess.DEVNULL)
        for n in range(PROCESSES)
    ]  # fmt: skip
    try:
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(30)


@contextmanager
def _dispatching() -> Iterator[None]:
    """Dispatchers with as much room as the workers have."""
    from tikdash.celery import app

    app.set_current()
    room = settings.QUEUE_ROOM | {"pro": 2 * ROOM}
    with override_settings(QUEUE_ROOM=room, TIKLIVE_KEY_PER_MINUTE=WIDE["TIKLIVE_KEY_PER_MINUTE"]):
        yield


@contextmanager
def _own_keys() -> Iterator[None]:
    """Inside the block tenants bring keys of their own."""
    _set_key_mode("own")
    try:
        yield
    finally:
        _set_key_mode("shared")


def _set_key_mode(mode: str) -> None:
    with owner(), connection.cursor() as cursor:
        cursor.execute("UPDATE public.tenants SET key_mode = %s", [mode])


def _make_jobs(tenants: Sequence[TenantRef], caller: Caller) -> None:
    """Each tenant tracks the same creators, and has a job for the posts of each; others have none."""
    creators = creators_of(caller, CREATORS)
    for tenant in all_tenants_listed():
        if tenant.slug != f"bench-{KEYS}" or tenant in tenants:
            with tenant_scope(tenant), connection.cursor() as cursor:
                for table in TABLES:
                    cursor.execute(f"DELETE FROM {table}")
    for tenant in tenants:
        tracked_by(tenant, creators)
        with tenant_scope(tenant), connection.cursor() as cursor:
            cursor.execute(MAKE_JOBS)
    for table in TABLES:
        vacuum(table)


def _left() -> int:
    with all_tenants(settings.SHARED_SCHEMA), connection.cursor() as cursor:
        cursor.execute(LEFT)
        return int(cursor.fetchone()[0])


def _forget_answers() -> None:
    redis = server().connection
    for name in redis.scan_iter("tla:*", count=1000):
        redis.delete(name)


def _pages_given(caller: Caller) -> int:
    return int(caller.look("stats")["requests"])
