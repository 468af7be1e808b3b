"""Tracking an account: what a plan allows, what is tracked already, and what may be typed beside the handle."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from accounts.selectors import TenantRef
from snapshots.ingest.normalise import ProfileRow
from snapshots.models import FetchJob, TrackedAccount
from snapshots.services.accounts import clean_wish, request_tracking, track_account
from tests.cast import Cast
from tests.factories import make_account, make_job
from tests.threads import at_once
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.errors import BadInput, LimitReached, TikdashError

FULL = "All 5 accounts of the Free plan are in use. Stop tracking one, or ask for a larger plan."


def profile(number: int, username: str = "") -> ProfileRow:
    counters = {"follower_count": 5, "following_count": 6, "heart_count": 7, "video_count": 8, "digg_count": 9}
    name = username or f"creator.{number}"
    return ProfileRow(str(6_950_000_000_000_000_000 + number), name, "", name, "", "", False, False, counters)


def request(tenant: TenantRef, handle: str) -> int:
    return request_tracking(tenant=tenant, wish=clean_wish(handle=handle, reason="competitor", tags=""))


def test_tags_are_cleaned_and_taken_once_each_in_their_order() -> None:
    wish = clean_wish(handle="lena", reason="own", tags=" #Bakery, uk ,,#, Bakery,مطبخ, two words ")
    assert wish.tags == ["Bakery", "uk", "مطبخ", "two words"]
    assert clean_wish(handle="lena", reason="own", tags=" , ").tags == []


@pytest.mark.parametrize("tags", [",".join(map(str, range(11))), "x" * 41])
def test_too_many_or_too_long_tags_are_refused(tags: str) -> None:
    with pytest.raises(BadInput, match="at most 10 tags of at most 40 characters, separated by commas"):
        clean_wish(handle="lena", reason="own", tags=tags)


def test_a_tag_is_stored_without_what_the_database_cannot_hold(acme: TenantRef) -> None:
    wish = clean_wish(handle="lena", reason="own", tags="a\x00b")
    check = request_tracking(tenant=acme, wish=wish)
    assert FetchJob.objects.get(pk=check).params["tags"] == ["ab"]


@pytest.mark.parametrize("reason", ["", "friend", "OWN", "own "])
def test_an_unknown_reason_is_refused(reason: str) -> None:
    with pytest.raises(BadInput, match="Choose a reason: own, competitor or partner"):
        clean_wish(handle="lena", reason=reason, tags="")


def test_a_request_stores_nothing_but_the_check(acme: TenantRef, noon: datetime) -> None:
    check = request(acme, "lena.bakes")
    job = FetchJob.objects.get()
    assert (job.pk, job.kind, job.queue, job.next_due_at) == (check, "probe", "interactive", noon)
    assert not TrackedAccount.objects.exists()


def test_the_same_handle_asked_for_twice_is_checked_once(acme: TenantRef) -> None:
    assert request(acme, "lena.bakes") == request(acme, "@LENA.bakes") != request(acme, "lena.cooks")


def test_a_tracked_handle_is_refused_by_name(acme: TenantRef) -> None:
    make_account("lena.bakes")
    with pytest.raises(LimitReached, match="@lena.bakes is tracked already."):
        request(acme, "lena.bakes")
    assert not FetchJob.objects.exists()


def test_another_tenants_account_is_in_nobodys_way(cast: Cast, noon: datetime) -> None:
    with tenant_scope(cast.rival):
        for number in range(5):
            make_account(f"taken{number}")
    with tenant_scope(cast.acme):
        assert request(cast.acme, "taken0")


def test_a_full_plan_is_refused_with_its_number_and_name(cast: Cast, noon: datetime) -> None:
    with tenant_scope(cast.rival):
        for _ in range(4):
            make_account()
        assert request(cast.rival, "the.fifth")
        make_account()
        with pytest.raises(LimitReached) as refused:
            request(cast.rival, "the.sixth")
        assert str(refused.value) == FULL
        # What was free when the check began may be taken when it ends.
        wish = clean_wish(handle="the.fifth", reason="own", tags="")
        with pytest.raises(LimitReached, match="All 5 accounts"):
            track_account(tenant=cast.rival, wish=wish, profile=profile(1), measured_at=clock.now())
        assert TrackedAccount.objects.count() == 5


def test_six_forms_at_once_never_pass_the_last_free_place(committed_db: Cast, noon: datetime) -> None:
    rival = committed_db.rival
    with tenant_scope(rival):
        for _ in range(4):
            make_account()

    def form(number: int) -> str:
        wish = clean_wish(handle=f"creator.{number}", reason="own", tags="")
        try:
            with tenant_scope(rival):
                track_account(tenant=rival, wish=wish, profile=profile(number), measured_at=clock.now())
        except TikdashError as error:
            return str(error)
        return "tracked"

    assert sorted(at_once([lambda n=n: form(n) for n in range(6)])) == [FULL] * 5 + ["tracked"]
    with tenant_scope(rival):
        assert TrackedAccount.objects.count() == 5
        assert sorted(FetchJob.objects.values_list("kind", flat=True)) == ["pictures", "posts", "profile"]


def test_one_creator_tracked_by_two_forms_at_once_is_one_row(committed_db: Cast, noon: datetime) -> None:
    acme = committed_db.acme

    def form(handle: str) -> str:
        wish = clean_wish(handle=handle, reason="own", tags="")
        try:
            with tenant_scope(acme):
                track_account(tenant=acme, wish=wish, profile=profile(1, "marabuilds"), measured_at=clock.now())
        except TikdashError as error:
            return str(error)
        return "tracked"

    said = at_once([lambda: form("mara.codes"), lambda: form("marabuilds")])
    assert sorted(said) == ["@marabuilds is tracked already.", "tracked"]


def test_checks_that_ended_are_forgotten_after_a_day(acme: TenantRef, noon: datetime) -> None:
    params = {"handle": "old.one", "reason": "own", "tags": []}
    old = noon - timedelta(days=1, minutes=1)
    make_job(None, "probe", state="refused", created_at=old, params=params)
    kept = make_job(None, "probe", state="refused", created_at=noon - timedelta(hours=23), params=params)
    waiting = make_job(None, "probe", state="active", created_at=old, params=params)
    check = request(acme, "lena.bakes")
    assert set(FetchJob.objects.values_list("pk", flat=True)) == {kept.pk, waiting.pk, check}


def test_a_plan_without_posts_makes_no_job_for_posts(cast: Cast, noon: datetime) -> None:
    from billing.models import Plan

    Plan.objects.filter(code="free").update(cadences={"profile": 86_400})
    with tenant_scope(cast.rival), clock.at(noon):
        wish = clean_wish(handle="lena", reason="own", tags="")
        track_account(tenant=cast.rival, wish=wish, profile=profile(1), measured_at=clock.now())
        [job] = FetchJob.objects.exclude(kind="pictures")
    assert (job.kind, job.queue) == ("profile", "free")
    assert job.next_due_at == datetime.fromisoformat("2026-11-16T02:00:00Z") + timedelta(seconds=job.offset_s)
