"""When posts do best and how often they come: by the clock of a time zone, daylight saving included."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from django.db import connection

from accounts.selectors import TenantRef
from snapshots.analytics.timing import best_times, frequency
from snapshots.models import TrackedAccount
from tests.cast import Cast
from tests.factories import make_account, make_post
from tests.snapshots.analytics.rows import days_ago, posted
from tests.snapshots.analytics.sent import statements_sent
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.errors import BadInput, NotFound

PARIS = "Europe/Paris"


def weekly(account: TrackedAccount, first: datetime, plays: int, times: int) -> None:
    """One post a week at the same local hour, `times` weeks from `first` (local) on."""
    for week in range(times):
        make_post(account, posted_at=(first + timedelta(weeks=week)).astimezone(UTC), play_count=plays)


def local(year: int, month: int, day: int, hour: int, zone: str = PARIS) -> datetime:
    return datetime(year, month, day, hour, 30, tzinfo=ZoneInfo(zone))


def test_the_best_hours_are_those_with_the_most_views_against_the_accounts_median(acme: TenantRef) -> None:
    account = make_account()
    weekly(account, local(2026, 9, 1, 9), 1_000, 8)  # Tuesdays
    weekly(account, local(2026, 9, 3, 17), 3_000, 8)  # Thursdays, also when summer time ends on 25 October
    weekly(account, local(2026, 9, 5, 21), 2_000, 8)  # Saturdays
    weekly(account, local(2026, 9, 6, 8), 90_000, 2)  # too few to tell
    found = best_times(tenant_id=acme.id, account_id=account.pk, zone=PARIS)
    assert (found.n, found.median, found.reason, found.as_of) == (26, 2_000, "", clock.now())
    assert [(each.weekday, each.hour, each.n, each.multiple) for each in found.best] == [(4, 17, 8, 1.5)]
    assert [len(day) for day in found.grid] == [24] * 7
    assert [(each.n, each.multiple) for each in (found.grid[1][9], found.grid[5][21], found.grid[6][8])] == [
        (8, 0.5),
        (8, 1.0),
        (2, None),
    ]
    assert sum(each.n for day in found.grid for each in day) == 26


def test_another_zone_has_other_hours_and_days(acme: TenantRef) -> None:
    account = make_account()
    weekly(account, local(2026, 6, 3, 23), 1_000, 20)
    found = best_times(tenant_id=acme.id, account_id=account.pk, zone="Pacific/Auckland")
    # Wednesday 23:30 in Paris in summer is Thursday 9:30 in Auckland in winter, 10:30 since 27 September.
    assert {(each.weekday, each.hour): each.n for day in found.grid for each in day if each.n} == {
        (4, 9): 17,
        (4, 10): 3,
    }


def test_at_most_three_slots_are_named_the_best_first(acme: TenantRef) -> None:
    account = make_account()
    for place in range(6):
        weekly(account, local(2026, 9, 1 + place, 10 + place), 1_000 * (place + 1), 5)
    found = best_times(tenant_id=acme.id, account_id=account.pk, zone=PARIS)
    assert [each.hour for each in found.best] == [15, 14, 13]


def test_young_old_deleted_and_uncounted_posts_do_not_count(acme: TenantRef) -> None:
    account = make_account()
    for days in (1, 1.9, 2.1, 179, 181):
        posted(account, days, 100)
    posted(account, 10, 100, deleted_at=clock.now())
    posted(account, 10, None)
    assert best_times(tenant_id=acme.id, account_id=account.pk, zone="UTC").n == 2


def test_with_fewer_than_twenty_posts_it_says_so(acme: TenantRef) -> None:
    account = make_account()
    weekly(account, local(2026, 6, 2, 9), 1_000, 19)
    found = best_times(tenant_id=acme.id, account_id=account.pk, zone=PARIS)
    assert (found.best, found.reason) == ([], "It takes 20 posts of the last 180 days to tell; there are 19.")
    assert (found.grid[1][9].n, found.grid[1][9].multiple) == (19, None)


def test_where_no_hour_has_three_posts_or_stands_out_it_says_so(acme: TenantRef) -> None:
    scattered, even, unseen = make_account(), make_account(), make_account()
    for hours in range(22):
        posted(scattered, 5 + hours / 24, 100)
    weekly(even, local(2026, 6, 2, 9), 1_000, 20)
    weekly(unseen, local(2026, 6, 2, 9), 0, 20)
    reasons = [
        best_times(tenant_id=acme.id, account_id=each.pk, zone=PARIS).reason for each in (scattered, even, unseen)
    ]
    assert reasons == [
        "No hour of the week has 3 posts yet.",
        "No hour stands out from the account's median.",
        "Most of these posts have no views.",
    ]


def test_weeks_without_posts_are_zeros_and_weeks_before_the_first_known_post_are_not(acme: TenantRef) -> None:
    account = make_account()
    for days in (0.1, 7.5, 8, 22, 36):
        posted(account, days)
    posted(account, 8, deleted_at=clock.now())
    posted(account, 300, pinned=True)
    found = frequency(tenant_id=acme.id, account_id=account.pk, zone="UTC", weeks=8)
    assert [each.posts for each in found.weeks] == [None, None, 1, 0, 1, 0, 2, 1]
    assert (found.weeks[-1].monday, found.weeks[0].monday) == (date(2026, 11, 9), date(2026, 9, 21))
    assert (found.mean, found.n, found.as_of) == (0.75, 5, clock.now())


def test_a_week_begins_on_monday_of_the_zone(acme: TenantRef) -> None:
    account = make_account()
    posted(account, 200)
    make_post(account, posted_at=datetime(2026, 11, 8, 23, 30, tzinfo=UTC))  # Monday 0:30 in Paris
    by_utc = frequency(tenant_id=acme.id, account_id=account.pk, zone="UTC", weeks=2)
    by_paris = frequency(tenant_id=acme.id, account_id=account.pk, zone=PARIS, weeks=2)
    assert [each.posts for each in by_utc.weeks] == [1, 0]
    assert [each.posts for each in by_paris.weeks] == [0, 1]


def test_an_account_that_never_posted_has_zeros_and_an_unread_one_has_none(acme: TenantRef) -> None:
    empty, unread = make_account(video_count=0), make_account()
    found = [frequency(tenant_id=acme.id, account_id=each.pk, zone="UTC") for each in (empty, unread)]
    assert [(len(each.weeks), {week.posts for week in each.weeks}, each.mean) for each in found] == [
        (26, {0}, 0),
        (26, {None}, None),
    ]
    assert [each.reason for each in found] == ["", "There is no full week of posts yet."]


def test_every_time_zone_that_is_accepted_is_known_to_the_database(acme: TenantRef) -> None:
    account = make_account()
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_timezone_names")
        strange = available_timezones() - {name for (name,) in cursor.fetchall()}
    for zone in strange:
        with pytest.raises(BadInput, match="There is no time zone"):
            best_times(tenant_id=acme.id, account_id=account.pk, zone=zone)


@pytest.mark.parametrize(
    "zone", ["", "Mars/Olympus", "europe/paris", "localtime", "../etc/passwd", "'; DROP TABLE posts"]
)
def test_a_zone_that_does_not_exist_is_refused(acme: TenantRef, zone: str) -> None:
    for ask in (best_times, frequency):
        with pytest.raises(BadInput, match="There is no time zone"):
            ask(tenant_id=acme.id, account_id=1, zone=zone)


@pytest.mark.parametrize("weeks", [0, 105])
def test_a_range_beyond_reason_is_refused(acme: TenantRef, weeks: int) -> None:
    with pytest.raises(BadInput, match="between 1 and 104 weeks"):
        frequency(tenant_id=acme.id, account_id=1, zone="UTC", weeks=weeks)


def test_another_tenants_account_is_not_found(cast: Cast, noon: object) -> None:
    with tenant_scope(cast.rival):
        account = make_account()
        make_post(account, posted_at=days_ago(5))
    with tenant_scope(cast.acme):
        for ask in (best_times, frequency):
            for tenant in (cast.acme, cast.rival):
                with pytest.raises(NotFound):
                    ask(tenant_id=tenant.id, account_id=account.pk, zone="UTC")


def test_one_statement_each(acme: TenantRef) -> None:
    account = make_account()
    posted(account, 5)
    for ask in (best_times, frequency):
        assert statements_sent(lambda ask=ask: ask(tenant_id=acme.id, account_id=account.pk, zone=PARIS)) == 1
