"""Sounds: a pool of known ones, and the original sound that many posts bring along."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .cast import DAY
from .chance import number, units
from .creators import Creator
from .growth import REFERENCE_AT, YEAR
from .schedule import Plan
from .wording import SOUNDS

POOL_SIZE = 400
POOL_FIRST_ID = 6_900_000_000_000_000_000
POOL_STEP = 7_777_777_777_777
OWN_OFFSET = 13
"""The id of an original sound is the id of its post plus this."""


@dataclass(frozen=True, slots=True)
class Sound:
    """One sound. `owner_id` is 0 for a sound of the pool; `author` of an original one is its uploader."""

    id: int
    title: str
    author: str
    album: str
    original: bool
    seconds: int
    owner_id: int = 0


def row_draws(creator: Creator, plan: Plan) -> tuple[float, ...]:
    """The draws that decide what a post's row looks like."""
    return units(creator.seed, "row", creator.id, plan.index)


def sound_of(creator: Creator, plan: Plan, draws: tuple[float, ...]) -> Sound:
    """The sound under a post; `draws` are its `row_draws`."""
    if draws[3] < 0.4:
        sound_id = plan.id + OWN_OFFSET
        title = f"original sound - {creator.handle}"
        return Sound(sound_id, title, creator.nickname, "", True, 15 + sound_id % 45, creator.id)
    return pool_sound(int(draws[4] ** 3 * POOL_SIZE))


def pool_sound(place: int) -> Sound:
    """The sound at this place of the pool, the most used ones first."""
    sound_id = POOL_FIRST_ID + place * POOL_STEP
    author = "" if place % 11 == 0 else f"Artist {place}"
    return Sound(sound_id, SOUNDS[place % len(SOUNDS)], author, f"Album {place % 40}", False, 15 + sound_id % 45)


def find_pool_sound(sound_id: int) -> Sound | None:
    """The sound of the pool with this id, if there is one."""
    place, rest = divmod(sound_id - POOL_FIRST_ID, POOL_STEP)
    return pool_sound(place) if rest == 0 and 0 <= place < POOL_SIZE else None


def has_music_info(draws: tuple[float, ...]) -> bool:
    """Whether the row of a post tells its sound; a tenth of them does not."""
    return draws[6] >= 0.1


def video_count(seed: int, sound: Sound, at: float) -> int:
    """How many videos all over the world use the sound; never falls."""
    draw = number(seed, "sound", sound.id) / 2**64
    if sound.original:
        weeks = max(0.0, at - (sound.id >> 32)) / (7 * DAY)
        return 1 + int(60 * draw**6 * weeks)
    place = (sound.id - POOL_FIRST_ID) // POOL_STEP
    return int(math.exp(13.5 - place / 45 + draw) * (2 + max(-1.5, (at - REFERENCE_AT) / YEAR)))
