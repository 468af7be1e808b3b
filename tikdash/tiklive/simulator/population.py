"""The public that hashtags and searches draw from: the cast and a hundred creators more.

Their posts are sorted into months once, so that moving the clock costs no new look at old posts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

from .cast import CAST, DAY
from .chance import number
from .schedule import Plan
from .sounds import Sound, row_draws, sound_of
from .wording import NAMES
from .world import World
from .writing import write_title

MORE_CREATORS = 120
HORIZON_DAYS = 180
HOUR = 3600
MONTH = 30 * DAY
TRADES = ("bakes", "runs", "builds", "cooks", "films", "walks", "reads", "draws", "sings", "fixes", "plants", "jokes")
MONTHS_KEPT = 4_000
RANKINGS_KEPT = 300

RELEVANCE, LIKES = 0, 1
ANY_AGE = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """A post of the public as a search sees it; `text` is what a keyword is looked for in, in lower case."""

    creator_id: int
    region: str
    plan: Plan
    text: str
    tags: frozenset[str]
    sound: Sound


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: a hashtag key or a keyword, days back (0: any age), order and region ('' any)."""

    tag: str = ""
    keyword: str = ""
    days: int = ANY_AGE
    order: int = RELEVANCE
    region: str = ""


def tag_key(tag: str) -> str:
    """By what a hashtag is the same however it is written."""
    return tag.strip().lower()


class Population:
    """Finds posts among the public; safe for threads."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._members = lru_cache(1)(self._enrol)
        self._month = lru_cache(MONTHS_KEPT)(self._sort_month)
        self._ranking = lru_cache(RANKINGS_KEPT)(self._rank)

    def members(self) -> tuple[int, ...]:
        """Account ids of the public."""
        return self._members()

    def search(self, query: Query, at: float) -> tuple[Entry, ...]:
        """Posts of the last 180 days as they were at the last full hour, best first; see `shown`."""
        return self._ranking(query, int(at // HOUR))

    def shown(self, entries: Iterable[Entry], at: float) -> Iterator[Entry]:
        """Those that are still shown at this moment; a ranking may be an hour old."""
        for entry in entries:
            creator = self._world.by_id(entry.creator_id, at)
            if creator and not creator.private and self._world.visible(entry.plan, at):
                yield entry

    def _enrol(self) -> tuple[int, ...]:
        names = dict.fromkeys(
            f"{NAMES[draw % len(NAMES)]}.{TRADES[draw // 64 % len(TRADES)]}"
            for draw in (number(self._world.seed, "public", place) for place in range(MORE_CREATORS))
        )
        return tuple(self._world.enrol(handle) for handle in (*(role.handle for role in CAST), *names))

    def _rank(self, query: Query, hour: int) -> tuple[Entry, ...]:
        until = hour * HOUR
        since = until - (query.days or HORIZON_DAYS) * DAY
        months = range(int(since // MONTH), int(until // MONTH) + 1)
        found = [
            entry
            for member in self.members()
            for month in months
            for entry in self._month(member, month)
            if since <= entry.plan.create_time
            and entry.plan.visible(until)
            and (not query.tag or query.tag in entry.tags)
            and query.keyword in entry.text
            and query.region in ("", entry.region)
        ]
        found.sort(key=lambda entry: self._weight(entry, query), reverse=True)
        return tuple(found)

    def _weight(self, entry: Entry, query: Query) -> tuple[float, int]:
        plan = entry.plan
        if query.order == RELEVANCE:
            luck = number(self._world.seed, "luck", query.tag, query.keyword, plan.id) / 2**64
            return plan.views**0.5 * (0.2 + luck), plan.id
        return (plan.views * plan.rates[0] if query.order == LIKES else plan.create_time), plan.id

    def _sort_month(self, account_id: int, month: int) -> tuple[Entry, ...]:
        creator = self._world.build(account_id)
        if creator.private:
            return ()
        first = month * MONTH
        entries = []
        plans = self._world.posts(creator, first + MONTH - 1)
        for plan in takewhile(lambda plan: plan.create_time >= first, plans):
            writing = write_title(creator, plan.index)
            text = f"{writing.title or ''} {creator.handle} {creator.nickname}".lower()
            tags = frozenset(map(tag_key, writing.tags))
            sound = sound_of(creator, plan, row_draws(creator, plan))
            entries.append(Entry(account_id, creator.region, plan, text, tags, sound))
        return tuple(entries)
