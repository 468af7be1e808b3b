"""A value that cannot be true is kept as it came, shown as suspect, and stays out of every number of the account."""

from __future__ import annotations

from datetime import datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.selectors import TenantRef
from snapshots.analytics import accounts as analytics
from snapshots.analytics.growth import as_table, series
from snapshots.ingest.normalise import ACCOUNT_COUNTERS, CUMULATIVE, PostRow, ProfileRow
from snapshots.ingest.quality import judge, judge_value
from snapshots.ingest.upsert import store_posts, store_profile
from snapshots.models import AccountReading, AccountSnapshot, Post, PostReading, PostSnapshot, TrackedAccount
from snapshots.models.fields import DataState
from tests.factories import make_account, make_snapshots
from tests.queries import statements_of
from tests.snapshots.test_upsert import post
from tikdash import clock

NEGATIVE_HEARTS = -977_433_948


@pytest.mark.parametrize(
    ("value", "previous", "cumulative", "state"),
    [
        (None, None, False, "missing"),
        (None, 5, True, "missing"),
        (NEGATIVE_HEARTS, 1_000_000, True, "negative"),
        (-1, None, False, "negative"),
        (0, 101, False, "zeroed"),
        (0, 101, True, "zeroed"),
        (0, 100, False, "ok"),
        (0, None, True, "ok"),
        (1_200_000, 1_198_913, False, "rounded"),
        (1_269_900, 1_268_865, False, "ok"),
        (207_900, 207_851, False, "rounded"),
        (10_000, 9_999, False, "rounded"),
        (9_900, 9_899, False, "ok"),
        (1_300_000, 1_200_000, False, "ok"),
        (1_200_000, 1_200_000, False, "ok"),
        (1_200_000, None, False, "ok"),
        (1_250_010, 1_248_913, False, "ok"),
        (989_999, 1_000_000, True, "regressed"),
        (990_000, 1_000_000, True, "ok"),
        (500_001, 1_000_000, False, "ok"),
        (1_000_001, 1_000_000, True, "ok"),
        (2**63 - 1, 2**62 + 1, True, "ok"),
    ],
)
def test_each_rule_of_the_table(value: int | None, previous: int | None, cumulative: bool, state: str) -> None:
    assert judge_value(value, previous, cumulative=cumulative) == state


@given(
    st.dictionaries(st.sampled_from(ACCOUNT_COUNTERS), st.none() | st.integers(-(2**63), 2**63 - 1)),
    st.dictionaries(st.sampled_from(ACCOUNT_COUNTERS), st.none() | st.integers(0, 2**63 - 1)),
)
def test_every_value_is_either_sound_or_suspect(values: dict[str, int | None], previous: dict[str, int | None]) -> None:
    verdict = judge(values, previous, CUMULATIVE)
    assert verdict.sound.keys() | verdict.suspect.keys() == values.keys()
    assert {verdict.suspect[name] for name in verdict.sound.keys() & verdict.suspect.keys()} <= {"rounded"}
    assert all(value >= 0 for value in verdict.sound.values())
    assert bool(verdict.suspect) == (verdict.state != DataState.OK)


def test_the_row_carries_the_worst_state_of_its_counters() -> None:
    previous = dict.fromkeys(ACCOUNT_COUNTERS, 50_001)
    values = dict(zip(ACCOUNT_COUNTERS, (60_000, None, NEGATIVE_HEARTS, 50_002, 0), strict=True))
    verdict = judge(values, previous, CUMULATIVE)
    assert verdict.state == DataState.NEGATIVE
    assert verdict.suspect == {
        "follower_count": "rounded",
        "following_count": "missing",
        "heart_count": "negative",
        "digg_count": "zeroed",
    }
    # Rounded is odd, but still a value.
    assert verdict.sound == {"follower_count": 60_000, "video_count": 50_002}
    del values["heart_count"]
    assert judge(values, previous, CUMULATIVE).state == DataState.ZEROED


# --- what a person sees ----------------------------------------------------------------------------------------------


def profile(**counters: int | None) -> ProfileRow:
    sound = {"follower_count": 20_001, "following_count": 7, "heart_count": 1_000_003, "video_count": 50}
    return ProfileRow(
        "7000000000000000001", "lena", "", "Lena", "", "", False, False, sound | {"digg_count": 11} | counters
    )


def hearts_of(account: TrackedAccount) -> tuple[int | None, list[int | None], analytics.Tile]:
    """Hearts in the account's row, in the chart and in the tile."""
    account.refresh_from_db()
    tile = next(tile for tile in analytics.tiles(account.pk) if tile.label == "Hearts")
    return account.heart_count, series(account.pk, "heart_count", 30).values, tile


def test_hearts_below_zero_stay_out_of_row_chart_and_tile_until_good_ones_come_back(
    acme: TenantRef, noon: datetime
) -> None:
    account = make_account()
    readings = [1_000_003, 1_000_507, NEGATIVE_HEARTS, 1_002_011]
    for day, hearts in enumerate(readings):
        with clock.at(noon - timedelta(days=3 - day)):
            store_profile(account.pk, profile(heart_count=hearts), measured_at=clock.now())
            if hearts == NEGATIVE_HEARTS:
                row, line, tile = hearts_of(account)
                assert row == tile.value == 1_000_507
                assert line == [1_000_003, 1_000_507, None]
                assert (tile.state, tile.note) == ("negative", "last reading negative, kept aside")
    row, line, tile = hearts_of(account)
    assert row == tile.value == 1_002_011
    assert (tile.state, tile.note, tile.change, tile.change_days) == ("ok", "", 2_008, 3)
    assert line == [1_000_003, 1_000_507, None, 1_002_011]
    # What came is kept as it came, and said.
    kept = AccountSnapshot.objects.get(account=account, captured_on=noon.date() - timedelta(days=1))
    assert (kept.heart_count, kept.suspect, kept.state) == (NEGATIVE_HEARTS, {"heart_count": "negative"}, 3)
    assert kept.follower_count == 20_001
    [note] = analytics.notes(account.pk)
    assert note.text == "14 Nov: hearts reported as −977,433,948. Kept aside, not in charts."


def test_a_good_reading_later_the_same_day_replaces_the_suspect_one(acme: TenantRef) -> None:
    account = make_account(heart_count=1_000_003)
    store_profile(account.pk, profile(heart_count=0), measured_at=clock.now())
    assert hearts_of(account)[0] == 1_000_003
    store_profile(account.pk, profile(heart_count=1_000_010), measured_at=clock.now())
    row, line, tile = hearts_of(account)
    assert (row, line, tile.state) == (1_000_010, [1_000_010], "ok")
    assert analytics.notes(account.pk) == []
    assert AccountSnapshot.objects.get(account=account).suspect is None


@pytest.mark.parametrize(
    ("hearts", "state", "said"), [(None, "missing", "nothing"), (0, "zeroed", "0"), (500_000, "regressed", "500,000")]
)
def test_missing_zeroed_and_regressed_values_are_kept_aside_too(
    acme: TenantRef, hearts: int | None, state: str, said: str
) -> None:
    account = make_account(heart_count=1_000_003)
    store_profile(account.pk, profile(heart_count=hearts), measured_at=clock.now())
    row, line, tile = hearts_of(account)
    assert (row, line, tile.value, tile.state) == (1_000_003, [None], 1_000_003, state)
    assert f"hearts reported as {said}." in analytics.notes(account.pk)[0].text


def test_a_rounded_value_is_odd_but_shown(acme: TenantRef) -> None:
    account = make_account(follower_count=1_198_913, heart_count=1_000_001)
    verdict = store_profile(account.pk, profile(follower_count=1_200_000), measured_at=clock.now())
    account.refresh_from_db()
    assert account.follower_count == 1_200_000
    assert AccountSnapshot.objects.get(account=account).state == verdict.state == DataState.ROUNDED
    assert series(account.pk, "follower_count", 30).values == [1_200_000]
    tile = analytics.tiles(account.pk)[0]
    assert (tile.value, tile.note) == (1_200_000, "rounded upstream")
    assert analytics.notes(account.pk) == []


def test_a_suspect_day_is_no_base_for_a_change_and_a_gap_in_list_and_table(acme: TenantRef) -> None:
    account = make_account(follower_count=10_000)
    make_snapshots(account, [9_000, 9_500, 10_000])
    account.snapshots.filter(follower_count=9_000).update(follower_count=-5, suspect={"follower_count": "negative"})
    [row] = analytics.accounts_page().rows
    assert row.change_30d == 500
    assert row.sparkline[-3:] == [None, 9_500, 10_000]
    assert [(line.value, line.change) for line in as_table(series(account.pk, "follower_count", 30))] == [
        (10_000, 500),
        (9_500, None),
        (None, None),
    ]
    assert orjson.dumps(vars(series(account.pk, "follower_count", 30)))


# --- what clears itself ----------------------------------------------------------------------------------------------

STEADY = [20_001, 20_015, 20_033, 20_044, 20_060, 20_075, 20_088, 20_105]


def followers_by_day(account: TrackedAccount, noon: datetime, values: list[int | None], **counters: int | None) -> None:
    """One daily profile after the other, of which the last is today's."""
    for back, followers in zip(range(len(values) - 1, -1, -1), values, strict=True):
        with clock.at(noon - timedelta(days=back)):
            store_profile(
                account.pk, profile(follower_count=followers, **counters), measured_at=clock.now(), intraday=True
            )


def followers_of(account: TrackedAccount, days: int = 3) -> tuple[int | None, list[int | None], list[int]]:
    """Followers in the account's row, in the chart, and the states of the last days."""
    account.refresh_from_db()
    states = AccountSnapshot.objects.filter(account=account).order_by("captured_on").values_list("state", flat=True)
    return account.follower_count, series(account.pk, "follower_count", 30).values[-days:], list(states)[-days:]


def test_a_spike_is_kept_aside_until_the_next_reading_says_the_same(acme: TenantRef, noon: datetime) -> None:
    account = make_account(follower_count=None)
    followers_by_day(account, noon - timedelta(days=1), [*STEADY, 26_003])
    with clock.at(noon - timedelta(days=1)):
        assert followers_of(account) == (20_105, [20_088, 20_105, None], [0, 0, DataState.SPIKE])
        assert analytics.notes(account.pk)[0].text == "14 Nov: followers reported as 26,003. Kept aside, not in charts."
    followers_by_day(account, noon, [26_104])
    assert followers_of(account) == (26_104, [20_105, 26_003, 26_104], [0, 0, 0])
    assert analytics.notes(account.pk) == []
    assert not AccountReading.objects.filter(suspect__isnull=False).exists(), "the readings of that day are sound, too"


def test_a_spike_that_goes_away_stays_aside(acme: TenantRef, noon: datetime) -> None:
    account = make_account(follower_count=None)
    followers_by_day(account, noon, [*STEADY, 26_003, 20_120])
    assert followers_of(account) == (20_120, [20_105, None, 20_120], [0, DataState.SPIKE, 0])


def test_what_clears_leaves_the_other_doubts_of_its_row(acme: TenantRef, noon: datetime) -> None:
    account = make_account(follower_count=None)
    followers_by_day(account, noon - timedelta(days=1), STEADY)
    with clock.at(noon - timedelta(days=1)):
        odd = profile(follower_count=26_003, heart_count=NEGATIVE_HEARTS)
        store_profile(account.pk, odd, measured_at=clock.now() + timedelta(hours=1), intraday=True)
    followers_by_day(account, noon, [26_104])
    kept = AccountSnapshot.objects.get(account=account, captured_on=noon.date() - timedelta(days=1))
    assert (kept.suspect, kept.state) == ({"heart_count": "negative"}, DataState.NEGATIVE)
    [reading] = AccountReading.objects.filter(suspect__isnull=False)
    assert (reading.suspect, reading.state) == ({"heart_count": "negative"}, DataState.NEGATIVE)


def test_within_a_day_the_next_reading_clears_the_one_before(acme: TenantRef, noon: datetime) -> None:
    account = make_account(follower_count=None)
    followers_by_day(account, noon - timedelta(days=1), STEADY)
    states = []
    for minutes in (0, 5, 60):
        with clock.at(noon + timedelta(minutes=minutes)):
            store_profile(account.pk, profile(follower_count=26_001 + minutes), measured_at=clock.now(), intraday=True)
            states.append(AccountSnapshot.objects.get(account=account, captured_on=noon.date()).state)
    assert states == [DataState.SPIKE, DataState.SPIKE, DataState.OK], "five minutes later it may be the same answer"
    assert followers_of(account)[0] == 26_061
    assert not AccountReading.objects.filter(suspect__isnull=False).exists()


def test_storing_again_what_cleared_changes_nothing(acme: TenantRef, noon: datetime) -> None:
    account = make_account(follower_count=None)
    followers_by_day(account, noon, [*STEADY, 26_001, 26_104])
    before = list(AccountSnapshot.objects.order_by("captured_on").values()), list(AccountReading.objects.values())
    followers_by_day(account, noon, [26_104])
    assert (
        list(AccountSnapshot.objects.order_by("captured_on").values()),
        list(AccountReading.objects.values()),
    ) == before


def test_hearts_that_were_really_lost_are_shown_a_reading_later(acme: TenantRef, noon: datetime) -> None:
    account = make_account(heart_count=None)
    for day, hearts in enumerate([1_000_003, 600_001, 600_100]):
        with clock.at(noon - timedelta(days=2 - day)):
            store_profile(account.pk, profile(heart_count=hearts), measured_at=clock.now())
    row, line, tile = hearts_of(account)
    assert (row, line, tile.state) == (600_100, [1_000_003, 600_001, 600_100], "ok")


def test_zeros_of_two_days_stay_out_and_of_four_are_believed(acme: TenantRef, noon: datetime) -> None:
    account = make_account(video_count=None)
    shown = []
    for day, videos in enumerate([50, 0, 0, 0, 0]):
        with clock.at(noon - timedelta(days=4 - day)):
            store_profile(account.pk, profile(video_count=videos, heart_count=7 - day), measured_at=clock.now())
    # Fifty videos may be gone at once; more than a hundred followers may not.
    assert series(account.pk, "video_count", 30).values == [50, 0, 0, 0, 0]
    account = make_account(follower_count=None)
    for day, followers in enumerate([5_001, 0, 0, 0, 0]):
        with clock.at(noon - timedelta(days=4 - day)):
            store_profile(account.pk, profile(follower_count=followers), measured_at=clock.now())
            shown.append(followers_of(account)[0])
    assert shown == [5_001, 5_001, 5_001, 5_001, 0]
    assert series(account.pk, "follower_count", 30).values == [5_001, 0, 0, 0, 0]


def test_a_page_looks_into_the_past_once_and_only_where_a_value_is_doubtful(acme: TenantRef, noon: datetime) -> None:
    account = make_account()
    good = [post(number, noon, play_count=1_000_001 + number) for number in range(30)]
    odd = [post(number, noon, play_count=700_001 + number) for number in range(30)]
    with clock.at(noon - timedelta(days=2)):
        store_posts(account.pk, good, measured_at=clock.now())

    def looks(page: list[PostRow], at: datetime) -> int:
        with clock.at(at):
            sent = statements_of(lambda: store_posts(account.pk, page, measured_at=at, intraday=True))
        return sum("captured_at, suspect" in sql and "SELECT post_id" in sql for sql in sent)

    assert looks(good, noon - timedelta(days=2, hours=-1)) == 0
    assert looks(odd, noon - timedelta(days=1)) == 1
    assert set(Post.objects.values_list("play_count", flat=True)) == {row.counters["play_count"] for row in good}
    assert looks(odd, noon) == 1
    assert set(Post.objects.values_list("play_count", flat=True)) == {row.counters["play_count"] for row in odd}
    assert not PostSnapshot.objects.filter(suspect__has_key="play_count").exists()
    assert not PostReading.objects.filter(suspect__has_key="play_count").exists()


# --- extreme input ---------------------------------------------------------------------------------------------------


def test_one_extreme_row_of_a_page_harms_no_other(acme: TenantRef, noon: datetime) -> None:
    account = make_account()
    names = ("play_count", "digg_count", "comment_count", "share_count", "collect_count")
    before = [post(number, noon, collect_count=1) for number in range(4)]
    store_posts(account.pk, before, measured_at=noon, intraday=True)
    extremes = [2**63 - 1, -(2**63), 0]
    page = [post(number, noon, **dict.fromkeys(names, value)) for number, value in enumerate(extremes)]
    store_posts(
        account.pk, [*page, post(3, noon, collect_count=2)], measured_at=noon + timedelta(hours=1), intraday=True
    )
    stored = dict(PostSnapshot.objects.values_list("post__aweme_id", "play_count"))
    assert [stored[row.aweme_id] for row in page] == extremes
    shown = dict(Post.objects.values_list("aweme_id", "play_count"))
    assert shown[page[0].aweme_id] == 2**63 - 1, "with less than a week of history nothing speaks against it"
    assert [shown[row.aweme_id] for row in page[1:]] == [10_001, 20_002], "suspect values stay out"
    assert Post.objects.get(aweme_id=before[3].aweme_id).collect_count == 2
    assert PostSnapshot.objects.get(post__aweme_id=before[3].aweme_id).state == DataState.OK
