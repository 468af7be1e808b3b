"""A plain answer of every endpoint, and ways to damage it."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st

ROW: dict[str, Any] = {
    "aweme_id": "v0f025gc0000c1",
    "video_id": "7201234567890123456",
    "region": "US",
    "title": "Sourdough day 3 🍞 #خبز",
    "cover": "https://cdn.test/c.jpg?x-expires=1",
    "duration": 15,
    "music_info": {"id": "71", "title": "original sound", "original": True, "duration": 15},
    "play_count": 5_000_000_000,
    "digg_count": 20,
    "comment_count": 0,
    "share_count": 3,
    "download_count": 4,
    "collect_count": 5,
    "create_time": 1_700_000_000,
    "author": {"id": "107955", "unique_id": "lena.bakes", "nickname": "Lena", "avatar": ""},
    "is_top": 0,
    "is_ad": False,
    "commerce_info": {"organic_log_extra": '{"req_id":"1"}'},
}
PAGE: dict[str, Any] = {"videos": [ROW], "cursor": "1639312724000", "hasMore": True}
COUNTERS = {"followerCount": 10, "followingCount": 2, "heartCount": 30, "videoCount": 4, "diggCount": 5}
USER = {
    "id": "107955",
    "uniqueId": "lena.bakes",
    "nickname": "Lena",
    "verified": True,
    "privateAccount": False,
}
USERINFO: dict[str, Any] = {"user": USER, "stats": {**COUNTERS, "heart": 30}}
DETAIL: dict[str, Any] = {
    **{name: value for name, value in ROW.items() if name != "video_id"},
    "id": "7201234567890123456",
    "play": "https://cdn.test/play.mp4",
    "wmplay": "https://cdn.test/wm.mp4",
    "hdplay": "https://cdn.test/hd.mp4",
    "size": 1_234_567,
    "wm_size": 9,
    "hd_size": 3_456_789,
}
FOLLOW: dict[str, Any] = {
    "id": "6812345678901234567",
    "region": "BD",
    "sec_uid": "MS4wLjABAAAAxyz",
    "unique_id": "rafi",
    "nickname": "রাফি",
    "signature": "hello\nworld",
    "avatar": "https://cdn.test/a.jpg",
    "aweme_count": 12,
    "follower_count": 345,
    "following_count": 67,
    "favoriting_count": 89,
    "total_favorited": 1_011,
    "verified": False,
    "secret": False,
    "ins_id": "",
    "youtube_channel_title": "",
    "youtube_channel_id": "",
    "twitter_name": "",
    "twitter_id": "",
}
FOLLOWERS: dict[str, Any] = {"followers": [FOLLOW], "total": 345, "time": 1_700_000_000, "hasMore": True}
FOLLOWINGS: dict[str, Any] = {"followings": [FOLLOW], "total": 67, "time": 1_700_000_000, "hasMore": True}
COMMENT: dict[str, Any] = {
    "id": "7301234567890123456",
    "text": "So good 😍",
    "create_time": 1_700_000_500,
    "digg_count": 8,
    "reply_total": 2,
    "status": 1,
    "user": {**FOLLOW, "follower_count": 0, "aweme_count": 0},
}
COMMENTS: dict[str, Any] = {"comments": [COMMENT], "total": 240, "cursor": 10, "hasMore": True}
HASHTAG: dict[str, Any] = {
    "id": "9261",
    "cha_name": "খাবার",
    "desc": "",
    "user_count": 1_234,
    "view_count": 75_000_000_000,
    "is_pgcshow": False,
    "is_commerce": False,
    "is_challenge": True,
    "is_strong_music": False,
    "type": 1,
    "cover": "",
}
SOUND: dict[str, Any] = {
    "id": "6970000000000000001",
    "title": "original sound",
    "author": "lena",
    "play": "https://cdn.test/s.mp3",
    "cover": "https://cdn.test/s.jpg",
    "duration": 15,
    "video_count": 4_321,
    "is_original": True,
}
PLAYLIST: dict[str, Any] = {"id": "7100000000000000001", "name": "Bread", "video_count": 12, "author": {"id": "1"}}
DOWNLOAD: dict[str, Any] = {"video": "https://cdn.test/v.mp4", "video_hd": "https://cdn.test/hd.mp4"}

BODIES: dict[str, dict[str, Any]] = {
    "userid": {"id": "107955"},
    "userinfo-by-username": USERINFO,
    "userinfo-by-id": USERINFO,
    "user-posts": PAGE,
    "post-detail": DETAIL,
    "post-comments": COMMENTS,
    "user-followers": FOLLOWERS,
    "user-following": FOLLOWINGS,
    "challenge-info-name": HASHTAG,
    "challenge-info-id": {"challenge_info": HASHTAG},
    "challenge-posts": {**PAGE, "cursor": 35},
    "music-info": SOUND,
    "search-video": {**PAGE, "cursor": 30, "hasMore": 1},
    "user-stories": PAGE,
    "playlist-info": PLAYLIST,
    "collection-info": {"collection_info": PLAYLIST},
    "download-video": DOWNLOAD,
}

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


def without(body: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in names}


def places_in(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path to every value in `value`."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, inner in items for place in places_in(inner, (*path, key)))]


def with_value_at(root: Any, path: tuple[Any, ...], value: object) -> Any:
    if not path:
        return value
    changed, target = _target_in(root, path)
    target[path[-1]] = value
    return changed


def without_value_at(root: Any, path: tuple[Any, ...]) -> Any:
    changed, target = _target_in(root, path)
    del target[path[-1]]
    return changed


def _target_in(root: Any, path: tuple[Any, ...]) -> tuple[Any, Any]:
    changed = copy.deepcopy(root)
    target = changed
    for key in path[:-1]:
        target = target[key]
    return changed, target
