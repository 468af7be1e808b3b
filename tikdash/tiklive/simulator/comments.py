"""Comments under a post: as many as its counter says, each with the moment at which the counter reached it."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

from .cast import DAY
from .chance import digest, pick, units
from .creators import Creator
from .people import follow_row, person_at
from .schedule import Plan, counters_at
from .wording import COMMENTS, EMOJI, NAMES

COMMENTS_PLACE = 2
"""Of the comment counter among the counters of a post."""


def comment_count(plan: Plan, at: float) -> int:
    """How many comments the post has at a moment."""
    return counters_at(plan, at)[COMMENTS_PLACE]


def comment_row(creator: Creator, plan: Plan, place: int, at: float) -> dict[str, Any]:
    """One element of `comments[]`; places count from 0, the first comments lead and have the most likes."""
    draws = units(creator.seed, "comment", plan.id, place)
    created = comment_time(plan, place, at)
    age = (at - created) / DAY
    likes = plan.views * 0.002 * draws[0] / (place + 1) ** 0.9 * age / (age + 1)
    return {
        "id": str(created - 1 - int(55 * draws[1]) << 32 | _low_half(creator, plan, place)),
        "text": _text(creator, draws),
        "create_time": created,
        "digg_count": int(likes),
        "reply_total": int(likes * 0.05 * draws[2]),
        "user": follow_row(creator, person_at(creator, plan.id, place), counts=False),
        "status": 1,
    }


def comment_time(plan: Plan, place: int, at: float) -> int:
    """The second (unix) at which the counter went past `place`; there must be such a comment by `at`."""
    first = plan.create_time
    return first + bisect_right(range(first, int(at)), place, key=lambda second: comment_count(plan, second))


def _low_half(creator: Creator, plan: Plan, place: int) -> int:
    # An odd factor gives every place of a post another number of 32 bits.
    start = int.from_bytes(digest(creator.seed, "comment ids", plan.id)[:4], "little")
    return (start + place * 2_654_435_761) & 0xFFFFFFFF


def _text(creator: Creator, draws: tuple[float, ...]) -> str:
    language = creator.language if draws[3] < 0.75 else pick(tuple(COMMENTS), draws[4])
    text = pick(COMMENTS[language], draws[5])
    form = draws[6]
    if form < 0.12:
        return pick(EMOJI, draws[7]) * (1 + int(4 * draws[8]))
    if form < 0.17:
        return f"@{pick(NAMES, draws[7])}{int(99 * draws[8])} {text}"
    if form < 0.19:
        return ""
    return f"{text} {pick(EMOJI, draws[7])}" if form < 0.5 else text
