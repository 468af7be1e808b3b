"""What a person does with a whole account from its page: pause, resume, stop, read its past; and what it costs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import AuditEntry
from accounts.selectors import TenantRef
from billing import spending
from billing.gate import gate
from billing.models import Plan, UsageEvent
from snapshots.analytics.cost import cost_of
from snapshots.models import FetchJob, TrackedAccount
from tests.cast import Cast
from tests.factories import make_account, make_job
from tests.snapshots.test_account_page import url
from tests.snapshots.test_pages import HTMX, text_of
from tikdash.db.scope import tenant_scope


@pytest.fixture
def lena(cast: Cast, noon: datetime) -> TrackedAccount:
    with tenant_scope(cast.acme):
        account = make_account("lena.bakes", video_count=95)
        for kind in ("profile", "posts"):
            make_job(account, kind, next_due_at=noon + timedelta(hours=1), created_at=noon - timedelta(days=60))
    return account


def test_a_paused_account_says_why_its_button_does_nothing_and_goes_on_at_a_click(
    cast: Cast, ana: Client, lena: TrackedAccount
) -> None:
    assert ana.post(url(lena, "state/"), {"action": "pause"})["Location"] == url(lena)
    page = text_of(ana.get(url(lena)))
    assert "This account is paused. Resume it to read new numbers." in page
    assert 'type="submit" id="refresh-button"' not in page and ">Resume</button>" in page
    # Who asks all the same changes nothing.
    assert ana.post(url(lena, "refresh/")).status_code == 302
    with tenant_scope(cast.acme):
        assert not FetchJob.objects.exclude(requested_at=None).exists()
    piece = text_of(ana.post(url(lena, "state/"), {"action": "resume"}, headers=HTMX))
    assert 'type="submit" id="refresh-button"' in piece and "<html" not in piece
    with tenant_scope(cast.acme):
        assert set(FetchJob.objects.values_list("state", flat=True)) == {"active"}


def test_a_stopped_account_leaves_its_page_and_comes_back_with_undo(ana: Client, lena: TrackedAccount) -> None:
    assert ana.post(url(lena, "state/"), {"action": "stop"})["Location"] == "/accounts/"
    assert ana.get(url(lena)).status_code == 404
    undo = re.search(r'action="(/accounts/removals/\d+/undo/)"', text_of(ana.get("/accounts/")))
    assert undo
    ana.post(undo[1])
    assert ana.get(url(lena)).status_code == 200
    assert ana.post(url(lena, "state/"), {"action": "explode"}).status_code == 400


def test_the_past_is_read_after_its_cost_was_said_and_can_be_called_off(
    cast: Cast, ana: Client, lena: TrackedAccount
) -> None:
    page = text_of(ana.get(url(lena) + "?tab=activity"))
    assert "Costs at most 3 credits: one for each page of its 95 posts" in " ".join(page.split())
    assert ana.post(url(lena, "backfill/"), {"months": "12"})["Location"] == url(lena) + "?tab=activity#backfill"
    waiting = text_of(ana.get(url(lena, "backfill/"), headers=HTMX))
    assert "12 months are to be read. Backfills run between 02:00 and 05:00 UTC." in waiting
    assert 'hx-trigger="every 2s"' in waiting
    again = ana.post(url(lena, "backfill/"), {"months": "12"}, headers=HTMX)
    assert again.status_code == 422
    with tenant_scope(cast.acme):
        job = FetchJob.objects.get(kind="backfill")
        job.params |= {"pages": 2, "posts": 60, "new": 41}
        job.credits_spent = 2
        job.save()
    running = text_of(ana.get(url(lena, "backfill/"), headers=HTMX))
    assert "2 of at most 3 pages read: 60 posts, 41 of them new." in running and 'max="3" value="2"' in running
    called_off = text_of(ana.post(url(lena, "backfill/cancel/"), headers=HTMX))
    assert "called off" in called_off and "for 2 credits" in called_off and "every 2s" not in called_off
    # Somebody who comes late, behind its end or behind a colleague, sees how it ended.
    late = text_of(ana.post(url(lena, "backfill/cancel/"), headers=HTMX))
    assert "called off" in late and "for 2 credits" in late
    with tenant_scope(cast.acme):
        assert AuditEntry.objects.filter(event="account.backfill_cancelled").count() == 1


def test_a_backfill_that_never_was_cannot_be_called_off(ana: Client, lena: TrackedAccount) -> None:
    assert ana.post(url(lena, "backfill/cancel/")).status_code == 404


@pytest.mark.parametrize("months", ["", "0", "121", "-3", "twelve", "12.5", "9" * 30])
def test_months_that_cannot_be_are_told_beside_the_field(
    cast: Cast, ana: Client, lena: TrackedAccount, months: str
) -> None:
    answer = ana.post(url(lena, "backfill/"), {"months": months}, headers=HTMX)
    assert answer.status_code == 422 and re.search(r'id="backfill-error".*?<span>Choose ', text_of(answer), re.S)
    assert ana.post(url(lena, "backfill/"), {"months": months}).status_code == 400
    with tenant_scope(cast.acme):
        assert not FetchJob.objects.filter(kind="backfill").exists()


def test_an_accounts_part_of_the_credits_goes_by_how_often_it_is_read(acme: TenantRef, noon: datetime) -> None:
    often, seldom, new = (make_account() for _ in range(3))
    old = noon - timedelta(days=60)
    make_job(often, "posts", cadence_s=3_600, created_at=old)
    make_job(seldom, "posts", cadence_s=3 * 3_600, created_at=old)
    make_job(new, "posts", cadence_s=3 * 3_600, created_at=noon - timedelta(days=15))
    make_job(seldom, "comments", cadence_s=86_400, created_at=old)
    spent = {"posts": 900, "comments": 30, "probe": 7}
    costs = [cost_of(tenant_id=acme.id, account_id=one.pk, spent=spent, days=30) for one in (often, seldom, new)]
    assert [[(cost.kind, round(cost.credits), cost.estimated) for cost in each] for each in costs] == [
        [("posts", 600, True)], [("posts", 200, True), ("comments", 30, True)], [("posts", 100, True)],
    ]  # fmt: skip
    counted = cost_of(tenant_id=acme.id, account_id=often.pk, spent={}, days=30, backfill=12)
    assert [(cost.kind, cost.credits, cost.estimated) for cost in counted] == [("backfill", 12, False)]
    assert cost_of(tenant_id=acme.id, account_id=make_account().pk, spent=spent, days=30) == []


@pytest.fixture
def counted_anew(cast: Cast, noon: datetime) -> Iterator[None]:
    """Neither a plan nor a count that another test has left in memory or Redis."""
    for forget in (gate.forget, lambda: spending.forget(cast.acme.id, [noon.date()])):
        forget()
    yield
    for forget in (gate.forget, lambda: spending.forget(cast.acme.id, [noon.date()])):
        forget()


def test_a_budget_that_is_used_up_needs_attention(
    cast: Cast, ana: Client, lena: TrackedAccount, noon: datetime, counted_anew: None
) -> None:
    assert "All accounts are read as planned" in text_of(ana.get("/overview/"))
    Plan.objects.filter(code="pro").update(daily_credits=2)
    with tenant_scope(cast.acme):
        UsageEvent.objects.create(
            id=uuid4(), occurred_at=noon, key_id="shared", endpoint="user-posts", feature="posts", priority="pro",
            outcome="ok", credits=2, attempts=1, latency_ms=5,
        )  # fmt: skip
    gate.forget()
    spending.forget(cast.acme.id, [noon.date()])
    page = text_of(ana.get("/overview/"))
    assert "The 2 credits of today are used up: only refreshes go on until 00:00 UTC. Nothing is deleted." in page
    assert "All accounts are read as planned" not in page
    # The same two credits are what the account's page tells of its cost: nobody else is read.
    activity = text_of(ana.get(url(lena) + "?tab=activity"))
    assert "≈ 2.0" in activity and "its part of the workspace’s credits" in activity
