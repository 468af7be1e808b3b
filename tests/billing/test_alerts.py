"""Alerts: once per period and threshold, resolved when it is over, told by e-mail and webhook, tried again."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.core import mail

from billing.alerts import look
from billing.models import AlertChannel, AlertDelivery, Plan, PlatformBudget, UsageAlert
from billing.notices import WAITS, deliver_due
from billing.rollups import roll_up
from tests.billing.ledger import event, write
from tests.cast import Cast
from tikdash import clock
from tikdash.db.scope import all_tenants, tenant_scope

pytestmark = pytest.mark.usefixtures("fresh_gate")


class Hook:
    """A webhook on this machine: answers with `status`, or never, and keeps what it was sent."""

    def __init__(self) -> None:
        self.status, self.sent, self.never = 200, list[tuple[str, dict[str, str]]](), threading.Event()
        self.never.set()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.sent.append((json.loads(body)["text"], dict(self.headers)))
                hook.never.wait(20)
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"


@pytest.fixture
def hook(settings: Any) -> Iterator[Hook]:
    one = Hook()
    settings.WEBHOOK_HOSTS_TRUSTED = [one.host]
    yield one
    one.never.set()
    one.server.shutdown()
    one.server.server_close()


def month_of_pro(credits: int) -> None:
    Plan.objects.filter(code="pro").update(monthly_credits=credits)


def spend(cast: Cast, credits: int, at: datetime) -> None:
    write(cast.acme, [event(cast.acme.id, at, credits=credits)])
    with clock.at(at + timedelta(minutes=5)):
        roll_up()


def opened() -> list[tuple[str, str, bool]]:
    """Rule, level, and whether it is resolved, of Acme."""
    with all_tenants():
        rows = UsageAlert.objects.exclude(tenant=None).order_by("rule")
        return [(one.rule, one.level, one.resolved_at is not None) for one in rows]


def look_at(moment: datetime) -> None:
    with clock.at(moment):
        look()
        deliver_due()


DAY_10 = datetime.fromisoformat("2026-11-10T12:00:00+00:00")


def test_each_threshold_is_told_once_in_a_month_and_owners_hear_it(cast: Cast) -> None:
    month_of_pro(1_000)
    spend(cast, 720, DAY_10)
    for hours in (1, 2, 3):
        look_at(DAY_10 + timedelta(hours=hours))
    assert opened() == [("budget_70", "warning", False), ("forecast", "warning", False)]
    assert [message.to for message in mail.outbox] == [["ana@acme.example"]] * 2
    assert "720 of 1,000 credits of this month are used (72%) on day 10 of 30." in mail.outbox[0].body
    spend(cast, 190, DAY_10 + timedelta(hours=4))
    look_at(DAY_10 + timedelta(hours=5))
    assert [rule for rule, *_ in opened()] == ["budget_70", "budget_75_by_20", "budget_90", "forecast"]
    assert len(mail.outbox) == 4


def test_a_new_month_resolves_what_was_open_and_says_so(cast: Cast) -> None:
    month_of_pro(1_000)
    spend(cast, 720, DAY_10)
    look_at(DAY_10 + timedelta(hours=1))
    mail.outbox.clear()
    look_at(DAY_10 + timedelta(days=25))
    assert all(is_resolved for *_, is_resolved in opened())
    assert sorted(message.body.split(":")[0] for message in mail.outbox) == ["Resolved", "Resolved"]
    look_at(DAY_10 + timedelta(days=25, hours=1))
    assert len(mail.outbox) == 2


def test_a_higher_budget_resolves_and_what_comes_again_is_not_told_twice(cast: Cast) -> None:
    month_of_pro(1_000)
    spend(cast, 720, DAY_10)
    look_at(DAY_10 + timedelta(hours=1))
    month_of_pro(10_000)
    look_at(DAY_10 + timedelta(hours=2))
    assert all(is_resolved for *_, is_resolved in opened())
    month_of_pro(1_000)
    mail.outbox.clear()
    look_at(DAY_10 + timedelta(hours=3))
    assert not any(is_resolved for *_, is_resolved in opened()) and mail.outbox == []


def test_80_percent_late_in_the_month_is_on_the_page_and_in_nobodys_mail(cast: Cast) -> None:
    month_of_pro(1_000)
    spend(cast, 800, DAY_10 + timedelta(days=17))
    look_at(DAY_10 + timedelta(days=18))
    assert ("budget_70", "notice", False) in opened() and "budget_90" not in str(opened())
    assert mail.outbox == []


def test_from_90_percent_on_channels_for_escalation_hear_it_too(cast: Cast, hook: Hook) -> None:
    with all_tenants():
        for kind, address, only in (("email", "team@acme.example", False), ("webhook", f"http://{hook.host}/x", True)):
            AlertChannel.objects.create(tenant_id=cast.acme.id, kind=kind, address=address, escalation=only)
    month_of_pro(1_000)
    spend(cast, 720, DAY_10)
    look_at(DAY_10 + timedelta(hours=1))
    assert hook.sent == [] and {message.to[0] for message in mail.outbox} == {"team@acme.example"}
    spend(cast, 200, DAY_10 + timedelta(hours=2))
    look_at(DAY_10 + timedelta(hours=3))
    assert [text for text, _ in hook.sent] == ["920 of 1,000 credits of this month are used (92%) on day 10 of 30."]


def test_the_deployment_and_its_key_have_alerts_for_operations(cast: Cast, hook: Hook) -> None:
    with all_tenants():
        AlertChannel.objects.create(tenant=None, kind="webhook", address=f"http://{hook.host}/services/T0/B0")
    PlatformBudget.objects.create(scope="deployment", monthly_credits=1_000)
    PlatformBudget.objects.create(scope="shared", monthly_credits=2_000)
    spend(cast, 950, DAY_10)
    look_at(DAY_10 + timedelta(hours=1))
    said = [text for text, _ in hook.sent]
    assert any(text.startswith("All workspaces: 950 of 1,000 credits") for text in said)
    assert any(text.startswith("Key “shared”: At this rate") for text in said)
    for tenant in cast.tenants:
        with tenant_scope(tenant):
            assert not UsageAlert.objects.exists(), "what the whole deployment spends is nobody's business"


def test_twice_yesterdays_calls_are_said_once_a_day_with_the_endpoint(cast: Cast) -> None:
    for day, number, slug in ((0, 100, "user-posts"), (1, 90, "user-posts"), (1, 130, "post-detail")):
        at = DAY_10.replace(hour=3) + timedelta(days=day)
        write(cast.acme, [event(cast.acme.id, at + timedelta(seconds=n), endpoint=slug) for n in range(number)])
    with clock.at(DAY_10 + timedelta(days=1, minutes=10)):
        roll_up()
    for minutes in (20, 80, 140):
        look_at(DAY_10 + timedelta(days=1, minutes=minutes))
    with all_tenants():
        [alert] = UsageAlert.objects.filter(tenant=None)
        assert alert.sentence == "Twice yesterday's calls by this hour (220 against 100), mostly /post-detail/."


# --- on its way ------------------------------------------------------------------------------------------------------


@pytest.fixture
def waiting(cast: Cast, hook: Hook, noon: datetime) -> AlertDelivery:
    """A notice for a webhook that is due."""
    with all_tenants():
        channel = AlertChannel.objects.create(tenant=None, kind="webhook", address=f"http://{hook.host}/hook")
        alert = UsageAlert.objects.create(
            tenant=None, rule="budget_90", subject="month", period=noon.date(), level="critical", sentence="Much.",
            opened_at=noon, seen_at=noon,
        )  # fmt: skip
        return AlertDelivery.objects.create(
            tenant=None, alert=alert, channel=channel, notice="opened", next_try_at=noon
        )


def state(delivery: AlertDelivery) -> AlertDelivery:
    with all_tenants():
        return AlertDelivery.objects.get(pk=delivery.pk)


def test_a_webhook_that_answers_500_is_tried_again_and_gets_the_same_id(
    waiting: AlertDelivery, hook: Hook, noon: datetime
) -> None:
    hook.status = 500
    moment = noon
    for attempt, wait in enumerate(WAITS, start=1):
        with clock.at(moment):
            assert deliver_due() == 0
        found = state(waiting)
        assert (found.attempts, found.last_error) == (attempt, "The webhook answered 500.")
        assert found.next_try_at == moment + wait
        moment += wait
    hook.status = 204
    with clock.at(moment):
        assert deliver_due() == 1
        assert deliver_due() == 0
    assert state(waiting).delivered_at == moment
    assert len({headers["Idempotency-Key"] for _, headers in hook.sent}) == 1


def test_it_is_given_up_after_the_last_try_and_the_error_stays(
    waiting: AlertDelivery, hook: Hook, noon: datetime
) -> None:
    hook.status, moment = 503, noon
    for wait in [*WAITS, timedelta()]:
        with clock.at(moment):
            deliver_due()
        moment += wait
    found = state(waiting)
    assert (found.next_try_at, found.delivered_at, found.attempts) == (None, None, len(WAITS) + 1)


@pytest.mark.parametrize("status", [400, 403, 404, 410, 302])
def test_an_answer_that_will_not_change_is_not_asked_for_again(
    waiting: AlertDelivery, hook: Hook, noon: datetime, status: int
) -> None:
    hook.status = status
    deliver_due()
    found = state(waiting)
    assert (found.next_try_at, found.last_error) == (None, f"The webhook answered {status}.")


def test_a_webhook_that_never_answers_holds_nobody_up(
    waiting: AlertDelivery, hook: Hook, noon: datetime, monkeypatch: Any
) -> None:
    from billing import notices
    from tikdash.outgoing import Limits

    monkeypatch.setattr(notices, "LIMITS", Limits(most_bytes=1_000, whole_s=0.4, step_s=0.3))
    hook.never.clear()
    assert deliver_due() == 0
    found = state(waiting)
    assert "did not answer in time" in found.last_error and found.next_try_at == noon + WAITS[0]


def test_an_address_inside_our_network_is_never_asked(waiting: AlertDelivery, hook: Hook, settings: Any) -> None:
    settings.WEBHOOK_HOSTS_TRUSTED = []
    deliver_due()
    assert hook.sent == []
    assert "not on the public internet" in state(waiting).last_error and state(waiting).next_try_at is None
