"""A tenant's jobs follow its plan and what is known of each account: made, paced anew, taken away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from billing.models import Plan
from snapshots.models import AccountSnapshot, FetchJob, Post, TrackedAccount
from snapshots.scheduling.cadence import DAY_S, HOUR_S
from snapshots.services import planning
from snapshots.services.accounts import KINDS
from snapshots.services.planning import JobsPlanned, plan_jobs
from snapshots.tasks import plan_jobs as task
from tests.cast import Cast
from tests.factories import make_account, make_job, make_post, make_snapshots, make_story
from tikdash import clock
from tikdash.db.scope import tenant_scope

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=400)


def kinds() -> set[str]:
    return set(FetchJob.objects.values_list("kind", flat=True))


def cadence_of(account: TrackedAccount, kind: str) -> tuple[float, str]:
    job = FetchJob.objects.get(account=account, kind=kind)
    assert job.cadence_s is not None
    return job.cadence_s / HOUR_S, job.why


# --- made and taken away ---------------------------------------------------------------------------------------------


def test_an_account_gets_what_its_plan_has_and_it_lacks_and_nothing_twice(cast: Cast) -> None:
    with tenant_scope(cast.acme), clock.at(NOW):
        account = make_account()
        kept = make_job(account, "profile")
        planned = set(Plan.objects.get(code="pro").cadences)
        assert plan_jobs(cast.acme).made == len(kinds()) - 1
        assert kinds() >= planned & set(KINDS) >= {"profile", "posts", "comments", "hashtag"}
        assert FetchJob.objects.get(kind="profile").pk == kept.pk
        due = FetchJob.objects.get(kind="comments").next_due_at
        assert NOW < due <= NOW + timedelta(days=1, hours=2)
        assert plan_jobs(cast.acme) == JobsPlanned(0, 0, 0)


def test_a_kind_that_a_plan_gains_or_loses_comes_to_and_leaves_the_accounts_of_its_tenants_alone(cast: Cast) -> None:
    with clock.at(NOW):
        for tenant in cast.tenants:
            with tenant_scope(tenant):
                make_account()
        task()
        with tenant_scope(cast.rival):
            at_first = kinds()
            assert at_first >= {"profile", "posts"} and not at_first & {"sound", "comments"}
        plan = Plan.objects.get(code="free")
        plan.cadences |= {"sound": 604_800}
        plan.save()
        task()
        with tenant_scope(cast.rival):
            assert kinds() == at_first | {"sound"}
        plan.cadences.pop("sound")
        plan.save()
        task()
        with tenant_scope(cast.rival):
            assert kinds() == at_first
        with tenant_scope(cast.acme):
            assert "sound" in kinds()


def test_what_is_running_at_this_moment_and_backfills_are_not_taken_away(cast: Cast) -> None:
    with tenant_scope(cast.rival), clock.at(NOW):
        account = make_account()
        running = make_job(account, "comments", lease_until=NOW + timedelta(minutes=1), started_at=NOW)
        make_job(account, "backfill", cadence_s=None, queue="backfill")
        assert plan_jobs(cast.rival).taken_away == 0
        FetchJob.objects.filter(pk=running.pk).update(lease_until=None, started_at=None)
        assert plan_jobs(cast.rival).taken_away == 1
        assert "backfill" in kinds() and "comments" not in kinds()


def test_a_job_that_was_paused_or_is_dead_is_not_made_anew(cast: Cast) -> None:
    with tenant_scope(cast.rival), clock.at(NOW):
        account = make_account()
        for kind, state in (("profile", "paused"), ("posts", "dead")):
            FetchJob.objects.filter(pk=make_job(account, kind).pk).update(state=state)
        plan_jobs(cast.rival)
        assert FetchJob.objects.filter(kind__in=["profile", "posts"]).count() == 2
        assert not FetchJob.objects.filter(kind__in=["profile", "posts"], state="active").exists()


# --- paced -----------------------------------------------------------------------------------------------------------


def test_each_account_is_paced_by_what_is_known_of_it(cast: Cast) -> None:
    with tenant_scope(cast.acme), clock.at(NOW):
        rests = make_account("rests", tracked_since=LONG_AGO, follower_count=10_050)
        moves = make_account("moves", tracked_since=LONG_AGO, follower_count=12_000)
        posts = make_account("posts", tracked_since=LONG_AGO)
        rises = make_account("rises", tracked_since=LONG_AGO)
        looked = make_account("looked", tracked_since=LONG_AGO, viewed_at=NOW - timedelta(hours=3))
        for account in (rests, moves):
            make_snapshots(account, [10_000] * 8)
        make_post(posts, posted_at=NOW - timedelta(hours=20), play_count=900)
        for number, plays in enumerate((1_000, 2_000, 3_000)):
            make_post(rises, posted_at=NOW - timedelta(days=5 + number), play_count=plays)
        make_post(rises, posted_at=NOW - timedelta(hours=6), play_count=8_000)
        make_story(rises, posted_at=NOW - timedelta(days=3))
        plan_jobs(cast.acme)
        assert cadence_of(rests, "profile") == (
            24,
            "Its followers moved by 0.5% in a week; nobody has looked for a week.",
        )
        assert cadence_of(rests, "posts")[0] == 72
        assert cadence_of(moves, "profile") == (6, "Its followers moved by 20% in a week.")
        assert cadence_of(posts, "posts") == (1, "It has a post of the last 48 hours.")
        assert cadence_of(posts, "profile")[0] == 24
        assert cadence_of(rises, "posts") == (0.5, "A new post has 4.0 times its usual views.")
        assert cadence_of(looked, "posts") == (6, "Somebody looked at it within a day.")
        assert plan_jobs(cast.acme).changed == 0


def test_suspect_counts_and_deleted_posts_are_no_reason(cast: Cast) -> None:
    with tenant_scope(cast.acme), clock.at(NOW):
        account = make_account(tracked_since=LONG_AGO, follower_count=10_000)
        make_snapshots(account, [9_990, 9_990, 9_990, 9_990])
        for back, value, suspect in ((7, 100, {"follower_count": "spike"}), (8, 9_900, None)):
            AccountSnapshot.objects.create(
                account=account, captured_on=clock.today() - timedelta(days=back), captured_at=NOW,
                follower_count=value, suspect=suspect, state=6 if suspect else 0,
            )  # fmt: skip
        for number in range(4):
            make_post(account, posted_at=NOW - timedelta(days=20 + number), play_count=100)
        gone = make_post(account, posted_at=NOW - timedelta(hours=2), play_count=90_000)
        Post.objects.filter(pk=gone.pk).update(deleted_at=NOW)
        plan_jobs(cast.acme)
        assert cadence_of(account, "profile")[1].startswith("Its followers moved by 1.0%")
        assert cadence_of(account, "posts") == (24, "No post within a week.")


def test_what_is_to_run_more_often_is_due_sooner_and_what_is_to_run_less_often_keeps_its_time(cast: Cast) -> None:
    with tenant_scope(cast.acme), clock.at(NOW):
        account = make_account(tracked_since=LONG_AGO)
        tomorrow, soon = NOW + timedelta(hours=14), NOW + timedelta(minutes=20)
        posts = make_job(account, "posts", cadence_s=DAY_S, next_due_at=tomorrow, offset_s=600)
        profile = make_job(account, "profile", cadence_s=HOUR_S, next_due_at=soon)
        make_post(account, posted_at=NOW - timedelta(hours=1), play_count=10)
        plan_jobs(cast.acme)
        posts.refresh_from_db()
        profile.refresh_from_db()
        assert (posts.cadence_s, posts.next_due_at) == (HOUR_S, NOW + timedelta(minutes=10))
        assert (profile.cadence_s, profile.next_due_at) == (DAY_S, soon)


def test_a_time_that_a_run_on_demand_or_a_failure_has_set_stays(cast: Cast) -> None:
    with tenant_scope(cast.acme), clock.at(NOW):
        account = make_account(tracked_since=LONG_AGO)
        tomorrow_night, later = NOW + timedelta(hours=34), NOW + timedelta(hours=5)
        make_job(account, "profile", cadence_s=6 * HOUR_S, next_due_at=tomorrow_night)
        make_job(account, "posts", cadence_s=DAY_S, next_due_at=later, attempts=7)
        make_post(account, posted_at=NOW - timedelta(hours=1), play_count=10)
        plan_jobs(cast.acme)
        found = {
            job.kind: (job.cadence_s, job.next_due_at) for job in FetchJob.objects.filter(kind__in=["profile", "posts"])
        }
        assert found == {"profile": (DAY_S, tomorrow_night), "posts": (HOUR_S, later)}


def test_a_day_that_its_credits_do_not_pay_is_planned_more_sparingly(cast: Cast) -> None:
    Plan.objects.filter(code="pro").update(daily_credits=40, cadences={"profile": 6 * HOUR_S, "posts": HOUR_S})
    with tenant_scope(cast.acme), clock.at(NOW):
        accounts = [make_account(tracked_since=NOW) for _ in range(3)]
        plan_jobs(cast.acme)
        assert {cadence_of(account, "posts")[0] for account in accounts} == {6}
        assert "the day's credits would not last" in cadence_of(accounts[0], "posts")[1]


def test_trouble_with_one_tenant_leaves_the_others_theirs(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    with clock.at(NOW):
        for tenant in cast.tenants:
            with tenant_scope(tenant):
                make_account()
        real = planning.plan_jobs

        def broken_for_the_first(tenant: object) -> JobsPlanned:
            if tenant == cast.tenants[0]:
                raise RuntimeError("odd rows")
            return real(tenant)  # type: ignore[arg-type]

        monkeypatch.setattr(planning, "plan_jobs", broken_for_the_first)
        planning.plan_jobs_of(cast.tenants)
        found = []
        for tenant in cast.tenants:
            with tenant_scope(tenant):
                found.append(bool(kinds()))
        assert found == [False] + [True] * (len(cast.tenants) - 1)
