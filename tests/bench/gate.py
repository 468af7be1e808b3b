"""A decision of the budget gate with all six caps, against a bare GET; and what metering adds to a call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

from django.test import override_settings

from billing.gate import gate
from billing.metering import meter
from billing.models import Plan, PlatformBudget
from tests.bench.client import NEWEST, PLENTY, plenty_of_plan
from tests.bench.data import Shape, connected_to, database, member
from tests.bench.environment import DATABASE
from tests.bench.frame import Figure, Options, a_second, at_least, interleaved, repeated, seconds
from tests.bench.upstream import HANDLE, upstream
from tikdash import clock
from tikdash.db.scope import all_tenants, owner, tenant_scope
from tikdash.redis import server
from tikdash.tiklive.client import client_for
from tikdash.tiklive.ports import PlannedCall, UsageRecord, uuid7

DECISIONS, EVENTS, CALLS = {"small": 500, "full": 2_000}, {"small": 60, "full": 300}, {"small": 30, "full": 100}
ROUNDS = 15
PLENTY_OF_CREDITS = 2_000_000_000


def run(options: Options) -> Iterator[Figure]:
    name = database(f"{DATABASE}_gate", Shape(tenants=2, posts=1, days=1), options)
    server().connection.flushdb()
    with connected_to(name), plenty_of_plan("pro"):
        _all_caps()
        one = member(1)
        with tenant_scope(one.tenant):
            yield _decisions(one.tenant.id, DECISIONS[options.size])
            yield from _metering(one.tenant.id, options)
    server().connection.flushdb()


def _all_caps() -> None:
    with owner():
        Plan.objects.update(daily_credits=PLENTY_OF_CREDITS, monthly_credits=PLENTY_OF_CREDITS)
    with all_tenants():
        for scope in ("deployment", "shared"):
            caps = {"daily_credits": PLENTY_OF_CREDITS, "monthly_credits": PLENTY_OF_CREDITS}
            PlatformBudget.objects.update_or_create(scope=scope, defaults=caps)
    gate.forget()


def _decisions(tenant_id: int, times: int) -> Figure:
    redis, call = server().connection, PlannedCall(tenant_id, "user-posts", "posts", "pro", 1, "shared")
    gate.allow(call)
    names = [name.decode() for name in redis.keys("credits:*")]
    assert len(names) == 6
    measured = interleaved(
        a_second(lambda: gate.allow(call), times), a_second(lambda: redis.get(names[0]), times), ROUNDS
    )
    return Figure(
        "gate", "decide_vs_get", "1/s", measured.value, measured.baseline, measured.rounds, at_least(0.7), {"caps": 6}
    )


def _metering(tenant_id: int, options: Options) -> Iterator[Figure]:
    """`event`: what is written of one call, s; `share_of_call`: the same against a whole call of the client."""
    blank = UsageRecord(uuid7(), tenant_id, clock.now(), "shared", "user-posts", "posts", "pro", "ok", 200, 1, 1, 120)

    def event() -> None:
        one = replace(blank, id=uuid7(), occurred_at=clock.now())
        meter.begin(replace(one, outcome="begun", credits=0, http_status=None, latency_ms=0))
        meter.record(one)

    yield Figure("meter", "event", "s", repeated(seconds(event, EVENTS[options.size]), ROUNDS), None, ROUNDS)
    with upstream() as caller, override_settings(**PLENTY):
        client = client_for(tenant_id, feature="posts", priority="pro", base_url=caller.base_url)
        account_id, before = caller.account_id(HANDLE), count(NEWEST, -2)

        def call() -> None:
            client.user_posts(account_id, cursor=str(next(before)))

        times = CALLS[options.size]
        measured = interleaved(seconds(event, times), seconds(call, times), ROUNDS)
    yield Figure("meter", "share_of_call", "s", measured.value, measured.baseline, measured.rounds)
