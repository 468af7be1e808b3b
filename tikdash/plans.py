"""What a tenant's plan allows, asked through ports: plans are rows of `billing`, which `snapshots` must not import.

`limits_of` are a plan's numbers. What they mean for a tenant now (how much is left, what goes on beyond a limit and
until when) is said and enforced by one service, `plan_service()`: nothing else compares a use with a limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Literal, Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string

from tikdash.words import N_

_remembered: ContextVar[dict[str, PlanLimits] | None] = ContextVar("tikdash_plans", default=None)


class HasPlan(Protocol):
    @property
    def plan(self) -> str: ...


class TenantWithPlan(HasPlan, Protocol):
    @property
    def id(self) -> int: ...


@dataclass(frozen=True)
class PlanLimits:
    """`cadences` maps a kind of job to seconds between two runs; a kind that is missing is not in the plan.

    `readings_kept_days` is None where readings are kept as long as the installation says, `daily_credits` without a
    cap, `history_days` where pages show all that is kept. `seats` are members and open invitations together.
    `features` are those of `FEATURES` that the plan has. `api_requests_per_minute` are each API token's.
    """

    code: str
    name: str
    tracked_accounts: int
    queue: str
    cadences: Mapping[str, int]
    posts_kept_fresh: int
    readings_kept_days: int | None = None
    daily_credits: int | None = None
    seats: int = 3
    history_days: int | None = None
    features: frozenset[str] = frozenset()
    api_requests_per_minute: int = 60

    def days_shown(self, wanted: int) -> int:
        """How many of the days that somebody wants to see the plan shows."""
        return wanted if self.history_days is None else min(wanted, self.history_days)


#: Kinds of jobs that a plan has a rhythm for; the others run when somebody asks, or for all alike.
KINDS_WITH_CADENCE = frozenset(
    {"profile", "posts", "early", "detail", "comments", "followers", "following", "stories", "hashtag", "sound"}
)
#: What else a plan has or has not: everything that is asked of `require`, and how people call it.
FEATURES = {
    "exports": N_("Lists as files (CSV, XLSX)"),
    "api": N_("API tokens"),
    "own_key": N_("A TikLiveAPI key of one's own"),
}
#: What a workspace counts against a number of its plan.
LimitName = Literal["accounts", "seats", "credits_day", "credits_month"]


@dataclass(frozen=True)
class Standing:
    """Where a tenant is with one limit of its plan. `state` is one of fine, near, at, grace and paused.

    `sentence` says how much is left, or what happens now and until when (`until`: the first day behind the grace).
    `limit` is None for what is not counted: then `sentence` says what the plan has.
    """

    name: str
    label: str
    state: str
    used: int
    limit: int | None
    sentence: str
    until: date | None = None

    @property
    def permille(self) -> int:
        """Used as a part of the limit in thousandths, at most all of them: for a bar."""
        return min(1000, self.used * 1000 // self.limit) if self.limit else 0

    @property
    def is_grave(self) -> bool:
        """Whether something stands still, or will on a day that is known."""
        return self.state in ("grace", "paused")


@dataclass(frozen=True)
class Allowed:
    """How many may be in use at this moment; None: all that there are, because they fit or because of the grace."""

    accounts: int | None
    seats: int | None


class PlanService(Protocol):
    """What `billing` does about limits. Everything is of the tenant whose scope is open."""

    def check(self, tenant: TenantWithPlan, name: LimitName, adding: int = 1) -> None:
        """Raises LimitReached, with a sentence and the limit, where there is no room for so many more."""

    def room(self, tenant: TenantWithPlan, name: LimitName) -> int:
        """How many more there is room for."""

    def require(self, tenant: TenantWithPlan, feature: str) -> None:
        """Raises NotInPlan where the plan lacks the feature."""

    def standings(self, tenant: TenantWithPlan, *, accounts: int | None = None) -> tuple[Standing, ...]:
        """All limits of the tenant. `accounts` is their number where the caller knows it."""

    def follow(self, tenant: TenantWithPlan) -> Allowed:
        """Notes since when there is too much of something, or that there is no more; returns what may be in use."""

    def subscribe(self, tenant: TenantWithPlan, *, is_trial: bool, since: date | None = None) -> None:
        """The tenant has its present plan, at its present price, from `since` (today) on; a trial pays nothing."""


def plan_service() -> PlanService:
    """Who enforces what plans limit."""
    return cast(PlanService, import_string(settings.PLAN_SERVICE))


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
