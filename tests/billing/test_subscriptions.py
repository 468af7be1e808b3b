"""Which plan a tenant had when: begun, changed and ended by the services that change plans, and priced by the day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Tenant
from accounts.services.changing import change_plan, end_trials
from accounts.services.tenants import create_tenant
from billing.models import Plan, Subscription
from billing.services.subscriptions import add_period, periods_of, priced, subscribe
from tests.cast import Cast
from tikdash import clock
from tikdash.db.partitions import first_of_month
from tikdash.db.scope import all_tenants, tenant_scope
from tikdash.errors import BadInput, LimitReached, NotFound

NOV = date(2026, 11, 1)


@pytest.fixture
def none_yet(cast: Cast, noon: object) -> Cast:
    with all_tenants():
        Subscription.objects.all().delete()
    return cast


def kept(tenant_id: int) -> list[tuple[str, int, str, str | None]]:
    with all_tenants():
        rows = Subscription.objects.filter(tenant_id=tenant_id)
        return [(one.plan, one.price_cents, str(one.starts_on), one.ends_on and str(one.ends_on)) for one in rows]


def test_a_new_tenant_has_its_plan_from_its_first_day_and_a_trial_pays_nothing(cast: Cast, noon: object) -> None:
    paying, trying = create_tenant(slug="paying", plan="pro"), create_tenant(slug="trying", plan="pro", trial=True)
    assert kept(paying.id) == [("pro", 4_900, "2026-11-15", None)]
    assert kept(trying.id) == [("pro", 0, "2026-11-15", None)]


def test_promotion_and_demotion_end_one_period_and_begin_the_next(none_yet: Cast, noon: object) -> None:
    acme = none_yet.acme
    subscribe(tenant_id=acme.id, plan="pro", since=NOV)
    change_plan(tenant=acme, plan="enterprise")
    change_plan(tenant=acme, plan="enterprise")
    assert kept(acme.id) == [("pro", 4_900, "2026-11-01", "2026-11-15"), ("enterprise", 49_900, "2026-11-15", None)]
    change_plan(tenant=acme, plan="free")
    assert kept(acme.id)[-1] == ("free", 0, "2026-11-15", None), "of several changes on a day the last one counts"
    with clock.at(clock.now() + timedelta(days=3)):
        change_plan(tenant=acme, plan="pro")
    assert [row[0] for row in kept(acme.id)] == ["pro", "free", "pro"]


def test_a_trial_that_becomes_a_customer_pays_from_that_day_on(cast: Cast, noon: object) -> None:
    tenant = create_tenant(slug="trying", plan="pro", trial=True)
    with clock.at(clock.now() + timedelta(days=5)):
        change_plan(tenant=tenant, plan="pro")
    assert kept(tenant.id) == [("pro", 0, "2026-11-15", "2026-11-20"), ("pro", 4_900, "2026-11-20", None)]


def test_a_trial_that_ends_goes_on_with_the_smallest_plan(cast: Cast, noon: object) -> None:
    tenant = create_tenant(slug="trying", plan="pro", trial=True)
    with clock.at(clock.now() + timedelta(days=15)):
        assert end_trials() == 1
    assert kept(tenant.id)[-1] == ("free", 0, "2026-11-30", None)
    assert Tenant.objects.get(pk=tenant.id).plan == "free"


def test_periods_that_overlap_are_refused_with_a_sentence_and_nothing_is_half_done(none_yet: Cast) -> None:
    acme = none_yet.acme
    subscribe(tenant_id=acme.id, plan="pro", since=NOV)
    before = kept(acme.id)
    with pytest.raises(LimitReached, match="another plan in that time already: a period that begins on 2026-12-01"):
        add_period(tenant_id=acme.id, plan="free", price_cents=0, starts_on=date(2026, 12, 1))
    with pytest.raises(LimitReached, match="another plan in that time"):
        subscribe(tenant_id=acme.id, plan="free", since=date(2026, 10, 1))
    with pytest.raises(BadInput, match="must end after it begins"):
        add_period(tenant_id=acme.id, plan="free", price_cents=0, starts_on=NOV, ends_on=NOV)
    with pytest.raises(NotFound, match="no plan “gold”"):
        subscribe(tenant_id=acme.id, plan="gold")
    assert kept(acme.id) == before
    add_period(tenant_id=acme.id, plan="free", price_cents=0, starts_on=date(2026, 9, 1), ends_on=NOV)
    with tenant_scope(none_yet.rival):
        assert not Subscription.objects.exists(), "it is nobody else's business"


def test_the_price_of_a_month_is_the_one_that_was_agreed(none_yet: Cast) -> None:
    acme = none_yet.acme
    subscribe(tenant_id=acme.id, plan="pro", since=NOV)
    Plan.objects.filter(code="pro").update(price_cents=9_900)
    assert [(one.plan, one.cents, one.is_whole_month) for one in periods_of(acme.id, NOV)] == [("pro", 4_900, True)]
    assert periods_of(acme.id, date(2026, 10, 1)) == []


@given(
    month=st.dates(date(2024, 1, 1), date(2030, 12, 31)).map(first_of_month),
    price=st.integers(0, 10**7),
    cuts=st.sets(st.integers(2, 28), max_size=6),
)
def test_parts_of_one_price_sum_up_to_it_and_each_day_is_paid_once(month: date, price: int, cuts: set[int]) -> None:
    days = [month, *(month.replace(day=cut) for cut in sorted(cuts)), None]
    rows = [("pro", price, days[place], days[place + 1]) for place in range(len(days) - 1)]
    periods = priced(rows, month)  # type: ignore[arg-type]
    assert sum(one.cents for one in periods) == price
    covered = [one.first + timedelta(n) for one in periods for n in range((one.last - one.first).days + 1)]
    assert covered == [month + timedelta(n) for n in range((first_of_month(month, 1) - month).days)]
    assert all(one.cents >= 0 for one in periods)
