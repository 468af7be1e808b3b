"""Hashtags and sounds in use: medians, uplift, trend, who was first, and the way to their posts, in every script."""

from __future__ import annotations

from datetime import datetime, timedelta
from statistics import median

import pytest

from accounts.selectors import TenantRef
from snapshots.analytics.hashtags import HashtagRow, bubbles, hashtags, posts_with
from snapshots.analytics.sounds import posts_by_artist, sounds, sounds_of_artist
from snapshots.analytics.sounds import posts_with as posts_with_sounds
from snapshots.analytics.topics import MOST_ADOPTED, FirstUse
from snapshots.ingest.hashtags import uses_in
from snapshots.models import Hashtag, Post, PostHashtag, Sound, TrackedAccount
from snapshots.services.accounts import clean_wish
from snapshots.services.inline import track_now
from tests.cast import Cast
from tests.factories import make_account, make_post
from tests.queries import statements_of
from tests.simulating import Caller
from tests.snapshots.conftest import both_clocks_at
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.errors import BadInput

DAY = timedelta(days=1)


def tagged(account: TrackedAccount, names: str, *, age: timedelta = 5 * DAY, plays: int | None = 1_000) -> Post:
    """A post whose title has these hashtags, stored as ingest stores them."""
    title = " ".join(f"#{name}" for name in names.split())
    post = make_post(account, title=title, posted_at=clock.now() - age, play_count=plays)
    for name, use in uses_in(title).items():
        tag, _ = Hashtag.objects.get_or_create(
            name=name, defaults={"cha_name": use.shown, "first_seen_at": clock.now()}
        )
        PostHashtag.objects.create(account=account, post=post, hashtag=tag, occurrences=use.occurrences)
    return post


def row_of(rows: list[HashtagRow], name: str) -> HashtagRow:
    return next(row for row in rows if row.name == name)


def test_a_hashtag_tells_medians_and_uplift_as_printed(acme: TenantRef) -> None:
    account = make_account()
    for plays in (2_100, 2_500, 2_800, 3_300, 9_000):
        tagged(account, "sourdough", plays=plays)
    for plays in (900, 1_400, 1_800, 1_900, 2_600, 4_000):
        tagged(account, "rye", plays=plays)
    Hashtag.objects.filter(name="sourdough").update(view_count=7_000_000, user_count=80_000, measured_at=clock.now())

    row = row_of(hashtags(acme.id, [account.pk]), "sourdough")

    assert (row.use.posts, row.use.views, row.use.median_views, row.use.n_views) == (5, 19_700, 2_800, 5)
    assert row.use.uplift.value is not None and round(row.use.uplift.value, 2) == 0.51
    assert (row.use.uplift.n_with, row.use.uplift.n_without) == (5, 6)
    assert (row.view_count, row.user_count, row.counted_at) == (7_000_000, 80_000, clock.now())
    assert row.use.as_of == clock.now()


def test_posts_of_the_last_day_are_used_but_have_no_views_yet(acme: TenantRef) -> None:
    account = make_account()
    tagged(account, "rye", age=timedelta(hours=23), plays=9)
    tagged(account, "rye", age=timedelta(hours=25), plays=500)
    tagged(account, "rye", plays=None)
    use = hashtags(acme.id, [account.pk])[0].use
    assert (use.posts, use.n_views, use.median_views) == (3, 1, 500)
    assert use.uplift.value is None and use.uplift.reason.startswith("Needs at least 3 posts")


def test_old_and_vanished_posts_are_left_out(acme: TenantRef) -> None:
    account = make_account()
    tagged(account, "old", age=91 * DAY)
    gone = tagged(account, "gone")
    Post.objects.filter(pk=gone.pk).update(deleted_at=clock.now())
    assert hashtags(acme.id) == []
    assert bubbles(account.pk) == []


def test_rising_is_clearly_more_in_two_weeks_than_in_the_two_before(acme: TenantRef) -> None:
    account = make_account()
    for age in (1, 5, 13):
        tagged(account, "new steady", age=age * DAY)
    for age in (15, 20, 27):
        tagged(account, "steady", age=age * DAY)
    tagged(account, "rare", age=2 * DAY)
    rows = hashtags(acme.id, order="rising")
    assert [(row.name, row.use.uses_14d, row.use.uses_14d_before) for row in rows if row.use.rising] == [("new", 3, 0)]
    assert rows[0].name == "new"
    assert not row_of(rows, "steady").use.rising and not row_of(rows, "rare").use.rising


def test_the_first_adopter_is_the_account_that_posted_first_however_long_ago(acme: TenantRef) -> None:
    early, late = make_account("early.bird"), make_account("late.bird")
    first = tagged(early, "proofing", age=300 * DAY)
    tagged(late, "proofing", age=3 * DAY)
    row = hashtags(acme.id, [late.pk])[0]
    assert row.use.first == FirstUse(early.pk, "early.bird", first.posted_at)
    assert row.use.accounts == 1


def test_of_what_everybody_uses_nobody_is_called_the_first(acme: TenantRef) -> None:
    account = make_account()
    tag = Hashtag.objects.create(name="fyp", first_seen_at=clock.now())
    posts = [make_post(account, posted_at=clock.now() - 5 * DAY) for _ in range(MOST_ADOPTED + 1)]
    PostHashtag.objects.bulk_create(PostHashtag(account=account, post=post, hashtag=tag) for post in posts)
    assert hashtags(acme.id)[0].use.first is None


def test_over_several_accounts_each_post_is_measured_by_its_own_account(acme: TenantRef) -> None:
    small, large = make_account(), make_account()
    for account, usual, n_with, n_without in ((small, 100, 4, 5), (large, 1_000_000, 3, 9)):
        for _ in range(n_with):
            tagged(account, "good", plays=usual * 2)
        for _ in range(n_without):
            tagged(account, "other", plays=usual)
    without_it = make_account()
    tagged(without_it, "other", plays=5)
    uplift = row_of(hashtags(acme.id), "good").use.uplift
    assert uplift.value == pytest.approx(1.0), "twice the views in either account"
    assert (uplift.n_with, uplift.n_without) == (7, 14), "posts of accounts that never use it are no comparison"


def test_by_uplift_the_sure_ones_come_first(acme: TenantRef) -> None:
    account = make_account()
    for number in range(12):
        tagged(account, "strong", plays=5_000 + number)
        tagged(account, "weak", plays=1_000 + number)
    tagged(account, "single", plays=90_000)
    assert [row.name for row in hashtags(acme.id, order="uplift")] == ["strong", "weak", "single"]


TAGS = {
    "مخبز_البيت": "مخبز_البيت",
    "रोटी": "रोटी",
    "ขนมปัง": "ขนมปัง",
    "パン作り": "パン作り",
    "🥐": "🥐",
    "Brötchen": "brötchen",
}


def test_hashtags_of_every_script_are_counted_and_shown_as_they_are_written(acme: TenantRef) -> None:
    account = make_account()
    for written in TAGS:
        tagged(account, written, plays=100)
        tagged(account, written, plays=300)
    rows = {row.shown: row for row in hashtags(acme.id)}
    assert {shown: row.name for shown, row in rows.items()} == TAGS
    assert {(row.use.posts, row.use.median_views) for row in rows.values()} == {(2, 200)}
    assert {bubble.shown for bubble in bubbles(account.pk)} == set(TAGS)


def test_hashtags_of_a_creator_are_those_that_the_simulator_knows(cast: Cast, upstream: Caller, noon: datetime) -> None:
    with tenant_scope(cast.acme), both_clocks_at(upstream, noon):
        account = track_now(cast.acme, clean_wish(handle="chai_aur_asha", reason="own", tags=""))
        oldest = Post.objects.earliest("posted_at").posted_at
        truth = upstream.look("truth/hashtags", handle="chai_aur_asha", since=oldest.isoformat())["hashtags"]
        rows = hashtags(cast.acme.id, [account.id])
        known = {next(iter(uses_in(f"#{tag['name']}"))): tag["posts"] for tag in truth}
        assert {row.name: row.use.posts for row in rows} == known


def test_bubbles_are_sized_by_views_and_at_most_forty(acme: TenantRef) -> None:
    account = make_account()
    for number in range(1, 46):
        tagged(account, f"tag{number}", plays=number * 100)
    tagged(make_account(), "theirs", plays=9_000)
    shown = bubbles(account.pk)
    assert len(shown) == 40
    assert [(shown[0].shown, shown[0].views, shown[0].size), (shown[8].shown, shown[8].size)] == [
        ("tag45", 4_500, 1.0),
        ("tag37", 37 / 45),
    ]
    assert len(statements_of(lambda: bubbles(account.pk))) == 1


def test_a_hashtag_without_views_is_no_bubble(acme: TenantRef) -> None:
    account = make_account()
    tagged(account, "unread", plays=None)
    tagged(account, "nothing", plays=0)
    tagged(account, "young", age=timedelta(hours=2))
    assert bubbles(account.pk) == []
    tagged(account, "seen", plays=5)
    assert [each.shown for each in bubbles(account.pk)] == ["seen"]


def test_drilling_down_pages_through_each_post_once(acme: TenantRef) -> None:
    ours, theirs = make_account(), make_account()
    posts = [tagged(ours if number % 2 else theirs, "rye").pk for number in range(7)]
    tag = Hashtag.objects.get(name="rye").pk
    found, after = [], ""
    while True:
        page = posts_with(acme.id, tag, after=after, most=3)
        found += page.ids
        if page.next_key is None:
            break
        after = page.next_key
    assert found == posts[::-1]
    assert posts_with(acme.id, tag, ours.pk).ids == [key for key in posts[::-1] if posts.index(key) % 2]


@pytest.mark.parametrize("key", ["x", "-1", "1.5", "99999999999999999999", "²"])
def test_a_key_that_nobody_gave_is_refused(acme: TenantRef, key: str) -> None:
    with pytest.raises(BadInput):
        posts_with(acme.id, 1, after=key)


def test_an_order_that_does_not_exist_is_refused(acme: TenantRef) -> None:
    with pytest.raises(BadInput, match="cannot be sorted by “name”"):
        hashtags(acme.id, order="name")  # type: ignore[arg-type]


def test_another_tenant_sees_none_of_it(acme: TenantRef, cast: Cast) -> None:
    account = make_account()
    post = tagged(account, "secret")
    Sound.objects.create(music_id="5", author="Beyoncé", first_seen_at=clock.now())
    tag = Hashtag.objects.get(name="secret").pk
    with tenant_scope(cast.rival):
        for tenant_id in (acme.id, cast.rival.id):
            assert hashtags(tenant_id) == hashtags(tenant_id, [account.pk]) == []
            assert posts_with(tenant_id, tag).ids == []
            assert sounds_of_artist(tenant_id, "beyonce") == []
    assert posts_with(acme.id, tag).ids == [post.pk]


def test_lists_are_one_statement_whatever_their_length(acme: TenantRef) -> None:
    for number in range(4):
        account = make_account()
        for tag in range(6):
            tagged(account, f"a{tag} b{number}")
    assert len(statements_of(lambda: hashtags(acme.id))) == 1
    assert len(statements_of(lambda: sounds(acme.id))) == 1


def make_sound(music_id: str, author: str, **fields: object) -> Sound:
    return Sound.objects.create(music_id=music_id, author=author, first_seen_at=clock.now(), **fields)  # type: ignore[misc]


def test_a_sound_tells_who_made_it_how_often_it_is_used_and_by_whom_first(acme: TenantRef) -> None:
    first, second = make_account("first.ear"), make_account()
    make_sound("7", "Mills", title="Oven", original=False, video_count=12_000, measured_at=clock.now())
    begun = make_post(first, sound_id="7", posted_at=clock.now() - 8 * DAY, play_count=4_000)
    for plays in (5_000, 6_000):
        make_post(second, sound_id="7", posted_at=clock.now() - 3 * DAY, play_count=plays)
    make_post(second, sound_id="", posted_at=clock.now() - 3 * DAY)
    make_post(second, sound_id="unknown", posted_at=clock.now() - 3 * DAY)
    [row] = sounds(acme.id)
    assert (row.music_id, row.title, row.author, row.original, row.video_count) == ("7", "Oven", "Mills", False, 12_000)
    assert (row.use.posts, row.use.median_views, row.use.uses_14d) == (3, median([4_000, 5_000, 6_000]), 3)
    assert row.use.first == FirstUse(first.pk, "first.ear", begun.posted_at)
    assert row.use.rising and row.counted_at == clock.now()


@pytest.mark.parametrize("typed", ["beyonce", "BEYONCÉ", " Beyonce\u0301 ", "bey", "Ｂｅｙ"])
def test_posts_by_an_artist_are_found_whatever_the_case_and_the_accents(acme: TenantRef, typed: str) -> None:
    account = make_account()
    make_sound("1", "Beyoncé")
    make_sound("2", "Beyonce & friends")
    make_sound("3", "Not Beyoncé")
    posts = {music: make_post(account, sound_id=music).pk for music in ("1", "2", "3")}
    assert posts_by_artist(acme.id, typed).ids == [posts["2"], posts["1"]]
    assert posts_by_artist(acme.id, typed, []).ids == []


def test_a_whole_name_does_not_find_longer_ones_and_signs_stand_for_themselves(acme: TenantRef) -> None:
    make_sound("1", "Ivy")
    make_sound("2", "Ivy Queen")
    make_sound("3", "100% Ivy_")
    make_sound("4", "")
    assert sounds_of_artist(acme.id, "ivy", match="whole") == ["1"]
    assert sounds_of_artist(acme.id, "100%") == ["3"]
    assert sounds_of_artist(acme.id, "%") == sounds_of_artist(acme.id, "_") == []
    with pytest.raises(BadInput, match="Type the name of an artist"):
        sounds_of_artist(acme.id, "  ")


def test_posts_with_sounds_page_by_key(acme: TenantRef) -> None:
    account = make_account()
    posts = [make_post(account, sound_id="9").pk for _ in range(5)]
    page = posts_with_sounds(acme.id, ["9"], most=3)
    assert page.ids == posts[:1:-1]
    assert posts_with_sounds(acme.id, ["9"], after=page.next_key or "").ids == posts[1::-1]
