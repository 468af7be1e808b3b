"""Work in front of a terminal: jobs whose turn it is not are waited for, not for ever, and it is said."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime
from io import StringIO
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command

from accounts.selectors import TenantRef
from billing.gate import gate
from billing.models import Plan
from snapshots.models import FetchJob, Post, TrackedAccount
from snapshots.services import inline
from tests.factories import make_account, make_job
from tests.simulating import Caller

NO_REDIS = "redis://127.0.0.1:9/0"


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    gate.forget()
    cache.clear()
    yield
    gate.forget()
    cache.clear()


@pytest.fixture
def narrow(settings: Any) -> None:
    """A request a second, and no patience within a call: every second call is put back."""
    settings.TIKLIVE_KEY_PER_MINUTE, settings.TIKLIVE_KEY_BURST, settings.TIKLIVE_PATIENCE_S = 100, 1, 0.0


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inline, "PATIENCE_S", 0.3)


def make_lena(upstream: Caller, *kinds: str, **fields: Any) -> TrackedAccount:
    account = make_account("lena.bakes", tiktok_user_id=upstream.account_id("lena.bakes"))
    for kind in kinds:
        make_job(account, kind, **fields)
    return account


def manage(*arguments: str) -> tuple[str, str]:
    """What a command printed on stdout and stderr."""
    out, err = StringIO(), StringIO()
    call_command(*arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


@pytest.mark.usefixtures("narrow")
def test_drain_waits_for_what_was_put_back_and_says_so(acme: TenantRef, upstream: Caller, noon: datetime) -> None:
    make_lena(upstream, "profile", "posts")
    out, err = manage("drain", "--json")
    assert json.loads(out) == {"jobs": 2, "outcomes": {"ok": 2}}
    assert "Waiting for their turn: 1 job, the first one for " in err
    assert Post.objects.count() == 60


def test_drain_does_not_wait_for_what_takes_longer_than_a_minute(
    acme: TenantRef, upstream: Caller, noon: datetime
) -> None:
    make_lena(upstream, "profile")
    make_job(make_account(), "posts")
    Plan.objects.filter(code="pro").update(daily_credits=1)
    began = time.monotonic()
    assert manage("drain") == ("2 jobs: 1 ok, 1 budget_reached\n", "")
    assert time.monotonic() - began < 5


def test_drain_gives_up_in_the_end(
    acme: TenantRef, noon: datetime, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inline, "DRAIN_GIVES_UP_S", 0.0)
    settings.REDIS_URL = NO_REDIS
    monkeypatch.setattr("tikdash.tiklive.calling._WITHOUT_REDIS_S", 0.5)
    make_job(make_account())
    with pytest.raises(CommandError, match=r"^1 job: 1 limiter_gone$"):
        manage("drain")
    assert FetchJob.objects.get().attempts == 0


@pytest.mark.usefixtures("narrow")
def test_fetch_waits_for_its_turn(acme: TenantRef, upstream: Caller, noon: datetime) -> None:
    make_lena(upstream, "profile", "posts")
    out, _ = manage("fetch", "acme", "lena.bakes", "--json")
    assert [(report["kind"], report["outcome"], report["wait_s"]) for report in json.loads(out)] == [
        ("profile", "ok", None),
        ("posts", "ok", None),
    ]


@pytest.mark.usefixtures("impatient")
def test_fetch_gives_up_with_the_reason_and_the_jobs_stay_put_back(
    acme: TenantRef, noon: datetime, settings: Any
) -> None:
    settings.REDIS_URL = NO_REDIS
    make_job(make_account("lena.bakes"), "profile")
    with pytest.raises(CommandError, match=r"^profile: The request cannot be counted at the moment\."):
        manage("fetch", "acme", "lena.bakes")
    job = FetchJob.objects.get()
    assert (job.attempts, job.error, job.lease_until) == (0, "", None) and job.next_due_at > noon


@pytest.mark.usefixtures("narrow")
def test_track_waits_for_its_turn(acme: TenantRef, upstream: Caller, noon: datetime) -> None:
    out, _ = manage("track", "acme", "lena.bakes")
    assert out.startswith("@lena.bakes: tracked, ") and out.endswith(", 60 posts.\n")


@pytest.mark.usefixtures("impatient")
def test_track_that_gives_up_leaves_the_check_to_a_worker_and_can_be_repeated(
    acme: TenantRef, upstream: Caller, noon: datetime
) -> None:
    make_lena(upstream, "profile")
    Plan.objects.filter(code="pro").update(daily_credits=1)
    manage("fetch", "acme", "lena.bakes")
    with pytest.raises(
        CommandError, match=r"^noor.kitchen: The 1 credits a day .* goes on at 00:00 UTC. A worker goes on with it\."
    ):
        manage("track", "acme", "noor.kitchen")
    assert FetchJob.objects.get(kind="probe").state == "active"
    Plan.objects.filter(code="pro").update(daily_credits=None)
    gate.forget()
    manage("track", "acme", "noor.kitchen")
    assert FetchJob.objects.get(kind="probe").state == "done"
