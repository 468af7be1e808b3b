"""What pages of other apps are told of a tenant's credits: caps that are near, and what each kind of work took."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from billing.gate import gate
from billing.models import Plan
from tests.billing.test_gate import spend
from tests.cast import Cast
from tikdash import clock
from tikdash.budget import budget_words, credits_by_feature

pytestmark = pytest.mark.usefixtures("fresh_gate")


@pytest.mark.parametrize(
    ("spent", "level", "words"),
    [
        (79, None, ""),
        (80, "near", "80% of the 100 credits of today are used up."),
        (99, "near", "99% of the 100 credits of today are used up."),
        (100, "reached", "The 100 credits a day of the Free plan are used up. Fetching goes on at 00:00 UTC."),
    ],
)
def test_a_cap_is_told_once_it_is_near(
    committed_db: Cast, noon: datetime, spent: int, level: str | None, words: str
) -> None:
    Plan.objects.filter(code="free").update(daily_credits=100, monthly_credits=None)
    spend(committed_db, committed_db.rival, spent)
    assert [(word.level, word.sentence) for word in budget_words(committed_db.rival.id)] == (
        [(level, words)] if level else []
    )


def test_of_a_month_too_and_nothing_without_caps(committed_db: Cast, noon: datetime) -> None:
    Plan.objects.filter(code="free").update(daily_credits=None, monthly_credits=1_000, grace_percent=0)
    with clock.at(noon - timedelta(days=2)):
        spend(committed_db, committed_db.rival, 900)
    assert [word.sentence for word in budget_words(committed_db.rival.id)] == [
        "90% of the 1,000 credits of this month are used up."
    ]
    Plan.objects.filter(code="free").update(daily_credits=None, monthly_credits=None)
    gate.forget()
    assert budget_words(committed_db.rival.id) == []


def test_credits_are_told_by_kind_of_work_of_the_tenant_and_its_days(committed_db: Cast, noon: datetime) -> None:
    spend(committed_db, committed_db.acme, 3, feature="posts")
    spend(committed_db, committed_db.acme, 4, feature="comments")
    spend(committed_db, committed_db.acme, 9, feature="posts", outcome="server_error")
    spend(committed_db, committed_db.rival, 50, feature="posts")
    with clock.at(noon - timedelta(days=29)):
        spend(committed_db, committed_db.acme, 2, feature="posts")
    with clock.at(noon - timedelta(days=30)):
        spend(committed_db, committed_db.acme, 100, feature="posts")
    assert credits_by_feature(committed_db.acme.id, 30) == {"posts": 5, "comments": 4}
