"""What 10,000 tenants cost against 10: the account page, one claim of the dispatcher, and adding a tenant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count, cycle
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.models import Domain, Tenant
from accounts.services.tenants import create_tenant
from snapshots.scheduling.dispatch import claim
from tests.bench.data import Shape, connected_to, database, member, vacuum
from tests.bench.environment import DATABASE
from tests.bench.frame import Figure, Measure, Options, at_most, interleaved, repeated, seconds
from tests.bench.requesting import as_member
from tikdash.db.scope import no_scope

FEW, MANY = 10, 10_000
#: The same work in both databases: 2,000 of 20,000 jobs are due, over all their tenants.
JOBS, DUE = 20_000, 2_000
#: Posts and days of history of each tenant.
HISTORY = {"small": (30, 30), "full": (100, 365)}
PAGES, PAGE_ROUNDS = 20, 21
CLAIM_ROUNDS, ADD_ROUNDS = 15, 30


def run(options: Options) -> Iterator[Figure]:
    posts, days = HISTORY[options.size]
    few = database(f"{DATABASE}_{FEW}", Shape(FEW, posts, days, JOBS, DUE), options)
    many = database(f"{DATABASE}_{MANY}", Shape(MANY, posts, days, JOBS, DUE), options)
    page = interleaved(_pages(many, MANY), _pages(few, FEW), PAGE_ROUNDS)
    yield Figure("tenants", "page_10k_vs_10", "s", page.value, page.baseline, page.rounds, at_most(1.2))
    claiming = interleaved(_claim(many), _claim(few), CLAIM_ROUNDS)
    yield Figure("tenants", "claim_10k_vs_10", "s", claiming.value, claiming.baseline, claiming.rounds, at_most(1.2))
    added = _add_shared(many)
    yield Figure("tenants", "add_shared", "ms", added, None, ADD_ROUNDS, at_most(50))


def _pages(name: str, tenants: int) -> Measure:
    """Account pages of ten tenants that are spread over all of them, in turns."""
    asking: list[Callable[[], Any]] = []
    with connected_to(name):
        for number in range(tenants // 10, tenants + 1, tenants // 10):
            one = member(number)
            asking.append(as_member(one, f"/accounts/{one.account_id}/"))
        for ask in asking:
            assert b"Loaf number" in ask().content
    turns = cycle(asking)

    def measure() -> float:
        with connected_to(name):
            return seconds(lambda: next(turns)(), PAGES)()

    return measure


def _claim(name: str) -> Measure:
    with connected_to(name):
        vacuum("fetch_jobs")

    def rolled_back() -> None:
        with transaction.atomic():
            claimed = claim(settings.SHARED_SCHEMA, settings.QUEUE_ROOM)
            assert len(claimed) == settings.QUEUE_ROOM["pro"]
            transaction.set_rollback(True)

    def measure() -> float:
        with connected_to(name):
            return seconds(rolled_back, 3)()

    return measure


def _add_shared(name: str) -> float:
    """The median of adding one tenant, in ms; all of them are taken away again."""
    numbers = count(1)
    with connected_to(name), no_scope():
        try:
            return 1_000 * repeated(seconds(lambda: create_tenant(slug=f"added-{next(numbers)}"), 1), ADD_ROUNDS)
        finally:
            Domain.objects.filter(tenant__slug__startswith="added-").delete()
            Tenant.objects.filter(slug__startswith="added-").delete()
