"""At which ages a young post is read, whatever its account's rhythm. Pure: no Django, no clock of its own.

A mark is an age. It counts as read when a reading exists within a quarter of it: breakouts compare posts at the same
age with that tolerance. A mark that nobody read in time is gone; it is not made up for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

MARKS = tuple(timedelta(hours=hours) for hours in (1, 3, 6, 12, 24, 48))
TOLERANCE = 0.25
#: A post that is older has no mark left.
YOUNG_FOR = MARKS[-1] * (1 + TOLERANCE)
#: How long the regular reading of posts may take from when it is due until its readings are there.
GRACE = timedelta(minutes=2)


@dataclass(frozen=True)
class Mark:
    """One mark of one post: its age, and the first, the best and the last moment to read it."""

    age: timedelta
    opens_at: datetime
    at: datetime
    closes_at: datetime

    def holds(self, moment: datetime) -> bool:
        """Whether what is read at `moment` is a reading at this age."""
        return self.opens_at <= moment <= self.closes_at


@dataclass(frozen=True)
class YoungPost:
    """A post of the last days, and when it was read."""

    aweme_id: str
    title: str
    posted_at: datetime
    read_at: Sequence[datetime] = ()

    def unread(self) -> Iterator[Mark]:
        """Its marks of which there is no reading, the earliest first, gone ones included."""
        return (mark for mark in marks_of(self.posted_at) if not any(mark.holds(moment) for moment in self.read_at))


@dataclass(frozen=True)
class Look:
    """What a look at an account's young posts says: `wanted` must be read now.

    `left` is when to look again at what the regular reading is about to read; None where nothing waits for it.
    """

    wanted: tuple[YoungPost, ...]
    left: datetime | None


NOTHING = Look((), None)


def marks_of(posted_at: datetime) -> Iterator[Mark]:
    """The marks of a post, the earliest first; no two of them overlap."""
    for age in MARKS:
        early, late = (posted_at + age * (1 + side * TOLERANCE) for side in (-1, 1))
        yield Mark(age, early, posted_at + age, late)


def window_at(posted_at: datetime, moment: datetime) -> Mark | None:
    """The mark of a post of which a reading at `moment` is one; None between marks."""
    if moment - posted_at > YOUNG_FOR:
        return None
    return next((mark for mark in marks_of(posted_at) if mark.holds(moment)), None)


def look(posts: Iterable[YoungPost], now: datetime, polled_at: datetime | None) -> Look:
    """The posts that have a mark which is due and not read.

    `polled_at` is when the regular reading of the account's posts is due; a mark that it can still reach is left to it.
    """
    expected = polled_at if polled_at is not None and now < polled_at + GRACE else None
    due = [(post, mark) for post in posts for mark in post.unread() if mark.at <= now <= mark.closes_at]
    wanted = tuple(post for post, mark in due if expected is None or expected > mark.closes_at)
    left = expected + GRACE if expected is not None and len(wanted) < len(due) else None
    return Look(wanted, left)


def next_mark(posts: Iterable[YoungPost], now: datetime) -> tuple[YoungPost, Mark] | None:
    """The first mark after `now` that is not read, of any of the posts; None where there is none."""
    ahead = ((post, mark) for post in posts for mark in post.unread() if mark.at > now)
    return min(ahead, key=lambda each: each[1].at, default=None)
