"""Answers about one thing: a post, a hashtag, a sound, a playlist, a collection, a download."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tiklive.bodies import DETAIL, DOWNLOAD, HASHTAG, PLAYLIST, SOUND, USERINFO, encoded, without
from tikdash.tiklive.endpoints import CATALOGUE
from tikdash.tiklive.errors import BadPayload
from tikdash.tiklive.shapes import (
    DownloadLinks,
    decode_collection,
    decode_download,
    decode_hashtag,
    decode_playlist,
    decode_post_detail,
    decode_sound,
)


def reason_of(slug: str, body: object) -> str:
    with pytest.raises(BadPayload) as caught:
        CATALOGUE[slug].decode(encoded(body))
    return caught.value.reason


def wrappings_of(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The same object flat, in its envelope, in the sibling's, and in the only field there is."""
    return [body, {name: body}, {name: body, "status": "ok"}, {"code": 0, "msg": "success", "data": body}, {"x": body}]


def test_profile_by_id_is_the_profile_by_name() -> None:
    body = encoded(USERINFO)
    assert CATALOGUE["userinfo-by-id"].decode(body) == CATALOGUE["userinfo-by-username"].decode(body)


def test_post_detail_is_a_flat_post_with_its_files() -> None:
    post = decode_post_detail(encoded(DETAIL))
    assert (post.id, post.play_count, post.collect_count) == ("7201234567890123456", 5_000_000_000, 5)
    assert (post.hdplay, post.hd_size, post.size) == ("https://cdn.test/hd.mp4", 3_456_789, 1_234_567)
    assert post.author is not None
    assert post.author.unique_id == "lena.bakes"


def test_post_detail_may_lack_its_id_or_its_plays_but_not_both() -> None:
    assert decode_post_detail(encoded(without(DETAIL, "id"))).id == ""
    assert decode_post_detail(encoded(without(DETAIL, "play_count"))).play_count is None
    assert reason_of("post-detail", without(DETAIL, "id", "play_count")) == "no_usable_fields"
    assert reason_of("post-detail", {"id": "v0f025", "play_count": "lots", "title": "x"}) == "no_usable_fields"
    assert reason_of("post-detail", {}) == "no_usable_fields"
    assert reason_of("post-detail", []) == "wrong_shape"


def test_post_detail_with_odd_fields_keeps_the_good_ones() -> None:
    post = decode_post_detail(encoded({**DETAIL, "hd_size": "3456789", "size": 1.5, "hdplay": None, "title": None}))
    assert (post.hd_size, post.size, post.hdplay, post.title, post.digg_count) == (3_456_789, None, None, None, 20)


@pytest.mark.parametrize("body", wrappings_of(HASHTAG, "challenge_info"))
def test_hashtag_flat_or_wrapped(body: dict[str, Any]) -> None:
    hashtag = decode_hashtag(encoded(body))
    assert {name: getattr(hashtag, name) for name in HASHTAG} == HASHTAG


def test_hashtag_without_description_and_cover() -> None:
    hashtag = decode_hashtag(encoded(without(HASHTAG, "desc", "cover", "user_count")))
    assert (hashtag.desc, hashtag.cover, hashtag.user_count) == (None, None, None)


def test_hashtag_that_cannot_be_used() -> None:
    assert reason_of("challenge-info-name", without(HASHTAG, "id")) == "no_id"
    assert reason_of("challenge-info-id", {"challenge_info": None}) == "no_id"
    assert reason_of("challenge-info-id", {"challenge_info": {"challenge_info": HASHTAG}}) == "no_id"
    assert reason_of("challenge-info-id", {"id": "9261", "user_count": "many"}) == "no_usable_fields"


@pytest.mark.parametrize("body", wrappings_of(SOUND, "music_info"))
def test_sound_flat_or_wrapped(body: dict[str, Any]) -> None:
    sound = decode_sound(encoded(body))
    assert (sound.id, sound.title, sound.author, sound.duration, sound.video_count, sound.original) == (
        "6970000000000000001",
        "original sound",
        "lena",
        15,
        4_321,
        True,
    )


@pytest.mark.parametrize(
    ("flags", "original"),
    [
        ({"original": True}, True),
        ({"is_original": True}, True),
        ({"original": False, "is_original": True}, False),
        ({"original": None, "is_original": 0}, False),
        ({}, None),
    ],
)
def test_sound_is_original_under_either_name(flags: dict[str, object], original: bool | None) -> None:
    assert decode_sound(encoded({**without(SOUND, "is_original"), **flags})).original is original


def test_sound_without_a_video_count_has_none_and_not_zero() -> None:
    assert decode_sound(encoded(without(SOUND, "video_count"))).video_count is None
    assert decode_sound(encoded({**SOUND, "video_count": 0})).video_count == 0
    assert decode_sound(encoded({**SOUND, "duration": "15"})).duration == 15


def test_sound_may_have_only_empty_texts_but_not_only_an_id() -> None:
    assert decode_sound(encoded({"id": "7", "title": "", "author": "", "play": ""})).title == ""
    assert reason_of("music-info", {"id": "7", "title": None}) == "no_usable_fields"
    assert reason_of("music-info", without(SOUND, "id")) == "no_id"


@pytest.mark.parametrize("body", wrappings_of(PLAYLIST, "playlist_info"))
def test_playlist_flat_or_wrapped_has_an_id_and_whatever_came(body: dict[str, Any]) -> None:
    playlist = decode_playlist(encoded(body))
    assert playlist.id == PLAYLIST["id"]
    assert playlist.details == {"name": "Bread", "video_count": 12}


def test_collection_and_playlist_ids_by_their_other_names() -> None:
    assert decode_collection(encoded({"collection_info": PLAYLIST})).id == PLAYLIST["id"]
    assert decode_collection(encoded({"collection_id": "5", "owner": {"id": "1"}})).id == "5"
    assert decode_playlist(encoded({"playlist_info": {"playlist_id": 6}})).id == "6"
    assert decode_playlist(encoded({"mix_id": "7", "playlist_info": {"id": "8"}})).id == "7"


def test_playlist_without_an_id_is_bad_payload() -> None:
    for slug in ("playlist-info", "collection-info"):
        assert reason_of(slug, {"name": "Bread", "author": {"id": "1"}}) == "no_id"
        assert reason_of(slug, {}) == "no_id"
        assert reason_of(slug, []) == "wrong_shape"


def test_download_has_one_address_or_two() -> None:
    assert decode_download(encoded(DOWNLOAD)) == DownloadLinks(DOWNLOAD["video"], DOWNLOAD["video_hd"])
    assert decode_download(encoded(without(DOWNLOAD, "video_hd"))) == DownloadLinks(DOWNLOAD["video"], None)
    assert decode_download(encoded({**DOWNLOAD, "video": ""})) == DownloadLinks(None, DOWNLOAD["video_hd"])


@pytest.mark.parametrize("link", [None, "", 5, "javascript:alert(1)", "//cdn.test/v.mp4", ["https://a.test"]])
def test_download_without_a_web_address_is_bad_payload(link: object) -> None:
    assert reason_of("download-video", {"video": link, "video_hd": link}) == "no_usable_fields"
