"""Tenants that track creators for months within minutes: simulator and product stand at the same moment, and whatever
is due there runs before both go on to the next."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from django.db import connection

from accounts.models import Tenant
from accounts.selectors import TenantRef, tenant_by_slug
from billing.gate import gate
from billing.models import Plan
from snapshots.models import FetchJob
from snapshots.scheduling.dispatch import claim
from snapshots.services.accounts import clean_wish
from snapshots.services.dead_letters import retry_dead
from snapshots.services.inline import track_now
from snapshots.services.jobs import run_jobs
from tests.simulating import Caller
from tests.soak.keys import secret_of
from tests.soak.log import Log, Sent
from tests.soak.troubles import READ_TIMEOUT_S, History
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.redis import server

HOUR, DAY = 3600, 86_400
GRID_S = 900
PLANS: dict[str, dict[str, Any]] = {
    "soak-often": {"queue": "pro", "cadences": {"profile": 6 * HOUR, "posts": 3 * HOUR}, "posts_kept_fresh": 60},
    "soak-daily": {"queue": "free", "cadences": {"profile": DAY, "posts": DAY}, "posts_kept_fresh": 30},
    "soak-two-pages": {"queue": "enterprise", "cadences": {"profile": DAY, "posts": DAY}, "posts_kept_fresh": 60},
}
#: Acme reads often; Globex, in a schema of its own, reads two pages a day.
PLAN_OF = {"acme": "soak-often", "rival": "soak-daily", "globex": "soak-two-pages"}
ROOM = dict.fromkeys(("interactive", "enterprise", "pro", "free", "backfill"), 1_000)


@contextmanager
def plans_for_long_runs() -> Iterator[list[TenantRef]]:
    """The cast's tenants with plans whose limits nobody reaches; in the order of `PLAN_OF`."""
    before = dict(Tenant.objects.filter(slug__in=PLAN_OF).values_list("slug", "plan"))
    for code, fields in PLANS.items():
        Plan.objects.create(
            code=code, name=code, tracked_accounts=100_000, requests_per_minute=1_000_000, requests_burst=1_000,
            daily_credits=None, **fields,
        )  # fmt: skip
    try:
        for slug, code in PLAN_OF.items():
            Tenant.objects.filter(slug=slug).update(plan=code)
        gate.forget()
        yield [tenant_by_slug(slug) for slug in PLAN_OF]
    finally:
        for slug, code in before.items():
            Tenant.objects.filter(slug=slug).update(plan=code)
        Plan.objects.filter(code__in=PLANS).delete()
        gate.forget()


class Middle(random.Random):
    """Chance that always draws the middle: a run that is repeated puts jobs back to the same moments."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


@contextmanager
def without_real_waits(settings: Any) -> Iterator[None]:
    """Retries within a call do not sleep, and waits of jobs can be repeated; time-outs are real."""
    settings.TIKLIVE_PORTS = settings.TIKLIVE_PORTS | {"KEYS": "tests.soak.keys.KeyByTenant"}
    settings.TIKLIVE_READ_TIMEOUT_S = READ_TIMEOUT_S
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tikdash.tiklive.retry.FIRST_WAIT_S", 0.001)
        patch.setattr("snapshots.services.jobs.JITTER", Middle())
        yield


@dataclass
class Life:
    """One long run: a thread for each tenant's work, in its order, and one moment at which all of them stand."""

    upstream: Caller
    tenants: Sequence[TenantRef]
    history: History
    now: datetime
    entries: dict[str, list[Sent]] = field(default_factory=dict)
    runs: int = 0
    moments: int = 0
    revived: int = 0

    def track(self, handles: dict[str, Sequence[str]]) -> None:
        """Everybody begins to track; nothing goes wrong yet."""
        self.upstream.order("served", {"record": True})

        def one(tenant: TenantRef) -> None:
            for handle in handles[tenant.slug]:
                track_now(tenant, clean_wish(handle=handle, reason="competitor", tags=""))
            with tenant_scope(tenant):
                # Whatever else an account has is not what the referee looks at.
                FetchJob.objects.exclude(kind__in=("profile", "posts")).delete()

        self._stand_at(self.now)
        self._each(one)
        self._take_record()

    def live_until(self, end: datetime, say: Callable[[str], object]) -> None:
        """Runs whatever is due, moment by moment; operators look at dead jobs once a day, and let them try again."""
        while (moment := self._next()) < end:
            is_new_day = moment.date() != self.now.date()
            if is_new_day and moment.day % 7 == 0:
                say(f"{moment:%d %b}: {self.runs} runs, {sum(map(len, self.entries.values()))} requests")
            self._stand_at(moment)
            if is_new_day:
                with clock.at(moment):
                    self.revived += retry_dead()
            # Pauses of keys and breakers last for real minutes; what Redis knows may be lost at any time anyway.
            server().connection.flushdb()
            self.runs += sum(self._each(self._work_off))
            self._take_record()
            self.moments += 1

    def logs(self) -> dict[str, Log]:
        """What was sent to each tenant, by slug."""
        return {tenant.slug: Log(self.entries.get(secret_of(tenant.id), [])) for tenant in self.tenants}

    def _next(self) -> datetime:
        """The first moment of the grid at which something is due."""
        due = []
        for tenant in self.tenants:
            with tenant_scope(tenant):
                active = FetchJob.objects.filter(state="active").order_by("claimable_at")
                due += list(active.values_list("claimable_at", flat=True)[:1])
        after = max(min(due).timestamp(), self.now.timestamp() + 1)
        return datetime.fromtimestamp(-(-after // GRID_S) * GRID_S, UTC)

    def _stand_at(self, moment: datetime) -> None:
        for since in self.history.moments():
            if self.now < since <= moment or moment == self.now == since:
                # As msgspec writes it: JSON has no word for the time at which a post never returns.
                ordered = msgspec.json.decode(msgspec.json.encode(self.history.at(moment)))
                assert "error" not in self.upstream.order("overrides", _without_nulls(ordered))
        self.now = moment
        self.upstream.set_clock(moment.isoformat())

    def _each(self, work: Callable[[TenantRef], Any]) -> list[Any]:
        """Does this for all tenants at the same time."""

        def one(tenant: TenantRef) -> Any:
            try:
                return work(tenant)
            finally:
                connection.close()

        with clock.at(self.now), ThreadPoolExecutor(len(self.tenants)) as pool:
            futures = [pool.submit(copy_context().run, one, tenant) for tenant in self.tenants]
            return [future.result() for future in futures]

    def _work_off(self, tenant: TenantRef) -> int:
        """Claims and runs until nothing of the tenant is due any more; how many runs that took."""
        runs = 0
        while claimed := claim(tenant.schema_name, ROOM, tenant.id):
            # In an order that does not depend on the draw between tenants.
            ids = [job.id for job in sorted(claimed, key=lambda job: job.id)]
            for first in range(0, len(ids), 25):
                runs += len(run_jobs(tenant, ids[first : first + 25]))
        return runs

    def _take_record(self) -> None:
        for entry in self.upstream.order("served", method="DELETE"):
            sent = Sent.read(entry)
            self.entries.setdefault(sent.key, []).append(sent)


def _without_nulls(value: Any) -> Any:
    """The same without what is null: left out, a field has its default."""
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value
