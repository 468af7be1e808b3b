"""The tabs of an account's page: what each says with numbers, without any, and at what cost."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from snapshots.analytics.against_before import against_before
from snapshots.analytics.engagement import summary
from snapshots.models import AccountHandle, Comment, FetchJob, Hashtag, Post, PostHashtag, Sound, TrackedAccount
from snapshots.web.account_tabs import TABS
from tests.cast import Cast
from tests.factories import (
    make_account,
    make_comment,
    make_job,
    make_post,
    make_post_snapshot,
    make_sample,
    make_snapshots,
    make_story,
)
from tests.queries import assert_at_most, statements_of
from tests.snapshots.analytics.rows import make_test_account, posted
from tests.snapshots.budgets import STATEMENTS
from tests.snapshots.conftest import browser_of
from tests.snapshots.test_account_page import url
from tests.snapshots.test_pages import HTMX, text_of
from tikdash.db.scope import tenant_scope

BOTS = [f"user{number}" for number in range(1_000_000, 1_000_034)]


def fill(account: TrackedAccount, noon: datetime, *, posts: int = 24) -> list[Post]:
    """Something for each tab: posts with hashtags and sounds, comments, followers, stories, jobs, a new handle."""
    tag = Hashtag.objects.create(name="focaccia", first_seen_at=noon, view_count=5_000, measured_at=noon)
    Sound.objects.create(
        music_id="77", title="Slow rise", author="Band", original=True, first_seen_at=noon, video_count=9
    )
    made = []
    for number in range(posts):
        usual = number % 3
        post = make_post(
            account,
            title=f"Crumb {number}",
            posted_at=noon - timedelta(days=2 + number),
            play_count=1_000 if usual else 3_000,
            sound_id="" if usual else "77",
        )
        if not usual:
            PostHashtag.objects.create(post=post, hashtag=tag, account=account)
        make_comment(post, "I love this bread" if usual else "awful, I hate it", digg_count=number)
        made.append(post)
    make_sample(account, [*BOTS, *(f"reader.{number}" for number in range(166))], total=10_000)
    make_story(account, title="Proofing", posted_at=noon - timedelta(hours=2), expires_at=noon + timedelta(hours=22))
    make_story(account, title="Old one", posted_at=noon - timedelta(days=3), expires_at=noon - timedelta(days=2))
    make_job(account, "comments", cadence_s=21_600, why="every 6 h: the plan’s rhythm", error="TikTok did not answer.")
    AccountHandle.objects.create(account=account, username="crumbs", replaced_at=noon - timedelta(days=1))
    return made


@pytest.fixture
def full(cast: Cast, noon: datetime) -> TrackedAccount:
    """An account of Acme that has something in each tab."""
    with tenant_scope(cast.acme):
        account = make_account("crumb.co")
        make_snapshots(account, [9_000, 9_500, None, 10_000])
        fill(account, noon)
    return account


def page_of(ana: Client, account: TrackedAccount, query: str = "", **headers: Any) -> str:
    response = ana.get(url(account) + query, **headers)
    assert response.status_code == 200
    return " ".join(text_of(response).split())


# --- tabs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tab", TABS)
def test_each_tab_is_a_page_with_links_to_the_others_and_a_piece_for_htmx(
    ana: Client, full: TrackedAccount, tab: str
) -> None:
    page, piece = (page_of(ana, full, f"?tab={tab}", headers=headers) for headers in ({}, HTMX))
    assert re.findall(r'id="tab-(\w+)" href="[^"]+" hx-get="[^"]+" aria-current="page"', page) == [tab]
    assert re.findall(r'id="tab-(\w+)"', page) == list(TABS)
    assert piece.startswith('<div id="account-tab"') and "<html" not in piece and "account-header" not in piece


@pytest.mark.parametrize("tab", TABS)
def test_an_account_without_anything_has_all_tabs_too(cast: Cast, ana: Client, tab: str) -> None:
    with tenant_scope(cast.acme):
        account = make_account(measured_at=None, follower_count=None, heart_count=None, video_count=None)
    assert 'class="empty"' in page_of(ana, account, f"?tab={tab}") or tab == "overview"


def test_a_tab_that_is_not_read_by_the_plan_says_so(cast: Cast) -> None:
    with tenant_scope(cast.rival):
        account = make_account()
    page = page_of(browser_of(cast.rita, "rival.localhost"), account, "?tab=audience")
    assert "Followers: not part of this workspace’s plan" in page or "Followers: read every" in page


@pytest.mark.parametrize(
    "query",
    [
        "tab=price", "tab=hashtags&order=price", "tab=sounds&order=newest", "tab=comments&order=rising",
        "tab=comments&after=x", "tab=posts&post=x", "tab=posts&post=" + "9" * 40, "show=price",
    ],
)  # fmt: skip
def test_what_does_not_exist_is_a_sentence(ana: Client, full: TrackedAccount, query: str) -> None:
    response = ana.get(f"{url(full)}?{query}")
    assert response.status_code == 400 and "This cannot be done" in text_of(response)


def test_an_address_of_posts_without_a_tab_is_still_one(ana: Client, full: TrackedAccount) -> None:
    assert 'id="tab-posts"' in page_of(ana, full, "?sort=-plays")
    assert page_of(ana, full, "?sort=-plays").count("Crumb ") >= 24


# --- head ------------------------------------------------------------------------------------------------------------


def test_the_tiles_have_the_values_of_the_definitions(cast: Cast, ana: Client, noon: datetime) -> None:
    with tenant_scope(cast.acme):
        account = make_test_account()
    page = page_of(ana, account)
    tiles = dict(re.findall(r'<dt><span>([^<]+)</span>.*?<dd class="tile-value"><span[^>]*>([^<]+)</span>', page))
    assert tiles["Engagement rate"] == "6.16 %"
    assert tiles["Median views"] == "1.75 K"
    assert list(tiles) == [
        "Followers", "Hearts", "Posts", "Engagement rate", "Median views", "Posts a week",
    ]  # fmt: skip
    for part in (
        "Σ(likes + comments + shares) / Σ views",
        "newest 30 posts or 90 days",
        "er_views, version 1",
        "4 posts",
    ):
        assert part in page, part


def test_a_tile_without_enough_posts_says_why_and_shows_no_number(cast: Cast, ana: Client) -> None:
    with tenant_scope(cast.acme):
        account = make_account()
        make_snapshots(account, [1])
    page = page_of(ana, account)
    assert "The posts of this account have not been read yet." in page


def test_a_metric_stands_beside_that_of_the_posts_before(cast: Cast, noon: datetime) -> None:
    ids = ("er_views", "views_median", "posts_per_week")
    with tenant_scope(cast.acme):
        account = make_account()
        for number in range(70):
            posted(account, 2 + number, 2_000 if number < 30 else 1_000, 100, 0, 0)
        beside = against_before(tenant_id=cast.acme.id, account_id=account.pk, metric_ids=ids)
        now = summary(tenant_id=cast.acme.id, account_ids=[account.pk])[account.pk].values
    assert {key: each.now for key, each in beside.items()} == {key: now[key] for key in ids}
    views, rate = beside["views_median"], beside["er_views"]
    assert views.before is not None and rate.before is not None and rate.change is not None
    assert (views.before.value, views.before.n, views.change) == (1_000, 30, 1_000)
    assert round(rate.change, 6) == -0.05
    assert beside["posts_per_week"].change == pytest.approx(0, abs=0.3)


def test_nothing_is_compared_with_posts_that_were_not_read(cast: Cast, noon: datetime) -> None:
    with tenant_scope(cast.acme):
        account = make_account()
        for number in range(40):
            posted(account, 2 + number, 1_000, 100, 0, 0)
        beside = against_before(tenant_id=cast.acme.id, account_id=account.pk, metric_ids=["posts_per_week"])
    assert beside["posts_per_week"].before is None and beside["posts_per_week"].change is None


# --- overview --------------------------------------------------------------------------------------------------------


def test_changes_a_day_are_bars_that_span_gaps(ana: Client, full: TrackedAccount) -> None:
    shown = ana.get(url(full, "series.json"), {"show": "change"}).json()
    assert (shown["kind"], shown["values"]) == ("bar", [None, 500, None, 500])
    page = page_of(ana, full, "?show=change")
    assert '+500 <span class="mut">over 2 days</span>' in page and "Followers, change a day" in page
    assert "3 of 4 days read" in page and "+1,000 in all" in page


def test_what_happened_is_marked_on_the_chart_and_written_below(
    cast: Cast, ana: Client, full: TrackedAccount, noon: datetime
) -> None:
    with tenant_scope(cast.acme):
        make_post(full, title="Gone", deleted_at=noon)
    page = page_of(ana, full)
    assert "The handle changed; it was @crumbs." in page and "The post “Gone” vanished." in page
    marks = re.findall(r'data-marks="([^"]+)"', page)
    assert marks and "&quot;2026-11-14&quot;" in marks[0] and "renamed" in marks[0]


def test_the_overview_shows_the_newest_posts_only_and_leads_to_all(ana: Client, full: TrackedAccount) -> None:
    page = page_of(ana, full)
    assert re.findall(r">(Crumb \d+)<", page) == [f"Crumb {number}" for number in range(5)]
    assert f'href="{url(full)}?tab=posts">All posts' in page


# --- posts -----------------------------------------------------------------------------------------------------------


def test_a_post_opens_with_its_curve_and_its_numbers(cast: Cast, ana: Client, full: TrackedAccount) -> None:
    with tenant_scope(cast.acme):
        post = Post.objects.order_by("-posted_at")[0]
        for number, each in enumerate(Post.objects.order_by("-posted_at")[:12]):
            for days in (1, 2):
                at = each.posted_at + timedelta(days=days)
                make_post_snapshot(
                    each, captured_on=at.date(), captured_at=at, play_count=(10 if number else 90) * 1_000 * days
                )
    page = page_of(ana, full, f"?tab=posts&post={post.pk}")
    for part in (
        '<dialog id="drawer" class="drawer" aria-labelledby="drawer-title" open>',
        "9.0× its usual views",
        "Views by age",
        'class="curve-band"',
        'class="curve-own"',
    ):
        assert part in page, part
    assert 'class="chip chip-breakout"' in page and "9.0× at " in page


def test_a_post_of_another_account_is_not_opened(cast: Cast, ana: Client, full: TrackedAccount) -> None:
    with tenant_scope(cast.acme):
        other = make_post(make_account())
    assert ana.get(f"{url(full)}?tab=posts&post={other.pk}").status_code == 404


# --- the other tabs --------------------------------------------------------------------------------------------------


def test_hashtags_have_a_bubble_a_row_and_their_uplift(ana: Client, full: TrackedAccount) -> None:
    page = page_of(ana, full, "?tab=hashtags")
    for part in (
        "<title>#focaccia: 24,000 views, 8 posts</title>",
        "+200 %",
        "8 posts with it, 16 without",
        "@crumb.co",
    ):
        assert part in page, part
    assert "posts of the last 90 days by post date" in page and "1 hashtag" in page


def test_sounds_have_their_artist_and_their_uplift(ana: Client, full: TrackedAccount) -> None:
    page = page_of(ana, full, "?tab=sounds")
    for part in ("Slow rise", "Band", "original", "+200 %", "1 sound"):
        assert part in page, part


def test_the_audience_has_a_share_with_its_interval_and_the_number_of_rows(ana: Client, full: TrackedAccount) -> None:
    page = page_of(ana, full, "?tab=audience")
    for part in ("<b>17.0 %</b> look like bots", "(12.4 % to 22.8 %)", "200 followers read of 10,000"):
        assert part in page, part


def test_too_small_a_sample_gets_no_share_but_a_sentence(cast: Cast, ana: Client) -> None:
    with tenant_scope(cast.acme):
        account = make_account()
        make_sample(account, ["user1234567", "a", "b"])
    page = page_of(ana, account, "?tab=audience")
    assert "Needs a sample of at least 50 followers; it has 3." in page and "look like bots</" not in page


def test_comments_are_searched_sorted_and_judged(ana: Client, full: TrackedAccount) -> None:
    page = page_of(ana, full, "?tab=comments")
    assert "66.7 % kind" in page and "33.3 % unkind" in page and "24 of the newest 24 comments" in page
    assert page_of(ana, full, "?tab=comments&q=awful").count('class="comment"') == 8
    assert "No comment holds these words" in page_of(ana, full, "?tab=comments&q=zebra")
    liked = [
        int(each) for each in re.findall(r"<span>(\d+)</span> likes?", page_of(ana, full, "?tab=comments&order=liked"))
    ]
    assert liked == sorted(liked, reverse=True) and len(liked) == 24


def test_pages_of_comments_meet_each_comment_once(cast: Cast, ana: Client, full: TrackedAccount) -> None:
    with tenant_scope(cast.acme):
        post = Post.objects.filter(account=full)[0]
        for number in range(30):
            make_comment(post, f"Word {number}")
    query, seen = "?tab=comments", []
    while query:
        page = page_of(ana, full, query)
        seen += re.findall(r'<p class="comment-text" dir="auto">([^<]+)</p>', page)
        found = re.findall(r'id="comments-next" rel="next" href="[^?]+([^"]+)"', page)
        query = found[0].replace("&amp;", "&") if found else ""
    assert len(seen) == 54 and len([text for text in set(seen) if text.startswith("Word")]) == 30


def test_stories_say_how_long_they_are_shown(ana: Client, full: TrackedAccount) -> None:
    page = page_of(ana, full, "?tab=stories")
    for part in (
        "On TikTok now",
        "Proofing",
        "22 h left",
        "Past",
        "Old one",
        "expired",
        "2 stories of the last 30 days",
    ):
        assert part in page, part


def test_activity_says_what_is_read_how_often_and_how_it_went(ana: Client, full: TrackedAccount) -> None:
    page = page_of(ana, full, "?tab=activity")
    for part in ("Comments", "every 6 h", "the plan’s rhythm", "TikTok did not answer.", "it was @crumbs"):
        assert part in page, part


def test_what_people_wrote_is_text(cast: Cast, ana: Client, noon: datetime) -> None:
    evil = '<img src=x onerror="alert(1)">'
    with tenant_scope(cast.acme):
        account = make_account()
        post = make_post(account, title=evil, posted_at=noon - timedelta(days=2), sound_id="6")
        tag = Hashtag.objects.create(name=evil, first_seen_at=noon)
        PostHashtag.objects.create(post=post, hashtag=tag, account=account)
        Sound.objects.create(music_id="6", title=evil, author=evil, first_seen_at=noon)
        make_comment(post, evil, author_username=evil)
        make_story(account, title=evil)
        make_sample(account, [f"user{evil}"])
        make_job(account, "posts", error=evil, why=evil)
        make_post(account, title=evil, deleted_at=noon)
    for query in [f"?tab={tab}" for tab in TABS] + [f"?tab=posts&post={post.pk}", f"?tab=comments&q={evil}"]:
        page = page_of(ana, account, query)
        assert "<img src=x" not in page, query


# --- cost ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tab", TABS)
def test_a_tab_sends_the_same_few_statements_however_much_there_is(
    cast: Cast, ana: Client, full: TrackedAccount, noon: datetime, tab: str
) -> None:
    few = statements_of(lambda: ana.get(f"{url(full)}?tab={tab}"))
    assert_at_most(STATEMENTS[f"account_{tab}"], few)
    with tenant_scope(cast.acme):
        more(full, noon)
    assert len(statements_of(lambda: ana.get(f"{url(full)}?tab={tab}"))) == len(few)


def test_what_was_found_of_the_posts_is_found_again_only_after_one_was_read(
    cast: Cast, ana: Client, full: TrackedAccount, noon: datetime
) -> None:
    with tenant_scope(cast.acme):
        ahead = make_post(full, title="Ran ahead", posted_at=noon - timedelta(days=1), play_count=90_000)
        for post in [ahead, *Post.objects.filter(account=full).exclude(pk=ahead.pk)]:
            at = post.posted_at + timedelta(hours=24)
            make_post_snapshot(post, captured_on=at.date(), captured_at=at)

    def look() -> str:
        return page_of(ana, full)

    first, again = statements_of(look), statements_of(look)
    assert len(again) == len(first) - 4
    assert_at_most(STATEMENTS["account_overview_again"], again)
    assert "90,000 against a median" in look()
    with tenant_scope(cast.acme):
        Post.objects.filter(pk=ahead.pk).update(
            play_count=99_000, digg_count=990, measured_at=noon - timedelta(minutes=1)
        )
    assert len(statements_of(look)) > len(again)
    with tenant_scope(cast.acme):
        Post.objects.filter(pk=ahead.pk).delete()
    assert "90,000 against a median" not in look()


def test_an_open_post_and_a_search_send_few_statements(cast: Cast, ana: Client, full: TrackedAccount) -> None:
    with tenant_scope(cast.acme):
        post = Post.objects.filter(account=full)[0]
    assert_at_most(STATEMENTS["account_post"], statements_of(lambda: ana.get(f"{url(full)}?post={post.pk}")))
    search = statements_of(lambda: ana.get(f"{url(full)}?tab=comments&q=awful"))
    assert_at_most(STATEMENTS["account_comments_search"], search)


@pytest.mark.parametrize(
    ("name", "piece"), [("account_header", "header/"), ("account_series", "series.json"), ("account_rows", "posts/")]
)
def test_a_piece_of_the_page_sends_few_statements(ana: Client, full: TrackedAccount, name: str, piece: str) -> None:
    assert_at_most(STATEMENTS[name], statements_of(lambda: ana.get(url(full, piece), headers=HTMX)))


def more(account: TrackedAccount, noon: datetime) -> None:
    """Several times as much of everything."""
    account.snapshots.all().delete()  # type: ignore[attr-defined]
    make_snapshots(account, list(range(60)), suspect={"heart_count": "negative"})
    for number in range(40):
        post = make_post(account, posted_at=noon - timedelta(days=2, hours=number), sound_id=f"9{number}")
        tag = Hashtag.objects.create(name=f"more{number}", first_seen_at=noon)
        PostHashtag.objects.create(post=post, hashtag=tag, account=account)
        Sound.objects.create(music_id=f"9{number}", title=f"Sound {number}", first_seen_at=noon)
        make_comment(post, f"fine {number}")
        make_story(account)
        make_sample(account, ["user1234567"], sampled_at=noon - timedelta(hours=number + 1))
        AccountHandle.objects.create(account=account, username=f"was.{number}", replaced_at=noon)
    for kind in ("profile", "posts", "followers", "stories"):
        make_job(account, kind)
    assert Comment.objects.count() == 64 and FetchJob.objects.count() == 5
