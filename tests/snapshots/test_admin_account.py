"""One account or post in the admin: numbers with their states, decisions on them, jobs, and what staff can do."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from django.test import Client

from accounts.models import AuditEntry
from snapshots.analytics.suspects import ValueId
from snapshots.models import FetchJob, PostSnapshot, TrackedAccount, ValueDecision
from tests.cast import Cast
from tests.factories import make_account, make_job, make_post
from tests.queries import assert_at_most, statements_of
from tests.snapshots.conftest import browser_of
from tests.snapshots.test_quality import STEADY, followers_by_day
from tests.staff import staff_with, words_of
from tikdash import clock
from tikdash.db.scope import all_tenants, tenant_scope

REFRESH, BACKFILL = "snapshots.refresh_trackedaccount", "snapshots.backfill_trackedaccount"
DECIDE = "snapshots.decide_value"


@pytest.fixture
def olga(cast: Cast, noon: datetime) -> Client:
    return browser_of(cast.olga, "localhost")


@pytest.fixture
def lena(cast: Cast, noon: datetime) -> TrackedAccount:
    """An account of Acme whose followers made a leap today, and one of whose jobs is dead."""
    with tenant_scope(cast.acme):
        account = make_account("lena", follower_count=None, video_count=95)
        followers_by_day(account, noon, [*STEADY, 26_003])
        make_job(account)
        make_job(account, "posts", state="dead", attempts=10, error_code="bad_payload", error="Not JSON.")
    return account


def page_of(account: TrackedAccount) -> str:
    return f"/admin/snapshots/trackedaccount/{account.pk}/"


def leap(account: TrackedAccount) -> str:
    return str(ValueId("account", account.pk, clock.today(), "follower_count"))


def followers(cast: Cast, account: TrackedAccount) -> int | None:
    with tenant_scope(cast.acme):
        account.refresh_from_db()
    return account.follower_count


def test_numbers_are_a_chart_and_a_table_with_their_states_and_jobs_with_their_errors(
    olga: Client, lena: TrackedAccount
) -> None:
    answer = olga.get(f"{page_of(lena)}change/")
    page = words_of(answer)
    assert "2026-11-15 26,003 spike" in page and "Doubted values: 1" in page
    assert re.search(r'<svg class="spark ops-line" width="640".*?aria-label="Followers', answer.content.decode())
    assert "bad_payload Not JSON." in page
    assert re.search(r"\d+ posts: all of them cost \d+ credits", page), page
    other = olga.get(f"{page_of(lena)}change/?counter=heart_count").content.decode()
    assert 'aria-label="Hearts' in other


def test_the_customer_says_the_number_is_wrong_and_it_is_put_right(
    cast: Cast, olga: Client, lena: TrackedAccount
) -> None:
    assert followers(cast, lena) == 20_105
    sent = {"value": leap(lena), "decision": "accept", "reason": "Seen at TikTok."}
    answer = olga.post(f"{page_of(lena)}decide/", sent, follow=True)
    assert "Followers of 2026-11-15: accepted. Shown now: 26,003." in words_of(answer)
    assert followers(cast, lena) == 26_003
    assert "accepted · olga@tikdash.example · Seen at TikTok." in words_of(answer)
    olga.post(f"{page_of(lena)}decide/", sent | {"decision": "reject"})
    assert followers(cast, lena) == 20_105
    with all_tenants():
        noted = AuditEntry.objects.filter(event__startswith="value.").order_by("occurred_at", "id")
        assert [(one.tenant_id, one.actor_kind) for one in noted] == [(cast.acme.id, "staff")] * 2


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"reason": " "}, "Say why"), ({"value": "x"}, "names no value"),
        ({"value": "account-999999-20261115-follower_count"}, "of another page"),
        ({"value": "post-1-20261115-play_count"}, "of another page"),
    ],
)  # fmt: skip
def test_a_decision_that_makes_no_sense_changes_nothing(
    cast: Cast, olga: Client, lena: TrackedAccount, wrong: dict[str, str], sentence: str
) -> None:
    sent = {"value": leap(lena), "decision": "accept", "reason": "Seen."} | wrong
    assert sentence in words_of(olga.post(f"{page_of(lena)}decide/", sent, follow=True))
    assert followers(cast, lena) == 20_105
    with all_tenants("shared"):
        assert not ValueDecision.objects.exists()


def test_a_value_of_a_post_is_decided_on_its_page(cast: Cast, olga: Client, noon: datetime) -> None:
    with tenant_scope(cast.acme):
        post = make_post(make_account(), play_count=9)
        PostSnapshot.objects.create(
            post=post,
            captured_on=noon.date(),
            captured_at=noon,
            play_count=7,
            state=5,
            suspect={"play_count": "regressed"},
        )
    path = f"/admin/snapshots/post/{post.pk}/"
    assert "2026-11-15 7 regressed" in words_of(olga.get(f"{path}change/"))
    sent = {"value": f"post-{post.pk}-20261115-play_count", "decision": "accept", "reason": "They deleted bots."}
    assert "Views of 2026-11-15: accepted." in words_of(olga.post(f"{path}decide/", sent, follow=True))
    with tenant_scope(cast.acme):
        post.refresh_from_db()
    assert post.play_count == 7


def test_new_numbers_are_asked_for_as_staff_and_the_customer_reads_it(
    cast: Cast, olga: Client, lena: TrackedAccount
) -> None:
    assert "New numbers are asked for" in words_of(olga.post(f"{page_of(lena)}refresh/", follow=True))
    with tenant_scope(cast.acme):
        assert set(FetchJob.objects.values_list("queue", "state", "attempts")) == {("interactive", "active", 0)}
        noted = AuditEntry.objects.get(event="account.refreshed")
    assert (noted.event, noted.actor_kind, noted.actor_label) == ("account.refreshed", "staff", "olga@tikdash.example")
    assert "was refreshed a moment ago" in words_of(olga.post(f"{page_of(lena)}refresh/", follow=True))


def test_the_past_is_read_up_to_a_number_of_credits(cast: Cast, olga: Client, lena: TrackedAccount) -> None:
    for wrong, sentence in [
        ({"months": "x"}, "whole numbers"), ({"months": "500"}, "between 1 and 120"),
        ({"credit_cap": "0"}, "one credit"),
    ]:  # fmt: skip
        sent = {"months": "12", "credit_cap": "4"} | wrong
        assert sentence in words_of(olga.post(f"{page_of(lena)}backfill/", sent, follow=True))
    with tenant_scope(cast.acme):
        assert not FetchJob.objects.filter(kind="backfill").exists()
    answer = olga.post(f"{page_of(lena)}backfill/", {"months": "12", "credit_cap": "4"}, follow=True)
    assert "for at most 4 credits" in words_of(answer) and "Last time: active" in words_of(answer)
    with tenant_scope(cast.acme):
        assert FetchJob.objects.get(kind="backfill").credit_cap == 4
        assert AuditEntry.objects.get(event="account.backfill_started").actor_kind == "staff"


def test_each_button_has_its_permission(cast: Cast, lena: TrackedAccount) -> None:
    looks = staff_with("snapshots.view_trackedaccount")
    page = looks.get(f"{page_of(lena)}change/")
    assert page.status_code == 200
    for name in ("refresh", "backfill", "decide"):
        assert f"/{lena.pk}/{name}/" not in page.content.decode()
        assert looks.post(f"{page_of(lena)}{name}/", {"value": leap(lena), "reason": "x"}).status_code == 403
        assert staff_with().get(f"{page_of(lena)}{name}/").status_code == 403
    for permission, name in ((REFRESH, "refresh"), (BACKFILL, "backfill"), (DECIDE, "decide")):
        may = staff_with("snapshots.view_trackedaccount", permission)
        assert f"/{lena.pk}/{name}/" in may.get(f"{page_of(lena)}change/").content.decode()
        assert may.get(f"{page_of(lena)}{name}/").status_code == 405
        assert may.post(f"/admin/snapshots/trackedaccount/999999/{name}/").status_code == 404
    with all_tenants("shared"):
        assert not ValueDecision.objects.exists()
        assert not AuditEntry.objects.filter(event__in=["account.refreshed", "account.backfill_started"]).exists()


def test_a_value_of_a_post_is_not_decided_without_the_permission(cast: Cast, noon: datetime) -> None:
    with tenant_scope(cast.acme):
        post = make_post(make_account(), play_count=9)
        PostSnapshot.objects.create(
            post=post, captured_on=noon.date(), captured_at=noon, play_count=7, state=5,
            suspect={"play_count": "regressed"},
        )  # fmt: skip
    sent = {"value": f"post-{post.pk}-20261115-play_count", "decision": "accept", "reason": "They deleted bots."}
    looks = staff_with("snapshots.view_post")
    assert f"/{post.pk}/decide/" not in looks.get(f"/admin/snapshots/post/{post.pk}/change/").content.decode()
    assert looks.post(f"/admin/snapshots/post/{post.pk}/decide/", sent).status_code == 403
    with all_tenants("shared"):
        assert not ValueDecision.objects.exists()
    assert staff_with("snapshots.view_post", DECIDE).get(f"/admin/snapshots/post/{post.pk}/decide/").status_code == 405


def test_the_page_has_its_budget_of_statements(olga: Client, lena: TrackedAccount) -> None:
    olga.get(f"{page_of(lena)}change/")
    assert_at_most(18, statements_of(lambda: olga.get(f"{page_of(lena)}change/")))
