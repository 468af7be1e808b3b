"""Accounts that were tracked before their plan had a kind of work get its jobs, too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from billing.models import Plan
from snapshots.models import FetchJob
from snapshots.services.accounts import make_missing_jobs
from snapshots.tasks import make_missing_jobs as task
from tests.cast import Cast
from tests.factories import make_account, make_job
from tikdash import clock
from tikdash.db.scope import tenant_scope

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def kinds() -> set[str]:
    return set(FetchJob.objects.values_list("kind", flat=True))


def test_an_account_gets_what_its_plan_has_and_it_lacks_and_nothing_twice(cast: Cast) -> None:
    with tenant_scope(cast.acme), clock.at(NOW):
        account = make_account()
        kept = make_job(account, "profile")
        assert make_missing_jobs(cast.acme) == len(Plan.objects.get(code="pro").cadences) - 1
        assert kinds() == set(Plan.objects.get(code="pro").cadences) >= {"profile", "posts", "comments", "hashtag"}
        assert FetchJob.objects.get(kind="profile").pk == kept.pk
        due = FetchJob.objects.get(kind="comments").next_due_at
        assert NOW < due <= NOW + timedelta(days=1, hours=2)
        assert make_missing_jobs(cast.acme) == 0


def test_a_kind_that_a_plan_gains_later_comes_to_old_accounts_of_all_its_tenants_and_of_no_other(cast: Cast) -> None:
    with clock.at(NOW):
        for tenant in cast.tenants:
            with tenant_scope(tenant):
                make_account()
        task()
        with tenant_scope(cast.rival):
            assert kinds() == {"profile", "posts"}
        plan = Plan.objects.get(code="free")
        plan.cadences |= {"sound": 604_800}
        plan.save()
        task()
        with tenant_scope(cast.rival):
            assert kinds() == {"profile", "posts", "sound"}
            assert FetchJob.objects.count() == 3


def test_a_job_that_was_paused_or_is_dead_is_not_made_anew(cast: Cast) -> None:
    with tenant_scope(cast.rival), clock.at(NOW):
        account = make_account()
        for kind, state in (("profile", "paused"), ("posts", "dead")):
            FetchJob.objects.filter(pk=make_job(account, kind).pk).update(state=state)
        assert make_missing_jobs(cast.rival) == 0
