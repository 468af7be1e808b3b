"""Which posts a creator has, when they appear and vanish, and how their counters grow.

Post number `index` of a creator has a computable moment, so a page is found by arithmetic, not in a list.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from .cast import DAY
from .chance import bell, digest, number, units
from .creators import Creator
from .growth import Surge, follower_trend

WEEK = 7 * DAY
BREAKOUT_EVERY = 80 * DAY
BREAKOUTS_UNTIL = 1_956_528_000
PIN_PERIOD = 45 * DAY
LONGEST_DELETION = 50 * DAY
ID_TAG_BITS = 20

DAY_SHAPE = ((0.0, 0.0), (0.05, 0.25), (0.15, 0.375), (0.35, 0.52), (0.5, 0.667), (0.95, 0.917), (1.0, 1.0))
"""Share of posts against share of the day: few at night, most in the evening. Monotone, so order holds."""


@dataclass(frozen=True, slots=True)
class Boost:
    """What makes a post a breakout: how many times the usual views, which share of followers it brings."""

    times: float
    gain: float


@dataclass(frozen=True, slots=True)
class Plan:
    """One post: who it is and where its counters are heading. `views` is the play count after some weeks."""

    index: int
    id: int
    create_time: int
    views: float
    days_to_peak: float
    rates: tuple[float, float, float, float, float]
    deleted_at: float
    restored_at: float

    def visible(self, at: float) -> bool:
        """Whether the upstream shows the post at this moment."""
        return self.create_time <= at and not self.deleted_at <= at < self.restored_at


def post_time(creator: Creator, index: int) -> int:
    """Unix seconds at which the post appears; strictly increasing with `index`."""
    jitter = 0.15 + 0.7 * (number(creator.seed, "when", creator.id, index) / 2**64)
    day, share = divmod((index + jitter) / creator.posts_per_week * 7, 1)
    midnight = creator.joined_at - creator.joined_at % DAY + DAY - int((creator.best_hour - 18) * 3600)
    return int(midnight + (day + _hour_share(share)) * DAY)


def last_index(creator: Creator, at: float) -> int:
    """Number of the newest post made at or before this moment, -1 when there is none yet."""
    days = (at - creator.joined_at) / DAY + 1
    index = int(days / 7 * creator.posts_per_week) + 1
    while index >= 0 and post_time(creator, index) > at:
        index -= 1
    return max(index, -1)


def find_boosts(creator: Creator, epoch: float) -> dict[int, Boost]:
    """Breakout posts by number: fixed ones for a named creator, drawn ones for the others."""
    if creator.breakouts is not None:
        fixed = ((epoch + each.day * DAY, Boost(each.times, each.gain)) for each in creator.breakouts)
        return {last_index(creator, at): boost for at, boost in fixed}
    boosts = {}
    for slot in range(int(creator.joined_at // BREAKOUT_EVERY) + 1, BREAKOUTS_UNTIL // BREAKOUT_EVERY):
        happens, moment, size, gain, *_ = units(creator.seed, "breakout", creator.id, slot)
        if happens < 0.3:
            index = last_index(creator, (slot + moment) * BREAKOUT_EVERY)
            boosts[index] = Boost(8 + 40 * size**2, min(0.25, (0.005 + 0.04 * gain) * (1e5 / creator.followers) ** 0.3))
    boosts.pop(-1, None)
    return boosts


def surges_of(creator: Creator, boosts: dict[int, Boost]) -> tuple[Surge, ...]:
    """How the account feels its breakout posts."""
    surges = []
    for index, boost in boosts.items():
        at = post_time(creator, index)
        followers = follower_trend(creator, at)
        hearts = followers * creator.reach * boost.times * creator.digg_rate
        surges.append(Surge(at, followers * boost.gain, hearts))
    return tuple(surges)


def plan_post(creator: Creator, index: int, boost: Boost | None) -> Plan:
    """Everything time-independent about one post."""
    draws = units(creator.seed, "post", creator.id, index)
    create_time = post_time(creator, index)
    hour = create_time / 3600 % 24
    times = math.exp(0.7 * bell(draws)) * (1 + 0.25 * math.cos(math.tau * (hour - creator.best_hour) / 24))
    times = boost.times if boost else times * _outlier(draws)
    digg = creator.digg_rate * (0.75 + 0.5 * draws[6])
    rates = (
        digg,
        digg * (0.004 + 0.03 * draws[7]),
        digg * (0.01 + 0.08 * draws[8]),
        digg * 0.03 * draws[9],
        digg * (0.02 + 0.12 * draws[10]),
    )
    deleted_at, restored_at = _deletion(creator, index, create_time, draws[11], draws[12])
    return Plan(
        index=index,
        id=_post_id(creator, index, create_time, draws[13]),
        create_time=create_time,
        views=max(20.0, follower_trend(creator, create_time) * creator.reach * times),
        days_to_peak=(0.5 + 1.6 * draws[14]) * (1.8 if boost else 1),
        rates=rates,
        deleted_at=deleted_at,
        restored_at=restored_at,
    )


def times_usual(creator: Creator, index: int, boost: Boost | None) -> float:
    """How many times the usual views a post is meant to get: far above 1 for a breakout or an outlier only."""
    return boost.times if boost else _outlier(units(creator.seed, "post", creator.id, index))


def counters_at(plan: Plan, at: float) -> tuple[int, int, int, int, int, int]:
    """Plays, diggs, comments, shares, downloads and collects at a moment; they never fall."""
    days = max(0.0, at - plan.create_time) / DAY
    views = plan.views * (-math.expm1(-((days / plan.days_to_peak) ** 0.8)) + 0.025 * math.log1p(days / 30))
    digg, comment, share, download, collect = plan.rates
    return (
        int(views),
        int(views * digg),
        int(views * comment),
        int(views * share),
        int(views * download),
        int(views * collect),
    )


def pinned_indexes(creator: Creator, boosts: dict[int, Boost], at: float) -> tuple[int, ...]:
    """Numbers of the pinned posts, best first; the choice changes every 45 days."""
    since = at - at % PIN_PERIOD
    newest = last_index(creator, since)
    if not creator.pinned or newest < 10:
        return ()
    famous = sorted((index for index in boosts if index <= newest), reverse=True)[:1]
    drawn = [newest - int(draw * min(60, newest)) for draw in units(creator.seed, "pins", creator.id, int(since))]
    wanted = dict.fromkeys(index for index in famous + drawn if not _is_deletable(creator, index))
    return tuple(wanted)[: creator.pinned]


def count_deleted(creator: Creator, at: float) -> int:
    """How many of the posts made so far are deleted at this moment."""
    every, rest = creator.deleted_every, creator.id % creator.deleted_every
    settled = (last_index(creator, at - LONGEST_DELETION) - rest) // every + 1
    deleted = settled - (settled + 2) // 3
    index = settled * every + rest
    while (created := post_time(creator, index)) <= at:
        draws = units(creator.seed, "post", creator.id, index)
        deleted_at, restored_at = _deletion(creator, index, created, draws[11], draws[12])
        deleted += deleted_at <= at < restored_at
        index += every
    return deleted


def creator_tag(seed: int, creator_id: int) -> int:
    """The part of a post id that names its creator among all that this process has met."""
    return number(seed, "tag", creator_id) % (1 << ID_TAG_BITS)


def tag_of(post_id: int) -> int:
    """The creator's tag inside a post id."""
    return post_id >> 12 & (1 << ID_TAG_BITS) - 1


def _outlier(draws: tuple[float, ...]) -> float:
    return 5 + 20 * draws[5] if draws[4] < 0.02 else 1.0


def _hour_share(share: float) -> float:
    for (from_share, from_day), (to_share, to_day) in pairwise(DAY_SHAPE):
        if share <= to_share:
            return from_day + (to_day - from_day) * (share - from_share) / (to_share - from_share)
    return share


def _is_deletable(creator: Creator, index: int) -> bool:
    return index % creator.deleted_every == creator.id % creator.deleted_every


def _deletion(creator: Creator, index: int, created: int, when: float, back: float) -> tuple[float, float]:
    """From when to when the post is gone (infinite: never); a third of the deleted ones return."""
    if not _is_deletable(creator, index):
        return math.inf, math.inf
    deleted_at = created + (0.3 + 39 * when**2) * DAY
    returns = index // creator.deleted_every % 3 == 0
    return deleted_at, deleted_at + (2 + 7 * back) * DAY if returns else math.inf


def _post_id(creator: Creator, index: int, create_time: int, draw: float) -> int:
    """Upper half: some seconds before `create_time`; then the creator's tag, then chance."""
    low = digest(creator.seed, "low", creator.id, index)
    noise = int.from_bytes(low[:2], "little") >> 4
    return (create_time - 1 - int(draw * 55)) << 32 | creator_tag(creator.seed, creator.id) << 12 | noise
