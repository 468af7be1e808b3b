"""What plans limit: said before the limit, at it, in the grace and behind it; enforced everywhere by one service."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from accounts.models import Membership
from accounts.selectors import tenant_by_slug
from accounts.services.changing import change_plan
from accounts.services.own_keys import add_key
from accounts.services.tenants import add_member
from accounts.services.tokens import authenticate, create_token
from billing.limit_words import state_of_credits, state_of_places
from billing.models import Plan, PlanExcess
from billing.services.limits import limits
from snapshots.models import AccountSnapshot, FetchJob, TrackedAccount
from snapshots.services.planning import plan_jobs
from tests.billing.ledger import event, write
from tests.cast import Cast
from tests.factories import make_account, make_job, make_snapshots
from tests.snapshots.conftest import browser_of
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.errors import LimitReached, NotInPlan
from tikdash.plans import FEATURES, KINDS_WITH_CADENCE, plan_service

pytestmark = pytest.mark.usefixtures("fresh_gate")


def text_of(user: Any, path: str = "/accounts/", host: str = "acme.localhost") -> str:
    answer = browser_of(user, host).get(path)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def standing(cast: Cast, name: str) -> Any:
    with tenant_scope(cast.acme):
        return next(one for one in limits.standings(tenant_by_slug("acme")) if one.name == name)


def accounts(cast: Cast, number: int) -> None:
    with tenant_scope(cast.acme):
        for place in range(number):
            account = make_account(f"creator.{place}", tracked_since=clock.now() - timedelta(days=100 - place))
            make_snapshots(account, [1, 2])
            make_job(account)


def read(cast: Cast) -> set[str]:
    """Whose profile is read, after a round of the planner."""
    with tenant_scope(cast.acme):
        plan_jobs(tenant_by_slug("acme"))
        jobs = FetchJob.objects.filter(kind="profile", state="active").select_related("account")
        return {job.account.username for job in jobs if job.account}


@pytest.mark.parametrize(
    ("used", "state"), [(0, "fine"), (79, "fine"), (80, "near"), (99, "near"), (100, "grace"), (109, "grace"),
                        (110, "paused"), (500, "paused")],
)  # fmt: skip
def test_credits_are_fine_near_in_grace_and_paused(used: int, state: str) -> None:
    assert state_of_credits(used, 100, grace=10) == state
    assert state_of_credits(100, 100) == "at"


def test_places_are_in_grace_until_it_is_over() -> None:
    assert [state_of_places(used, 5, is_over=False) for used in (3, 4, 5, 6)] == ["fine", "near", "at", "grace"]
    assert state_of_places(6, 5, is_over=True) == "paused" and state_of_places(5, 5, is_over=True) == "at"


def test_accounts_from_before_the_limit_to_behind_the_grace_and_back(cast: Cast, noon: datetime) -> None:
    Plan.objects.filter(code="free").update(tracked_accounts=5, grace_days=14)
    Plan.objects.filter(code="pro").update(tracked_accounts=9)
    accounts(cast, 8)
    assert standing(cast, "accounts").state == "near"
    assert "Room for 1 more. At 9 no more can be added." in text_of(cast.ana)
    change_plan(tenant=cast.acme, plan="free")
    with tenant_scope(cast.acme):
        assert str(PlanExcess.objects.get(name="accounts").since) == "2026-11-15"
    assert standing(cast, "accounts").state == "grace"
    said = "8 accounts are tracked and the Free plan has 5. All are read until 29 Nov 2026; then the 3 newest pause."
    for path in ("/accounts/", "/overview/", "/settings/usage/", "/posts/"):
        assert said in text_of(cast.ana, path), path
    assert len(read(cast)) == 8, "in the grace everything goes on"
    with tenant_scope(cast.acme), pytest.raises(LimitReached, match="All 5 accounts of the Free plan are in use"):
        plan_service().check(tenant_by_slug("acme"), "accounts")

    with clock.at(noon + timedelta(days=13, hours=11)):
        assert len(read(cast)) == 8
    with clock.at(noon + timedelta(days=14)):
        assert read(cast) == {f"creator.{place}" for place in range(5)} == read(cast), "the newest stand still"
        assert standing(cast, "accounts").state == "paused"
        assert "The 3 newest accounts are paused: 8 are tracked and the Free plan has 5." in text_of(cast.ana)
        with tenant_scope(cast.acme):
            assert (TrackedAccount.objects.count(), AccountSnapshot.objects.count()) == (8, 16), "nothing is dropped"
            TrackedAccount.objects.filter(username__in=["creator.0", "creator.1"]).delete()
        assert read(cast) == {f"creator.{place}" for place in range(2, 7)}, "who comes next takes the room"
        change_plan(tenant=cast.acme, plan="pro")
        assert read(cast) == {f"creator.{place}" for place in range(2, 8)}
        with tenant_scope(cast.acme):
            assert not PlanExcess.objects.exists()


def test_a_plan_that_is_made_smaller_gives_its_tenants_the_grace_too(cast: Cast, noon: datetime) -> None:
    accounts(cast, 3)
    Plan.objects.filter(code="pro").update(tracked_accounts=2, grace_days=0)
    assert read(cast) == {"creator.0", "creator.1"}, "without grace it is at once"
    Plan.objects.filter(code="pro").update(grace_days=1)
    assert len(read(cast)) == 3


def test_people_beyond_the_seats_wait_and_come_back_and_nobody_is_removed(cast: Cast, noon: datetime) -> None:
    Plan.objects.filter(code="free").update(seats=2, grace_days=7)
    late = add_member(tenant_id=cast.acme.id, email="late@acme.example", role="member", password="x").user
    boss = add_member(tenant_id=cast.acme.id, email="boss@acme.example", role="admin", password="x").user
    change_plan(tenant=cast.acme, plan="free")
    assert "4 people are here and the Free plan has 2 seats. Everybody may come in until 22 Nov 2026" in text_of(
        cast.ana
    )
    assert browser_of(late, "acme.localhost").get("/accounts/").status_code == 200

    with clock.at(noon + timedelta(days=7)):
        read(cast)
        outside = browser_of(late, "acme.localhost").get("/accounts/")
        assert outside.status_code == 403 and "has no seat for you at present" in outside.content.decode()
        assert browser_of(cast.max, "acme.localhost").post("/settings/", {"name": "Max's"}).status_code == 403
        assert browser_of(cast.max, "acme.localhost").get("/people/leave/").status_code == 200
        for user in (cast.ana, boss):
            assert browser_of(user, "acme.localhost").get("/accounts/").status_code == 200, "owners, then admins"
        assert "no seat" in text_of(cast.ana, "/people/")
        boss_id = Membership.objects.get(user=boss, tenant_id=cast.acme.id).pk
        assert browser_of(cast.ana, "acme.localhost").post(f"/people/{boss_id}/remove/").status_code == 302
        assert browser_of(cast.max, "acme.localhost").get("/accounts/").status_code == 200, "who joined first is next"
        assert browser_of(late, "acme.localhost").get("/accounts/").status_code == 403
        change_plan(tenant=cast.acme, plan="pro")
        assert browser_of(late, "acme.localhost").get("/accounts/").status_code == 200, "at once"
    assert Membership.objects.filter(tenant_id=cast.acme.id).count() == 3


def test_credits_are_told_near_the_cap_at_it_and_behind_the_grace(cast: Cast, noon: datetime) -> None:
    Plan.objects.filter(code="pro").update(daily_credits=None, monthly_credits=1_000, grace_percent=10)
    for more, state, words in (
        (799, "fine", ""),
        (1, "near", "200 credits left this month. At 1,000 only refreshes go on until 1st Dec."),
        (200, "grace", "All goes on for 100 credits more; then only refreshes until"),
        (100, "paused", "The 1,000 credits of this month and the grace are used up: only refreshes go on until"),
    ):
        write(cast.acme, [event(cast.acme.id, noon - timedelta(minutes=1), credits=more)])
        assert standing(cast, "credits_month").state == state
        assert (words in text_of(cast.ana, "/compare/").replace("1 Dec", "1st Dec")) or not words
    Plan.objects.filter(code="pro").update(daily_credits=1_100, monthly_credits=None)
    assert standing(cast, "credits_day").sentence.startswith("The 1,100 credits of today are used up: only refreshes")


def test_the_plans_panel_names_everything_that_the_plan_limits(cast: Cast, noon: datetime) -> None:
    Plan.objects.filter(code="pro").update(history_days=90, features=["exports"])
    page = text_of(cast.max, "/settings/usage/")
    for words in (
        "What the Pro plan has", "0 / 100", "2 / 10", "Pages show the last 90 days.", "60 requests a minute",
        "Lists as files (CSV, XLSX)", "API tokens: not in the plan",
    ):  # fmt: skip
        assert words in page


def test_features_are_refused_with_a_sentence_and_come_back_with_the_plan(cast: Cast, noon: datetime) -> None:
    ana = browser_of(cast.ana, "acme.localhost")
    made = create_token(tenant=cast.acme, name="Sheet", scopes=["accounts:read"])
    assert authenticate(made.raw, "127.0.0.1").tenant.slug == "acme"
    Plan.objects.filter(code="pro").update(features=[])
    for call in (
        lambda: create_token(tenant=cast.acme, name="More", scopes=["accounts:read"]),
        lambda: authenticate(made.raw, "127.0.0.1"),
        lambda: add_key(tenant=cast.acme, typed="sim-key-of-somebody-1234"),
    ):
        with pytest.raises(NotInPlan, match="not part of the Pro plan. Ask for a larger plan"):
            call()
    file = ana.get("/accounts/export.csv")
    assert file.status_code == 403 and "not part of the Pro plan" in file.content.decode()
    with tenant_scope(cast.acme):
        make_account()
    assert "Files are not part of this plan." in ana.get("/accounts/").content.decode()
    Plan.objects.filter(code="pro").update(features=list(FEATURES))
    assert authenticate(made.raw, "127.0.0.1").tenant.slug == "acme"
    assert ana.get("/accounts/export.csv").status_code == 200


def test_history_ends_where_the_plan_says_in_charts_files_and_comparisons(cast: Cast, noon: datetime) -> None:
    with tenant_scope(cast.acme):
        account = make_account("old.hand")
        make_snapshots(account, list(range(1_000, 1_200)))
    ana = browser_of(cast.ana, "acme.localhost")
    path = f"/accounts/{account.pk}"
    assert len(ana.get(f"{path}/series.json?days=365").json()["dates"]) >= 200
    Plan.objects.filter(code="pro").update(history_days=60)
    for days in (90, 365, 3660):
        assert len(ana.get(f"{path}/series.json?days={days}").json()["dates"]) <= 61
    file = ana.get(f"{path}/growth/export.csv?days=3660")
    lines = b"".join(file.streaming_content).decode().splitlines()
    assert 50 < len([line for line in lines if re.search(r"\b2026-\d\d-\d\d\b", line)]) <= 61
    page = text_of(cast.ana, f"{path}/")
    assert "60 d" in page and "365" not in page and "All" not in re.findall(r"30 d 60 d (\w+)", page)
    with tenant_scope(cast.acme):
        assert AccountSnapshot.objects.count() == 200, "nothing is dropped"


@pytest.mark.parametrize(
    ("cadences", "sentence"),
    [
        ({"profile": 0}, "“profile”: write whole seconds, from 60"),
        ({"profile": -3600}, "“profile”: write whole seconds"),
        ({"posts": 86_400.5}, "whole seconds"),
        ({"posts": "3600"}, "whole seconds"),
        ({"posts": True}, "whole seconds"),
        ({"posts": 10**12}, "90 days"),
        ({"likes": 3600}, "“likes” is no kind of job that a plan paces: comments, detail"),
        ([3600], "Write seconds by kind of job"),
    ],
)
def test_cadences_that_cannot_be_are_refused_beside_their_field(cast: Cast, cadences: Any, sentence: str) -> None:
    plan = Plan.objects.get(code="free")
    plan.cadences = cadences
    with pytest.raises(ValidationError) as refused:
        plan.full_clean()
    assert sentence in str(refused.value.message_dict["cadences"])


@pytest.mark.parametrize("features", [["gold"], "exports", [1], ["api", "api"]])
def test_features_that_do_not_exist_are_refused(cast: Cast, features: Any) -> None:
    plan = Plan.objects.get(code="free")
    plan.features = features
    with pytest.raises(ValidationError, match="features"):
        plan.full_clean()


def test_every_kind_that_a_plan_may_pace_is_a_kind_of_job() -> None:
    assert set(FetchJob.Kind.values) >= KINDS_WITH_CADENCE


def test_nothing_of_another_tenant_is_counted(cast: Cast, noon: datetime) -> None:
    with tenant_scope(cast.rival):
        for _ in range(4):
            make_account()
    write(cast.rival, [event(cast.rival.id, noon - timedelta(minutes=1), credits=4_321)])
    Plan.objects.filter(code="pro").update(daily_credits=5_000)
    assert (standing(cast, "accounts").used, standing(cast, "credits_day").used, standing(cast, "seats").used) == (
        0,
        0,
        2,
    )
