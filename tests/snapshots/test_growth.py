"""The growth chart: one place a day, a gap where nothing sound was read, and exactly the days that were asked for."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from accounts.selectors import TenantRef
from snapshots.analytics import accounts as analytics
from snapshots.analytics.growth import COUNTERS, as_table, series
from snapshots.models import AccountSnapshot
from tests.cast import Cast
from tests.factories import make_account, make_snapshots
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.errors import BadInput, NotFound


@pytest.mark.parametrize(("days", "first", "last"), [(30, 370, 399), (90, 310, 399), (365, 35, 399), (1, 399, 399)])
def test_a_range_holds_that_many_days_today_included(acme: TenantRef, days: int, first: int, last: int) -> None:
    account = make_account()
    make_snapshots(account, list(range(400)))
    shown = series(account.pk, "follower_count", days)
    assert shown.values == list(range(first, last + 1))
    assert len(shown.dates) == days and shown.dates[-1] == "2026-11-15"


def test_a_young_account_begins_with_its_first_day(acme: TenantRef) -> None:
    account = make_account()
    make_snapshots(account, [7, 8, 9])
    assert series(account.pk, "follower_count", 90).dates == ["2026-11-13", "2026-11-14", "2026-11-15"]


def test_a_day_without_a_reading_is_a_gap_and_the_change_spans_it(acme: TenantRef) -> None:
    account = make_account()
    make_snapshots(account, [100, 110, None, 0, 150])
    AccountSnapshot.objects.filter(follower_count=0).delete()
    shown = series(account.pk, "follower_count", 30)
    assert shown.values == [100, 110, None, None, 150]
    assert [(str(row.date), row.value, row.change) for row in as_table(shown)] == [
        ("2026-11-15", 150, 40),
        ("2026-11-14", None, None),
        ("2026-11-13", None, None),
        ("2026-11-12", 110, 10),
        ("2026-11-11", 100, None),
    ]


def test_only_the_suspect_counter_of_a_day_is_a_gap(acme: TenantRef) -> None:
    account = make_account()
    make_snapshots(account, [100, 110, 120])
    AccountSnapshot.objects.filter(follower_count=110).update(heart_count=-977_433_948, suspect={"heart_count": "x"})
    assert series(account.pk, "follower_count", 30).values == [100, 110, 120]
    assert series(account.pk, "heart_count", 30).values == [250_000, None, 250_000]


@pytest.mark.parametrize("metric", COUNTERS)
def test_every_counter_can_be_drawn(acme: TenantRef, metric: str) -> None:
    account = make_account()
    make_snapshots(account, [1], following_count=2, digg_count=3)
    shown = series(account.pk, metric, 30)
    assert len(shown.values) == 1 and shown.values[0] is not None and shown.label == COUNTERS[metric]


def test_an_account_that_was_never_read_has_an_empty_chart(acme: TenantRef) -> None:
    shown = series(make_account().pk, "follower_count", 90)
    assert (shown.dates, shown.values, as_table(shown)) == ([], [], [])


def test_a_day_of_another_tenants_account_is_not_drawn(cast: Cast, noon: datetime) -> None:
    with tenant_scope(cast.rival):
        account = make_account()
        make_snapshots(account, [1, 2, 3])
    with tenant_scope(cast.acme), pytest.raises(NotFound):
        series(account.pk, "follower_count", 90)


@pytest.mark.parametrize("days", [0, -1, 3661])
def test_a_range_that_makes_no_sense_is_refused(acme: TenantRef, days: int) -> None:
    with pytest.raises(BadInput, match="between 1 and 3,660 days"):
        series(1, "follower_count", days)


@pytest.mark.parametrize("metric", ["", "tenant_id", "follower_count; DROP TABLE accounts", "FOLLOWER_COUNT"])
def test_a_metric_that_does_not_exist_is_refused(acme: TenantRef, metric: str) -> None:
    with pytest.raises(BadInput, match="There is no metric"):
        series(1, metric, 30)


def test_a_day_ends_at_midnight_utc(acme: TenantRef) -> None:
    account = make_account()
    make_snapshots(account, [1, 2])
    with clock.at(datetime.fromisoformat("2026-11-16T00:30:00+02:00")):
        assert series(account.pk, "follower_count", 1).values == [2]
    with clock.at(datetime.fromisoformat("2026-11-16T02:30:00+02:00")):
        assert series(account.pk, "follower_count", 1).values == []


def test_tiles_show_the_change_over_30_days_or_since_the_first_reading(acme: TenantRef, noon: datetime) -> None:
    old, young, new = (make_account(follower_count=1000) for _ in range(3))
    make_snapshots(old, [*range(900, 940), 1000])
    make_snapshots(young, [990, 1000])
    make_snapshots(new, [1000])
    changes = [
        (tile.change, tile.change_days)
        for account in (old, young, new)
        for tile in analytics.tiles(account.pk)
        if tile.label == "Followers"
    ]
    assert changes == [(90, 30), (10, 1), (None, None)]


@pytest.mark.parametrize(
    ("age", "level", "text"),
    [
        (timedelta(minutes=4), "fresh", "4 min ago"),
        (timedelta(hours=47), "fresh", "1 d ago"),
        (timedelta(days=3), "stale", "3 d ago"),
        (timedelta(days=8), "old", "8 d ago"),
    ],
)
def test_the_age_of_a_reading_is_said(acme: TenantRef, noon: datetime, age: timedelta, level: str, text: str) -> None:
    account = make_account(measured_at=noon - age)
    shown = analytics.header(account.pk).freshness
    assert (shown.level, " ".join(shown.text.split())) == (level, text)
