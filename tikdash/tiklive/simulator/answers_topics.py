"""Endpoints about what many accounts share: hashtags, sounds, search results, playlists and collections."""

from __future__ import annotations

import base64
from typing import Any

from .chance import digest, number, units
from .hashtags import Hashtag
from .population import Entry, Query, tag_key
from .reply import Reply, Request, bad_request, not_found
from .rows import COUNTERS, Address, post_row
from .sounds import OWN_OFFSET, Sound, find_pool_sound, row_draws, sound_of, video_count
from .upstream import Upstream, count_of, data_reply, number_of, start_of, videos_reply

CHALLENGE_DEFAULT, CHALLENGE_MAX = 10, 35
SEARCH_DEFAULT, SEARCH_MAX = 10, 30
DAYS_BACK = ("0", "1", "7", "30", "90", "180")
# Of the two numbers told for "newest first" both work, because it is not known which one is right.
ORDERS = {"0": 0, "1": 1, "2": 2, "3": 2}
SHORTEST_LIST_ID = 15


def challenge_info_name(upstream: Upstream, request: Request) -> Reply:
    """A hashtag by its name."""
    return _challenge_info(upstream, request, upstream.hashtags.find(request.params["name"]))


def challenge_info_id(upstream: Upstream, request: Request) -> Reply:
    """A hashtag by its id."""
    return _challenge_info(upstream, request, upstream.hashtags.by_id(number_of(request.params["id"]) or 0))


def challenge_posts(upstream: Upstream, request: Request) -> Reply:
    """One page of the public's posts under a hashtag."""
    hashtag = upstream.hashtags.by_id(number_of(request.params["challenge_id"]) or 0)
    if hashtag is None:
        return not_found("challenge")
    start = start_of(request)
    if start is None:
        return bad_request("cursor must be a number")
    query = Query(tag=tag_key(hashtag.name), region=request.params.get("region", "").upper())
    found = upstream.population.search(query, request.at)
    end = start + count_of(request, CHALLENGE_DEFAULT, CHALLENGE_MAX)
    rows = _rows(upstream, request, found[start:end], len(COUNTERS))
    return videos_reply(request, rows, min(end, max(start, len(found))), end < len(found))


def search_video(upstream: Upstream, request: Request) -> Reply:
    """One page of the public's posts with a keyword; hasMore is a number here, and nothing tells collects."""
    params = request.params
    start = start_of(request)
    days, order = params.get("publish_time") or "0", params.get("sort_by") or "0"
    if start is None or days not in DAYS_BACK or order not in ORDERS:
        return bad_request("cursor, publish_time or sort_by is not a known number")
    keyword = params["keyword"].strip().lower().removeprefix("#")
    query = Query("", keyword, int(days), ORDERS[order], params.get("region", "").upper())
    found = upstream.population.search(query, request.at)
    end = start + count_of(request, SEARCH_DEFAULT, SEARCH_MAX)
    rows = _rows(upstream, request, found[start:end], len(COUNTERS) - 1)
    return videos_reply(request, rows, min(end, max(start, len(found))), int(end < len(found)))


def music_info(upstream: Upstream, request: Request) -> Reply:
    """A sound; by its id either `original` or `is_original` says whether somebody made it for a post."""
    sound = find_sound(upstream, number_of(request.params["music_id"]) or 0, request.at)
    if sound is None:
        return not_found("music")
    address = Address(sound.id)
    payload = {
        "id": str(sound.id),
        "title": sound.title,
        "author": sound.author,
        "play": address("sound", sound.id, "mp3"),
        "cover": address("sound-cover", sound.id, "png"),
        "duration": sound.seconds,
        "album": sound.album,
        "video_count": video_count(upstream.world.seed, sound, request.at),
        original_name(sound.id): sound.original,
    }
    return data_reply(request, payload)


def original_name(sound_id: int) -> str:
    """Under which of the two names the upstream tells whether this sound is an original one."""
    return "is_original" if sound_id % 2 else "original"


def find_sound(upstream: Upstream, sound_id: int, at: float) -> Sound | None:
    """The sound with this id: one of the pool, or the original one of a post that is still there."""
    known = find_pool_sound(sound_id)
    if known:
        return known
    found = upstream.world.find_post(sound_id - OWN_OFFSET, at)
    if found is None:
        return None
    creator, plan = found
    sound = sound_of(creator, plan, row_draws(creator, plan))
    return sound if sound.id == sound_id else None


def playlist_info(upstream: Upstream, request: Request) -> Reply:
    """A playlist, flat."""
    body = _list_body(upstream, request, "playlist")
    return data_reply(request, body) if body else not_found("playlist")


def collection_info(upstream: Upstream, request: Request) -> Reply:
    """A collection, one level down in an envelope."""
    body = _list_body(upstream, request, "collection")
    return data_reply(request, {"collection_info": body}) if body else not_found("collection")


def _rows(upstream: Upstream, request: Request, entries: tuple[Entry, ...], counters: int) -> list[bytes]:
    # What was hidden since the ranking is left out, so a page may be a little shorter.
    shown = upstream.population.shown(entries, request.at)
    creators = ((upstream.world.by_id(entry.creator_id, request.at), entry.plan) for entry in shown)
    return [post_row(creator, plan, request.at, False, counters) for creator, plan in creators if creator]


def _list_body(upstream: Upstream, request: Request, kind: str) -> dict[str, Any] | None:
    """What is told of a playlist or collection: always the same for an id; any long id exists."""
    text = request.params[f"{kind}_id"]
    list_id = number_of(text)
    if list_id is None or len(text) < SHORTEST_LIST_ID:
        return None
    seed = upstream.world.seed
    members = upstream.population.members()
    owner = upstream.world.build(members[number(seed, kind, list_id) % len(members)])
    return {
        "id": text,
        "name": f"{owner.niche or owner.language} {1 + number(seed, kind, list_id) % 9}",
        "video_count": 3 + int(60 * units(seed, kind, list_id)[0]),
        "cover": Address(kind, list_id)("cover", list_id, "png"),
        "author": {
            "id": str(owner.id),
            "unique_id": owner.handle,
            "nickname": owner.nickname,
            "avatar": Address(owner.id)("avatar", owner.id, "png"),
        },
    }


def _challenge_info(upstream: Upstream, request: Request, hashtag: Hashtag | None) -> Reply:
    if hashtag is None:
        return not_found("challenge")
    users, views = upstream.hashtags.counts(hashtag, request.at)
    draws = units(upstream.world.seed, "challenge", hashtag.id)
    payload: dict[str, Any] = {
        "id": str(hashtag.id),
        "cha_name": hashtag.name,
        "user_count": users,
        "view_count": views,
        "is_pgcshow": False,
        "is_commerce": draws[0] < 0.1,
        "is_challenge": draws[1] < 0.3,
        "is_strong_music": False,
        "type": 1,
    }
    if draws[2] < 0.8:
        slogan = base64.b32encode(digest(hashtag.id)[:5]).decode().lower()
        payload["desc"] = "" if draws[3] < 0.6 else f"Show us yours ({slogan})."
        payload["cover"] = "" if draws[4] < 0.4 else Address(hashtag.id)("cover", hashtag.id, "png")
    return data_reply(request, payload)
