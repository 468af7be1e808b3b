"""Which plan a tenant had when, at which price: begun and changed by promotion and demotion, never by hand, and ended
when the workspace is erased (`accounts.services.erasing`).

`accounts` says so through `tikdash.plans.plan_service`. Days are UTC days and belong to one plan each: a change counts
from the day on which it is made, and of several on one day the last. The database refuses periods that overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from django.db import IntegrityError, transaction

from billing.models import Plan, Subscription
from tikdash import clock
from tikdash.db.partitions import first_of_month
from tikdash.db.scope import all_tenants
from tikdash.errors import BadInput, LimitReached, NotFound


@dataclass(frozen=True)
class Period:
    """Days of a month on one plan: from `first` to `last`, both included, and what they cost."""

    plan: str
    first: date
    last: date
    cents: int
    is_whole_month: bool


def subscribe(*, tenant_id: int, plan: str, since: date | None = None, free: bool = False) -> Subscription:
    """The tenant has `plan`, at its present price (`free`: for nothing), from the UTC day `since` (today) on.

    What it had before ends there. Twice: nothing changes. Raises NotFound for an unknown plan, LimitReached where a
    later period is there already.
    """
    since = since or clock.today()
    found = Plan.objects.filter(code=plan).first()
    if found is None:
        raise NotFound(f"There is no plan “{plan}”.")
    price = 0 if free else found.price_cents
    with all_tenants(), transaction.atomic():
        open_one = Subscription.objects.select_for_update().filter(tenant_id=tenant_id, ends_on=None).first()
        if open_one is not None:
            if (open_one.plan, open_one.price_cents) == (plan, price) and open_one.starts_on <= since:
                return open_one
            if open_one.starts_on == since:
                open_one.plan, open_one.price_cents = plan, price
                open_one.save(update_fields=["plan", "price_cents"])
                return open_one
            if open_one.starts_on < since:
                open_one.ends_on = since
                open_one.save(update_fields=["ends_on"])
        return add_period(tenant_id=tenant_id, plan=plan, price_cents=price, starts_on=since)


def add_period(
    *, tenant_id: int, plan: str, price_cents: int, starts_on: date, ends_on: date | None = None
) -> Subscription:
    """One period, `ends_on` being the first day behind it. Raises BadInput for one that ends before it begins, and
    LimitReached for one that overlaps another of the tenant."""
    if ends_on is not None and ends_on <= starts_on:
        raise BadInput("It must end after it begins.", field="ends_on")
    try:
        with all_tenants(), transaction.atomic():
            return Subscription.objects.create(
                tenant_id=tenant_id, plan=plan, price_cents=price_cents, starts_on=starts_on, ends_on=ends_on
            )
    except IntegrityError as error:
        if "subscriptions_no_overlap" not in str(error):
            raise
        raise LimitReached(
            f"The tenant has another plan in that time already: a period that begins on {starts_on} would overlap it."
            " End that one first, or begin later.",
            field="starts_on",
        ) from None


def periods_of(tenant_id: int, month: date) -> list[Period]:
    """The plans that a tenant had in a month, in order, each with its part of its price: as many days of the month.

    Parts are rounded so that those of one price sum up to it exactly.
    """
    month, until = first_of_month(month), first_of_month(month, 1)
    with all_tenants():
        rows = list(
            Subscription.objects.filter(tenant_id=tenant_id, starts_on__lt=until)
            .exclude(ends_on__lte=month)
            .order_by("starts_on")
        )
    return priced([(row.plan, row.price_cents, row.starts_on, row.ends_on) for row in rows], month)


def priced(rows: Sequence[tuple[str, int, date, date | None]], month: date) -> list[Period]:
    """As `periods_of`, of (plan, price, first day, first day behind it) in the order of their days."""
    until = first_of_month(month, 1)
    length = (until - month).days
    found: list[Period] = []
    exact, rounded = Fraction(0), 0
    for plan, price, starts_on, ends_on in rows:
        first, behind = max(starts_on, month), min(ends_on or until, until)
        days = (behind - first).days
        exact += Fraction(price * days, length)
        cents = int(exact + Fraction(1, 2)) - rounded
        rounded += cents
        found.append(Period(plan, first, behind - timedelta(days=1), cents, days == length))
    return found
