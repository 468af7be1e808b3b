"""What nobody would send, from wire to row and page: stored or refused by rule, and no other row suffers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from django.test import Client

from accounts.selectors import TenantRef
from snapshots.analytics import growth
from snapshots.ingest.normalise import LONGEST_BIO, LONGEST_NAME, LONGEST_TITLE
from snapshots.models import AccountSnapshot, FetchJob, Post, PostSnapshot, TrackedAccount
from snapshots.services.inline import fetch_now
from tests.factories import make_account, make_job, make_post, make_snapshots
from tests.tiklive.upstream import Answer, Upstream, running_upstream
from tikdash import clock
from tikdash.redis import server

LENA = "6950000000000000042"
DAY_S = 86_400


@pytest.fixture
def wire(settings: Any) -> Iterator[Upstream]:
    """An upstream that answers what a test writes, byte by byte; nothing is kept of other answers."""
    server().connection.flushdb()
    with running_upstream() as wire:
        settings.TIKLIVE_BASE_URL = wire.base_url
        settings.TIKLIVE_ATTEMPTS = 1
        yield wire


@pytest.fixture
def lena(acme: TenantRef, wire: Upstream) -> TrackedAccount:
    """Tracked for ten days, with 250,000 hearts and 10,000 followers."""
    account = make_account("lena.bakes", tiktok_user_id=LENA, measured_at=clock.now() - timedelta(days=1))
    with clock.at(clock.now() - timedelta(days=1)):
        make_snapshots(account, [10_000] * 10, following_count=100, digg_count=900)
    for kind in ("profile", "posts"):
        make_job(account, kind)
    return account


def answers(wire: Upstream, body: object, **changes: bytes) -> None:
    """The next body, as JSON; then each marked text in it is replaced by raw bytes."""
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    for mark, written in changes.items():
        raw = raw.replace(mark.encode(), written)
    wire.answer = Answer(raw)


def profile(**stats: Any) -> dict[str, Any]:
    usual = {"followerCount": 10_050, "followingCount": 101, "heartCount": 250_900, "videoCount": 121, "diggCount": 905}
    return {"user": {"id": LENA, "uniqueId": "lena.bakes", "nickname": "Lena"}, "stats": usual | stats}


def row(number: int, **fields: Any) -> dict[str, Any]:
    """A post made `number` hours before noon."""
    made = int(clock.now().timestamp()) - number * 3600
    usual = {
        "video_id": str(7_400_000_000_000_000_000 + number), "title": f"Post {number}", "create_time": made,
        "duration": 15, "play_count": 1_000 + number, "digg_count": 100, "comment_count": 10, "share_count": 5,
        "collect_count": 3, "author": {"id": LENA, "unique_id": "lena.bakes", "nickname": "Lena"},
    }  # fmt: skip
    return usual | fields


def page(*rows: Any, **more: Any) -> dict[str, Any]:
    return {"videos": list(rows), "cursor": "0", "hasMore": False} | more


def read(acme: TenantRef, kind: str) -> tuple[str, str]:
    """How a run ends, and what it says."""
    [report] = fetch_now(acme, "lena.bakes", kind)
    return report.outcome, report.text


def stored(number: int) -> Post:
    return Post.objects.get(aweme_id=str(7_400_000_000_000_000_000 + number))


def assert_as_sent(*numbers: int) -> None:
    """These rows of a page are stored as they came, whatever stood beside them."""
    for number in numbers:
        post = stored(number)
        assert (post.title, post.play_count, post.digg_count) == (f"Post {number}", 1_000 + number, 100)
        assert (post.posted_at, post.deleted_at) == (clock.now() - timedelta(hours=number), None)
        snapshot = PostSnapshot.objects.get(post_id=post.pk)
        assert (snapshot.play_count, snapshot.state, snapshot.suspect) == (1_000 + number, 0, None)


def today_of(account: TrackedAccount) -> AccountSnapshot:
    return AccountSnapshot.objects.get(account_id=account.pk, captured_on=clock.today())


# --- counters of accounts --------------------------------------------------------------------------------------------


def test_hearts_below_zero_are_kept_in_their_row_and_nowhere_else(
    acme: TenantRef, lena: TrackedAccount, wire: Upstream
) -> None:
    answers(wire, profile(heartCount=-977_433_948))
    assert read(acme, "profile") == ("ok", "10050 followers; heart_count negative")
    today = today_of(lena)
    assert (today.heart_count, today.suspect) == (-977_433_948, {"heart_count": "negative"})
    assert (today.follower_count, today.video_count) == (10_050, 121), "the others count"
    lena.refresh_from_db()
    assert (lena.heart_count, lena.follower_count) == (250_000, 10_050)
    assert growth.series(lena.pk, "heart_count", 30).values == [250_000] * 10 + [None]
    assert growth.series(lena.pk, "follower_count", 30).values == [10_000] * 10 + [10_050]


def test_stats_of_nothing_but_zeros_change_no_number_that_people_see(
    acme: TenantRef, lena: TrackedAccount, wire: Upstream
) -> None:
    answers(wire, profile(**dict.fromkeys(profile()["stats"], 0)))
    assert read(acme, "profile")[0] == "ok"
    today = today_of(lena)
    assert (today.follower_count, today.heart_count, today.get_state_display()) == (0, 0, "zeroed")
    doubted = {"follower_count": "zeroed", "heart_count": "zeroed", "video_count": "zeroed", "digg_count": "zeroed"}
    assert today.suspect == doubted | {"following_count": "spike"}, "100 that are followed could be none, but were not"
    lena.refresh_from_db()
    assert (lena.follower_count, lena.heart_count, lena.video_count) == (10_000, 250_000, 120)
    for counter in doubted:
        assert growth.series(lena.pk, counter, 30).values[-1] is None


@pytest.mark.parametrize(
    ("sent", "kept", "state"),
    [
        (b"9223372036854775807", 2**63 - 1, "spike"),
        (b"9223372036854775808", None, "missing"),
        (b"-9223372036854775809", None, "missing"),
        (b"123456789012345678901234567890", None, "missing"),
        (b"1e400", None, "missing"),
        (b"10050.5", None, "missing"),
        (b'"10050"', 10_050, None),
        (b'" 10050 "', 10_050, None),
        (b'"10.1K"', None, "missing"),
        (b'""', None, "missing"),
        (b"true", None, "missing"),
        (b"NaN", None, "missing"),
        (b"{}", None, "missing"),
        (b"[10050]", None, "missing"),
    ],
)
def test_a_number_that_is_none_is_missing_and_its_neighbours_are_not(
    acme: TenantRef, lena: TrackedAccount, wire: Upstream, sent: bytes, kept: int | None, state: str | None
) -> None:
    answers(wire, profile(followerCount="MARK"), **{'"MARK"': sent})
    assert read(acme, "profile")[0] == "ok"
    today = today_of(lena)
    assert today.follower_count == kept
    assert (today.suspect or {}).get("follower_count") == state
    assert (today.following_count, today.heart_count, today.video_count, today.digg_count) == (101, 250_900, 121, 905)
    lena.refresh_from_db()
    assert lena.follower_count == (kept if state is None else 10_000)


def test_a_profile_without_any_usable_counter_changes_nothing(
    acme: TenantRef, lena: TrackedAccount, wire: Upstream
) -> None:
    answers(wire, profile(**dict.fromkeys(profile()["stats"], "MARK")), **{'"MARK"': str(2**70).encode()})
    assert read(acme, "profile")[0] == "bad_payload"
    assert not AccountSnapshot.objects.filter(captured_on=clock.today()).exists()
    assert FetchJob.objects.get(kind="profile").attempts == 1, "it is tried again"


# --- texts -----------------------------------------------------------------------------------------------------------


def test_texts_of_a_profile_are_cleaned_and_cut(acme: TenantRef, lena: TrackedAccount, wire: Upstream) -> None:
    body = profile()
    body["user"] |= {"nickname": "Le\0na " + "n" * 5_000, "signature": "bio " * 5_000, "secUid": "S" * 900}
    body["user"] |= {"avatarMedium": "https://p16.example/" + "a" * 5_000}
    answers(wire, body)
    assert read(acme, "profile")[0] == "ok"
    lena.refresh_from_db()
    assert lena.nickname.startswith("Lena nnn") and len(lena.nickname) == LONGEST_NAME
    assert len(lena.bio) == LONGEST_BIO and len(lena.sec_uid) == 120
    assert lena.avatar_url == "", "an address that was cut leads nowhere"
    assert lena.follower_count == 10_050


TEXTS = {
    "nul": ("before\0after", "beforeafter"),
    "controls": ("a\x01b\x1fc\x08d", "abcd"),
    "line ends and tabs": ("a\tb\nc", "a\tb\nc"),
    "10,000 characters": ("x" * 10_000, "x" * LONGEST_TITLE),
    "10,000 faces": ("👩🏽‍🍳" * 2_500, ("👩🏽‍🍳" * 2_500)[:LONGEST_TITLE]),
    "joined emoji": ("👨‍👩‍👧‍👦 🏳️‍🌈 🧑🏻‍💻", "👨‍👩‍👧‍👦 🏳️‍🌈 🧑🏻‍💻"),
    "right to left": ("‮أجمل فيديو‬ #اليوم", "‮أجمل فيديو‬ #اليوم"),
    "combining marks": ("Z̸̢̛a̴l̷g̵o #हिन्दी", "Z̸̢̛a̴l̷g̵o #हिन्दी"),
    "markup": ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    "sql": ("'); DROP TABLE posts; --", "'); DROP TABLE posts; --"),
    "nothing": ("", ""),
    "null": (None, ""),
    "a number": (17, ""),
    "an object": ({"text": "x"}, ""),
}


@pytest.mark.parametrize(("sent", "kept"), TEXTS.values(), ids=TEXTS.keys())
def test_a_title_of_any_kind_is_stored_by_rule(
    acme: TenantRef, lena: TrackedAccount, wire: Upstream, sent: object, kept: str
) -> None:
    answers(wire, page(row(1), row(2, title=sent), row(3)))
    assert read(acme, "posts") == ("ok", "3 posts on 1 page, 3 new, 0 gone, 0 back")
    assert (stored(2).title, stored(2).play_count) == (kept, 1_002)
    assert_as_sent(1, 3)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (rb"half \ud83d of a pair", "half \ufffd of a pair"),
        (rb"\udc00", "\ufffd"),
        (rb"\ud83e\udd50", "🥐"),
        (b"not \xff\xfe UTF-8", "not \ufffd\ufffd UTF-8"),
        (b"a raw \x00 and \x01", "a raw  and "),
        (rb"\u0000", ""),
    ],
)
def test_bytes_that_no_encoder_writes_spoil_their_own_title_only(
    acme: TenantRef, lena: TrackedAccount, wire: Upstream, written: bytes, kept: str
) -> None:
    answers(wire, page(row(1), row(2, title="MARK"), row(3)), MARK=written)
    assert read(acme, "posts")[0] == "ok"
    assert stored(2).title == kept
    assert_as_sent(1, 3)


def test_markup_in_a_title_is_text_on_the_page(
    acme: TenantRef, lena: TrackedAccount, wire: Upstream, ana: Client
) -> None:
    attack = "<img src=x onerror=alert(1)>\"'</td>{{ 7|add:7 }}"
    answers(wire, page(row(1, title=attack), row(2)))
    assert read(acme, "posts")[0] == "ok"
    html = ana.get(f"/accounts/{lena.pk}/").content.decode()
    assert "&lt;img src=x onerror=alert(1)&gt;&quot;&#x27;&lt;/td&gt;{{ 7|add:7 }}" in html
    assert "<img src=x" not in html and "Post 2" in html


# --- times -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "moment",
    [0, 1, -1, -(2**63), 2**63 - 1, 2**70, 1_388_534_399, 4_102_444_800, None, "soon", "1731672000000", 1.5, True],
    ids=["1970", "1970 + 1 s", "1969", "least", "most", "beyond 64 bits", "2013", "2100", "none", "a word", "ms",
         "float", "true"],
)  # fmt: skip
def test_a_post_of_1970_or_2100_or_of_no_time_is_refused_and_flags_nothing(
    acme: TenantRef, lena: TrackedAccount, wire: Upstream, moment: object
) -> None:
    known = make_post(lena, aweme_id="7399999999999999999", posted_at=clock.now() - timedelta(hours=2))
    body = orjson.dumps(page(row(1), row(2, create_time="MARK"), row(3)))
    written = str(moment).encode() if type(moment) is int else orjson.dumps(moment)
    wire.answer = Answer(body.replace(b'"MARK"', written))
    assert read(acme, "posts") == ("ok", "2 posts on 1 page, 2 new, 0 gone, 0 back")
    assert not Post.objects.filter(aweme_id="7400000000000000002").exists()
    assert_as_sent(1, 3)
    known.refresh_from_db()
    assert known.deleted_at is None, "the page was not read as a whole"


def test_posts_at_the_edges_of_what_is_believed_are_stored(
    acme: TenantRef, lena: TrackedAccount, wire: Upstream, noon: datetime
) -> None:
    oldest, newest = 1_388_534_400, int(noon.timestamp()) + DAY_S
    answers(wire, page(row(1, create_time=newest), row(2, create_time=str(oldest)), row(3)))
    assert read(acme, "posts")[0] == "ok"
    assert [stored(number).posted_at.timestamp() for number in (1, 2)] == [newest, oldest]
    assert_as_sent(3)


# --- rows and pages --------------------------------------------------------------------------------------------------


def test_an_id_that_comes_twice_in_a_page_is_one_post(acme: TenantRef, lena: TrackedAccount, wire: Upstream) -> None:
    answers(wire, page(row(1), row(2), row(2, title="again", play_count=9), row(1), row(3)))
    assert read(acme, "posts") == ("ok", "3 posts on 1 page, 3 new, 0 gone, 0 back")
    assert Post.objects.count() == PostSnapshot.objects.count() == 3
    assert_as_sent(1, 2, 3)


@pytest.mark.parametrize(
    "odd",
    [None, 17, "text", [], {}, {"video_id": None}, {"video_id": ""}, {"video_id": "v09044g40000"}, {"video_id": "-5"},
     {"video_id": "9" * 40}, {"video_id": 2**63}, {"video_id": True}],
    ids=str,
)  # fmt: skip
def test_a_row_that_is_no_post_is_left_out_and_flags_nothing(
    acme: TenantRef, lena: TrackedAccount, wire: Upstream, odd: Any
) -> None:
    known = make_post(lena, aweme_id="7399999999999999999", posted_at=clock.now() - timedelta(hours=2))
    sent = row(2) | odd if isinstance(odd, dict) and odd else odd
    answers(wire, page(row(1), sent, row(3)))
    assert read(acme, "posts") == ("ok", "2 posts on 1 page, 2 new, 0 gone, 0 back")
    assert_as_sent(1, 3)
    known.refresh_from_db()
    assert known.deleted_at is None


def test_counters_of_posts_are_judged_one_by_one(acme: TenantRef, lena: TrackedAccount, wire: Upstream) -> None:
    answers(wire, page(row(1), row(2), row(3)))
    read(acme, "posts")
    odd = {"play_count": -5, "digg_count": 0, "comment_count": None, "share_count": "7", "collect_count": 2.5}
    make_post(lena, aweme_id="7399999999999999999", posted_at=clock.now() - timedelta(days=1000))
    Post.objects.filter(aweme_id=stored(2).aweme_id).update(digg_count=500)
    answers(wire, page(row(1), row(2, **odd), row(3), hasMore=True))
    FetchJob.objects.update(requested_at=clock.now(), succeeded_at=None)
    with clock.at(clock.now() + timedelta(days=1)):
        [report] = fetch_now(acme, "lena.bakes", "posts")
        assert report.outcome == "ok"
        snapshot = PostSnapshot.objects.get(post_id=stored(2).pk, captured_on=clock.today())
    assert (snapshot.play_count, snapshot.digg_count, snapshot.comment_count, snapshot.share_count) == (-5, 0, None, 7)
    states = {"play_count": "negative", "digg_count": "zeroed", "comment_count": "missing", "collect_count": "missing"}
    assert snapshot.suspect == states
    post = stored(2)
    newest = (post.play_count, post.digg_count, post.comment_count, post.share_count, post.collect_count)
    assert newest == (1_002, 500, 10, 7, 3)


def test_a_page_of_five_megabytes_is_read_and_of_nine_refused(
    acme: TenantRef, lena: TrackedAccount, wire: Upstream
) -> None:
    known = make_post(lena, aweme_id="7399999999999999999", posted_at=clock.now() - timedelta(days=3))
    large = page(*(row(number, title="x" * 5_000) for number in range(10, 1_000)), row(1), row(2))
    answers(wire, large)
    assert 5_000_000 < len(wire.answer.body) < 8 * 1024 * 1024
    outcome, text = read(acme, "posts")
    assert (outcome, text[:5]) == ("ok", "992 p")
    assert Post.objects.count() == 993 and len(stored(500).title) == LONGEST_TITLE
    assert_as_sent(1, 2)
    known.refresh_from_db()
    before = set(Post.objects.values_list("aweme_id", "deleted_at", "play_count"))
    answers(wire, page(*(row(number, title="x" * 9_000) for number in range(2_000, 3_000))))
    assert len(wire.answer.body) > 8 * 1024 * 1024
    FetchJob.objects.update(requested_at=clock.now(), succeeded_at=None)
    with clock.at(clock.now() + timedelta(hours=1)):
        [report] = fetch_now(acme, "lena.bakes", "posts")
    assert report.outcome == "bad_payload"
    assert set(Post.objects.values_list("aweme_id", "deleted_at", "play_count")) == before
    assert FetchJob.objects.get(kind="posts").attempts == 1


def test_a_body_that_is_nested_too_deeply_is_refused(acme: TenantRef, lena: TrackedAccount, wire: Upstream) -> None:
    answers(wire, b'{"videos":' + b"[" * 200_000 + b"]" * 200_000 + b"}")
    assert read(acme, "posts")[0] == "bad_payload"
    assert not Post.objects.exists()
