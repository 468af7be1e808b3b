"""From bytes of the upstream to rows: what is odd but true is kept, what cannot be true is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from accounts.selectors import TenantRef
from snapshots.ingest.normalise import LONGEST_TITLE, POST_COUNTERS, PostRow, PostRows, post_rows, profile_row
from snapshots.ingest.upsert import store_posts, store_profile
from snapshots.models import Post
from tests.factories import make_account
from tikdash import clock
from tikdash.tiklive.shapes import decode_post_page, decode_userinfo

NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)
POSTED = int(datetime(2026, 11, 10, 9, 30, tzinfo=UTC).timestamp())
AUTHOR = "6950000000000000001"
SCRIPTS = [
    "Pain au levain 🥐 #boulangerie",
    "مطبخ نور: خبز الصباح #خبز",
    "बेकरी की सुबह #रोटी",
    "ひかるの猫、朝ごはん #猫",
    "ครัวคุณพลอย #อาหารไทย",
    "မုန့်ဖုတ် #မနက်",
    "Чинить, а не выбрасывать #ремонт",
    "𝓑𝓸𝓵𝓭 👩‍👩‍👧‍👦 🇩🇪 a\u0301 \u202etfel\u202c",
    "quotes \" and \\ and {braces}, NULL, %s ' ; --",
    "two\nlines\tand a tab",
]


def video(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "video_id": str(7_400_000_000_000_000_000 + number),
        "title": "Bread",
        "duration": 31,
        "create_time": POSTED,
        "play_count": 1000,
        "digg_count": 80,
        "comment_count": 10,
        "share_count": 5,
        "collect_count": 5,
        "author": {"id": AUTHOR, "unique_id": "lena.bakes"},
    } | fields


def rows_of(*videos: dict[str, Any]) -> PostRows:
    body = orjson.dumps({"videos": list(videos), "cursor": "0", "hasMore": False})
    return post_rows(decode_post_page(body), author_id=AUTHOR, now=NOW)


def row_of(**fields: Any) -> PostRow:
    [row] = rows_of(video(**fields)).rows
    return row


def test_a_post_keeps_id_title_time_length_and_all_five_counters() -> None:
    row = row_of()
    assert (row.aweme_id, row.title, row.kind, row.duration_s) == ("7400000000000000001", "Bread", "video", 31)
    assert row.posted_at == datetime(2026, 11, 10, 9, 30, tzinfo=UTC)
    assert list(row.counters) == list(POST_COUNTERS)
    assert list(row.counters.values()) == [1000, 80, 10, 5, 5]


def test_a_photo_post_is_a_photo() -> None:
    assert row_of(duration=0, images=["https://p16.example/1.jpg"]).kind == "photo"
    assert row_of(images=None).kind == "video"


@pytest.mark.parametrize("title", [None, ""])
def test_a_post_without_a_title_is_a_post(title: str | None) -> None:
    assert row_of(title=title).title == ""


def test_a_counter_that_is_not_there_is_unknown_and_not_zero() -> None:
    lacking = video()
    del lacking["collect_count"]
    [row] = rows_of(lacking | {"share_count": None}).rows
    assert row.counters["collect_count"] is None and row.counters["share_count"] is None
    assert row_of(collect_count=0).counters["collect_count"] == 0


@pytest.mark.parametrize(
    "seconds",
    [0, 1, -1, None, 1_300_000_000, int(datetime(2100, 1, 1, tzinfo=UTC).timestamp()), 2**40, 2**63 - 1, POSTED * 1000],
)
def test_a_post_dated_1970_or_2100_or_not_at_all_is_refused_and_counted(seconds: int | None) -> None:
    page = rows_of(video(1), video(2, create_time=seconds))
    assert [row.aweme_id[-1] for row in page.rows] == ["1"]
    assert page.refused == 1


def test_a_clock_that_is_a_little_ahead_upstream_is_forgiven() -> None:
    assert row_of(create_time=int(NOW.timestamp()) + 3600).posted_at > NOW


def test_a_post_that_comes_twice_is_taken_once() -> None:
    page = rows_of(video(1, play_count=5), video(2), video(1, play_count=6), video(2))
    assert [(row.aweme_id[-1], row.counters["play_count"]) for row in page.rows] == [("1", 5), ("2", 1000)]
    assert page.refused == 0


def test_the_authors_handle_is_the_one_that_most_of_its_own_rows_give() -> None:
    guest = {"id": "111", "unique_id": "guest"}
    page = rows_of(
        video(1, author=guest),
        video(2, author=guest),
        video(3, author={"id": AUTHOR, "unique_id": "Lena.Bakes"}),
        video(4, author={"id": AUTHOR, "unique_id": "lena.bakes"}),
        video(5, author={"id": AUTHOR, "unique_id": "oldname"}),
    )
    assert page.author_handle == "lena.bakes"
    assert rows_of(video(1, author=guest), video(2, author=None)).author_handle == ""


@pytest.mark.parametrize("duration", [-4, 86_401, 2**40, None])
def test_a_length_that_no_post_has_is_unknown(duration: int | None) -> None:
    assert row_of(duration=duration).duration_s is None


@pytest.mark.parametrize("cover", ["javascript:alert(1)", "ftp://x/y", "https://x/" + "y" * 1000, "", None])
def test_an_address_that_no_page_may_use_is_dropped(cover: str | None) -> None:
    assert row_of(cover=cover).cover_url == ""


def test_every_script_a_title_of_10000_characters_and_nul_go_through_the_database_unharmed(acme: TenantRef) -> None:
    titles = [*SCRIPTS, "長" * 10_000, "before\x00after"]
    account = make_account()
    page = rows_of(*(video(number, title=title) for number, title in enumerate(titles)))
    store_posts(account.pk, page.rows, measured_at=clock.now())
    stored = list(Post.objects.order_by("aweme_id").values_list("title", flat=True))
    assert stored[: len(SCRIPTS)] == SCRIPTS
    assert stored[-2] == "長" * LONGEST_TITLE
    assert "\x00" not in stored[-1] and stored[-1].startswith("before") and stored[-1].endswith("after")


def test_a_profile_with_long_and_odd_texts_is_stored_within_its_columns(acme: TenantRef) -> None:
    user = {
        "id": AUTHOR,
        "uniqueId": "Lena.Bakes",
        "nickname": "ň\x00" * 5000,
        "signature": "bio " * 5000,
        "secUid": "s" * 5000,
        "avatarMedium": "https://p16.example/" + "a" * 5000,
        "verified": None,
    }
    body = orjson.dumps({"user": user, "stats": {"followerCount": 3_000_000_000, "heartCount": 2**40}})
    row = profile_row(decode_userinfo(body))
    assert (row.username, row.verified, row.avatar_url) == ("lena.bakes", False, "")
    account = make_account()
    store_profile(account.pk, row, measured_at=clock.now())
    account.refresh_from_db()
    assert (account.follower_count, account.heart_count) == (3_000_000_000, 2**40)
    assert len(account.nickname) == 200 and "\x00" not in account.nickname
