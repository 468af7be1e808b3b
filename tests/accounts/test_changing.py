"""Promotion and demotion: plans, key modes, the end of a trial, suspension and return; nothing is lost on the way."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from accounts.models import AuditEntry, Tenant, TenantKey
from accounts.selectors import tenant_by_slug
from accounts.services.changing import change_key_mode, change_plan, end_trials, suspend, take_suspension_back
from accounts.services.keys import NoKey, keys
from accounts.services.pausing import pause_tenant, resume_tenant
from billing.models import Plan
from snapshots.models import AccountSnapshot, FetchJob, TrackedAccount
from snapshots.services.planning import plan_jobs
from tests.cast import Cast
from tests.factories import make_account, make_job, make_snapshots
from tikdash import clock
from tikdash.crypto import seal
from tikdash.db.scope import tenant_scope
from tikdash.errors import BadInput, LimitReached, NotFound


@pytest.fixture(autouse=True)
def _nothing_known() -> None:
    keys.forget()


def row(tenant: Any) -> Tenant:
    return Tenant.objects.get(pk=tenant.id)


def own_key(tenant: Any) -> TenantKey:
    with tenant_scope(tenant):
        key = TenantKey(tenant_id=tenant.id, version=1, state="active", fingerprint="f" * 32, last_four="1111")
        sealed = seal("sim-own-key-of-acme-1111", key.purpose)
        key.secret, key.data_key, key.master_id = sealed.secret, sealed.data_key, sealed.master_id
        key.created_at = clock.now()
        key.save(force_insert=True)
    Tenant.objects.filter(pk=tenant.id).update(active_key=key)
    return key


def on_trial(tenant: Any, days: float) -> None:
    Tenant.objects.filter(pk=tenant.id).update(
        state="trial", key_mode="trial", trial_ends_at=clock.now() + timedelta(days=days)
    )


def events(tenant: Any) -> list[str]:
    with tenant_scope(tenant):
        return list(AuditEntry.objects.order_by("id").values_list("event", flat=True))


def test_a_smaller_plan_deletes_nothing_and_a_larger_one_brings_everything_back(cast: Cast) -> None:
    Plan.objects.filter(code="free").update(tracked_accounts=2)
    with tenant_scope(cast.acme):
        accounts = [
            make_account(f"creator.{number}", tracked_reason="own" if number == 4 else "competitor",
                         tracked_since=clock.now() - timedelta(days=10 - number))
            for number in range(5)
        ]  # fmt: skip
        for account in accounts:
            make_snapshots(account, [1, 2, 3])
            make_job(account)
        paused = FetchJob.objects.get(account=accounts[3])
        paused.state, paused.params = "paused", {"held_paused": True}
        paused.save(update_fields=["state", "params"])

    def running() -> set[str]:
        with tenant_scope(cast.acme):
            plan_jobs(tenant_by_slug("acme"))
            jobs = FetchJob.objects.filter(kind="profile", state="active").select_related("account")
            return {job.account.username for job in jobs if job.account}

    assert running() == {"creator.0", "creator.1", "creator.2", "creator.4"}
    change_plan(tenant=cast.acme, plan="free")
    assert running() == {"creator.0", "creator.1", "creator.2", "creator.4"}, "there is the plan's grace"
    with clock.at(clock.now() + timedelta(days=14)):
        assert running() == {"creator.0", "creator.4"} == running()
    with tenant_scope(cast.acme):
        assert (TrackedAccount.objects.count(), AccountSnapshot.objects.count()) == (5, 15)
    change_plan(tenant=cast.acme, plan="pro")
    assert running() == {"creator.0", "creator.1", "creator.2", "creator.4"}
    assert events(cast.acme)[-2:] == ["workspace.plan_changed"] * 2


def test_an_unknown_plan_changes_nothing(cast: Cast) -> None:
    with pytest.raises(NotFound, match="no plan"):
        change_plan(tenant=cast.acme, plan="gold")
    assert row(cast.acme).plan == "pro"


def test_a_key_mode_changes_the_reference_and_nothing_else(cast: Cast, django_capture_on_commit_callbacks: Any) -> None:
    key = own_key(cast.acme)
    with django_capture_on_commit_callbacks(execute=True):
        change_key_mode(tenant=cast.acme, mode="own")
    assert keys.key_for(cast.acme.id).last_four == "1111"
    with django_capture_on_commit_callbacks(execute=True):
        change_key_mode(tenant=cast.acme, mode="shared")
    assert keys.key_for(cast.acme.id).shared
    with django_capture_on_commit_callbacks(execute=True):
        change_key_mode(tenant=cast.acme, mode="own")
    assert keys.key_for(cast.acme.id).last_four == "1111"
    with tenant_scope(cast.acme):
        kept = TenantKey.objects.get()
    assert (kept.secret, kept.state) == (key.secret, "active") and row(cast.acme).fetching_paused_at is None
    change_key_mode(tenant=cast.acme, mode="own")
    assert events(cast.acme).count("workspace.key_mode_changed") == 3, "what changes nothing is not written down"
    with tenant_scope(cast.acme):
        noted = AuditEntry.objects.filter(event="workspace.key_mode_changed").latest("occurred_at")
    assert (noted.before, noted.after) == ({"key_mode": "shared"}, {"key_mode": "own"})


def test_own_mode_without_a_key_waits_for_one(cast: Cast, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        change_key_mode(tenant=cast.acme, mode="own")
    assert row(cast.acme).fetching_paused_cause == "key"
    with pytest.raises(NoKey):
        keys.key_for(cast.acme.id)
    change_key_mode(tenant=cast.acme, mode="shared")
    assert row(cast.acme).fetching_paused_at is None
    with pytest.raises(BadInput, match="over"):
        change_key_mode(tenant=cast.acme, mode="trial")
    with pytest.raises(BadInput):
        change_key_mode(tenant=cast.acme, mode="gold")


def test_a_trial_ends_once_and_only_when_its_time_is_over(cast: Cast) -> None:
    on_trial(cast.acme, 1)
    assert end_trials() == 0
    on_trial(cast.acme, -1)
    assert (end_trials(), end_trials()) == (1, 0)
    ended = row(cast.acme)
    assert (ended.state, ended.plan, ended.key_mode, ended.fetching_paused_cause) == ("active", "free", "own", "trial")
    assert ended.fetching_paused_reason.startswith("The trial is over.")
    assert events(cast.acme)[-2:] == ["workspace.trial_ended", "fetching.paused"]


def test_a_trial_that_brought_a_key_goes_on_with_it(cast: Cast) -> None:
    on_trial(cast.acme, -1)
    own_key(cast.acme)
    assert end_trials() == 1
    assert row(cast.acme).fetching_paused_at is None
    assert keys.key_for(cast.acme.id).last_four == "1111"


def test_a_plan_that_is_chosen_ends_the_trial_and_its_pause(cast: Cast) -> None:
    on_trial(cast.acme, 1)
    change_plan(tenant=cast.acme, plan="enterprise")
    assert (row(cast.acme).state, row(cast.acme).key_mode) == ("active", "shared")
    assert end_trials() == 0
    on_trial(cast.rival, -1)
    end_trials()
    assert row(cast.rival).fetching_paused_at is not None
    change_key_mode(tenant=cast.rival, mode="shared")
    assert row(cast.rival).fetching_paused_at is None


def test_a_suspended_workspace_comes_back_as_it_was(cast: Cast) -> None:
    on_trial(cast.acme, 5)
    suspend(tenant=cast.acme, reason="Unpaid")
    assert (row(cast.acme).state, row(cast.acme).fetching_paused_reason) == ("suspended", "Unpaid.")
    with pytest.raises(LimitReached, match="suspended"):
        resume_tenant(slug="acme")
    assert take_suspension_back(tenant=cast.acme) and not take_suspension_back(tenant=cast.acme)
    assert (row(cast.acme).state, row(cast.acme).fetching_paused_at) == ("trial", None)


def test_a_pause_by_operators_outlives_a_suspension(cast: Cast) -> None:
    pause_tenant(slug="acme", reason="Broken list")
    suspend(tenant=cast.acme, reason="Unpaid")
    take_suspension_back(tenant=cast.acme)
    assert (row(cast.acme).state, row(cast.acme).fetching_paused_reason) == ("active", "Broken list.")


def test_a_key_that_was_lost_meanwhile_is_missed_after_the_return(cast: Cast) -> None:
    Tenant.objects.filter(pk=cast.acme.id).update(key_mode="own")
    suspend(tenant=cast.acme, reason="Unpaid")
    take_suspension_back(tenant=cast.acme)
    assert row(cast.acme).fetching_paused_cause == "key"


def test_the_command_says_what_holds_now(cast: Cast) -> None:
    said = StringIO()
    call_command("change_tenant", "acme", "--plan", "free", "--suspend", "Unpaid", stdout=said)
    assert said.getvalue() == "acme: plan free, suspended, key shared. Unpaid.\n"
    call_command("change_tenant", "acme", "--return", stdout=said)
    assert said.getvalue().endswith("acme: plan free, active, key shared.\n")
