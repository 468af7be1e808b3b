"""What a tenant's plan allows, asked through a port: plans are rows of `billing`, which `snapshots` must not import."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string

_remembered: ContextVar[dict[str, PlanLimits] | None] = ContextVar("tikdash_plans", default=None)


class HasPlan(Protocol):
    @property
    def plan(self) -> str: ...


@dataclass(frozen=True)
class PlanLimits:
    """`cadences` maps a kind of job to seconds between two runs; a kind that is missing is not in the plan.

    `readings_kept_days` is None where readings are kept as long as the installation says, `daily_credits` without a
    cap. `seats` are members and open invitations together.
    """

    code: str
    name: str
    tracked_accounts: int
    queue: str
    cadences: Mapping[str, int]
    posts_kept_fresh: int
    chart_days: int
    readings_kept_days: int | None = None
    daily_credits: int | None = None
    seats: int = 3


@dataclass(frozen=True)
class AccountCost:
    """What a tracked account costs at its present pace, credits a day."""

    account_id: int
    handle: str
    credits_a_day: float

    @property
    def credits_a_month(self) -> float:
        """In 30 days."""
        return self.credits_a_day * 30


def account_costs() -> list[AccountCost]:
    """The costs of all accounts of the present scope, the dearest first: `snapshots` knows them, `billing` asks."""
    port: Callable[[], list[AccountCost]] = import_string(settings.ACCOUNT_COSTS)
    return port()


@cache
def _port() -> Callable[[str], PlanLimits]:
    return cast(Callable[[str], PlanLimits], import_string(settings.PLAN_LIMITS))


def limits_of(tenant: HasPlan) -> PlanLimits:
    """The limits of the tenant's plan."""
    known = _remembered.get()
    if known is None:
        return _port()(tenant.plan)
    if tenant.plan not in known:
        known[tenant.plan] = _port()(tenant.plan)
    return known[tenant.plan]


@contextmanager
def plans_remembered() -> Iterator[None]:
    """Inside the block a plan is read once: for the jobs of a batch, each of which asks several times."""
    token = _remembered.set({})
    try:
        yield
    finally:
        _remembered.reset(token)
