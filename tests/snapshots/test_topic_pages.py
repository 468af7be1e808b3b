"""Hashtags and sounds: rows with use, trend, first adopter and uplift, and the way to their posts."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.test import Client

from accounts.selectors import TenantRef
from snapshots.models import Hashtag, Sound
from tests.cast import Cast
from tests.factories import make_account, make_post
from tests.queries import assert_at_most, statements_of
from tests.snapshots.budgets import STATEMENTS
from tests.snapshots.test_all_posts import tag_post, titles_in
from tests.snapshots.test_pages import HTMX, text_of
from tikdash.db.scope import tenant_scope

PAGES = ["/hashtags/", "/sounds/"]


@pytest.fixture
def kitchen(acme: TenantRef, noon: datetime) -> None:
    """The test values of uplift: five posts with a hashtag and a sound (median 2,800), six without (1,850)."""
    lena = make_account("lena.bakes", tracked_reason="own", tags=["uk"])
    Sound.objects.create(music_id="77", title="Café <b>", author="Beyoncé", original=False, first_seen_at=noon)
    for number, plays in enumerate((2000, 2500, 2800, 3000, 4000)):
        post = make_post(lena, title=f"With {number}", posted_at=noon - timedelta(days=2 + number), play_count=plays,
                         sound_id="77")  # fmt: skip
        tag_post(post, "パン")
    for number, plays in enumerate((1500, 1700, 1800, 1900, 2000, 2100)):
        make_post(lena, title=f"Without {number}", posted_at=noon - timedelta(days=30 + number), play_count=plays)
    Hashtag.objects.update(cha_name="パン", view_count=1_280_000, measured_at=noon)


@pytest.mark.parametrize("path", PAGES)
def test_a_row_has_use_trend_first_adopter_and_uplift(ana: Client, kitchen: None, path: str) -> None:
    page = text_of(ana.get(path))
    for words in ("rising", "@lena.bakes", "9 Nov 2026", "+51.4\u202f%", "n = 5", "before 0", "older than 24 h"):
        assert words in page, words


def test_a_hashtag_leads_to_its_posts(ana: Client, kitchen: None) -> None:
    [url] = re.findall(r'topic-name" href="([^"]+)"[^>]*>#パン<', text_of(ana.get("/hashtags/")))
    assert titles_in(ana.get(url.replace("&amp;", "&"))) == [f"With {number}" for number in range(5)]


def test_a_sound_leads_to_its_posts_and_its_artist(ana: Client, kitchen: None) -> None:
    page = text_of(ana.get("/sounds/"))
    assert "Café &lt;b&gt;" in page
    [url] = re.findall(r'topic-name" href="([^"]+)"', page)
    [artist] = re.findall(r'href="([^"]+)">by Beyoncé<', page)
    for link in (url, artist):
        assert len(titles_in(ana.get(link.replace("&amp;", "&")))) == 5


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("order", ["rising", "posts", "views", "uplift"])
def test_each_order_is_an_address_and_a_piece(ana: Client, kitchen: None, path: str, order: str) -> None:
    page, piece = ana.get(f"{path}?order={order}"), ana.get(f"{path}?order={order}", headers=HTMX)
    assert page.status_code == piece.status_code == 200
    assert re.search(rf'href="{path}\?order={order}"[^>]* aria-current="true"', text_of(page))
    assert text_of(piece).startswith('<section id="topics"')


@pytest.mark.parametrize("path", PAGES)
def test_a_group_stays_in_the_links(ana: Client, kitchen: None, path: str) -> None:
    page = text_of(ana.get(f"{path}?reason=own&tag=uk"))
    assert "reason=own&amp;tag=uk" in re.findall(r'topic-name" href="([^"]+)"', page)[0]
    assert "Nothing in this group" in text_of(ana.get(f"{path}?reason=partner"))


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    ("query", "sentence"),
    [("order=price", "This list cannot be sorted by “price”"), ("reason=enemy", "There is no reason “enemy”")],
)
def test_orders_and_groups_that_do_not_exist_are_sentences(
    ana: Client, kitchen: None, path: str, query: str, sentence: str
) -> None:
    for headers in ({}, HTMX):
        page = ana.get(f"{path}?{query}", headers=headers)
        assert page.status_code == 422 and sentence in text_of(page)


@pytest.mark.parametrize("path", PAGES)
def test_nothing_yet_and_nothing_of_others(ana: Client, cast: Cast, noon: datetime, path: str) -> None:
    with tenant_scope(cast.rival):
        Sound.objects.create(music_id="1", title="secret", author="secret", first_seen_at=noon)
        tag_post(make_post(make_account("secret"), sound_id="1"), "secret")
    page = text_of(ana.get(path))
    assert "secret" not in page and "They appear with the posts" in page


@pytest.mark.parametrize("path", PAGES)
def test_the_page_asks_the_same_few_questions_however_much_there_is(
    ana: Client, cast: Cast, kitchen: None, noon: datetime, path: str
) -> None:
    few = statements_of(lambda: ana.get(path))
    with tenant_scope(cast.acme):
        for number in range(20):
            Sound.objects.create(music_id=f"9{number}", title="More", author="", first_seen_at=noon)
            tag_post(make_post(make_account(), sound_id=f"9{number}"), f"tag{number}")
    assert len(statements_of(lambda: ana.get(path))) == len(few)
    assert_at_most(STATEMENTS[path.strip("/")], few)
