"""The ten sounds that an account uses most are looked up once a week and tenant."""

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
from snapshots.ingest.normalise import SoundRow
from snapshots.ingest.upsert import store_posts
from snapshots.models import FetchJob, Post, Sound, SoundSnapshot, TrackedAccount
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

HANDLE = "lena.bakes"


@pytest.fixture(autouse=True)
def _fresh(settings: Any) -> Iterator[None]:
    """One attempt a call, and no credits of another test."""
    settings.TIKLIVE_ATTEMPTS = 1
    gate.forget()
    cache.clear()
    yield
    gate.forget()
    cache.clear()


@pytest.fixture
def sounds(upstream: Caller) -> list[str]:
    """Numbers of sounds that the upstream knows."""
    return [each["id"] for each in upstream.look("truth/sounds", handle=HANDLE)["sounds"]]


def account_with(*music_ids: str) -> TrackedAccount:
    """An account whose posts, the newest first, use these sounds, of which they tell nothing but the number."""
    account = make_account()
    rows = [row(number, sound=SoundRow(music_id, "", "", None, None)) for number, music_id in enumerate(music_ids)]
    store_posts(account.pk, rows, measured_at=clock.now())
    return account


def run(tenant: TenantRef, account: TrackedAccount) -> tuple[RunReport, FetchJob]:
    job = FetchJob.objects.filter(account=account, kind="sound").first()
    job = job or make_job(account, "sound", cadence_s=7 * 86_400)
    FetchJob.objects.filter(pk=job.pk).update(next_due_at=clock.now())
    claim_these(tenant, [job.pk])
    [report] = run_jobs(tenant, [job.pk])
    job.refresh_from_db()
    return report, job


def asked(upstream: Caller) -> int:
    return int(upstream.look("stats")["by_endpoint"].get("music-info", 0))


def looked_at() -> set[str]:
    return set(Sound.objects.filter(looked_at__isnull=False).values_list("music_id", flat=True))


def test_sounds_get_the_facts_that_are_true_upstream(
    acme: TenantRef, upstream: Caller, sounds: list[str], noon: datetime
) -> None:
    report, job = run(acme, account_with(*sounds[:6]))
    assert (report.outcome, report.text) == ("ok", "6 sounds read, nothing known of 0")
    assert job.succeeded_at == noon
    for music_id in sounds[:6]:
        truth = upstream.look("truth/sound", id=music_id)
        sound = Sound.objects.get(music_id=music_id)
        assert (sound.title, sound.author) == (truth["title"], truth["author"])
        assert (sound.original, sound.duration_s) == (truth["original"], truth["seconds"])
        assert (sound.video_count, sound.measured_at, sound.looked_at) == (truth["video_count"], noon, noon)
        snapshot = sound.snapshots.get()  # type: ignore[attr-defined]
        assert (str(snapshot.captured_on), snapshot.captured_at) == ("2026-11-15", noon)
        assert snapshot.video_count == truth["video_count"]
    assert UsageEvent.objects.filter(feature="sound").count() == 6


def test_only_the_most_used_are_ever_asked_for(
    acme: TenantRef, upstream: Caller, sounds: list[str], settings: Any
) -> None:
    settings.SOUNDS_PER_RUN = 2
    once, twice, thrice, old = sounds[:4]
    account = account_with(once, twice, thrice, twice, thrice, thrice, old, old, old, old)
    Post.objects.filter(sound_id=old).update(posted_at=clock.now() - timedelta(days=91))
    run(acme, account)
    run(acme, account)
    assert looked_at() == {thrice, twice} and asked(upstream) == 2


def test_a_sound_is_asked_for_once_a_week_however_many_accounts_use_it(
    acme: TenantRef, upstream: Caller, sounds: list[str], noon: datetime
) -> None:
    first, second = account_with(*sounds[:3]), account_with(*sounds[2:5])
    for account in (first, first, second):
        run(acme, account)
    assert asked(upstream) == 5
    with both_clocks_at(upstream, noon + timedelta(days=7) - timedelta(hours=1)):
        run(acme, first)
    assert asked(upstream) == 8
    assert SoundSnapshot.objects.count() == 8


def test_a_sound_that_tiktok_does_not_know_is_only_noted_and_keeps_what_its_post_told(
    acme: TenantRef, upstream: Caller, noon: datetime
) -> None:
    account = make_account()
    known = SoundRow("6999999999999999999", "Gone song", "Nobody", False, 20)
    store_posts(account.pk, [row(1, sound=known)], measured_at=clock.now())
    assert run(acme, account)[0].text == "0 sounds read, nothing known of 1"
    sound = Sound.objects.get()
    assert (sound.title, sound.author, sound.looked_at, sound.measured_at) == ("Gone song", "Nobody", noon, None)
    assert not SoundSnapshot.objects.exists()


def test_a_run_that_is_not_admitted_to_its_end_keeps_what_it_read_and_goes_on_there(
    acme: TenantRef, upstream: Caller, sounds: list[str], noon: datetime
) -> None:
    Plan.objects.filter(code="pro").update(daily_credits=2)
    account = account_with(*sounds[:5])
    report, job = run(acme, account)
    assert report.outcome == "budget_reached" and (job.attempts, job.succeeded_at) == (0, None)
    assert len(looked_at()) == SoundSnapshot.objects.count() == asked(upstream) == 2
    Plan.objects.filter(code="pro").update(daily_credits=100)
    gate.forget()
    with both_clocks_at(upstream, noon + timedelta(hours=2)):
        assert run(acme, account)[0].text == "3 sounds read, nothing known of 0"
    assert asked(upstream) == 5


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ({"title": "", "author": None, "video_count": -1}, ("Song", "Band", 500, None)),
        ({"title": "New", "author": "", "video_count": 0}, ("New", "Band", 500, None)),
        ({"title": "T" * 5000, "author": "A" * 5000, "video_count": 400}, ("T" * 400, "A" * 200, 400, 400)),
        ({"duration": "999999999999", "video_count": "501"}, ("Song", "Band", 501, 501)),
    ],
)
def test_what_is_empty_or_cannot_be_true_does_not_replace_what_is_known(
    acme: TenantRef, upstream: Caller, settings: Any, told: dict[str, Any], kept: tuple[Any, ...]
) -> None:
    account = account_with("6900000000000000001")
    Sound.objects.update(title="Song", author="Band", video_count=500, duration_s=30)
    with running_upstream() as other:
        settings.TIKLIVE_BASE_URL = other.base_url
        other.answer = Answer(orjson.dumps({"id": "6900000000000000001"} | told))
        run(acme, account)
    assert Sound.objects.values_list("title", "author", "video_count", "duration_s").get() == (*kept[:3], 30)
    assert SoundSnapshot.objects.get().video_count == kept[3]


def test_an_answer_about_another_sound_is_not_taken(acme: TenantRef, upstream: Caller, settings: Any) -> None:
    account = account_with("6900000000000000001")
    with running_upstream() as other:
        settings.TIKLIVE_BASE_URL = other.base_url
        other.answer = Answer(orjson.dumps({"id": "6900000000000000002", "title": "Other", "video_count": 9}))
        assert run(acme, account)[0].text == "0 sounds read, nothing known of 1"
    sound = Sound.objects.get()
    assert (sound.title, sound.video_count) == ("", None) and sound.looked_at


def test_tenants_share_the_answer_and_nothing_else(
    cast: Cast, upstream: Caller, sounds: list[str], noon: datetime
) -> None:
    with clock.at(noon):
        for tenant, used in ((cast.acme, sounds[:2]), (cast.rival, sounds[:1])):
            with tenant_scope(tenant):
                assert run(tenant, account_with(*used))[0].outcome == "ok"
        assert asked(upstream) == 2
        with tenant_scope(cast.rival):
            assert list(Sound.objects.values_list("music_id", flat=True)) == sounds[:1]
            assert SoundSnapshot.objects.count() == 1
        with tenant_scope(cast.globex):
            assert not Sound.objects.exists() and not SoundSnapshot.objects.exists()
