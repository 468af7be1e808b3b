"""The posts of all accounts: filters, orders and pages, and what a form that cannot be used is told."""

from __future__ import annotations

import random
import re
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from accounts.selectors import TenantRef
from snapshots.analytics.all_posts import COLUMNS, ROWS_A_PAGE, FoundPost, FoundPosts, PostFilter, find_posts
from snapshots.models import Hashtag, Post, PostHashtag, Sound, TrackedAccount
from snapshots.web.post_filters import read_form
from tests.cast import Cast
from tests.factories import make_account, make_comment, make_post
from tests.queries import assert_at_most, statements_of
from tests.snapshots.budgets import STATEMENTS
from tests.snapshots.test_pages import HTMX, text_of
from tikdash import clock
from tikdash.db.scope import all_tenants, tenant_scope
from tikdash.errors import BadInput

POSTS = 2 * ROWS_A_PAGE + 17
SORTS = [way + key for key in COLUMNS for way in ("", "-")]


def titles(found: FoundPosts) -> list[str]:
    return [row.post.title for row in found.rows]


def titles_in(response: Any) -> list[str]:
    assert response.status_code == 200
    return re.findall(r"data-post[^>]*>([^<]+)</a>", text_of(response))


def find(tenant: TenantRef, sort: str = "plays", after: str = "", **wanted: Any) -> FoundPosts:
    return find_posts(tenant_id=tenant.id, wanted=PostFilter(**wanted), sort=sort, after=after)


def tag_post(post: Post, *names: str) -> None:
    for name in names:
        tag, _ = Hashtag.objects.get_or_create(name=name, defaults={"cha_name": name, "first_seen_at": clock.now()})
        PostHashtag.objects.create(post=post, account_id=post.account_id, hashtag=tag)


@pytest.fixture
def bakery(acme: TenantRef, noon: datetime) -> dict[str, TrackedAccount]:
    """Two accounts with four posts that differ in everything a filter looks at."""
    lena = make_account("lena.bakes", tracked_reason="own", tags=["bread", "uk"])
    max_ = make_account("max.pranks", tracked_reason="competitor", tags=["uk"])
    Sound.objects.create(music_id="77", title="Café", author="Beyoncé", first_seen_at=noon)
    Sound.objects.create(music_id="78", title="Home", author="lena", first_seen_at=noon)
    numbers = {"digg_count": 80, "comment_count": 10, "share_count": 5, "collect_count": 5}
    loaf = make_post(lena, title="Rye Loaf №5", play_count=1000, posted_at=noon - timedelta(days=1), sound_id="77",
                     **numbers)  # fmt: skip
    bun = make_post(lena, title="Ｂｕｎ 100%_sure", play_count=2000, posted_at=noon - timedelta(days=40), kind="photo",
                    sound_id="78", digg_count=100, comment_count=20, share_count=20, collect_count=10)  # fmt: skip
    prank = make_post(max_, title="Prank", play_count=50_000, posted_at=noon - timedelta(days=2), sound_id="77",
                      digg_count=2500, comment_count=200, share_count=300, collect_count=100)  # fmt: skip
    make_post(max_, title="Unread", play_count=None, digg_count=None, comment_count=None, share_count=None,
              collect_count=None, posted_at=noon - timedelta(days=3))  # fmt: skip
    tag_post(loaf, "bread")
    tag_post(prank, "bread", "fun")
    make_comment(bun, "I like RIVAL bread more")
    make_comment(loaf, "good bread")
    return {"lena": lena, "max": max_}


# --- order and pages -------------------------------------------------------------------------------------------------


@pytest.fixture
def many(acme: TenantRef, noon: datetime) -> list[TrackedAccount]:
    """117 posts of three accounts with ties and with counters that were never given."""
    draw = random.Random(5)
    accounts = [make_account() for _ in range(3)]

    def count() -> int | None:
        return draw.choice([None, 0, 0, 1, 7, 7, 7, 2**40, draw.randrange(10)])

    for number in range(POSTS):
        make_post(
            accounts[number % 7 % 3],
            posted_at=noon - timedelta(hours=number // 3, microseconds=number // 3 * 7 + 1),
            play_count=count(), digg_count=count(), comment_count=count(), share_count=count(), collect_count=count(),
        )  # fmt: skip
    return accounts


def value(row: FoundPost, key: str) -> tuple[float, int]:
    """What a row is sorted by: none counts as the smallest, and the id makes it total."""
    if key == "posted_at":
        return row.post.posted_at.timestamp(), row.post.id
    found = row.er if key == "er" else getattr(row.post, key)
    return (-1 if found is None else found), row.post.id


@pytest.mark.parametrize("sort", SORTS)
def test_pages_meet_every_post_of_all_accounts_exactly_once_in_order(
    acme: TenantRef, many: list[TrackedAccount], sort: str
) -> None:
    pages = [find(acme, sort)]
    while key := pages[-1].next_key:
        pages.append(find(acme, sort, key))
    assert [len(page.rows) for page in pages] == [50, 50, 17]
    rows = [row for page in pages for row in page.rows]
    in_order = sorted(rows, key=lambda row: value(row, sort.removeprefix("-")), reverse=sort.startswith("-"))
    assert [row.post.id for row in rows] == [row.post.id for row in in_order]
    assert {row.post.id for row in rows} == set(Post.objects.values_list("pk", flat=True))


@pytest.mark.parametrize("sort", SORTS)
def test_pages_of_one_account_are_those_of_all_without_the_others(
    acme: TenantRef, many: list[TrackedAccount], sort: str
) -> None:
    one, key, rows = many[1].pk, "", []
    while key is not None:
        page = find_posts(tenant_id=acme.id, wanted=PostFilter(account_ids=(one,)), sort=sort, after=key, most=5)
        rows += [row.post.id for row in page.rows]
        key = page.next_key
    every = find_posts(tenant_id=acme.id, sort=sort, most=200).rows
    # PostgreSQL plans the statement anew for its first five pages, and keeps a plan from then on.
    assert rows == [row.post.id for row in every if row.account_id == one] and len(rows) > 6 * 5


def test_pages_of_looked_up_posts_meet_each_once_too(acme: TenantRef, many: list[TrackedAccount]) -> None:
    for post in Post.objects.all():
        tag_post(post, "all")
    seen: list[int] = []
    key: str | None = ""
    while key is not None:
        page = find(acme, "-er", key, hashtag="all")
        seen += [row.post.id for row in page.rows]
        key = page.next_key
    assert len(seen) == len(set(seen)) == POSTS


@pytest.mark.parametrize("sort", ["", "title", "--plays", "play_count", "plays;--"])
def test_a_sort_that_does_not_exist_is_refused(acme: TenantRef, sort: str) -> None:
    with pytest.raises(BadInput, match="Posts cannot be sorted by"):
        find_posts(tenant_id=acme.id, sort=sort)


@pytest.mark.parametrize("sort", ["-plays", "posted_at", "-er"])
@pytest.mark.parametrize("key", ["x", "5", "5_", "_5", "1_2_3", "9" * 50 + "_1", "5_-1", f"5_{2**63}", "\x00_1"])
def test_a_key_that_no_page_gave_is_refused(acme: TenantRef, sort: str, key: str) -> None:
    with pytest.raises(BadInput, match="Start again from the first page"):
        find_posts(tenant_id=acme.id, sort=sort, after=key)


# --- what is found ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["Unread", "Rye Loaf №5", "Ｂｕｎ 100%_sure", "Prank"]),
        ({"text": "loaf RYE"}, ["Rye Loaf №5"]),
        ({"text": "bun"}, ["Ｂｕｎ 100%_sure"]),
        ({"text": "%_sure"}, ["Ｂｕｎ 100%_sure"]),
        ({"text": "100_"}, []),
        ({"hashtag": "bread"}, ["Rye Loaf №5", "Prank"]),
        ({"hashtag": "fun"}, ["Prank"]),
        ({"hashtag": "nobody"}, []),
        ({"sound": "78"}, ["Ｂｕｎ 100%_sure"]),
        ({"artist": "beyonce"}, ["Rye Loaf №5", "Prank"]),
        ({"artist": "BEY", "hashtag": "fun"}, ["Prank"]),
        ({"mentions": "rival"}, ["Ｂｕｎ 100%_sure"]),
        ({"mentions": "bread"}, ["Rye Loaf №5", "Ｂｕｎ 100%_sure"]),
        ({"mentions": "bread", "hashtag": "bread"}, ["Rye Loaf №5"]),
        ({"reason": "own"}, ["Rye Loaf №5", "Ｂｕｎ 100%_sure"]),
        ({"reason": "own", "hashtag": "bread"}, ["Rye Loaf №5"]),
        ({"reason": "competitor", "mentions": "bread"}, []),
        ({"tag": "bread"}, ["Rye Loaf №5", "Ｂｕｎ 100%_sure"]),
        ({"kind": "photo"}, ["Ｂｕｎ 100%_sure"]),
        ({"least": {"plays": 2000}}, ["Ｂｕｎ 100%_sure", "Prank"]),
        ({"least": {"er": 0.07}}, ["Rye Loaf №5", "Ｂｕｎ 100%_sure"]),
        ({"least": {"plays": 1, "comments": 20, "er": 0.065}}, ["Ｂｕｎ 100%_sure"]),
        ({"since": date(2026, 11, 13)}, ["Rye Loaf №5", "Prank"]),
        ({"since": date(2026, 11, 12), "until": date(2026, 11, 13)}, ["Unread", "Prank"]),
    ],
)
def test_a_filter_finds_what_it_says(
    acme: TenantRef, bakery: dict[str, TrackedAccount], wanted: dict[str, Any], found: list[str]
) -> None:
    assert titles(find(acme, **wanted)) == found


@pytest.mark.parametrize(
    "wanted",
    [
        {"reason": "own"}, {"reason": "competitor"}, {"tag": "uk"}, {"tag": "bread"}, {"kind": "photo"},
        {"since": date(2026, 11, 13)}, {"until": date(2026, 11, 13)}, {"least": {"plays": 1500}},
        {"least": {"plays": 1500.5, "er": 0.07, "shares": 20}}, {"hashtag": "bread"}, {"text": "loaf"}, {},
    ],
)  # fmt: skip
def test_a_filter_of_one_account_finds_its_part(
    acme: TenantRef, bakery: dict[str, TrackedAccount], wanted: dict[str, Any]
) -> None:
    lena = bakery["lena"]
    part = [row.post.title for row in find(acme, **wanted).rows if row.account_id == lena.pk]
    assert titles(find(acme, account_ids=(lena.pk,), **wanted)) == part


def test_a_row_knows_its_account_and_its_rate(acme: TenantRef, bakery: dict[str, TrackedAccount]) -> None:
    found = find(acme, "-er")
    assert [(row.handle, row.er) for row in found.rows] == [
        ("lena.bakes", 0.095), ("lena.bakes", 0.07), ("max.pranks", 0.06), ("max.pranks", None),
    ]  # fmt: skip
    assert found.as_of == max(row.post.as_of for row in found.rows)


def test_posts_of_an_account_that_is_not_tracked_any_more_are_gone_at_once(
    acme: TenantRef, bakery: dict[str, TrackedAccount]
) -> None:
    with all_tenants(acme.schema_name):
        TrackedAccount.objects.filter(pk=bakery["max"].pk).update(removed_at=clock.now())
    assert titles(find(acme)) == ["Rye Loaf №5", "Ｂｕｎ 100%_sure"]
    assert titles(find(acme, hashtag="bread")) == ["Rye Loaf №5"]


def test_a_least_value_holds_in_the_order_of_its_own_metric_too(
    acme: TenantRef, bakery: dict[str, TrackedAccount]
) -> None:
    least = {"plays": 1500, "er": 0.065}
    for sort in ("-plays", "plays", "-er", "er"):
        assert titles(find(acme, sort, least=least)) == ["Ｂｕｎ 100%_sure"]


def test_a_title_that_changes_is_found_by_its_new_words_only(
    acme: TenantRef, bakery: dict[str, TrackedAccount]
) -> None:
    Post.objects.filter(title="Prank").update(title="Surprise ÉTÉ")
    assert titles(find(acme, text="prank")) == []
    assert titles(find(acme, text="été")) == ["Surprise ÉTÉ"]
    Post.objects.filter(title__startswith="Surprise").update(title="")
    assert titles(find(acme, text="surprise")) == []
    Post.objects.get(title="Rye Loaf №5").delete()
    assert titles(find(acme, text="loaf")) == []


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_address_carries_filter_order_and_columns(ana: Client, cast: Cast, bakery: Any) -> None:
    page = ana.get("/posts/?account=%40Lena.Bakes&min_er=7&sort=-plays&columns=plays&columns=collects")
    assert titles_in(page) == ["Ｂｕｎ 100%_sure", "Rye Loaf №5"]
    text = text_of(page)
    assert "ER ≥ 7\u202f%" in text and "account @Lena.Bakes" in text
    heads = re.findall(r'<th scope="col" class="col-(\w+)', text)
    assert heads == ["title", "plays", "collects"]
    # A header's link, a chip's link and the next page keep everything else.
    assert "account=%40Lena.Bakes&amp;min_er=7&amp;columns=plays%2Ccollects&amp;sort=plays" in text
    assert "/posts/?account=%40Lena.Bakes&amp;columns=plays%2Ccollects&amp;sort=-plays" in text


def test_the_list_goes_on_by_itself_and_by_its_link(ana: Client, cast: Cast, many: Any) -> None:
    page = ana.get("/posts/?sort=-plays")
    [following] = re.findall(r'data-more="([^"]+)"', text_of(page))
    following = following.replace("&amp;", "&")
    assert f'<a class="btn" href="{following.replace("&", "&amp;")}">' in text_of(page)
    piece, plain = ana.get(following, headers=HTMX), ana.get(following)
    assert text_of(piece).lstrip().startswith("<tbody") and "<html" not in text_of(piece)
    assert titles_in(piece) == titles_in(plain) and "Back to the first page" in text_of(plain)
    assert len(set(titles_in(page) + titles_in(piece))) == 100


@pytest.mark.parametrize(
    ("query", "field", "sentence"),
    [
        ("min_plays=lots", "f-min_plays", "a whole number, for example 10000"),
        ("min_plays=-5", "f-min_plays", "a whole number"),
        ("min_plays=1e400", "f-min_plays", "a whole number"),
        ("min_er=nan", "f-min_er", "a share in per cent"),
        ("from=tomorrow", "f-from", "year, month and day"),
        ("from=1066-10-14", "f-from", "after 2014"),
        ("to=99999-01-01", "f-to", "year, month and day"),
        ("from=2026-11-20&to=2026-11-01", "f-from", "The first day is after the last one"),
        ("account=nobody.here", "f-account", "@nobody.here is not tracked here"),
        ("account=%00%27", "f-account", "is not a TikTok handle"),
        ("account=" + "+".join(f"@a{n}" for n in range(21)), "f-account", "At most 20 accounts"),
        ("q=" + "x" * 101, "f-q", "at most 100 characters"),
        ("reason=enemy", "f-reason", "There is no reason “enemy”"),
        ("kind=song", "f-kind", "There is no kind “song”"),
        ("sound=abc", "f-sound", "TikTok’s number"),
    ],
)
def test_what_cannot_be_used_gets_a_sentence_beside_its_field(
    ana: Client, bakery: Any, query: str, field: str, sentence: str
) -> None:
    for headers in ({}, HTMX):
        page = ana.get(f"/posts/?{query}", headers=headers)
        assert page.status_code == 422
        text = text_of(page)
        assert f'aria-describedby="{field}-error"' in text
        [said] = re.findall(rf'id="{field}-error">([^<]+)<', text)
        assert sentence in said
        assert ("Rye Loaf" not in text and "<details class=\"as-table more-filters\" open" in text) or field in (
            "f-q", "f-account",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("sort=price", "Posts cannot be sorted by “price”"),
        ("columns=plays,wealth", "There is no column “wealth”"),
        ("min_wealth=5", "There is no metric “wealth”"),
        ("after=x", "Start again from the first page"),
        ("min_plays=5&sort=%27;drop", "Posts cannot be sorted by"),
    ],
)
def test_orders_columns_and_metrics_that_do_not_exist_are_named(
    ana: Client, bakery: Any, query: str, sentence: str
) -> None:
    page = ana.get(f"/posts/?{query}")
    assert page.status_code == 422 and sentence in text_of(page)


@pytest.mark.parametrize(
    ("typed", "key", "value"),
    [
        ("6,5", "er", 0.065), ("6.5 %", "er", 0.065), ("12", "er", 0.12), ("80,000", "plays", 80_000),
        ("80.000", "plays", 80_000), ("80\u202f000", "plays", 80_000), ("1,234,000", "plays", 1_234_000),
    ],
)  # fmt: skip
def test_a_threshold_is_understood_in_every_language_and_links_write_it_in_one(
    cast: Cast, typed: str, key: str, value: float
) -> None:
    form = read_form({f"min_{key}": typed})
    assert form.errors == {} and form.wanted is not None and form.wanted.least == {key: pytest.approx(value)}
    plain = f"{value * 100:g}" if key == "er" else str(value)
    assert form.address("/posts/") == f"/posts/?min_{key}={plain}"
    with translation.override("fr"):
        [chip] = form.chips("/posts/")
        assert chip["text"].replace("\u202f", " ").endswith(f"≥ {plain.replace('.', ',')} %" if key == "er" else "000")


def test_nothing_found_and_nothing_there_say_what_to_do(ana: Client, cast: Cast) -> None:
    assert "No posts yet" in text_of(ana.get("/posts/"))
    nothing = text_of(ana.get("/posts/?q=zebra"))
    assert "No post matches" in nothing and "Show all posts" in nothing


def test_titles_of_others_are_text_and_not_markup(ana: Client, cast: Cast) -> None:
    with tenant_scope(cast.acme):
        make_post(make_account(), title="<script>alert(1)</script>")
    page = text_of(ana.get("/posts/?q=%3Cscript%3E"))
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page


def test_the_file_has_what_the_page_found(ana: Client, bakery: Any) -> None:
    query = "?hashtag=bread&artist=bey&mentions=bread&min_plays=500&q=loaf&sort=-er"
    assert titles_in(ana.get(f"/posts/{query}")) == ["Rye Loaf №5"]
    answer = ana.get(f"/posts/export.csv{query}")
    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert len([line for line in lines if "Rye Loaf" in line]) == 1 and not any("Prank" in line for line in lines)
    assert "/posts/export.xlsx?q=loaf&amp;hashtag=bread" in text_of(ana.get(f"/posts/{query}"))
    assert ana.get("/posts/export.csv?min_plays=x").status_code == 400


# --- one post --------------------------------------------------------------------------------------------------------


def test_a_post_opens_as_a_page_and_as_a_piece(ana: Client, bakery: Any) -> None:
    post = Post.objects.get(title="Prank")
    page, piece = ana.get(f"/posts/{post.pk}/"), ana.get(f"/posts/{post.pk}/", headers=HTMX)
    assert "<html" in text_of(page) and "<html" not in text_of(piece)
    for answer in (page, piece):
        assert "6.00\u202f%" in text_of(answer) and "@max.pranks" in text_of(answer)
        assert "has no sound reading of its first 30 days" in text_of(answer)


def test_posts_of_nobody_and_of_others_do_not_exist(ana: Client, cast: Cast, noon: datetime) -> None:
    with tenant_scope(cast.rival):
        post = make_post(make_account(), title="secret")
    for path in (f"/posts/{post.pk}/", f"/posts/{'9' * 17}/"):
        assert ana.get(path).status_code == 404
    assert "secret" not in text_of(ana.get("/posts/"))


@pytest.mark.parametrize("query", ["", "?q=post&min_plays=1&sort=-er", "?hashtag=all&artist=x"])
def test_the_page_asks_the_same_few_questions_however_much_there_is(ana: Client, cast: Cast, query: str) -> None:
    with tenant_scope(cast.acme):
        tag_post(make_post(make_account()), "all")
    few = statements_of(lambda: ana.get(f"/posts/{query}"))
    with tenant_scope(cast.acme):
        for _ in range(4):
            account = make_account(tags=["one", "two"])
            for _ in range(15):
                tag_post(make_post(account), "all")
    assert len(statements_of(lambda: ana.get(f"/posts/{query}"))) == len(few)
    assert_at_most(STATEMENTS["posts"], few)
