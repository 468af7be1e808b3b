"""Who a creator is: everything about an account that does not change with time.

An id is enough to rebuild its creator, so a restarted simulator still knows the ids a client has stored.
Only the handle may be lost then (see `registry`).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from .cast import BY_HANDLE, DAY, Breakout, Role
from .chance import bell, digest, number, pick, units
from .wording import LANGUAGES, NICHES

HANDLE = re.compile(r"(?=.{2,24}$)(?!\d+$)[a-z0-9_](?:[a-z0-9_.]*[a-z0-9_])?$")
UNKNOWN_PREFIXES = ("deleted", "missing", "nobody")
PRIVATE_PREFIXES = ("private.", "private_")
HIDDEN_PREFIXES = ("hidden.", "hidden_")
GENERATED_HANDLE = re.compile(r"user(\d{5,19})$")

OPEN, PRIVATE, HIDDEN = 0, 1, 2
CHECK_MODULUS, CHECK_REST = 61, 7
CHECKED_BITS = 0xFFFFFFF
FIRST_LONG_ID_AT = 1_490_000_000
LAST_JOIN_AT = 1_767_000_000
CURVES = ("takeoff", "rising", "rising", "steady", "steady", "steady", "plateau", "plateau", "declining")


@dataclass(frozen=True, slots=True)
class Creator:
    """One account. Counts are at the reference date of `growth`, times unix seconds, rates per view."""

    seed: int
    id: int
    handle: str
    nickname: str
    language: str
    niche: str
    region: str
    verified: bool
    private: bool
    hides_follows: bool
    joined_at: int
    followers: float
    curve: str
    pace: float
    following: int
    diggs_per_day: float
    posts_per_week: float
    reach: float
    digg_rate: float
    best_hour: float
    photo_share: float
    pinned: int
    deleted_every: int
    breakouts: tuple[Breakout, ...] | None
    negative_hearts_day: int | None
    sec_uid: str

    @property
    def language_words(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Phrases and tags this creator writes with."""
        if self.niche:
            return NICHES[self.niche]
        language = LANGUAGES[self.language]
        return language.phrases, language.tags


def clean_handle(text: str) -> str | None:
    """The handle as the upstream keys it (no @, lower case), or None when nobody can have it."""
    handle = text.strip().removeprefix("@").lower()
    if not HANDLE.match(handle) or handle.startswith(UNKNOWN_PREFIXES):
        return None
    return handle


def id_for_handle(seed: int, handle: str) -> int:
    """The account id of a handle: mostly 19 digits that embed the joining time, some early ones short."""
    generated = GENERATED_HANDLE.match(handle)
    if generated and is_known_id(int(generated[1])):
        return int(generated[1])
    kind = PRIVATE if handle.startswith(PRIVATE_PREFIXES) else HIDDEN if handle.startswith(HIDDEN_PREFIXES) else OPEN
    draw = number(seed, "id", handle)
    if draw % 100 < 4 and kind == OPEN and handle not in BY_HANDLE:
        short = 100_000 + (draw >> 8) % 90_000_000_000
        return short - short % CHECK_MODULUS + CHECK_REST
    # A named creator has a past worth a chart: never one who joined last month.
    last = LAST_JOIN_AT - (500 * DAY if handle in BY_HANDLE else 0)
    joined_at = FIRST_LONG_ID_AT + (draw >> 8) % (last - FIRST_LONG_ID_AT)
    return _long_id(joined_at, draw >> 36, kind)


def generated_id(draw: int) -> int:
    """An id for somebody who never chose a handle, out of 64 random bits; the handle is `user` and the id."""
    return _long_id(FIRST_LONG_ID_AT + draw % (LAST_JOIN_AT - FIRST_LONG_ID_AT), draw >> 28, OPEN)


def _long_id(joined_at: int, draw: int, kind: int) -> int:
    middle = draw % (CHECKED_BITS - CHECK_MODULUS)
    return joined_at << 32 | (middle - middle % CHECK_MODULUS + CHECK_REST) << 4 | kind


def is_known_id(account_id: int) -> bool:
    """Whether some handle could have this id; a made-up number almost never passes."""
    if account_id < 1 << 40:
        return account_id >= 100_000 and account_id % CHECK_MODULUS == CHECK_REST
    joined_at = account_id >> 32
    checked = (account_id >> 4) & CHECKED_BITS
    return FIRST_LONG_ID_AT <= joined_at < LAST_JOIN_AT and checked % CHECK_MODULUS == CHECK_REST


def build_creator(seed: int, account_id: int, handle: str) -> Creator:
    """The creator with this id, who goes by this handle now."""
    draws = units(seed, "creator", account_id)
    short = account_id < 1 << 40
    language = "en" if draws[0] < 0.45 else pick(tuple(LANGUAGES), draws[0] / 0.55 - 0.45 / 0.55)
    followers = min(8e7, max(1_000.0, math.exp(10.6 + 2.0 * bell(draws[1:5]))))
    return Creator(
        seed=seed,
        id=account_id,
        handle=handle,
        nickname=_nickname(handle, draws[5]),
        language=language,
        niche=pick(tuple(NICHES), draws[6]) if language == "en" else "",
        region=LANGUAGES[language].region,
        verified=followers > 5e5 and draws[7] < 0.6,
        private=not short and account_id & 0xF == PRIVATE,
        hides_follows=not short and account_id & 0xF in (PRIVATE, HIDDEN),
        joined_at=1_420_000_000 + int(draws[8] * 7e7) if short else account_id >> 32,
        followers=followers,
        curve=pick(CURVES, draws[9]),
        pace=0.7 + 0.6 * draws[10],
        following=int(math.exp(3 + 4.5 * draws[11])),
        diggs_per_day=0.2 + 12 * draws[12] ** 3,
        posts_per_week=0.5 * 42 ** draws[13],
        reach=(0.06 + 0.5 * draws[14]) * (1e5 / followers) ** 0.12,
        digg_rate=0.03 + 0.11 * draws[15],
        best_hour=11 + 11 * draws[5],
        photo_share=0.04,
        pinned=max(0, int(draws[2] * 6) - 2),
        deleted_every=40 + int(draws[3] * 80),
        breakouts=None,
        negative_hearts_day=None,
        sec_uid=_sec_uid(seed, account_id),
    )


def apply_role(creator: Creator, role: Role) -> Creator:
    """A drawn creator with everything that a named role fixes."""
    return replace(
        creator,
        nickname=role.nickname,
        language=role.language,
        niche=role.niche,
        region=role.region or creator.region,
        verified=role.verified,
        followers=float(role.followers),
        curve=role.curve,
        pace=1.0,
        posts_per_week=role.posts_per_week,
        photo_share=role.photo_share,
        pinned=role.pinned,
        deleted_every=role.deleted_every or 60,
        breakouts=role.breakouts,
        negative_hearts_day=role.negative_hearts_day,
        reach=max(0.15, min(0.5, creator.reach)),
    )


def _nickname(handle: str, draw: float) -> str:
    words = [word for word in re.split(r"[._\d]+", handle) if word]
    name = " ".join(word.capitalize() for word in words) or handle
    return name if draw < 0.7 else f"{name} {'✨🌙🎬🧵🐺🌿'[int(draw * 100) % 6]}"


def _sec_uid(seed: int, account_id: int) -> str:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return "MS4wLjABAAAA" + "".join(alphabet[byte & 63] for byte in digest(seed, "sec", account_id))
