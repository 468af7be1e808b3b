"""Ordinary people: who follows, who is followed, who comments. Nobody is stored; a place in a list is a person.

A bot shows all of these flags at once: no avatar, no signature, no posts, no hearts, at most 5 followers and
more than 1,000 accounts followed. An honest person never shows all of them.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from .chance import digest, number, pick, units
from .creators import Creator, generated_id, id_for_handle
from .rows import Address
from .wording import EMOJI, LANGUAGES, NAMES

BLOCK = 100
STRIDE = 37
"""Has no divisor in common with `BLOCK`, so that a block holds each remainder once."""


@dataclass(frozen=True, slots=True)
class Person:
    """One row of a list, with counts of the moment the world was drawn."""

    id: int
    handle: str
    nickname: str
    region: str
    signature: str
    posts: int
    followers: int
    following: int
    hearts: int
    favourites: int
    verified: bool
    bot: bool


def bot_share(creator: Creator) -> float:
    """Which share of the followers are bots, in whole hundredths between 2 and 42 %."""
    return _bots_a_block(creator) / BLOCK


def is_bot(creator: Creator, place: int) -> bool:
    """Whether the follower at this place is a bot; every block of a hundred has the same number of them."""
    return _rank(creator, place) < _bots_a_block(creator)


def count_bots(creator: Creator, followers: int) -> int:
    """How many of the first so many followers are bots."""
    blocks, rest = divmod(followers, BLOCK)
    first = blocks * BLOCK
    return blocks * _bots_a_block(creator) + sum(is_bot(creator, first + place) for place in range(rest))


def person_at(creator: Creator, salt: str | int, place: int, bot: bool = False) -> Person:
    """The person at a place of one of the creator's lists; `salt` names the list. A list repeats nobody."""
    draws = units(creator.seed, "person", creator.id, salt, place)
    language = LANGUAGES[creator.language if draws[0] < 0.7 else pick(tuple(LANGUAGES), draws[1])]
    name = pick(NAMES, draws[2])
    if draws[3] < (0.7 if bot else 0.12):
        person_id = generated_id(number(creator.seed, "generated", creator.id, salt, place))
        handle = f"user{person_id}"
    else:
        # The place ends the handle, so two rows of a list never have the same one.
        handle = f"{name}{'._x'[int(draws[4] * 3)]}{place}"
        person_id = id_for_handle(creator.seed, handle)
    if bot:
        return Person(
            id=person_id,
            handle=handle,
            nickname=handle,
            region=language.region,
            signature="",
            posts=0,
            followers=int(6 * draws[5] ** 3),
            following=1_001 + int(6_500 * draws[6]),
            hearts=0,
            favourites=int(20 * draws[7]),
            verified=False,
            bot=True,
        )
    posts = int(300 * draws[8] ** 4)
    return Person(
        id=person_id,
        handle=handle,
        nickname=f"{name.capitalize()} {pick(EMOJI, draws[9])}" if draws[10] < 0.3 else name.capitalize(),
        region=language.region,
        signature=language.bio if draws[11] < 0.45 else "",
        posts=posts,
        followers=6 + int(4_000 * draws[12] ** 5),
        following=20 + int(1_500 * draws[13] ** 2),
        hearts=posts * (3 + int(90 * draws[14] ** 3)),
        favourites=int(9_000 * draws[15] ** 2),
        verified=draws[12] > 0.998,
        bot=False,
    )


def follow_row(creator: Creator, person: Person, counts: bool = True) -> dict[str, Any]:
    """A person as an element of `followers[]` and `followings[]`; as a comment's user every count is 0."""
    draws = digest(creator.seed, "follow", person.id)
    shown = int if counts else _nothing
    row: dict[str, Any] = {
        "id": str(person.id),
        "region": person.region,
        "sec_uid": "MS4wLjABAAAA" + base64.urlsafe_b64encode(draws[:48]).decode(),
        "unique_id": person.handle,
        "nickname": person.nickname,
        "signature": person.signature,
        "avatar": "" if person.bot else Address(person.id)("avatar", person.id, "png"),
        "aweme_count": shown(person.posts),
        "follower_count": shown(person.followers),
        "favoriting_count": shown(person.favourites),
        "total_favorited": shown(person.hearts),
        "ins_id": "",
        "youtube_channel_title": "",
        "youtube_channel_id": "",
        "twitter_name": "",
        "twitter_id": "",
    }
    # Older answers lack these.
    if draws[48] > 25:
        row |= {"following_count": shown(person.following), "verified": person.verified, "secret": draws[49] < 20}
    return row


def _nothing(count: int) -> int:
    return 0


def _bots_a_block(creator: Creator) -> int:
    return 2 + int(41 * units(creator.seed, "bots", creator.id)[0] ** 2)


def _rank(creator: Creator, place: int) -> int:
    block, within = divmod(place, BLOCK)
    return (within * STRIDE + number(creator.seed, "bot block", creator.id, block)) % BLOCK
