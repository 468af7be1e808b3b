"""Storing is idempotent: the same page again, or at the same moment by somebody else, changes nothing."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.selectors import TenantRef
from snapshots.ingest.normalise import PostRow, ProfileRow
from snapshots.ingest.upsert import flag_vanished, store_posts, store_profile
from snapshots.models import AccountSnapshot, Post, PostSnapshot
from tests.cast import Cast
from tests.factories import make_account
from tests.threads import at_once
from tikdash import clock
from tikdash.db.scope import tenant_scope

TABLES = ("accounts", "account_snapshots", "posts", "post_snapshots")
#: Only the account itself is written again, because it says when it was last read.
ALWAYS_WRITTEN = {"accounts"}


def whole_tables() -> dict[str, list[Any]]:
    """Every column of every row, and the transaction that last wrote it."""
    found = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            writer = "0" if table in ALWAYS_WRITTEN else "t.xmin::text"
            cursor.execute(f"SELECT {writer}, t.* FROM {table} t ORDER BY 2, 3, 4")
            found[table] = cursor.fetchall()
    return found


def post(number: int, noon: datetime, **fields: Any) -> PostRow:
    counters = {
        "play_count": 10_001 * number,
        "digg_count": 801,
        "comment_count": 11,
        "share_count": 5,
        "collect_count": None,
    }
    return PostRow(
        aweme_id=str(7_400_000_000_000_000_000 + number),
        title=f"Post {number} 🥐",
        cover_url="",
        duration_s=30,
        kind="video",
        pinned=False,
        sound_id="",
        posted_at=noon - timedelta(hours=number),
        counters=counters | fields,
    )


def profile(**counters: int | None) -> ProfileRow:
    known = {"follower_count": 5, "following_count": 6, "heart_count": 7, "video_count": 8, "digg_count": 9}
    return ProfileRow("7000000000000000001", "lena", "sec", "Lena", "", "", True, False, known | counters)


def test_the_same_page_again_writes_no_row(real_acme: TenantRef, noon: datetime) -> None:
    account = make_account()
    page = [post(number, noon) for number in range(30)]
    store_profile(account.pk, profile(), measured_at=clock.now())
    assert len(store_posts(account.pk, page, measured_at=clock.now()).new) == 30
    before = whole_tables()
    assert [len(before[table]) for table in TABLES] == [1, 1, 30, 30]
    store_profile(account.pk, profile(), measured_at=clock.now())
    again = store_posts(account.pk, page[::-1], measured_at=clock.now())
    assert again.new == [] and again.returned == []
    assert whole_tables() == before


def test_only_the_row_that_changed_is_written(real_acme: TenantRef, noon: datetime) -> None:
    account = make_account()
    page = [post(number, noon) for number in range(30)]
    store_posts(account.pk, page, measured_at=clock.now())
    before = whole_tables()
    page[4] = post(4, noon, digg_count=802)
    store_posts(account.pk, page, measured_at=clock.now())
    after = whole_tables()
    for table in ("posts", "post_snapshots"):
        assert len(set(after[table]) - set(before[table])) == 1
    assert Post.objects.get(aweme_id=page[4].aweme_id).digg_count == 802


@pytest.mark.parametrize("same_order", [True, False])
def test_two_workers_with_one_page_at_once_make_no_duplicate_no_deadlock_and_no_error(
    committed_db: Cast, noon: datetime, same_order: bool
) -> None:
    acme = committed_db.acme
    with tenant_scope(acme):
        account = make_account()

    def worker(order: int, played: int) -> None:
        for round_ in range(5):
            page = [post(number, noon, play_count=20_001 + played + round_) for number in range(400)]
            with tenant_scope(acme):
                store_profile(account.pk, profile(), measured_at=clock.now())
                store_posts(account.pk, page[::order], measured_at=clock.now())

    at_once([lambda: worker(1, 0), lambda: worker(1 if same_order else -1, 100), lambda: worker(1, 200)])
    with tenant_scope(acme):
        assert (Post.objects.count(), PostSnapshot.objects.count()) == (400, 400)
        assert AccountSnapshot.objects.count() == 1
        for shown, in_snapshot in Post.objects.values_list("play_count", "snapshots__play_count"):
            assert shown == in_snapshot


def test_new_posts_that_another_worker_has_just_stored_as_they_are_have_their_days(
    committed_db: Cast, noon: datetime
) -> None:
    """Both saw no post; the second finds rows that it would not change, and PostgreSQL returns it no ids of them."""
    acme, stored_by_another = committed_db.acme, threading.Event()
    with tenant_scope(acme):
        account = make_account()
    page = [post(number, noon) for number in range(5)]

    def first() -> None:
        with tenant_scope(acme), transaction.atomic():
            store_posts(account.pk, page, measured_at=noon)
            stored_by_another.set()
            # The second one has looked, and waits for these rows.
            wait_for_a_lock()

    def second() -> None:
        assert stored_by_another.wait(30)
        with tenant_scope(acme):
            store_posts(account.pk, page, measured_at=noon)

    at_once([first, second])
    with tenant_scope(acme):
        assert (Post.objects.count(), PostSnapshot.objects.count()) == (5, 5)


def wait_for_a_lock() -> None:
    """Returns when another session of this database waits for a lock."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute(waiting)
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waits")


def test_two_tenants_hold_the_same_creator_and_the_same_posts(committed_db: Cast, noon: datetime) -> None:
    page = [post(number, noon) for number in range(5)]

    def worker(tenant: TenantRef) -> int:
        with tenant_scope(tenant):
            account = make_account(tiktok_user_id="7000000000000000001")
            store_posts(account.pk, page, measured_at=clock.now())
            return Post.objects.count()

    assert at_once([lambda: worker(committed_db.acme), lambda: worker(committed_db.rival)]) == [5, 5]


def test_counters_beyond_31_bits_are_kept_exactly(acme: TenantRef, noon: datetime) -> None:
    account = make_account(follower_count=None, heart_count=None)
    store_profile(account.pk, profile(heart_count=2**63 - 1, follower_count=2**31 + 1), measured_at=clock.now())
    store_posts(account.pk, [post(1, noon, play_count=2**31, digg_count=2**62 + 1)], measured_at=clock.now())
    account.refresh_from_db()
    assert (account.heart_count, account.follower_count) == (2**63 - 1, 2**31 + 1)
    assert Post.objects.values_list("play_count", "digg_count").get() == (2**31, 2**62 + 1)
    assert PostSnapshot.objects.values_list("play_count", "digg_count").get() == (2**31, 2**62 + 1)


def test_a_counter_that_is_missing_now_keeps_its_last_value_and_a_gap_today(acme: TenantRef, noon: datetime) -> None:
    account = make_account()
    store_posts(account.pk, [post(1, noon, share_count=44)], measured_at=clock.now())
    with clock.at(noon + timedelta(days=1)):
        store_posts(account.pk, [post(1, noon, share_count=None, play_count=-7)], measured_at=clock.now())
        stored = Post.objects.get()
    assert (stored.share_count, stored.play_count) == (44, 10_001)
    newest = stored.snapshots.order_by("-captured_on").first()  # type: ignore[attr-defined]
    assert (newest.share_count, newest.play_count) == (None, -7)
    assert newest.suspect["share_count"] == "missing" and newest.suspect["play_count"] == "negative"


def test_a_day_has_one_snapshot_its_last_and_a_new_day_a_new_one(acme: TenantRef, noon: datetime) -> None:
    account = make_account(follower_count=None)
    for hours, followers in ((0, 100), (3, 101), (11.99, 102), (12, 103)):
        with clock.at(noon + timedelta(hours=hours)):
            store_profile(account.pk, profile(follower_count=followers), measured_at=clock.now())
    days = account.snapshots.order_by("captured_on").values_list("captured_on", "follower_count")  # type: ignore[attr-defined]
    assert [(str(day), followers) for day, followers in days] == [("2026-11-15", 102), ("2026-11-16", 103)]


def test_a_snapshot_of_a_month_that_nobody_prepared_makes_its_partition(acme: TenantRef, noon: datetime) -> None:
    account = make_account()
    with clock.at(datetime.fromisoformat("2031-07-31T23:59:59Z")):
        store_profile(account.pk, profile(), measured_at=clock.now())
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM account_snapshots")
        assert cursor.fetchall() == [("account_snapshots_2031_07",)]


def test_a_paused_account_stays_paused_and_a_private_one_is_said_to_be(acme: TenantRef) -> None:
    paused, other = make_account(state="paused"), make_account()
    store_profile(paused.pk, profile(), measured_at=clock.now())
    store_profile(other.pk, replace(profile(), is_private=True), measured_at=clock.now())
    paused.refresh_from_db()
    other.refresh_from_db()
    assert (paused.state, other.state) == ("paused", "private")


def test_only_posts_inside_the_window_that_were_not_given_are_flagged(acme: TenantRef, noon: datetime) -> None:
    account, neighbour = make_account(), make_account()
    page = [post(number, noon) for number in range(1, 6)]
    store_posts(account.pk, page, measured_at=clock.now())
    store_posts(neighbour.pk, page, measured_at=clock.now())
    given = [page[0].aweme_id, page[2].aweme_id]
    gone = flag_vanished(account.pk, given, since=page[3].posted_at, until=noon)
    assert sorted(gone) == sorted([page[1].aweme_id, page[3].aweme_id])
    assert flag_vanished(account.pk, given, since=page[3].posted_at, until=noon) == []
    assert Post.objects.filter(deleted_at__isnull=False).count() == 2
    back = store_posts(account.pk, [page[1]], measured_at=clock.now())
    assert back.returned == [page[1].aweme_id] and back.new == []
    assert Post.objects.get(account=account, aweme_id=page[1].aweme_id).deleted_at is None


def test_the_same_answer_once_more_is_not_judged_by_itself(acme: TenantRef, noon: datetime) -> None:
    """A rounded number is the newest one known from then on, and would look sound beside itself."""
    account = make_account(follower_count=123_457)

    def store(plays: int, at: datetime) -> None:
        store_profile(account.pk, profile(follower_count=plays, heart_count=250_001), measured_at=at)
        page = [post(4, noon, play_count=plays, collect_count=2)]
        store_posts(account.pk, page, measured_at=at)

    def judged() -> list[Any]:
        days = (AccountSnapshot.objects.get(captured_on=noon.date()), PostSnapshot.objects.get(captured_on=noon.date()))
        return [(day.get_state_display(), day.suspect) for day in days]

    store(123_457, noon - timedelta(days=1))
    for _ in range(2):
        store(130_000, noon)
        assert judged() == [("rounded", {"follower_count": "rounded"}), ("rounded", {"play_count": "rounded"})]
    # An hour later the same number is what it was before.
    store(130_000, noon + timedelta(hours=1))
    assert judged() == [("ok", None), ("ok", None)]
