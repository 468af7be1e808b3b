"""Who follows whom since when, and the pages that `time` walks through, newest first.

The place in the list, 0 for the oldest, is the identity; the moment of following is computed from it, and it
only serves as the upstream's paging token.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from .creators import Creator
from .growth import follower_arrivals

Moment = Callable[[int], int]


@dataclass(frozen=True, slots=True)
class FollowPage:
    """Places in the list, newest first, and the token of the next page (unix seconds)."""

    places: range
    time: int
    has_more: bool


def follower_moments(creator: Creator, followers: int, at: float) -> Moment:
    """Since when (unix seconds) the follower at a place follows, for a list of so many at this moment."""
    total = follower_arrivals(creator, at)
    first = creator.joined_at

    def moment(place: int) -> int:
        share = total * (place + 1) / followers
        return first + bisect_left(range(first, int(at)), share, key=lambda second: follower_arrivals(creator, second))

    return moment


def following_moments(creator: Creator, following: int, at: float) -> Moment:
    """Since when the account follows the one at a place: most of them soon after it joined."""
    first = creator.joined_at
    return lambda place: first + int((at - first) * ((place + 1) / (following + 1)) ** 1.5)


def page_of(total: int, moment: Moment, before: int, count: int) -> FollowPage:
    """The page of those who follow since before `before` (0: the newest page).

    Those who came in the same second stay on one page, or the token would lose some of them: such a page is
    a little shorter, and longer than `count` only where a single second has more than that.
    """
    end = bisect_left(range(total), before, key=moment) if before else total
    if not end:
        return FollowPage(range(0), before, False)
    start = max(0, end - count)
    second = moment(start)
    if start and moment(start - 1) == second:
        start = bisect_right(range(total), second, key=moment)
        if start >= end:
            start = bisect_left(range(total), second, key=moment)
    return FollowPage(range(end - 1, start - 1, -1), moment(start), start > 0)
