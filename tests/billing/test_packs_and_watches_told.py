"""From the forecast to people: packs that will soon be empty, and watches, told by mail and webhook, and resolved."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail

from billing.alerts import look
from billing.models import AlertChannel, CreditPack, UsageAlert, UsageDaily
from billing.notices import deliver_due
from billing.packs import pack_standings
from billing.services.sampling import note
from billing.watching import CRITICAL, OK, Finding
from tests.billing.test_alerts import Hook, hook  # noqa: F401  (a fixture)
from tests.cast import Cast
from tests.simulating import NOW
from tikdash import clock
from tikdash.db.scope import all_tenants

NOON = datetime.fromisoformat(NOW)
TODAY = NOON.date()

pytestmark = pytest.mark.usefixtures("fresh_gate")


@pytest.fixture
def spent(committed_db: Cast) -> Cast:
    """Acme has spent 100 credits of the shared key on each of the last 40 days."""
    with all_tenants():
        for back in range(1, 41):
            UsageDaily.objects.create(
                tenant_id=committed_db.acme.id, day=TODAY - timedelta(days=back), key_id="shared",
                endpoint="user-posts", feature="posts", priority="pro", requests=100, ok=100,
                failed=0, unsettled=0, credits=100, charged=100, unsettled_credits=0, latency_ms=1,
            )  # fmt: skip
        AlertChannel.objects.create(tenant=None, kind="email", address="ops@tikdash.example")
    return committed_db


def buy(credits: int, days_ago: int, **more: Any) -> None:
    with all_tenants():
        CreditPack.objects.create(credits=credits, bought_on=TODAY - timedelta(days=days_ago), price_cents=900, **more)


def told(at: datetime) -> list[str]:
    """What the look and the delivery at a moment put into mails."""
    with clock.at(at):
        look()
        deliver_due()
    found = [f"{message.subject} | {message.body.strip()}" for message in mail.outbox]
    mail.outbox.clear()
    return found


def test_what_is_left_of_packs_is_counted_from_the_day_on_which_they_were_bought(spent: Cast) -> None:
    buy(1_500, days_ago=20)
    buy(1_000, days_ago=30, expires_on=TODAY - timedelta(days=25))
    found = pack_standings(NOON)[0]
    # Of the older one 500 were used in the five days that it held, and 500 were lost; the new one served for 20 days.
    assert (found.bought, found.left, found.expired) == (2_500, 0, 500)
    buy(3_000, days_ago=1)
    found = pack_standings(NOON)[0]
    assert found.left == 2_900
    assert found.emptying and found.emptying.expected == TODAY + timedelta(days=29)
    assert found.recommendation and found.recommendation.need == round(3_100 * 1.2 - 2_900)


def test_a_pack_that_will_soon_be_empty_is_told_with_what_to_buy_and_resolved_when_it_was_bought(spent: Cast) -> None:
    buy(5_000, days_ago=39)
    assert told(NOON) == [
        "Tikdash: warning about credits | Key “shared”: 1,100 credits are left and used up on 2026-11-26, in 11 days"
        " (between 2026-11-25 and 2026-11-27). Buy the pack of 5,000: 2,620 credits are needed beyond the balance, with"
        " 20% more than the forecast of 3,100."
    ]
    assert told(NOON + timedelta(hours=1)) == [], "once a month"
    buy(5_000, days_ago=0)
    assert [line.split(" | ")[0] for line in told(NOON + timedelta(hours=2))] == ["Tikdash: resolved about credits"]


def test_an_empty_pack_is_critical_and_a_full_one_is_nothing(spent: Cast) -> None:
    buy(3_000, days_ago=39)
    assert [line.split(" | ")[0] for line in told(NOON)] == ["Tikdash: critical about credits"]
    buy(50_000, days_ago=0)
    assert "resolved" in told(NOON + timedelta(hours=1))[0]


def test_without_a_history_nothing_is_foreseen_and_nobody_is_alarmed(committed_db: Cast) -> None:
    buy(5_000, days_ago=3)
    found = pack_standings(NOON)[0]
    assert found.left == 5_000 and found.emptying is None and "Nothing is known" in found.why_not
    assert told(NOON) == []


def test_a_watch_is_told_to_operations_by_mail_and_webhook_and_resolved(spent: Cast, hook: Hook) -> None:  # noqa: F811
    with all_tenants():
        AlertChannel.objects.create(tenant=None, kind="webhook", address=f"http://{hook.host}/")
    bad = Finding("queue_drain", "pro", CRITICAL, "3,001 wait and drain in 10 min; 5 min are the aim.", 600, 300)
    good = Finding("queue_drain", "pro", OK, "0 wait and drain in 0 s; 5 min are the aim.", 0, 300)
    for minute, finding in enumerate([bad, bad, good, good]):
        note([finding], NOON + timedelta(minutes=minute), samples=2)
        with clock.at(NOON + timedelta(minutes=minute)):
            deliver_due()
    said = "Queue depth, pro: 3,001 wait and drain in 10 min; 5 min are the aim."
    assert [(message.subject, message.to) for message in mail.outbox] == [
        ("Tikdash: critical about operations", ["ops@tikdash.example"]),
        ("Tikdash: resolved about operations", ["ops@tikdash.example"]),
    ]
    assert [text for text, _ in hook.sent] == [said, f"Resolved: {said}"]


def test_the_looks_at_spending_leave_alarms_of_watches_alone(spent: Cast) -> None:
    bad = Finding("overdue", "pro", CRITICAL, "The oldest job has been due for 2.0 h.", 7_200, 1_800)
    note([bad], NOON, samples=1)
    with clock.at(NOON + timedelta(minutes=5)):
        look()
    with all_tenants():
        assert UsageAlert.objects.get(rule="overdue").resolved_at is None
