"""Views and users of hashtags are looked up once a week and tenant, the most used first, and never in vain."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from django.core.cache import cache

from accounts.selectors import TenantRef
from billing.gate import gate
from billing.models import Plan, UsageEvent
from snapshots.ingest.upsert import store_posts
from snapshots.models import FetchJob, Hashtag, HashtagSnapshot, Post, TrackedAccount
from snapshots.scheduling.dispatch import claim_these
from snapshots.services.jobs import RunReport, run_jobs
from tests.cast import Cast
from tests.factories import make_account, make_job
from tests.simulating import Caller
from tests.snapshots.conftest import both_clocks_at
from tests.snapshots.test_tags_ingest import row
from tests.tiklive.upstream import Answer, running_upstream
from tikdash import clock
from tikdash.db.scope import tenant_scope

WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def _fresh(settings: Any) -> Iterator[None]:
    """One attempt a call, and no credits of another test."""
    settings.TIKLIVE_ATTEMPTS = 1
    gate.forget()
    cache.clear()
    yield
    gate.forget()
    cache.clear()


def account_with(*titles: str) -> TrackedAccount:
    """An account whose posts, the newest first, have these titles."""
    account = make_account()
    store_posts(account.pk, [row(number, title) for number, title in enumerate(titles)], measured_at=clock.now())
    return account


def run(tenant: TenantRef, account: TrackedAccount) -> tuple[RunReport, FetchJob]:
    job = FetchJob.objects.filter(account=account, kind="hashtag").first()
    job = job or make_job(account, "hashtag", cadence_s=7 * 86_400)
    FetchJob.objects.filter(pk=job.pk).update(next_due_at=clock.now())
    claim_these(tenant, [job.pk])
    [report] = run_jobs(tenant, [job.pk])
    job.refresh_from_db()
    return report, job


def asked(upstream: Caller) -> int:
    return int(upstream.look("stats")["by_endpoint"].get("challenge-info-name", 0))


def looked_at() -> set[str]:
    return set(Hashtag.objects.filter(looked_at__isnull=False).values_list("name", flat=True))


def test_hashtags_get_the_views_and_users_that_are_true_upstream(
    acme: TenantRef, upstream: Caller, noon: datetime
) -> None:
    names = ["fyp", "हिंदी", "渋谷スカイ", "ترند🔥", "🐺", "ẩmthực", "น้ำ"]
    report, job = run(acme, account_with(" ".join(f"#{name}" for name in names)))
    assert (report.outcome, report.text) == ("ok", "7 hashtags read, nothing known of 0")
    assert job.succeeded_at == noon
    for name in names:
        truth = upstream.look("truth/hashtag", name=name)
        tag = Hashtag.objects.get(challenge_id=truth["id"])
        assert (tag.cha_name, tag.view_count, tag.user_count) == (name, truth["view_count"], truth["user_count"])
        assert (tag.measured_at, tag.looked_at) == (noon, noon)
        snapshot = tag.snapshots.get()  # type: ignore[attr-defined]
        assert (str(snapshot.captured_on), snapshot.captured_at) == ("2026-11-15", noon)
        assert (snapshot.view_count, snapshot.user_count) == (tag.view_count, tag.user_count)
    assert UsageEvent.objects.filter(feature="hashtag").count() == 7


def test_the_most_used_come_first_and_no_more_than_are_allowed(
    acme: TenantRef, upstream: Caller, settings: Any
) -> None:
    settings.HASHTAGS_PER_RUN = 2
    account = account_with("#once", "#twice #thrice", "#twice #thrice", "#thrice", "#many #many #many #many")
    assert run(acme, account)[0].text == "2 hashtags read, nothing known of 0"
    assert looked_at() == {"thrice", "twice"}, "a post counts once, however often it says it"
    run(acme, account)
    assert looked_at() == {"thrice", "twice", "once", "many"}
    assert asked(upstream) == 4


def test_what_was_looked_at_is_not_asked_for_again_within_the_week_by_any_account(
    acme: TenantRef, upstream: Caller
) -> None:
    first, second = account_with("#fyp #one"), account_with("#FYP #two")
    run(acme, first)
    run(acme, first)
    assert asked(upstream) == 2
    run(acme, second)
    assert asked(upstream) == 3 and looked_at() == {"fyp", "one", "two"}


@pytest.mark.parametrize("early", [timedelta(0), timedelta(hours=1)], ids=["on time", "an hour early"])
def test_a_week_later_they_are_asked_for_again_and_have_a_second_snapshot(
    acme: TenantRef, upstream: Caller, noon: datetime, early: timedelta
) -> None:
    account = account_with("#fyp")
    run(acme, account)
    before = Hashtag.objects.get()
    with both_clocks_at(upstream, noon + timedelta(days=5)):
        run(acme, account)
    assert asked(upstream) == 1
    with both_clocks_at(upstream, noon + WEEK - early):
        run(acme, account)
        truth = upstream.look("truth/hashtag", name="fyp")
    after = Hashtag.objects.get()
    assert (after.view_count, after.measured_at) == (truth["view_count"], noon + WEEK - early)
    assert after.view_count > before.view_count
    assert HashtagSnapshot.objects.count() == 2


def test_posts_that_are_old_or_gone_ask_for_nothing(acme: TenantRef, upstream: Caller, noon: datetime) -> None:
    account = account_with("#new", "#old", "#gone")
    account_with("#elsewhere")
    titled = {post.title: post for post in Post.objects.filter(account=account)}
    Post.objects.filter(pk=titled["#old"].pk).update(posted_at=noon - timedelta(days=91))
    Post.objects.filter(pk=titled["#gone"].pk).update(deleted_at=noon)
    run(acme, account)
    assert looked_at() == {"new"}


def test_a_hashtag_that_tiktok_does_not_know_is_only_noted(acme: TenantRef, upstream: Caller, noon: datetime) -> None:
    account = account_with("#missingtag #fyp")
    Hashtag.objects.filter(name="missingtag").update(view_count=5, measured_at=noon - 2 * WEEK)
    report, _ = run(acme, account)
    assert (report.outcome, report.text) == ("ok", "1 hashtags read, nothing known of 1")
    tag = Hashtag.objects.get(name="missingtag")
    assert (tag.looked_at, tag.view_count, tag.measured_at) == (noon, 5, noon - 2 * WEEK)
    assert not tag.snapshots.exists()  # type: ignore[attr-defined]
    run(acme, account)
    assert asked(upstream) == 2


# --- runs that are cut short -----------------------------------------------------------------------------------------


def test_a_run_that_is_not_admitted_to_its_end_keeps_what_it_read_and_goes_on_there(
    acme: TenantRef, upstream: Caller, noon: datetime
) -> None:
    Plan.objects.filter(code="pro").update(daily_credits=2)
    account = account_with("#a #b #c #d #e")
    report, job = run(acme, account)
    assert report.outcome == "budget_reached" and report.wait_s is not None
    assert (job.attempts, job.state, job.succeeded_at) == (0, "active", None)
    assert len(looked_at()) == HashtagSnapshot.objects.count() == asked(upstream) == 2
    Plan.objects.filter(code="pro").update(daily_credits=100)
    gate.forget()
    with both_clocks_at(upstream, noon + timedelta(hours=2)):
        assert run(acme, account)[0].text == "3 hashtags read, nothing known of 0"
    assert asked(upstream) == 5 and len(looked_at()) == 5


def test_trouble_in_the_middle_keeps_what_was_read_and_is_tried_again(acme: TenantRef, upstream: Caller) -> None:
    account = account_with("#a #b #c #d")
    upstream.order("faults", [{"kind": "http", "status": 500, "skip": 2}])
    report, job = run(acme, account)
    assert (report.outcome, job.attempts, len(looked_at())) == ("upstream_down", 1, 2)
    upstream.order("faults", [])
    assert run(acme, account)[0].text == "2 hashtags read, nothing known of 0"


def test_one_answer_of_no_use_does_not_stop_the_others(acme: TenantRef, upstream: Caller, noon: datetime) -> None:
    account = account_with("#a #b #c #d")
    upstream.order("faults", [{"kind": "empty_object", "count": 1}])
    report, _ = run(acme, account)
    assert (report.outcome, report.text) == ("ok", "3 hashtags read, nothing known of 1")
    assert len(looked_at()) == 4, "it would be asked for every hour otherwise"


@pytest.mark.parametrize("fault", ["empty_object", "not_json", "wrong_shape"])
def test_answers_of_no_use_only_are_the_upstreams_trouble(acme: TenantRef, upstream: Caller, fault: str) -> None:
    account = account_with("#a #b #c #d #e")
    upstream.order("faults", [{"kind": fault}])
    report, job = run(acme, account)
    assert (report.outcome, job.attempts) == ("bad_payload", 1)
    assert looked_at() == set() and asked(upstream) == 3


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ({"view_count": -5, "user_count": 7}, ((1000, 7), (None, 7))),
        ({"view_count": 0, "user_count": None}, ((1000, 50), (None, None))),
        ({"view_count": 900, "user_count": 49}, ((900, 49), (900, 49))),
        ({"view_count": 2**63 - 1, "user_count": 0}, ((2**63 - 1, 0), (2**63 - 1, 0))),
        ({"view_count": str(2**70), "user_count": "51"}, ((1000, 51), (None, 51))),
    ],
)
def test_a_count_that_cannot_be_true_does_not_replace_the_last_good_one(
    acme: TenantRef, upstream: Caller, settings: Any, told: dict[str, Any], kept: tuple[Any, Any]
) -> None:
    account = account_with("#fyp")
    Hashtag.objects.update(view_count=1000, user_count=50)
    with running_upstream() as other:
        settings.TIKLIVE_BASE_URL = other.base_url
        other.answer = Answer(orjson.dumps({"id": "229207", "cha_name": "FYP"} | told))
        run(acme, account)
    assert Hashtag.objects.values_list("view_count", "user_count").get() == kept[0]
    assert HashtagSnapshot.objects.values_list("view_count", "user_count").get() == kept[1]


def test_an_answer_about_another_hashtag_is_not_taken(acme: TenantRef, upstream: Caller, settings: Any) -> None:
    account = account_with("#ترند🔥")
    with running_upstream() as other:
        settings.TIKLIVE_BASE_URL = other.base_url
        other.answer = Answer(orjson.dumps({"id": "7", "cha_name": "ترند", "view_count": 9, "user_count": 9}))
        assert run(acme, account)[0].text == "0 hashtags read, nothing known of 1"
    tag = Hashtag.objects.get()
    assert (tag.view_count, tag.challenge_id, tag.cha_name) == (None, "", "ترند🔥") and tag.looked_at


# --- tenants ---------------------------------------------------------------------------------------------------------


def test_tenants_share_the_answer_and_nothing_else(cast: Cast, upstream: Caller, noon: datetime) -> None:
    with clock.at(noon):
        for tenant, title in ((cast.acme, "#fyp #acmeonly"), (cast.rival, "#fyp")):
            with tenant_scope(tenant):
                report, _ = run(tenant, account_with(title))
                assert report.outcome == "ok"
        assert asked(upstream) == 2, "the shared key has asked for fyp once"
        with tenant_scope(cast.rival):
            tag = Hashtag.objects.get()
            assert (tag.name, HashtagSnapshot.objects.count()) == ("fyp", 1)
            assert tag.view_count == upstream.look("truth/hashtag", name="fyp")["view_count"]
        with tenant_scope(cast.globex):
            assert not Hashtag.objects.exists() and not HashtagSnapshot.objects.exists()


def test_an_answer_that_another_tenant_got_is_dated_by_when_it_was_measured(
    cast: Cast, upstream: Caller, noon: datetime
) -> None:
    with clock.at(noon), tenant_scope(cast.acme):
        run(cast.acme, account_with("#fyp"))
    with both_clocks_at(upstream, noon + timedelta(days=2)), tenant_scope(cast.rival):
        run(cast.rival, account_with("#fyp #other"))
        measured = dict(Hashtag.objects.values_list("name", "measured_at"))
        assert measured == {"fyp": noon, "other": noon + timedelta(days=2)}
        assert set(Hashtag.objects.values_list("looked_at", flat=True)) == {noon + timedelta(days=2)}
        assert HashtagSnapshot.objects.get(hashtag__name="fyp").captured_on == noon.date()
    with both_clocks_at(upstream, noon + timedelta(days=7, hours=1)), tenant_scope(cast.globex):
        run(cast.globex, account_with("#fyp"))
        assert Hashtag.objects.get().measured_at == clock.now(), "an answer of last week is none of this week"
