"""Stories: short-lived posts that no list but `/user-stories/` shows, gone after a day."""

from __future__ import annotations

import math

from .cast import DAY
from .chance import number, units
from .creators import Creator
from .growth import follower_trend
from .schedule import Plan, creator_tag

MOST_A_DAY = 4


def stories_between(creator: Creator, since: float, until: float) -> list[Plan]:
    """Every story made after `since` and at or before `until`, newest first."""
    found = [
        story
        for day in range(int(until // DAY), int(since // DAY) - 1, -1)
        for story in _stories_of_day(creator, day)
        if max(since, creator.joined_at) < story.create_time <= until
    ]
    return sorted(found, key=lambda story: -story.create_time)


def find_story(creator: Creator, post_id: int) -> Plan | None:
    """The story with this id, expired or not."""
    made_about = post_id >> 32
    near = stories_between(creator, made_about, made_about + 60)
    return next((story for story in near if story.id == post_id), None)


def _stories_of_day(creator: Creator, day: int) -> list[Plan]:
    draws = units(creator.seed, "stories", creator.id, day)
    many = int(draws[0] * min(MOST_A_DAY + 1, 0.5 + creator.posts_per_week / 3))
    return [_plan_story(creator, day, place, draws[1 + place]) for place in range(many)]


def _plan_story(creator: Creator, day: int, place: int, draw: float) -> Plan:
    create_time = int((day + (place + draw) / MOST_A_DAY) * DAY)
    # Numbers below zero keep the draws of a story apart from those of every post.
    index = -1 - (day * MOST_A_DAY + place)
    noise = number(creator.seed, "story", creator.id, index) & 0xFFF
    return Plan(
        index=index,
        id=(create_time - 1 - int(draw * 55)) << 32 | creator_tag(creator.seed, creator.id) << 12 | noise,
        create_time=create_time,
        views=max(5.0, follower_trend(creator, create_time) * creator.reach * (0.05 + 0.3 * draw)),
        days_to_peak=0.25,
        rates=(creator.digg_rate / 2, 0.0005, 0.0005, 0.0, 0.0),
        deleted_at=create_time + DAY,
        restored_at=math.inf,
    )
