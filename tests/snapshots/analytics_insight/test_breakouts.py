"""Breakouts out of rows: readings within the day, daily rows, doubted values, and what the text says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.selectors import TenantRef
from snapshots.analytics.breakout import Breakout, NotBroken, NotEnough, breakouts, curve, of_post
from snapshots.models import Hashtag, Post, PostHashtag, PostReading, Sound, TrackedAccount
from tests.cast import Cast
from tests.factories import make_account, make_post, make_post_snapshot
from tests.queries import statements_of
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.errors import BadInput, NotFound

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def reading(post: Post, age: timedelta, plays: int | None, suspect: dict[str, str] | None = None) -> None:
    PostReading.objects.create(post=post, measured_at=post.posted_at + age, play_count=plays, suspect=suspect)


def daily(post: Post, age: timedelta, plays: int | None, suspect: dict[str, str] | None = None) -> None:
    at = post.posted_at + age
    make_post_snapshot(post, captured_on=at.date(), captured_at=at, play_count=plays, suspect=suspect)


def past_posts(account: TrackedAccount, n: int = 10, plays: int = 1_000) -> list[Post]:
    """Older posts, a day apart, that had `plays` after a day and 80 % more after two; each tenth like is a like."""
    posts = []
    for number in range(n):
        post = make_post(
            account,
            posted_at=clock.now() - (10 + number) * DAY,
            play_count=plays * 2,
            digg_count=plays // 5,
        )
        daily(post, DAY, plays)
        daily(post, 2 * DAY, plays * 9 // 5)
        posts.append(post)
    return posts


def fresh_post(account: TrackedAccount, plays: int = 12_000, **fields: Any) -> Post:
    """A post of a day ago that was read just now."""
    defaults = {"posted_at": clock.now() - DAY, "play_count": plays, "digg_count": plays // 8, "title": "Rye"}
    post = make_post(account, **defaults | fields)
    daily(post, DAY, plays)
    return post


def test_a_breakout_tells_multiple_age_references_likes_sound_and_tags(acme: TenantRef) -> None:
    account = make_account("lena.bakes")
    past_posts(account)
    Sound.objects.create(music_id="77", title="Oven", author="Mills", first_seen_at=clock.now())
    post = fresh_post(account, sound_id="77")
    tag = Hashtag.objects.create(name="sourdough", first_seen_at=clock.now())
    PostHashtag.objects.create(account=account, post=post, hashtag=tag)

    [found] = breakouts(acme.id)

    assert (found.post_id, found.handle, found.level, found.n, found.plays) == (post.pk, "lena.bakes", 10, 10, 12_000)
    assert (found.multiple, found.usual, found.age) == (12.0, 1_000, DAY)
    assert (found.sound, found.tags) == ("Oven by Mills", ["sourdough"])
    assert (found.reached_at, found.as_of) == (post.posted_at + DAY, post.measured_at)
    assert found.text == (
        "12.0× its usual views at 24 h: 12,000 against a median of 1,000 of 10 posts at that age;"
        " like rate 12.5\u202f% (median 10.0\u202f%); sound “Oven by Mills”; #sourdough."
    )
    assert of_post(post.pk) == found


def test_readings_within_the_day_find_a_breakout_before_the_first_daily_row(acme: TenantRef) -> None:
    account = make_account()
    for each in past_posts(account):
        reading(each, 3 * HOUR, 300)
    post = make_post(account, posted_at=clock.now() - 3 * HOUR, play_count=1_800, digg_count=100)
    reading(post, 3 * HOUR, 1_800)
    [found] = breakouts(acme.id)
    assert (found.post_id, found.level, found.multiple, found.age) == (post.pk, 5, 6.0, 3 * HOUR)


def test_doubted_values_neither_make_a_breakout_nor_a_usual_one(acme: TenantRef) -> None:
    account = make_account()
    for each in past_posts(account):
        reading(each, DAY + HOUR, 900_000, {"play_count": "spike"})
    quiet = make_post(account, posted_at=clock.now() - DAY, play_count=1_500, digg_count=10)
    daily(quiet, 23 * HOUR, 1_500)
    reading(quiet, DAY, 800_000, {"play_count": "spike"})
    loud = fresh_post(account)
    assert [each.post_id for each in breakouts(acme.id)] == [loud.pk]
    assert isinstance(of_post(quiet.pk), NotBroken)


def test_a_rounded_value_and_another_counter_in_doubt_do_not_hide_plays(acme: TenantRef) -> None:
    account = make_account()
    past_posts(account)
    post = make_post(account, posted_at=clock.now() - DAY, play_count=30_000, digg_count=3_000)
    daily(post, DAY, 30_000, {"play_count": "rounded", "digg_count": "zeroed"})
    assert [each.level for each in breakouts(acme.id)] == [25]


def test_with_seven_earlier_posts_it_says_that_there_are_not_enough(acme: TenantRef) -> None:
    account = make_account()
    past_posts(account, 7)
    post = fresh_post(account)
    assert breakouts(acme.id) == []
    found = of_post(post.pk)
    assert isinstance(found, NotEnough)
    assert (found.n, found.reason) == (7, "Needs 8 earlier posts to compare with; 7 are known.")


def test_earlier_posts_that_were_not_read_at_that_age_do_not_count(acme: TenantRef) -> None:
    account = make_account()
    past_posts(account, 12)
    post = make_post(account, posted_at=clock.now() - 4 * HOUR, play_count=9_000)
    reading(post, 4 * HOUR, 9_000)
    found = of_post(post.pk)
    assert isinstance(found, NotEnough)
    assert found.reason == "Needs 8 earlier posts that were read at the same age; there are 0."


def test_later_posts_do_not_change_what_was_said(acme: TenantRef) -> None:
    account = make_account()
    past_posts(account)
    post = make_post(account, posted_at=clock.now() - 5 * DAY, play_count=4_000, digg_count=400)
    daily(post, DAY, 4_000)
    before = of_post(post.pk)
    for hours in range(1, 40):
        daily(make_post(account, posted_at=post.posted_at + hours * HOUR), DAY, 90_000)
    assert isinstance(before, Breakout) and of_post(post.pk) == before


def test_a_late_riser_with_more_likes_than_usual_is_told_by_the_second_rule(acme: TenantRef) -> None:
    account = make_account()
    past_posts(account)
    late = make_post(account, posted_at=clock.now() - 2 * DAY, play_count=2_500, digg_count=500)
    daily(late, DAY, 400)
    daily(late, 2 * DAY, 2_500)
    liked_less = make_post(account, posted_at=clock.now() - 2 * DAY - HOUR, play_count=2_500, digg_count=100)
    daily(liked_less, DAY, 400)
    daily(liked_less, 2 * DAY, 2_500)
    [found] = breakouts(acme.id)
    assert (found.post_id, found.level, found.multiple, found.late) == (late.pk, 0, None, 6.25)
    assert found.text.startswith("6.2× as many views at 48 h as after the first day, with more likes than usual")


def test_only_posts_of_the_range_and_of_the_accounts_that_were_asked_for(acme: TenantRef) -> None:
    ours, theirs = make_account(), make_account()
    past_posts(ours)
    past_posts(theirs)
    mine, other = fresh_post(ours), fresh_post(theirs)
    assert {each.post_id for each in breakouts(acme.id)} == {mine.pk, other.pk}
    assert [each.post_id for each in breakouts(acme.id, [ours.pk])] == [mine.pk]
    assert breakouts(acme.id, []) == []
    with clock.at(clock.now() + 3 * DAY):
        assert breakouts(acme.id, [ours.pk], since=3) == []


def test_another_tenant_sees_none_of_it(acme: TenantRef, cast: Cast) -> None:
    account = make_account()
    past_posts(account)
    post = fresh_post(account)
    with tenant_scope(cast.rival):
        assert breakouts(acme.id) == []
        assert breakouts(cast.rival.id, [account.pk]) == []
        with pytest.raises(NotFound):
            of_post(post.pk)


@pytest.mark.parametrize("days", [0, -1, 367])
def test_a_range_that_cannot_be_is_refused(acme: TenantRef, days: int) -> None:
    with pytest.raises(BadInput):
        breakouts(acme.id, since=days)


def test_the_statements_do_not_grow_with_accounts_and_posts(acme: TenantRef) -> None:
    for _ in range(3):
        account = make_account()
        past_posts(account)
        fresh_post(account)
    assert len(statements_of(lambda: breakouts(acme.id))) == 2
    assert len(breakouts(acme.id)) == 3


def test_a_curve_has_the_posts_own_points_and_the_usual_ones(acme: TenantRef, noon: datetime) -> None:
    account = make_account()
    past_posts(account)
    post = fresh_post(account)
    reading(post, 6 * HOUR, 4_000)
    found = curve(post.pk)
    assert found.points == [(6 * 3600, 4_000), (86_400, 12_000)]
    at = {each.age: each for each in found.usual}
    assert (at[86_400].median, at[86_400].low, at[86_400].high, at[86_400].n) == (1_000, 1_000, 1_000, 10)
    assert (at[3600].median, at[3600].n) == (None, 0)
    assert (found.n, found.reason, found.as_of) == (10, "", noon)
    assert len(statements_of(lambda: curve(post.pk))) == 2


def test_a_curve_without_enough_earlier_posts_says_so(acme: TenantRef) -> None:
    post = fresh_post(make_account())
    found = curve(post.pk)
    assert found.points == [(86_400, 12_000)]
    assert found.reason == "Needs 8 earlier posts to compare with; 0 are known."
