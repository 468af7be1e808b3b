"""Creators and posts as the upstream writes them, quirks included.

A post row is encoded once and kept; a request fills in its counters and the expiring part of its addresses.
"""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import Any

import orjson

from .cast import DAY
from .chance import digest, units
from .creators import Creator
from .schedule import Plan, counters_at
from .sounds import has_music_info, row_draws, sound_of
from .wording import LANGUAGES
from .world import Counts
from .writing import write_title

ROWS_KEPT = 20_000

HOST_MARK = "http://host.invalid"
EXPIRY_MARK = "x-expires=0000000000&x-signature="
COUNTERS = ("play_count", "digg_count", "comment_count", "share_count", "download_count", "collect_count")
COUNTER_FORMATS = {used: "".join(f',"{name}":%d' for name in COUNTERS[:used]).encode() for used in (3, 5, 6)}
MB = 1_000_000


class Address:
    """Media addresses of one thing; every address has its own long signature, as the upstream's do."""

    def __init__(self, *parts: object) -> None:
        self._text = base64.urlsafe_b64encode(digest("signature", *parts)).decode().rstrip("=")
        self._used = 0

    def __call__(self, kind: str, name: object, ending: str) -> str:
        """An address served by `media` (pictures) or by nobody (films and sounds)."""
        self._used = (self._used + 7) % len(self._text)
        signature = self._text[self._used :] + self._text[: self._used]
        return f"{HOST_MARK}/media/{kind}/{name}.{ending}?lk3s=a5d48078&{EXPIRY_MARK}{signature}"


def fill_addresses(body: bytes, base_url: str, at: float) -> bytes:
    """Put the host of this request and an expiry one to two days ahead into every media address."""
    expires = int(at // DAY + 2) * DAY
    body = body.replace(HOST_MARK.encode(), base_url.encode())
    return body.replace(EXPIRY_MARK.encode(), f"x-expires={expires}&x-signature=".encode())


def post_row(
    creator: Creator, plan: Plan, at: float, pinned: bool, most_counters: int = len(COUNTERS), detailed: bool = False
) -> bytes:
    """One element of `videos[]` as JSON, with the first `most_counters` of `COUNTERS` at most.

    `detailed` adds the last counter where only that one is not in lists; posts that show three show no more.
    """
    head, used = _static_row(creator, plan)
    used = len(COUNTERS) if detailed and used == len(COUNTERS) - 1 else min(used, most_counters)
    return (
        head + COUNTER_FORMATS[used] % counters_at(plan, at)[:used] + (b',"is_top":1}' if pinned else b',"is_top":0}')
    )


def post_body(creator: Creator, plan: Plan, at: float, pinned: bool) -> dict[str, Any]:
    """The flat post of `/post-detail/`: `id` in place of `video_id`, what lists omit, and a better film unless it is
    photos."""
    row: dict[str, Any] = orjson.loads(post_row(creator, plan, at, pinned, detailed=True))
    body = {"id": row.pop("video_id"), **row}
    if not body.get("images"):
        body["hdplay"] = film_address(plan, "-hd")
        body["hd_size"] = body["size"] * 2 + 1_001
        body["wm_size"] = body["size"] + 50_000
    return body


def film_address(plan: Plan, variant: str) -> str:
    """Where a variant of the film would be; addresses of films look right, and nobody serves them."""
    return Address(plan.id, variant)("film", f"{plan.id}{variant}", "mp4")


def user_body(creator: Creator, counts: Counts, rounded: bool, hearts_sign: int = 1) -> dict[str, Any]:
    """The body of `/userinfo-by-…`: user, and stats beside it."""
    shown = round_count if rounded else int
    hearts = hearts_sign * shown(counts.hearts)
    return {
        "user": _user(creator),
        "stats": {
            "followingCount": counts.following,
            "followerCount": shown(counts.followers),
            "heartCount": hearts,
            "videoCount": counts.videos,
            "diggCount": counts.diggs,
            "heart": hearts,
        },
    }


def round_count(value: int) -> int:
    """A count as TikTok's web profiles show it: exact below 10,000, then in steps of 100 or 100,000."""
    step = 1 if value < 10_000 else 100 if value < MB else 100_000
    return value - value % step


def _user(creator: Creator) -> dict[str, Any]:
    draws = units(creator.seed, "profile", creator.id)
    address = Address(creator.id)
    language = LANGUAGES[creator.language]
    user: dict[str, Any] = {
        "id": str(creator.id),
        "uniqueId": creator.handle,
        "nickname": creator.nickname,
        "avatarThumb": address("avatar", creator.id, "png"),
        "avatarMedium": address("avatar", creator.id, "png"),
        "avatarLarger": address("avatar", creator.id, "png"),
        "signature": "" if draws[0] < 0.1 else language.bio,
        "verified": creator.verified,
        "secUid": creator.sec_uid,
        "secret": creator.private,
        "ftc": False,
        "relation": 0,
        "openFavorite": draws[1] < 0.2,
        "commentSetting": None if draws[2] < 0.2 else 0,
        "duetSetting": None if draws[2] < 0.2 else 0,
        "stitchSetting": None if draws[2] < 0.2 else 0,
        "privateAccount": creator.private,
        "isADVirtual": False,
        "isUnderAge18": False,
        "ins_id": creator.handle if draws[3] < 0.4 else "",
        "twitter_id": "",
        "youtube_channel_title": "",
        "youtube_channel_id": "UC" + creator.sec_uid[12:34] if draws[4] < 0.2 else "",
    }
    if draws[5] < 0.4:
        user["bioLink"] = {"link": f"{creator.handle}.example", "risk": 0}
    return user


@lru_cache(ROWS_KEPT)
def _static_row(creator: Creator, plan: Plan) -> tuple[bytes, int]:
    """The row up to its counters, open at the end, and how many counters it carries."""
    draws = row_draws(creator, plan)
    address = Address(plan.id)
    photo = draws[0] < creator.photo_share
    duration = 0 if photo else 7 + int(170 * draws[1] ** 3)
    title = write_title(creator, plan.index).title
    cover = address("cover", plan.id, "png")
    row: dict[str, Any] = {
        "video_id": str(plan.id),
        "region": creator.region,
        "title": title,
        "cover": cover,
        "ai_dynamic_cover": address("cover", plan.id, "png"),
        "origin_cover": address("cover", plan.id, "png"),
        "duration": duration,
        "play": address("film", plan.id, "mp3" if photo else "mp4"),
        "wmplay": address("film", f"{plan.id}-w", "mp3" if photo else "mp4"),
        "size": 0 if photo else duration * int(120_000 + 200_000 * draws[2]),
        "wm_size": 0,
        **_music(creator, plan, address, draws),
        "create_time": plan.create_time,
        "anchors": None,
        "anchors_extras": "",
        "is_ad": draws[9] < 0.02,
        "commerce_info": {
            "adv_promotable": False,
            "auction_ad_invited": False,
            "branded_content_type": 0,
            "organic_log_extra": f'{{"req_id":"{plan.id:032X}"}}',
            "with_comment_filter_words": False,
        },
        "commercial_video_info": "",
        "item_comment_settings": 0,
        "mentioned_users": "",
        "author": {
            "id": str(creator.id),
            "unique_id": creator.handle,
            "nickname": creator.nickname,
            "avatar": address("avatar", creator.id, "png"),
        },
    }
    if draws[10] < 0.45:
        row["aweme_id"] = "v09044g4000" + base64.b32encode(digest(plan.id)[:13]).decode().lower().rstrip("=")
    if draws[11] < 0.2:
        row["content_desc"] = (
            [] if not title or draws[11] < 0.1 else [title[: len(title) // 2], title[len(title) // 2 :]]
        )
    if photo:
        row["images"] = [address("photo", f"{plan.id}-{number}", "png") for number in range(2 + int(6 * draws[12]))]
    elif draws[12] < 0.3:
        row["images"] = None
    used = 3 if draws[13] < 0.04 else 5 if draws[13] < 0.1 else 6
    return orjson.dumps(row)[:-1], used


def _music(creator: Creator, plan: Plan, address: Address, draws: tuple[float, ...]) -> dict[str, Any]:
    """`music` and `music_info`; the latter is missing, null or has its duration as text now and then."""
    sound = sound_of(creator, plan, draws)
    link = address("sound", sound.id, "mp3") if draws[5] > 0.03 else ""
    if draws[6] < 0.08:
        return {"music": link}
    if not has_music_info(draws):
        return {"music": link, "music_info": None}
    return {
        "music": link,
        "music_info": {
            "id": str(sound.id),
            "title": sound.title,
            "play": link,
            "cover": address("sound-cover", sound.id, "png"),
            "author": sound.author,
            "original": sound.original,
            "duration": str(sound.seconds) if draws[7] < 0.1 else sound.seconds,
            "album": sound.album,
        },
    }
