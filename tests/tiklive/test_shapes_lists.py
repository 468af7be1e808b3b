"""Lists of comments, followers, followings, stories and search results, as they may come."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tiklive.bodies import COMMENT, COMMENTS, FOLLOW, FOLLOWERS, FOLLOWINGS, PAGE, ROW, encoded, without
from tikdash.tiklive.endpoints import CATALOGUE
from tikdash.tiklive.errors import BadPayload
from tikdash.tiklive.shapes import (
    CommentPage,
    FollowPage,
    decode_comment_page,
    decode_followers,
    decode_followings,
)


def comments_of(*rows: object, **changes: object) -> CommentPage:
    return decode_comment_page(encoded({**COMMENTS, "comments": list(rows), **changes}))


def followers_of(*rows: object, **changes: object) -> FollowPage:
    return decode_followers(encoded({**FOLLOWERS, "followers": list(rows), **changes}))


def test_page_of_comments_is_read_whole() -> None:
    page = decode_comment_page(encoded(COMMENTS))
    [comment] = page.comments
    assert (page.total, page.cursor, page.has_more, page.dropped) == (240, "10", True, 0)
    assert (comment.id, comment.text, comment.create_time, comment.digg_count, comment.reply_total) == (
        "7301234567890123456",
        "So good 😍",
        1_700_000_500,
        8,
        2,
    )
    assert comment.video_id is None
    assert comment.user is not None
    assert (comment.user.id, comment.user.unique_id) == (FOLLOW["id"], "rafi")


def test_who_comments_has_no_counters_because_the_upstream_sends_zeros() -> None:
    [comment] = decode_comment_page(encoded(COMMENTS)).comments
    assert not [name for name in comment.user.__struct_fields__ if name.endswith("count") or "favorit" in name]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("7301", "7301"), (7301, "7301"), ("a1B2-c_3", "a1B2-c_3"), ("99999999999999999999", "99999999999999999999")],
)
def test_comment_id_is_text_and_not_always_digits(sent: object, kept: str) -> None:
    assert comments_of({**COMMENT, "id": sent}).comments[0].id == kept


@pytest.mark.parametrize("sent", [None, "", " ", "a b", "é", "٣", "x" * 65, -5, 1.5, True, [], {}])
def test_comment_without_a_usable_id_is_dropped_and_counted(sent: object) -> None:
    page = comments_of({**COMMENT, "id": sent}, COMMENT)
    assert ([comment.id for comment in page.comments], page.dropped) == ([COMMENT["id"]], 1)


def test_comment_may_lack_everything_but_its_id() -> None:
    [comment] = comments_of({"id": "5"}).comments
    assert [value for name in comment.__struct_fields__ if (value := getattr(comment, name)) is not None] == ["5"]


def test_follow_row_is_read_whole() -> None:
    page = decode_followers(encoded(FOLLOWERS))
    [row] = page.users
    assert {name: getattr(row, name) for name in FOLLOW} == FOLLOW
    assert (page.total, page.has_more, page.dropped) == (345, True, 0)


def test_old_follow_row_says_nothing_about_what_it_lacks() -> None:
    [row] = followers_of(without(FOLLOW, "following_count", "verified", "secret", "ins_id")).users
    assert (row.following_count, row.verified, row.secret, row.ins_id) == (None, None, None, None)
    assert row.follower_count == 345


def test_followers_and_followings_have_keys_of_their_own() -> None:
    assert decode_followings(encoded(FOLLOWINGS)).users[0].unique_id == "rafi"
    for decode, other in ((decode_followers, FOLLOWINGS), (decode_followings, FOLLOWERS)):
        with pytest.raises(BadPayload) as caught:
            decode(encoded(other))
        assert caught.value.reason == "wrong_shape"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (1_700_000_000, "1700000000"),
        ("1700000000", "1700000000"),
        (0, "0"),
        (10**25, "1" + "0" * 25),
        (None, ""),
        ({}, ""),
    ],
)
def test_time_is_kept_to_be_echoed_digit_by_digit(sent: object, kept: str) -> None:
    assert followers_of(FOLLOW, time=sent).time == kept


@pytest.mark.parametrize(
    ("sent", "kept"), [(345, 345), ("345", 345), (0, 0), (None, None), ("many", None), (2**63, None)]
)
def test_total_is_a_number_or_unknown(sent: object, kept: int | None) -> None:
    assert followers_of(FOLLOW, total=sent).total == kept
    assert comments_of(COMMENT, total=sent).total == kept
    assert decode_followers(encoded(without(FOLLOWERS, "total"))).total is None


def test_hidden_list_is_an_empty_page() -> None:
    assert followers_of(total=0, time=0, hasMore=False) == FollowPage((), "0", False, 0, 0)
    assert comments_of(total=0, cursor=0, hasMore=False) == CommentPage((), "0", False, 0, 0)


def test_follow_row_that_cannot_be_named_is_dropped_and_counted() -> None:
    page = followers_of(None, 5, {}, {**FOLLOW, "id": "MS4w"}, {**FOLLOW, "id": 12}, FOLLOW)
    assert ([row.id for row in page.users], page.dropped) == (["12", FOLLOW["id"]], 4)


@pytest.mark.parametrize(
    ("slug", "key"),
    [
        ("post-comments", "comments"),
        ("user-followers", "followers"),
        ("user-following", "followings"),
        ("challenge-posts", "videos"),
        ("search-video", "videos"),
        ("user-stories", "videos"),
    ],
)
def test_list_that_is_missing_or_useless_is_bad_payload(slug: str, key: str) -> None:
    decode = CATALOGUE[slug].decode
    for body in ({"hasMore": False}, {key: None}, {key: {}}, {key: "x"}, [], None):
        with pytest.raises(BadPayload) as caught:
            decode(encoded(body))
        assert caught.value.reason == "wrong_shape", body
    with pytest.raises(BadPayload) as caught:
        decode(encoded({key: [{"text": "no id"}, None], "hasMore": True}))
    assert caught.value.reason == "no_usable_rows"


def test_search_rows_without_collects_and_with_has_more_as_a_number() -> None:
    body: dict[str, Any] = {"videos": [without(ROW, "collect_count", "music_info")], "cursor": 30, "hasMore": 1}
    page = CATALOGUE["search-video"].decode(encoded(body))
    assert (page.cursor, page.has_more) == ("30", True)
    assert (page.videos[0].collect_count, page.videos[0].music_info) == (None, None)


def test_stories_and_hashtag_posts_are_pages_of_posts() -> None:
    for slug in ("user-stories", "challenge-posts"):
        assert CATALOGUE[slug].decode(encoded(PAGE)) == CATALOGUE["user-posts"].decode(encoded(PAGE))


def test_broken_text_of_comments_and_bios_comes_out_clean() -> None:
    body = encoded(COMMENTS).replace(b"So good", b"So\\u0000 \\ud800 good")
    assert decode_comment_page(body).comments[0].text == "So � good 😍"
    body = encoded(FOLLOWERS).replace(b"hello\\nworld", b"hello\\nwor\\u001bld")
    assert decode_followers(body).users[0].signature == "hello\nworld"


def test_both_ways_of_decoding_agree() -> None:
    assert comments_of(COMMENT, None).comments == comments_of(COMMENT).comments
    assert followers_of(FOLLOW, None).users == followers_of(FOLLOW).users
