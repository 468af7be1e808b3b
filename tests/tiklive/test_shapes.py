"""Bodies as the upstream may send them, and what becomes of them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tiklive.bodies import (
    COUNTERS,
    JSON_VALUES,
    PAGE,
    ROW,
    USER,
    USERINFO,
    encoded,
    places_in,
    with_value_at,
)
from tikdash.tiklive.errors import BadPayload
from tikdash.tiklive.shapes import (
    Post,
    PostPage,
    UserStats,
    clean_text,
    decode_post_page,
    decode_userid,
    decode_userinfo,
)


def page_of(*rows: object, **changes: object) -> PostPage:
    return decode_post_page(encoded({**PAGE, "videos": list(rows), **changes}))


def post_with(**changes: object) -> Post:
    return page_of({**ROW, **changes}).videos[0]


def test_page_of_posts_is_read_whole() -> None:
    page = page_of(ROW)
    post = page.videos[0]
    assert (page.cursor, page.has_more, page.dropped) == ("1639312724000", True, 0)
    assert (post.id, post.play_count, post.create_time) == (
        "7201234567890123456",
        5_000_000_000,
        1_700_000_000,
    )
    assert post.author is not None
    assert post.author.unique_id == "lena.bakes"
    assert post.music_info is not None
    assert post.music_info.original is True
    assert not post.is_photo
    assert not post.is_pinned


@pytest.mark.parametrize(
    ("ids", "resolved"),
    [
        ({"video_id": "71", "id": "72", "aweme_id": "73"}, "71"),
        ({"video_id": "v0f0", "id": "72", "aweme_id": "73"}, "72"),
        ({"video_id": None, "aweme_id": "73"}, "73"),
        ({"video_id": 7_201_234_567_890_123_456}, "7201234567890123456"),
        ({"video_id": "", "id": "٧٢", "aweme_id": "73"}, "73"),
        ({"video_id": "99999999999999999999", "id": "72"}, "72"),
        ({"video_id": True, "id": [1], "aweme_id": "73"}, "73"),
        ({"video_id": "7\x002", "id": "72", "aweme_id": "73"}, "72"),
        ({"video_id": 2**63, "id": "72"}, "72"),
    ],
)
def test_post_id_is_the_first_value_that_is_all_digits(ids: dict[str, object], resolved: str) -> None:
    bare = {name: value for name, value in ROW.items() if name not in ("video_id", "id", "aweme_id")}
    assert page_of({**bare, **ids}).videos[0].id == resolved


def test_ids_that_are_no_ids_are_not_kept_beside_the_resolved_one() -> None:
    post = post_with(video_id="7\x002", id="72", aweme_id=2**63)
    assert (post.id, post.video_id, post.aweme_id) == ("72", None, None)


def test_unusable_rows_are_dropped_and_counted_and_spoil_nothing() -> None:
    nameless = {name: value for name, value in ROW.items() if name not in ("video_id", "aweme_id")}
    page = page_of(None, ROW, 7, "row", [], {}, nameless, {**ROW, "video_id": "72"})
    assert [post.id for post in page.videos] == ["7201234567890123456", "72"]
    assert page.dropped == 6
    assert page_of(ROW, nameless).dropped == 1


def test_page_without_one_usable_row_is_no_empty_page() -> None:
    with pytest.raises(BadPayload) as caught:
        page_of({"title": "no id"}, None)
    assert caught.value.reason == "no_usable_rows"


def test_empty_page_is_a_page() -> None:
    assert page_of(hasMore=False) == PostPage((), "1639312724000", False, 0)


@pytest.mark.parametrize(
    "body",
    [{}, {"videos": None}, {"videos": {}}, {"videos": "x"}, {"cursor": "0"}, [], [ROW], None, 5, "text"],
)
def test_body_without_a_list_of_videos_is_bad_payload(body: object) -> None:
    with pytest.raises(BadPayload) as caught:
        decode_post_page(encoded(body))
    assert caught.value.reason == "wrong_shape"


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        (True, True),
        (1, True),
        ("1", True),
        ("true", True),
        (False, False),
        (0, False),
        (None, False),
        ([], False),
    ],
)
def test_has_more_in_every_form(sent: object, meant: bool) -> None:
    assert page_of(ROW, hasMore=sent).has_more is meant


def test_missing_has_more_and_cursor_end_the_paging() -> None:
    page = decode_post_page(encoded({"videos": [ROW]}))
    assert (page.cursor, page.has_more) == ("", False)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b'"1639312724000"', "1639312724000"),
        (b"30", "30"),
        (b"123456789012345678901234567890", "123456789012345678901234567890"),
        (b"1.5e12", "1.5e12"),
        (b'"a+b/c=="', "a+b/c=="),
        (b"null", ""),
        (b"{}", ""),
    ],
)
def test_cursor_is_kept_digit_by_digit(sent: bytes, kept: str) -> None:
    assert decode_post_page(b'{"videos":[],"cursor":' + sent + b"}").cursor == kept


@pytest.mark.parametrize("name", ["share_count", "download_count", "collect_count", "play_count", "create_time"])
def test_missing_count_is_none_and_never_zero(name: str) -> None:
    row = {key: value for key, value in ROW.items() if key != name}
    assert getattr(page_of(row).videos[0], name) is None
    assert getattr(post_with(**{name: None}), name) is None
    assert getattr(post_with(**{name: 0}), name) == 0


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("1234", 1234),
        (" 7 ", 7),
        ("-5", -5),
        (-5, -5),
        (2**63 - 1, 2**63 - 1),
        (2**63, None),
        (10**30, None),
        (-(2**63), -(2**63)),
        (-(2**63) - 1, None),
        ("9" * 5000, None),
        (1.5, None),
        (5.0, None),
        ("1,200", None),
        ("1_000", None),
        ("٣", None),
        ("", None),
        (True, None),
        ([1], None),
        ({}, None),
    ],
)
def test_count_is_a_64_bit_integer_or_none(sent: object, kept: int | None) -> None:
    post = post_with(play_count=sent)
    assert post.play_count == kept
    assert type(post.play_count) is type(kept)
    assert post.digg_count == 20


@pytest.mark.parametrize(("sent", "kept"), [("15", 15), (15, 15), ("", None), (None, None), (1.5, None)])
def test_duration_of_a_sound_may_be_a_string(sent: object, kept: int | None) -> None:
    music = post_with(music_info={"id": "71", "duration": sent}).music_info
    assert music is not None
    assert music.duration == kept


@pytest.mark.parametrize("sent", [None, [], "x", 5])
def test_post_may_have_no_sound_and_no_author(sent: object) -> None:
    post = post_with(music_info=sent, author=sent)
    assert post.music_info is None
    assert post.author is None


def test_author_without_id() -> None:
    author = post_with(author={"unique_id": "old"}).author
    assert author is not None
    assert (author.id, author.unique_id) == (None, "old")


def test_titles_and_images() -> None:
    assert post_with(title=None).title is None
    assert post_with(title="").title == ""
    assert post_with(title=5).title is None
    assert post_with(images=None).images is None
    assert not post_with(images=[]).is_photo
    assert post_with(images=["a", None, "b"]).images == ("a", "b")
    assert post_with(images=["a"], duration=0).is_photo


def test_pinned_is_recognised_as_number_and_boolean_never_fails() -> None:
    assert post_with(is_top=1).is_pinned
    assert post_with(is_ad=1).is_ad is True


@pytest.mark.parametrize(
    ("escaped", "clean"),
    [
        (b"a\\u0000b", "ab"),
        (b"a\\ud800b", "a\ufffdb"),
        (b"a\\udc00", "a\ufffd"),
        (b"a\\bb\\u001f", "ab"),
        (b"a\x00b", "ab"),
        (b"a\xffb", "a\ufffdb"),
        (b"one\\ntwo\\tthree", "one\ntwo\tthree"),
        (b"\\ud83c\\udf5e", "🍞"),
        (b"\\\\u0000", "\\u0000"),
    ],
)
def test_broken_text_comes_out_clean(escaped: bytes, clean: str) -> None:
    body = encoded(PAGE).replace(json.dumps(ROW["title"]).encode(), b'"' + escaped + b'"')
    post = decode_post_page(body).videos[0]
    assert post.title == clean
    assert post.play_count == 5_000_000_000


def test_broken_text_in_an_unread_field_harms_nothing() -> None:
    body = encoded(PAGE)[:-1] + b',"x":"\\ud800 "}'
    assert decode_post_page(body).videos[0].title == ROW["title"]


@given(st.text(st.characters(), max_size=50))
def test_clean_text_can_be_stored_and_is_stable(text: str) -> None:
    cleaned = clean_text(text)
    cleaned.encode("utf-8")
    assert "\x00" not in cleaned
    assert clean_text(cleaned) == cleaned


def test_both_ways_of_decoding_agree() -> None:
    strict = decode_post_page(encoded(PAGE))
    lenient = decode_post_page(encoded({**PAGE, "videos": [ROW, None]}))
    assert lenient.videos == strict.videos
    assert lenient.dropped == 1


@pytest.mark.parametrize(
    "body",
    [
        {"user": USER, "stats": COUNTERS},
        {"user": {**USER, "stats": COUNTERS}},
        {"user": {**USER, **COUNTERS}},
        {"user": {**USER, **COUNTERS}, "stats": None},
        {"user": {**USER, **COUNTERS}, "stats": {}},
        {"user": {**USER, "stats": COUNTERS, "verified": 1}, "stats": []},
        {"user": USER, "stats": {name: str(value) for name, value in COUNTERS.items()}},
        {"user": {**USER, "diggCount": 5}, "stats": {**COUNTERS, "diggCount": None}},
        {"user": {**USER, "id": 107955}, "stats": COUNTERS},
    ],
)
def test_counters_are_found_wherever_they_stand(body: object) -> None:
    info = decode_userinfo(encoded(body))
    assert info.user.id == "107955"
    assert info.user.verified is True
    assert not info.user.is_private
    assert info.stats == UserStats(10, 2, 30, 4, 5)


def test_hearts_fall_back_to_heart_and_negative_counters_pass() -> None:
    info = decode_userinfo(encoded({"user": USER, "stats": {"heart": 7, "followerCount": -1}}))
    assert info.stats == UserStats(follower_count=-1, heart_count=7)


def test_private_profile_is_data() -> None:
    assert decode_userinfo(encoded({**USERINFO, "user": {**USER, "privateAccount": True}})).user.is_private
    assert decode_userinfo(encoded({**USERINFO, "user": {**USER, "secret": True}})).user.is_private


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"user": USER}, "no_stats"),
        ({"user": USER, "stats": {}}, "no_stats"),
        ({"user": USER, "stats": {"followerCount": "many"}}, "no_stats"),
        ({"user": {**USER, "id": None}, "stats": COUNTERS}, "no_user_id"),
        ({"user": {**USER, "id": "MS4w"}, "stats": COUNTERS}, "no_user_id"),
        ({"user": {}, "stats": COUNTERS}, "no_user_id"),
        ({"stats": COUNTERS}, "wrong_shape"),
        ({"user": [], "stats": COUNTERS}, "wrong_shape"),
        ({"user": None}, "wrong_shape"),
        ([], "wrong_shape"),
    ],
)
def test_userinfo_without_id_or_counters_is_bad_payload(body: object, reason: str) -> None:
    with pytest.raises(BadPayload) as caught:
        decode_userinfo(encoded(body))
    assert caught.value.reason == reason


def test_userid() -> None:
    assert decode_userid(b'{"id":"107955"}').id == "107955"
    assert decode_userid(b'{"id":107955,"more":1}').id == "107955"
    for body in (b"{}", b'{"id":null}', b'{"id":"MS4w"}', b'{"id":""}', b'{"id":-5}', b'{"id":1.5}'):
        with pytest.raises(BadPayload) as caught:
            decode_userid(body)
        assert caught.value.reason == "no_user_id"


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"videos":[', b"[" * 100_000, b'{"a":' + b"[" * 5000, b"{} x"])
def test_what_is_not_json_is_bad_payload(body: bytes) -> None:
    for decode in (decode_userid, decode_userinfo, decode_post_page):
        with pytest.raises(BadPayload):
            decode(body)


@settings(max_examples=300)
@given(st.data())
def test_any_value_anywhere_gives_a_valid_page_or_our_own_error(data: st.DataObject) -> None:
    body = with_value_at(PAGE, data.draw(st.sampled_from(places_in(PAGE))), data.draw(JSON_VALUES))
    try:
        page = decode_post_page(encoded(body))
    except BadPayload:
        return
    assert_valid(page)


@settings(max_examples=300)
@given(st.data())
def test_any_value_anywhere_gives_a_valid_profile_or_our_own_error(data: st.DataObject) -> None:
    body = with_value_at(USERINFO, data.draw(st.sampled_from(places_in(USERINFO))), data.draw(JSON_VALUES))
    try:
        info = decode_userinfo(encoded(body))
    except BadPayload:
        return
    assert isinstance(info.user.id, str)
    assert info.user.id.isdigit()
    assert info.stats != UserStats()


@settings(max_examples=300)
@given(st.data())
def test_any_bytes_anywhere_give_a_valid_page_or_our_own_error(data: st.DataObject) -> None:
    body = encoded({**PAGE, "videos": [ROW, ROW]})
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, min(len(body), start + 20)))
    mutated = body[:start] + data.draw(st.binary(max_size=8)) + body[end:]
    try:
        page = decode_post_page(mutated)
    except BadPayload:
        return
    assert_valid(page)


def assert_valid(page: PostPage) -> None:
    page.cursor.encode()
    for post in page.videos:
        assert isinstance(post.id, str)
        assert post.id.isdigit()
        assert int(post.id) < 2**63
        for count in (post.play_count, post.digg_count, post.collect_count, post.create_time, post.duration):
            assert count is None or (type(count) is int and -(2**63) <= count < 2**63)
        for text in (post.title, post.cover, *(post.images or ())):
            assert text is None or (text == clean_text(text) and text.encode() is not None)
