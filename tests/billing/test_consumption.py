"""In which order credits are used up, and what is left: pure, and then with rows."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from billing.consumption import Source, consume, days_left
from billing.gate import gate
from billing.models import CreditGrant, CreditPack, Invoice, Plan, Subscription, TenantBudget, UsageCorrection
from billing.rollups import roll_up
from billing.services.grants import balance_of, correct_usage, grant_credits, refresh_extra
from tests.billing.ledger import event, write
from tests.cast import Cast
from tikdash import clock
from tikdash.db.scope import all_tenants, tenant_scope
from tikdash.errors import BadInput
from tikdash.tiklive.errors import BudgetReached
from tikdash.tiklive.ports import PlannedCall

NOV = date(2026, 11, 1)
TODAY = date(2026, 11, 21)


def source(number: int | None, credits: int, priority: int, starts: date = NOV, expires: date | None = None) -> Source:
    return Source(number, credits, priority, starts, expires)


def left(sources: list[Source], spent: dict[date, int], today: date = TODAY) -> dict[int | None, int]:
    return {each.source.id: each.left for each in consume(sources, spent, today).sources}


def test_priority_goes_first_then_what_expires_sooner_then_what_is_older() -> None:
    sources = [
        source(1, 10, 200), source(2, 10, 200, expires=date(2026, 12, 1)), source(3, 10, 50),
        source(None, 10, 100, expires=date(2026, 12, 1)), source(4, 10, 200),
    ]  # fmt: skip
    assert [each.source.id for each in consume(sources, {}, TODAY).sources] == [3, None, 2, 1, 4]
    assert left(sources, {date(2026, 11, 5): 25}) == {3: 0, None: 0, 2: 5, 1: 10, 4: 10}


def test_what_has_expired_is_not_used_and_is_said() -> None:
    old = source(1, 10, 50, expires=date(2026, 11, 10))
    done = consume([old, source(2, 10, 200)], {date(2026, 11, 9): 4, date(2026, 11, 10): 3}, TODAY)
    assert [(each.used, each.left, each.expired) for each in done.sources] == [(4, 0, 6), (3, 7, 0)]
    assert done.left == 7


def test_a_source_that_begins_later_pays_for_nothing_before() -> None:
    done = consume([source(1, 10, 50, starts=date(2026, 11, 10))], {NOV: 3, date(2026, 11, 10): 2}, TODAY)
    assert (done.sources[0].left, done.uncovered) == (8, 3)


def test_what_nothing_covers_is_counted_and_a_refund_covers_what_comes_next() -> None:
    assert consume([source(1, 5, 50)], {NOV: 9}, TODAY).uncovered == 4
    done = consume([source(1, 5, 50)], {NOV: -4, date(2026, 11, 2): 6}, TODAY)
    assert (done.sources[0].left, done.uncovered) == (3, 0)


def test_the_plan_gives_its_credits_every_month_anew() -> None:
    months = [source(None, 10, 100, NOV, date(2026, 12, 1)), source(None, 10, 100, date(2026, 12, 1), date(2027, 1, 1))]
    spent = {NOV: 12, date(2026, 12, 2): 4}
    done = consume([*months, source(7, 100, 200)], spent, date(2026, 12, 3))
    assert done.left == 6 + 98
    assert [each.used_this_month for each in done.sources] == [0, 4, 0]


def test_days_left_go_by_the_mean_of_the_last_days() -> None:
    assert days_left(700, [100] * 7) == 7
    assert days_left(700, [0] * 7) is None and days_left(700, []) is None


# --- with rows -------------------------------------------------------------------------------------------------------


def test_a_pack_lets_a_tenant_go_on_beyond_its_months_credits(cast: Cast, noon: datetime, fresh_gate: None) -> None:
    Plan.objects.filter(code="pro").update(monthly_credits=100, grace_percent=0)
    write(cast.acme, [event(cast.acme.id, noon - timedelta(hours=1), credits=100)])
    roll_up()
    call = PlannedCall(cast.acme.id, "user-posts", "posts", "pro", 1, "shared")
    with pytest.raises(BudgetReached):
        gate.allow(call)
    grant_credits(tenant_id=cast.acme.id, credits=50)
    gate.forget()
    gate.allow(call)
    write(cast.acme, [event(cast.acme.id, noon + timedelta(minutes=1), credits=30)])
    with clock.at(noon + timedelta(minutes=9)):
        roll_up()
        refresh_extra()
        assert balance_of(cast.acme.id).consumption.left == 20
    with all_tenants():
        assert TenantBudget.objects.get(tenant_id=cast.acme.id).extra_credits == 50
    write(cast.acme, [event(cast.acme.id, noon + timedelta(minutes=10), credits=20)])
    gate.forget()
    with clock.at(noon + timedelta(minutes=11)), pytest.raises(BudgetReached):
        gate.allow(call)


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ({"credits": 0}, "at least one credit"),
        ({"credits": -5}, "at least one credit"),
        ({"credits": 2**70}, "less than or equal"),
        ({"credits": 5, "expires_on": date(2020, 1, 1)}, "at least a day"),
        ({"credits": 5, "kind": "bribe"}, "not a valid choice"),
        ({"credits": 5, "note": "n" * 300}, "at most 200"),
    ],
)
def test_a_grant_that_cannot_be_is_refused_with_a_sentence(cast: Cast, what: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        grant_credits(tenant_id=cast.acme.id, **what)
    with all_tenants():
        assert not CreditGrant.objects.exists()


def test_negative_packs_and_periods_that_end_before_they_begin_are_refused_by_the_database(cast: Cast) -> None:
    for wrong in ({"credits": 0}, {"credits": 5, "expires_on": TODAY}):
        with pytest.raises(IntegrityError), transaction.atomic():
            CreditPack.objects.create(**{"bought_on": TODAY} | wrong)


def test_two_plans_of_one_tenant_at_a_time_are_refused_by_the_database(cast: Cast) -> None:
    with all_tenants():
        Subscription.objects.create(tenant_id=cast.acme.id, plan="pro", starts_on=NOV, ends_on=TODAY)
        Subscription.objects.create(tenant_id=cast.rival.id, plan="pro", starts_on=NOV)
        Subscription.objects.create(tenant_id=cast.acme.id, plan="free", starts_on=TODAY)
        for starts in (NOV - timedelta(days=5), date(2027, 1, 1), date(2026, 11, 20)):
            with pytest.raises(IntegrityError, match="subscriptions_no_overlap"), transaction.atomic():
                Subscription.objects.create(tenant_id=cast.acme.id, plan="free", starts_on=starts)


def test_a_correction_is_a_row_with_a_reason_and_for_a_billed_month_it_counts_today(cast: Cast, noon: datetime) -> None:
    today, last_month = noon.date(), noon.date().replace(day=1) - timedelta(days=3)
    for wrong, sentence in (
        ({"credits": 0}, "nothing"),
        ({"reason": " "}, "Say why"),
        ({"day": today + timedelta(1)}, "has been"),
    ):
        with pytest.raises(BadInput, match=sentence):
            correct_usage(
                **{"tenant_id": cast.acme.id, "day": today, "credits": -5, "reason": "Ours", "made_by_id": None} | wrong
            )
    first = correct_usage(
        tenant_id=cast.acme.id, day=last_month, credits=-5, reason="A fault of ours", made_by_id=cast.olga.pk
    )
    assert first.day == last_month
    with all_tenants():
        Invoice.objects.create(
            tenant_id=cast.acme.id, month=last_month.replace(day=1), number="X-1", issued_at=clock.now(), customer="A",
            plan="Pro", currency="USD", credits=0, total_cents=0, lines=[],
        )  # fmt: skip
    second = correct_usage(tenant_id=cast.acme.id, day=last_month, credits=-5, reason="Again", made_by_id=None)
    assert second.day == today
    with tenant_scope(cast.rival):
        assert not UsageCorrection.objects.exists()
