"""What a claim costs with a million jobs of 10,000 tenants against 10,000 of 100: in a morning, after an outage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from datetime import timedelta

from django.conf import settings
from django.db import transaction

from snapshots.scheduling.dispatch import claim
from tests.bench.data import Shape, connected_to, database, vacuum
from tests.bench.environment import DATABASE
from tests.bench.frame import Figure, Measure, Options, at_most, interleaved, seconds
from tikdash import clock

#: Tenants, jobs, and how many of them are due on a morning: one in fifty.
FEW, MANY = (100, 10_000, 200), (10_000, 1_000_000, 20_000)
#: When every job of these databases has long been due.
AFTER_OUTAGE = timedelta(days=11 * 365)
CLAIMS, ROUNDS = 3, 11
CLAIMED = settings.QUEUE_ROOM["pro"]


def run(options: Options) -> Iterator[Figure]:
    few, many = (_jobs(*shape, options) for shape in (FEW, MANY))
    for metric, later, aim in (
        ("claim_1m_vs_10k", timedelta(), at_most(1.5)),
        ("claim_1m_vs_10k_all_due", AFTER_OUTAGE, None),
    ):
        measured = interleaved(_claim(many, later), _claim(few, later), ROUNDS)
        facts = {"claimed": CLAIMED}
        yield Figure("dispatch", metric, "µs", measured.value, measured.baseline, measured.rounds, aim, facts)


def _jobs(tenants: int, jobs: int, due: int, options: Options) -> str:
    shape = Shape(tenants, posts=0, days=1, jobs=jobs, due=due)
    name = database(f"{DATABASE}_jobs_{jobs}", shape, options)
    with connected_to(name):
        vacuum("fetch_jobs")
    return name


def _claim(name: str, later: timedelta) -> Measure:
    """Microseconds for each claimed job; all of them are given back."""

    def rolled_back() -> None:
        with transaction.atomic():
            assert len(claim(settings.SHARED_SCHEMA, settings.QUEUE_ROOM)) == CLAIMED
            transaction.set_rollback(True)

    def measure() -> float:
        with connected_to(name):
            with clock.at(clock.now() + later) if later else nullcontext():
                return 1e6 / CLAIMED * seconds(rolled_back, CLAIMS)()

    return measure
