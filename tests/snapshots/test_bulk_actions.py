"""The same for many accounts: tags, pause, resume, refresh; stopping is in `test_removals`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.selectors import TenantRef
from snapshots.models import FetchJob, TrackedAccount
from snapshots.services import bulk
from snapshots.services.accounts import make_missing_jobs
from tests.cast import Cast
from tests.factories import make_account, make_job
from tests.queries import assert_at_most, statements_of
from tests.snapshots.conftest import browser_of
from tikdash import clock
from tikdash.db.scope import tenant_scope

ADDRESS = "/accounts/selected/"


def send(client: Client, action: str, **form: Any) -> str:
    """The page that a person sees after that."""
    answer = client.post(ADDRESS, {"action": action, **form}, follow=True)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def with_jobs(**fields: Any) -> int:
    account = make_account(**fields)
    for kind in ("profile", "posts", "comments"):
        make_job(account, kind, next_due_at=clock.now() + timedelta(hours=1))
    return account.pk


def states(*ids: int) -> list[str]:
    return sorted(FetchJob.objects.filter(account_id__in=ids).values_list("state", flat=True))


def tags_of(account_id: int) -> list[str]:
    return TrackedAccount.objects.get(pk=account_id).tags


def test_tags_are_added_once_and_taken_away(acme: TenantRef, ana: Client) -> None:
    one, two, other = with_jobs(tags=["uk"]), with_jobs(), with_jobs()
    for _ in range(2):
        page = send(ana, "add_tags", ids=[one, two], tags="bread, #uk, bread")
    assert "0 accounts are tagged with bread, uk." in page
    assert (tags_of(one), tags_of(two), tags_of(other)) == (["uk", "bread"], ["bread", "uk"], [])
    assert "2 accounts lost the tags uk." in send(ana, "remove_tags", ids=[one, two, other], tags="uk")
    assert (tags_of(one), tags_of(two)) == (["bread"], ["bread"])


def test_an_account_with_ten_tags_keeps_them(acme: TenantRef, ana: Client) -> None:
    full = with_jobs(tags=[f"t{n}" for n in range(10)])
    page = send(ana, "add_tags", ids=[full, with_jobs()], tags="more")
    assert "1 account is tagged with more. 1 account would have more than 10 tags, and keeps its own." in page
    assert "more" not in tags_of(full)


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"action": "add_tags", "ids": [1], "tags": " , "}, "Type a tag"),
        ({"action": "add_tags", "ids": [1], "tags": "x" * 41}, "of at most 40 characters"),
        ({"action": "add_tags", "tags": "x"}, "Choose at least one account first."),
        ({"action": "pause", "ids": ["x", "-1", "9" * 30]}, "Choose at least one account first."),
        ({"action": "explode", "ids": [1]}, "Choose what to do"),
        ({"action": "pause", "ids": ",".join(["1"] * 5_001)}, "Choose at most 5,000 accounts"),
        ({"action": "pause", "all": "1", "reason": "friend"}, "There is no reason"),
        ({"action": "stop", "ids": [999_999], "confirmed": "1"}, "None of these accounts is tracked"),
    ],
)
def test_what_makes_no_sense_changes_nothing_and_is_said(
    acme: TenantRef, ana: Client, form: dict[str, Any], sentence: str
) -> None:
    one = with_jobs()
    answer = ana.post(ADDRESS, form)
    assert answer.status_code == 302 and answer["Location"].startswith("/accounts/")
    assert sentence in ana.get(answer["Location"]).content.decode()
    assert tags_of(one) == [] and states(one) == ["active"] * 3


def test_paused_accounts_are_left_alone_until_they_are_resumed(acme: TenantRef, ana: Client) -> None:
    one, other = with_jobs(), with_jobs()
    dead, held = FetchJob.objects.filter(account_id=one).order_by("id")[1:3]
    FetchJob.objects.filter(pk=dead.pk).update(state="dead")
    FetchJob.objects.filter(pk=held.pk).update(state="paused")
    assert "1 account is paused." in send(ana, "pause", ids=[one])
    assert "0 accounts are paused." in send(ana, "pause", ids=[one])
    assert TrackedAccount.objects.get(pk=one).state == "paused"
    assert states(one) == ["dead", "paused", "paused"] and states(other) == ["active"] * 3
    # The planner makes no job for it meanwhile.
    before = FetchJob.objects.filter(account_id=one).count()
    make_missing_jobs(acme)
    assert FetchJob.objects.filter(account_id=one).count() == before
    assert "1 account is fetched again." in send(ana, "resume", ids=[one, other])
    # What died, or was paused by somebody else, stays so.
    assert states(one) == ["active", "dead", "paused"]
    assert TrackedAccount.objects.get(pk=one).state == "active"
    assert not FetchJob.objects.filter(account_id=one, params__has_key="held_paused").exists()


def test_a_refresh_says_what_it_costs_before_and_leaves_out_who_was_read_just_now(acme: TenantRef, ana: Client) -> None:
    one, soon, paused = with_jobs(), with_jobs(), with_jobs()
    FetchJob.objects.filter(account_id=soon).update(requested_at=clock.now() - timedelta(minutes=4))
    bulk.pause_accounts(account_ids=[paused])
    page = send(ana, "refresh", ids=[one, soon, paused], q="creator")
    for part in ("Refresh 1 account?", "about 2 credits", "1 more was refreshed less", "1 more is paused"):
        assert part in page, part
    assert not FetchJob.objects.filter(account_id=one, next_due_at__lte=clock.now()).exists()
    page = send(ana, "refresh", ids=f"{one},{soon},{paused}", confirmed="1")
    assert "1 account is being read." in page
    due = FetchJob.objects.filter(next_due_at__lte=clock.now())
    assert sorted(due.values_list("account_id", "kind", "queue", "state")) == [
        (one, "posts", "pro", "active"), (one, "profile", "pro", "active"),
    ]  # fmt: skip
    assert "0 accounts are being read." in send(ana, "refresh", ids=[one], confirmed="1")


def test_all_of_a_filter_are_meant_whatever_page_they_are_on(acme: TenantRef, ana: Client) -> None:
    for number in range(60):
        make_account(f"user.{number:02}", tracked_reason="own" if number < 55 else "partner")
    answer = ana.post(ADDRESS, {"action": "add_tags", "all": "1", "q": "user", "reason": "own", "tags": "x"})
    assert answer["Location"] == "/accounts/?q=user&reason=own"
    assert TrackedAccount.objects.filter(tags=["x"]).count() == 55


@pytest.mark.parametrize("action", ["add_tags", "pause", "refresh", "stop"])
def test_accounts_of_another_tenant_are_not_touched(cast: Cast, noon: datetime, action: str) -> None:
    with tenant_scope(cast.rival):
        theirs = with_jobs(tags=["secret"])
    rows = [FetchJob.objects.filter(account_id=theirs).values(), TrackedAccount.objects.filter(pk=theirs).values()]

    def snapshot() -> list[list[dict[str, Any]]]:
        with tenant_scope(cast.rival):
            return [list(each.all()) for each in rows]

    before = snapshot()
    page = send(browser_of(cast.ana, "acme.localhost"), action, ids=[theirs], tags="mine", confirmed="1")
    assert "secret" not in page
    assert snapshot() == before and before[0]


def test_a_hundred_accounts_cost_as_many_statements_as_two(acme: TenantRef, ana: Client) -> None:
    ids = [with_jobs() for _ in range(100)]
    for action in ("add_tags", "pause", "resume", "refresh"):
        form = {"action": action, "tags": "x", "confirmed": "1"}
        few = statements_of(lambda form=form: ana.post(ADDRESS, form | {"ids": ids[:2]}))  # type: ignore[misc]
        many = statements_of(lambda form=form: ana.post(ADDRESS, form | {"ids": ids[2:]}))  # type: ignore[misc]
        assert len(many) == len(few), action
        assert_at_most(8, few)
