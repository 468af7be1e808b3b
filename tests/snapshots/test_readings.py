"""Readings within the day: where counters move, or once in six hours, so that a chart can tell rest from silence."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.selectors import TenantRef
from snapshots.ingest.kinds.common import is_intraday
from snapshots.ingest.readings import slot_of
from snapshots.ingest.upsert import flag_vanished, store_posts, store_profile
from snapshots.models import AccountReading, Post, PostReading, PostSnapshot, TrackedAccount
from snapshots.models.fields import DataState
from snapshots.scheduling.leases import RunningJob
from snapshots.services.accounts import clean_wish
from snapshots.services.inline import fetch_now, track_now
from tests.cast import Cast
from tests.factories import make_account
from tests.queries import statements_of
from tests.simulating import Caller
from tests.snapshots.conftest import both_clocks_at
from tests.snapshots.test_upsert import post, profile
from tests.threads import at_once
from tikdash import clock
from tikdash.db.scope import tenant_scope

HOUR = timedelta(hours=1)
#: Posts of that age have no mark left at which a reading is kept whatever it says.
LONG_AGO = 72 * HOUR


def read_profile(account: TrackedAccount, at: datetime, **counters: int | None) -> None:
    with clock.at(at):
        store_profile(account.pk, profile(**counters), measured_at=at, intraday=True)


def read_posts(account: TrackedAccount, at: datetime, noon: datetime, **counters: int | None) -> None:
    with clock.at(at):
        store_posts(account.pk, [post(1, noon, **counters)], measured_at=at, intraday=True)


def hours_of(account: TrackedAccount) -> list[tuple[int, int | None]]:
    rows = AccountReading.objects.filter(account=account).order_by("measured_at")
    return [(row.measured_at.hour, row.follower_count) for row in rows]


def everything(table: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT t.xmin::text, t.* FROM {table} t ORDER BY 3, 2, 4")
        return cursor.fetchall()


def test_a_reading_is_kept_where_something_moved_and_once_in_six_hours(acme: TenantRef, noon: datetime) -> None:
    account = make_account(follower_count=None)
    midnight = noon - 12 * HOUR
    for hour, followers in enumerate([100, 100, 101, 101, 101, 101, 101, 101, 100, 101, 101, 101, 101]):
        read_profile(account, midnight + hour * HOUR, follower_count=followers)
    assert hours_of(account) == [(0, 100), (2, 101), (6, 101), (8, 100), (9, 101), (12, 101)]


def test_hours_in_which_nobody_read_have_no_reading(acme: TenantRef, noon: datetime) -> None:
    account = make_account(follower_count=None)
    for hours in (0, 1, 14):
        read_profile(account, noon + hours * HOUR, follower_count=100)
    assert hours_of(account) == [(12, 100), (2, 100)]
    assert slot_of(noon + 14 * HOUR) - slot_of(noon) == 12 * HOUR, "the slot between them is empty"


def test_a_day_without_a_finer_cadence_has_its_snapshot_only(acme: TenantRef, noon: datetime) -> None:
    account = make_account()
    store_profile(account.pk, profile(), measured_at=noon)
    store_posts(account.pk, [post(1, noon)], measured_at=noon)
    assert not AccountReading.objects.exists() and not PostReading.objects.exists()
    assert PostSnapshot.objects.count() == 1


def test_the_same_page_again_writes_no_reading(real_acme: TenantRef, noon: datetime) -> None:
    account = make_account()
    page = [post(number, noon) for number in range(30)]

    def store() -> None:
        store_profile(account.pk, profile(), measured_at=noon, intraday=True)
        store_posts(account.pk, page, measured_at=noon, intraday=True)

    store()
    before = everything("account_readings"), everything("post_readings")
    assert [len(rows) for rows in before] == [1, 30]
    store()
    assert (everything("account_readings"), everything("post_readings")) == before


def test_readings_of_a_page_cost_no_statement_of_their_own(acme: TenantRef, noon: datetime) -> None:
    account = make_account()
    page = [post(number, noon) for number in range(30)]
    store_posts(account.pk, page, measured_at=noon, intraday=True)

    def again(at: datetime, intraday: bool) -> list[str]:
        sent = statements_of(lambda: store_posts(account.pk, page, measured_at=at, intraday=intraday))
        # Whether the months are there is looked up, or known from before, as the tests before this one had it.
        return [sql for sql in sent if "to_regclass" not in sql and "advisory" not in sql]

    plain, fine = again(noon + HOUR, False), again(noon + 2 * HOUR, True)
    assert len(fine) == len(plain) == 2
    assert "INSERT INTO post_readings" in fine[-1] and "INSERT INTO post_readings" not in plain[-1]


def test_only_the_posts_that_moved_have_a_new_reading(acme: TenantRef, noon: datetime) -> None:
    account = make_account()
    page = [post(number, noon - LONG_AGO) for number in range(30)]
    store_posts(account.pk, page, measured_at=noon, intraday=True)
    page[7] = post(7, noon - LONG_AGO, digg_count=802)
    store_posts(account.pk, page, measured_at=noon + HOUR, intraday=True)
    assert PostReading.objects.count() == 31
    newest = PostReading.objects.get(measured_at=noon + HOUR)
    assert (newest.post.aweme_id, newest.digg_count) == (page[7].aweme_id, 802)


def test_a_suspect_reading_is_kept_and_so_is_the_good_one_behind_it(acme: TenantRef, noon: datetime) -> None:
    account = make_account()
    for hours, plays in enumerate([10_001, -5, 10_001]):
        read_posts(account, noon + hours * HOUR, noon, play_count=plays)
    rows = PostReading.objects.order_by("measured_at").values_list("play_count", "state", "suspect")
    negative = {"collect_count": "missing", "play_count": "negative"}
    missing = {"collect_count": "missing"}
    assert list(rows) == [
        (10_001, DataState.MISSING, missing),
        (-5, DataState.NEGATIVE, negative),
        (10_001, DataState.MISSING, missing),
    ]


def test_two_workers_at_once_keep_one_reading_each_moment(committed_db: Cast, noon: datetime) -> None:
    acme = committed_db.acme
    with tenant_scope(acme):
        account = make_account()
    page = [post(number, noon - LONG_AGO) for number in range(100)]

    def worker(order: int) -> None:
        with tenant_scope(acme):
            for hours in range(3):
                store_posts(account.pk, page[::order], measured_at=noon + hours * HOUR, intraday=True)

    at_once([lambda: worker(1), lambda: worker(-1), lambda: worker(1)])
    with tenant_scope(acme):
        assert (Post.objects.count(), PostReading.objects.count()) == (100, 100)


def test_posts_that_vanish_and_return_meanwhile_lock_nobody_out(committed_db: Cast, noon: datetime) -> None:
    acme, since = committed_db.acme, noon - LONG_AGO
    with tenant_scope(acme):
        account = make_account()
    page = [post(number, since) for number in range(100)]

    def reader(order: int) -> None:
        with tenant_scope(acme):
            for hours in range(4):
                store_posts(account.pk, page[::order], measured_at=noon + hours * HOUR, intraday=True)

    def loser(step: int) -> None:
        with tenant_scope(acme):
            for _ in range(8):
                given = [row.aweme_id for row in page[::step]]
                flag_vanished(account.pk, given, since - HOUR, since + HOUR)

    at_once([lambda: reader(1), lambda: reader(-1), lambda: loser(2), lambda: loser(-3)])
    reader(1)
    with tenant_scope(acme):
        assert (Post.objects.count(), Post.objects.filter(deleted_at=None).count()) == (100, 100)


def test_readings_belong_to_their_tenant(cast: Cast, noon: datetime) -> None:
    for tenant in (cast.acme, cast.rival):
        with tenant_scope(tenant):
            read_profile(make_account(), noon)
            assert AccountReading.objects.get().tenant_id == tenant.id


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize(
    ("at", "partition"),
    [
        ("2031-07-31T23:59:59.999999Z", "account_readings_2031_07"),
        ("2031-08-01T00:00:00Z", "account_readings_2031_08"),
        ("2031-08-01T00:30:00+01:00", "account_readings_2031_07"),
    ],
)
def test_months_begin_at_midnight_utc_whatever_the_time_zone_of_the_session(
    acme: TenantRef, zone: str, at: str, partition: str
) -> None:
    account = make_account()
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('TimeZone', %s, true)", [zone])
        moment = datetime.fromisoformat(at)
        store_profile(account.pk, profile(), measured_at=moment, intraday=True)
        cursor.execute("SELECT tableoid::regclass::text, extract(epoch FROM measured_at)::float8 FROM account_readings")
        assert cursor.fetchall() == [(partition, pytest.approx(moment.timestamp(), abs=1e-6))]


JOB = RunningJob(**dict.fromkeys((field.name for field in fields(RunningJob)), None) | {"cadence_s": 86_400})  # type: ignore[arg-type]


def test_a_run_is_within_the_day_when_its_cadence_is_or_when_somebody_asked(noon: datetime) -> None:
    assert not is_intraday(JOB)
    assert is_intraday(replace(JOB, cadence_s=3600))
    assert is_intraday(replace(JOB, requested_at=noon))
    assert is_intraday(replace(JOB, requested_at=noon, succeeded_at=noon - HOUR))
    assert not is_intraday(replace(JOB, requested_at=noon - HOUR, succeeded_at=noon))


def test_an_hourly_plan_has_readings_that_are_true_upstream_and_a_daily_one_has_none(
    cast: Cast, noon: datetime, upstream: Caller
) -> None:
    for tenant in (cast.acme, cast.rival):
        with tenant_scope(tenant):
            track_now(tenant, clean_wish(handle="lena.bakes", reason="competitor", tags=""))
    with both_clocks_at(upstream, noon + HOUR), tenant_scope(cast.acme):
        fetch_now(cast.acme, "lena.bakes")
        truth = upstream.look("truth/account", handle="lena.bakes")
        newest = AccountReading.objects.latest("measured_at")
        assert (newest.measured_at, newest.follower_count) == (noon + HOUR, truth["followers"])
        assert PostReading.objects.filter(measured_at=noon + HOUR).exists()
    with tenant_scope(cast.rival):
        assert not AccountReading.objects.exists() and not PostReading.objects.exists()
