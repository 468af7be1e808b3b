"""What a plan limits, said and enforced in one place: accounts, seats, credits, history, features, requests a minute.

Everybody asks here: through `tikdash.plans.plan_service`. Beyond its accounts or seats a tenant goes on as before for
the plan's `grace_days`, counted from the UTC day on which `follow` has seen it first; then what came last stands still.
Beyond its month's credits it goes on for `grace_percent` (`billing.gate`). Nothing that is kept is ever dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

import orjson
from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from billing import limit_words, spending
from billing.limit_words import Words
from billing.services.subscriptions import subscribe
from tikdash import clock
from tikdash.db.partitions import first_of_month
from tikdash.db.scope import prepared_row
from tikdash.errors import LimitReached, NotFound, NotInPlan
from tikdash.plans import FEATURES, Allowed, LimitName, Standing, TenantWithPlan
from tikdash.ui import numbers
from tikdash.words import gettext

#: In one statement, because every page asks. In the order of `_Facts`.
FACTS = """
    SELECT p.name, greatest(p.tracked_accounts, r.accounts), greatest(p.seats, r.seats), p.grace_days, p.grace_percent,
           p.history_days, p.requests_per_minute, p.api_requests_per_minute, p.features::text,
           -- No cap stays none: a raise only raises.
           CASE WHEN b.daily_credits IS NULL AND p.daily_credits IS NULL THEN NULL
                ELSE greatest(coalesce(b.daily_credits, p.daily_credits), r.credits_day) END,
           CASE WHEN b.monthly_credits IS NULL AND p.monthly_credits IS NULL THEN NULL
                ELSE greatest(coalesce(b.monthly_credits, p.monthly_credits), r.credits_month) END,
           CASE WHEN b.extra_month = %s THEN b.extra_credits ELSE 0 END,
           (SELECT count(*) FROM public.memberships m WHERE m.tenant_id = %s),
           (SELECT count(*) FROM public.invitations i WHERE i.tenant_id = %s),
           (SELECT since FROM public.plan_excesses e WHERE e.tenant_id = %s AND e.name = 'accounts'),
           (SELECT since FROM public.plan_excesses e WHERE e.tenant_id = %s AND e.name = 'seats')
      FROM public.plans p LEFT JOIN public.tenant_budgets b ON b.tenant_id = %s
      CROSS JOIN LATERAL (
        SELECT max(value) FILTER (WHERE name = 'accounts') AS accounts,
               max(value) FILTER (WHERE name = 'seats') AS seats,
               max(value) FILTER (WHERE name = 'credits_day') AS credits_day,
               max(value) FILTER (WHERE name = 'credits_month') AS credits_month
          FROM public.limit_raises WHERE tenant_id = %s AND until > %s) r
     WHERE p.code = %s
"""
SEEN = """
    INSERT INTO public.plan_excesses (tenant_id, name, since) VALUES (%s, %s, %s)
        ON CONFLICT (tenant_id, name) DO NOTHING
"""
GONE = "DELETE FROM public.plan_excesses WHERE tenant_id = %s AND name = ANY(%s)"


@dataclass(frozen=True)
class _Facts:
    plan: str
    accounts: int
    seats: int
    grace_days: int
    grace_percent: int
    history_days: int | None
    requests_per_minute: int
    api_requests_per_minute: int
    features: str
    daily: int | None
    monthly_of_plan: int | None
    extra: int
    members: int
    invitations: int
    accounts_since: date | None
    seats_since: date | None

    @property
    def monthly(self) -> int | None:
        return None if self.monthly_of_plan is None else self.monthly_of_plan + self.extra


class Limits:
    """The service. It remembers nothing: a changed plan counts with the next question."""

    def check(self, tenant: TenantWithPlan, name: LimitName, adding: int = 1) -> None:
        """Raises LimitReached, with a sentence and the limit, where there is no room for so many more."""
        facts = _facts(tenant)
        used, limit = _count(facts, tenant, name)
        if limit is None or used + adding <= limit:
            return
        if name == "accounts" and adding > 1:
            text = gettext("The {name} plan has no room for {n} more accounts. Stop tracking others first.")
            raise LimitReached(text.format(name=facts.plan, n=adding), limit=limit)
        raise LimitReached(gettext(REFUSED[name]).format(limit=f"{limit:,}", name=facts.plan), limit=limit)

    def room(self, tenant: TenantWithPlan, name: LimitName) -> int:
        """How many more there is room for."""
        used, limit = _count(_facts(tenant), tenant, name)
        return max(0, limit - used) if limit is not None else 2**31

    def require(self, tenant: TenantWithPlan, feature: str) -> None:
        """Raises NotInPlan where the plan lacks the feature; KeyError for one that does not exist."""
        label, facts = FEATURES[feature], _facts(tenant)
        if feature not in orjson.loads(facts.features):
            text = gettext("{feature}: not part of the {plan} plan. Ask for a larger plan.")
            raise NotInPlan(text.format(feature=gettext(label), plan=facts.plan), feature=feature)

    def standings(self, tenant: TenantWithPlan, *, accounts: int | None = None) -> tuple[Standing, ...]:
        """All limits of the tenant. `accounts` is their number where the caller knows it."""
        facts = _facts(tenant)
        used = _accounts_used() if accounts is None else accounts
        people = facts.members + facts.invitations if facts.members <= facts.seats else facts.members
        return (
            _of_places(
                "accounts", gettext("Accounts"), limit_words.ACCOUNTS, used, facts.accounts, facts.accounts_since, facts
            ),
            _of_places(
                "seats", gettext("Seats"), limit_words.SEATS, min(people, max(facts.seats, facts.members)),
                facts.seats, facts.seats_since, facts,
            ),
            *_of_credits(tenant, facts),
            *_not_counted(facts),
        )  # fmt: skip

    def follow(self, tenant: TenantWithPlan) -> Allowed:
        """Notes since when there is too much of something, or that there is no more; returns what may be in use."""
        facts, today = _facts(tenant), clock.today()
        found = (
            ("accounts", _accounts_used(), facts.accounts, facts.accounts_since),
            ("seats", facts.members, facts.seats, facts.seats_since),
        )
        allowed: dict[str, int | None] = {}
        with connection.cursor() as cursor:
            for name, used, limit, since in found:
                allowed[name] = None
                if used > limit:
                    if since is None:
                        cursor.execute(SEEN, [tenant.id, name, today])
                    if limit_words.is_over(since or today, facts.grace_days, today):
                        allowed[name] = limit
                elif since is not None:
                    cursor.execute(GONE, [tenant.id, [name]])
        return Allowed(accounts=allowed["accounts"], seats=allowed["seats"])

    def subscribe(self, tenant: TenantWithPlan, *, is_trial: bool, since: date | None = None) -> None:
        """The tenant has its present plan, at its present price, from `since` (today) on; a trial pays nothing."""
        subscribe(tenant_id=tenant.id, plan=tenant.plan, since=since, free=is_trial)


#: What is said to somebody who wants more than there is.
REFUSED: dict[str, str] = {
    "accounts": limit_words.NO_ACCOUNT,
    "seats": limit_words.NO_SEAT,
    "credits_day": limit_words.NO_CREDITS_TODAY,
    "credits_month": limit_words.NO_CREDITS,
}


def _facts(tenant: TenantWithPlan) -> _Facts:
    today = clock.today()
    row = prepared_row(FACTS, [first_of_month(today), *[tenant.id] * 6, today, tenant.plan])
    if row is None:
        raise NotFound(gettext("There is no plan “{plan}”.").format(plan=tenant.plan))
    return _Facts(*row)


def _count(facts: _Facts, tenant: TenantWithPlan, name: LimitName) -> tuple[int, int | None]:
    if name == "accounts":
        return _accounts_used(), facts.accounts
    if name == "seats":
        return facts.members + facts.invitations, facts.seats
    is_month = name == "credits_month"
    limit = facts.monthly if is_month else facts.daily
    return 0 if limit is None else _spent(tenant, monthly=is_month), limit


def _accounts_used() -> int:
    return cast(Callable[[], int], import_string(settings.ACCOUNTS_USED))()


def _spent(tenant: TenantWithPlan, *, monthly: bool) -> int:
    today = clock.today()
    count = spending.of_month if monthly else spending.of_day
    return max(0, spending.spent(count(today, tenant_id=tenant.id)))


def _of_places(
    name: str, label: str, words: Words, used: int, limit: int, since: date | None, facts: _Facts
) -> Standing:
    today = clock.today()
    state = limit_words.state_of_places(
        used, limit, is_over=limit_words.is_over(since or today, facts.grace_days, today)
    )
    until = (since or today) + timedelta(days=facts.grace_days) if state in ("grace", "paused") else None
    text = limit_words.sentence(
        words, state, used, limit, plan=facts.plan, until=numbers.day(until) if until is not None else ""
    )
    return Standing(name, label, state, used, limit, text, until)


def _of_credits(tenant: TenantWithPlan, facts: _Facts) -> list[Standing]:
    today = clock.today()
    found = []
    for name, label, words, limit, grace, ends in (
        ("credits_day", gettext("Credits today"), limit_words.DAY, facts.daily, 0, gettext("00:00 UTC")),
        (
            "credits_month", gettext("Credits this month"), limit_words.MONTH, facts.monthly,
            (facts.monthly or 0) * facts.grace_percent // 100, numbers.day_and_month(first_of_month(today, 1)),
        ),
    ):  # fmt: skip
        if limit is not None:
            used = _spent(tenant, monthly=name == "credits_month")
            state = limit_words.state_of_credits(used, limit, grace=grace)
            text = limit_words.sentence(words, state, used, limit, grace=grace, until=ends)
            found.append(Standing(name, label, state, used, limit, text))
    return found


def _not_counted(facts: _Facts) -> list[Standing]:
    if facts.history_days is None:
        history = gettext("Pages show all that is kept.")
    else:
        history = gettext("Pages show the last {n} days. What is older stays.").format(n=facts.history_days)
    pace = gettext("{n} requests a minute of the shared key.").format(n=facts.requests_per_minute)
    of_api = gettext("{n} requests a minute by each token.").format(n=f"{facts.api_requests_per_minute:,}")
    has = set(orjson.loads(facts.features))
    words = [
        (gettext(label) if name in has else gettext("{feature}: not in the plan").format(feature=gettext(label)))
        for name, label in FEATURES.items()
    ]
    return [
        Standing("history", gettext("History"), "fine", 0, None, history),
        Standing("pace", gettext("Pace"), "fine", 0, None, pace),
        *([Standing("api", gettext("API"), "fine", 0, None, of_api)] if "api" in has else []),
        Standing("features", gettext("Also"), "fine", 0, None, "; ".join(words) + "."),
    ]


limits = Limits()
