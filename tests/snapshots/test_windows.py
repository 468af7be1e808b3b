"""Daily work begins at night, backfills run between 02:00 and 05:00 UTC only; the hours are settings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from snapshots.scheduling import leases
from snapshots.scheduling.cadence import DAY_S, HOUR_S, closed_kinds, next_due, opens_at, window_of
from snapshots.scheduling.dispatch import claim, claim_these
from snapshots.services.jobs import run_jobs
from tests.cast import Cast
from tests.factories import make_account, make_job
from tests.simulating import Caller
from tests.snapshots.conftest import both_clocks_at
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.env import time_of_day

ROOM = {"backfill": 10, "pro": 10}
EVENING = (timedelta(hours=22), timedelta(hours=3))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        (utc(2026, 11, 15, 1, 59, 59), utc(2026, 11, 15, 2)),
        (utc(2026, 11, 15, 2), utc(2026, 11, 15, 2)),
        (utc(2026, 11, 15, 4, 59, 59), utc(2026, 11, 15, 4, 59, 59)),
        (utc(2026, 11, 15, 5), utc(2026, 11, 16, 2)),
        (utc(2026, 12, 31, 23), utc(2027, 1, 1, 2)),
    ],
)
def test_backfills_have_three_hours_of_the_night(now: datetime, opens: datetime) -> None:
    assert opens_at("backfill", now) == opens
    assert closed_kinds(now) == ([] if opens == now else ["backfill"])


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        (utc(2026, 11, 15, 23), utc(2026, 11, 15, 23)),
        (utc(2026, 11, 15, 2, 59), utc(2026, 11, 15, 2, 59)),
        (utc(2026, 11, 15, 3), utc(2026, 11, 15, 22)),
    ],
)
def test_a_window_may_span_midnight(now: datetime, opens: datetime) -> None:
    assert opens_at("backfill", now, {"backfill": EVENING}) == opens


def test_all_other_kinds_run_around_the_clock() -> None:
    noon = utc(2026, 11, 15, 12)
    assert window_of("posts") is None
    assert opens_at("posts", noon) == noon
    assert next_due("posts", HOUR_S, 60, noon) == utc(2026, 11, 15, 12, 1)


def test_a_backfill_that_is_due_is_claimed_in_its_hours_only(cast: Cast, noon: datetime) -> None:
    with tenant_scope(cast.acme):
        job = make_job(make_account(), "backfill", queue="backfill", cadence_s=None)
        other = make_job(make_account())
    assert [claimed.id for claimed in claim("shared", ROOM)] == [other.pk]
    for hour, found in ((1, []), (3, [job.pk]), (5, [])):
        with clock.at(utc(2026, 11, 16, hour)):
            assert [claimed.id for claimed in claim("shared", {"backfill": 1})] == found
            with tenant_scope(cast.acme):
                leases.give_back(found)


def test_the_hours_of_backfills_are_settings(cast: Cast, noon: datetime, settings: Any) -> None:
    settings.KIND_WINDOWS = {"backfill": (timedelta(hours=11), timedelta(hours=13))}
    with tenant_scope(cast.acme):
        job = make_job(make_account(), "backfill", queue="backfill", cadence_s=None)
    assert [claimed.id for claimed in claim("shared", ROOM)] == [job.pk]


def test_daily_work_is_due_at_the_hour_of_the_settings_plus_its_accounts_moment(
    cast: Cast, upstream: Caller, settings: Any
) -> None:
    settings.DAILY_STARTS = {"profile": timedelta(hours=4), "posts": timedelta(hours=5)}
    moment = utc(2026, 11, 15, 12)
    with both_clocks_at(upstream, moment), tenant_scope(cast.rival):
        account = make_account("lena.bakes", tiktok_user_id=upstream.account_id("lena.bakes"))
        job = make_job(account, queue="free", cadence_s=DAY_S, offset_s=125)
        claim_these(cast.rival, [job.pk])
        assert [report.outcome for report in run_jobs(cast.rival, [job.pk])] == ["ok"]
        job.refresh_from_db()
    assert job.next_due_at == utc(2026, 11, 16, 4, 2, 5)


def test_a_time_of_day_that_is_none_stops_the_start_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAILY_PROFILE_AT", "25:00")
    with pytest.raises(ImproperlyConfigured, match="DAILY_PROFILE_AT must be a time of day"):
        time_of_day("DAILY_PROFILE_AT", "02:00")
    monkeypatch.setenv("DAILY_PROFILE_AT", "23:15")
    assert time_of_day("DAILY_PROFILE_AT", "02:00") == timedelta(hours=23, minutes=15)
