"""How often an account's work of each kind runs, and why. Pure: no Django, no clock of its own.

The plan's cadence of a kind is the base: how old a number may be when somebody looks at it. What nobody looks at and
what does not move is read less often than that (a look refreshes it, see `snapshots.services.viewing`); what takes off
is read more often. A tenant whose plan has a budget gets the first of `LEVELS` that it can pay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from snapshots.scheduling.cadence import DAY_S, HOUR_S
from tikdash.words import N_

#: Kinds whose cadence is planned; the others have a rhythm of their own.
PLANNED = ("profile", "posts", "comments", "followers", "following", "stories", "hashtag", "sound")
LONGEST_WHY = 120
NEW_FOR = timedelta(days=3)
YOUNG_POST = timedelta(hours=48)
SEEN_LATELY = timedelta(days=1)
UNSEEN, FORGOTTEN = timedelta(days=7), timedelta(days=30)
ACTIVE_WITHIN, DORMANT_AFTER = timedelta(days=7), timedelta(days=90)
STORIES_WITHIN = timedelta(days=14)
#: Followers that change by so much in a week, more than 1 % a day, are worth reading as often as the plan says.
MOVES_A_WEEK = 0.1
#: With a young post of so many times the usual views, posts are read so many times as often as the plan says.
TAKES_OFF, RAISED = 3.0, 2
FINEST_S = 900
#: A story lives for 24 h: who looks twice in that time misses none.
STORIES_AT_LEAST_S = 12 * HOUR_S
WEEK_S = 7 * DAY_S

#: Credits of one run, where it is more than one: what runs of the demo's accounts took.
CREDITS = {"comments": 10.0, "followers": 2.0, "following": 2.0, "hashtag": 10.0, "sound": 5.0}
#: Of a day's credits so much may be planned; the rest is for what people ask for, and for retries.
PLANNED_SHARE = 0.8


#: Reasons with values. They are stored as they are written here, and told again in the reader's language.
MOVED = N_("Its followers moved by {share} in a week.")
AHEAD = N_("A new post has {times} times its usual views.")
RESTS = N_("Who looks gets newer numbers.")
UNSEEN_A_WEEK = N_("Nobody has looked for a week.")
UNSEEN_DAYS = N_("Nobody has looked for {days} days.")
MOVED_RESTS = N_("Its followers moved by {share} in a week; who looks gets newer numbers.")
MOVED_UNSEEN = N_("Its followers moved by {share} in a week; nobody has looked for a week.")
MOVED_UNSEEN_DAYS = N_("Its followers moved by {share} in a week; nobody has looked for {days} days.")


@dataclass(frozen=True)
class Facts:
    """What is known of an account. `moved` is the change of its followers in a week as a fraction, `multiple` the views
    of its best young post over the median of its others; both None where there is too little to tell."""

    tracked_since: datetime
    viewed_at: datetime | None = None
    newest_post_at: datetime | None = None
    newest_story_at: datetime | None = None
    moved: float | None = None
    multiple: float | None = None


@dataclass(frozen=True)
class Planned:
    """A cadence in seconds and the reason for it, as a sentence for people."""

    cadence_s: int
    why: str


@dataclass(frozen=True)
class Level:
    """One way to save: whether anything may run more often than the plan says, and the finest cadence of the rest."""

    raises: bool
    finest_s: int
    why: str


LEVELS = (
    Level(True, 0, ""),
    Level(False, 0, ""),
    Level(False, 6 * HOUR_S, N_("Saving: the day's credits would not last at a faster pace.")),
    Level(False, DAY_S, N_("Saving: the day's credits are enough for daily numbers only.")),
)


def plan_account(bases: Mapping[str, int], facts: Facts, now: datetime, level: Level = LEVELS[0]) -> dict[str, Planned]:
    """The cadence of each planned kind that the plan has, by kind."""
    return {kind: _saved(_RULES[kind](bases[kind], facts, now, level), level) for kind in PLANNED if kind in bases}


def plan_accounts(
    bases: Mapping[str, int], accounts: Mapping[int, Facts], now: datetime, *, daily_credits: int | None, pages: int = 1
) -> dict[int, dict[str, Planned]]:
    """The plan of all accounts of a tenant, by id, at the first level that `daily_credits` pays (None: no cap).

    `pages` is how many pages the first reading of posts of a day takes.
    """
    found: dict[int, dict[str, Planned]] = {}
    for level in LEVELS:
        found = {key: plan_account(bases, facts, now, level) for key, facts in accounts.items()}
        if daily_credits is None or credits_a_day(found.values(), pages) <= PLANNED_SHARE * daily_credits:
            break
    return found


def credits_a_day(plans: Iterable[Mapping[str, Planned]], pages: int = 1) -> float:
    """What these plans cost a day, in credits."""
    return sum(
        DAY_S / planned.cadence_s * CREDITS.get(kind, 1.0) + (pages - 1 if kind == "posts" else 0)
        for plan in plans
        for kind, planned in plan.items()
    )


def _profile(base_s: int, facts: Facts, now: datetime, level: Level) -> Planned:
    if _is_within(facts.tracked_since, now, NEW_FOR):
        return Planned(base_s, N_("New here: tracked for less than three days."))
    if facts.moved is not None and abs(facts.moved) >= MOVES_A_WEEK:
        return Planned(base_s, MOVED.format(share=f"{abs(facts.moved):.0%}"))
    return Planned(max(base_s, DAY_S), _at_rest(facts, now))


def _posts(base_s: int, facts: Facts, now: datetime, level: Level) -> Planned:
    if _takes_off(facts):
        cadence_s = min(base_s, max(base_s // RAISED, FINEST_S)) if level.raises else base_s
        return Planned(cadence_s, AHEAD.format(times=f"{facts.multiple:.1f}"))
    if _is_within(facts.tracked_since, now, NEW_FOR):
        return Planned(base_s, N_("New here: tracked for less than three days."))
    idle = _since(facts.newest_post_at, now)
    if idle is not None and idle <= YOUNG_POST:
        return Planned(base_s, N_("It has a post of the last 48 hours."))
    if _is_within(facts.viewed_at, now, SEEN_LATELY):
        return Planned(max(base_s, 6 * HOUR_S), N_("Somebody looked at it within a day."))
    if idle is not None and idle <= ACTIVE_WITHIN:
        return Planned(max(base_s, 6 * HOUR_S), N_("It posted within a week."))
    if (idle is None or idle > DORMANT_AFTER) and not _is_within(facts.viewed_at, now, FORGOTTEN):
        return Planned(max(base_s, 3 * DAY_S), N_("No post for 90 days, and nobody has looked for 30."))
    return Planned(max(base_s, DAY_S), N_("No post within a week."))


def _stories(base_s: int, facts: Facts, now: datetime, level: Level) -> Planned:
    if _is_within(facts.newest_story_at, now, STORIES_WITHIN):
        return Planned(base_s, N_("It had a story within two weeks."))
    if _is_within(facts.tracked_since, now, NEW_FOR):
        return Planned(base_s, N_("New here: tracked for less than three days."))
    return Planned(max(base_s, STORIES_AT_LEAST_S), N_("No story for two weeks; twice a day misses none."))


def _comments(base_s: int, facts: Facts, now: datetime, level: Level) -> Planned:
    if _is_within(facts.newest_post_at, now, FORGOTTEN) or _is_within(facts.viewed_at, now, UNSEEN):
        return Planned(base_s, N_("As the plan says."))
    return Planned(max(base_s, WEEK_S), N_("No post for a month, and nobody has looked for a week."))


def _audience(base_s: int, facts: Facts, now: datetime, level: Level) -> Planned:
    if _is_within(facts.viewed_at, now, FORGOTTEN) or _is_within(facts.tracked_since, now, FORGOTTEN):
        return Planned(base_s, N_("As the plan says."))
    return Planned(max(base_s, 2 * WEEK_S), N_("Nobody has looked for 30 days."))


def _topics(base_s: int, facts: Facts, now: datetime, level: Level) -> Planned:
    if _is_within(facts.newest_post_at, now, DORMANT_AFTER):
        return Planned(base_s, N_("As the plan says."))
    return Planned(max(base_s, 4 * WEEK_S), N_("No post for 90 days."))


_RULES: dict[str, Callable[[int, Facts, datetime, Level], Planned]] = {
    "profile": _profile,
    "posts": _posts,
    "stories": _stories,
    "comments": _comments,
    "followers": _audience,
    "following": _audience,
    "hashtag": _topics,
    "sound": _topics,
}


def _takes_off(facts: Facts) -> bool:
    return facts.multiple is not None and facts.multiple >= TAKES_OFF


def _at_rest(facts: Facts, now: datetime) -> str:
    seen = _since(facts.viewed_at, now)
    if facts.moved is None:
        if seen is not None and seen <= UNSEEN:
            return RESTS
        return UNSEEN_A_WEEK if seen is None else UNSEEN_DAYS.format(days=seen.days)
    share = f"{abs(facts.moved):.1%}"
    if seen is not None and seen <= UNSEEN:
        return MOVED_RESTS.format(share=share)
    return MOVED_UNSEEN.format(share=share) if seen is None else MOVED_UNSEEN_DAYS.format(share=share, days=seen.days)


def _saved(planned: Planned, level: Level) -> Planned:
    if planned.cadence_s >= level.finest_s:
        return planned
    return Planned(level.finest_s, level.why)


def _since(moment: datetime | None, now: datetime) -> timedelta | None:
    return None if moment is None else now - moment


def _is_within(moment: datetime | None, now: datetime, span: timedelta) -> bool:
    return moment is not None and now - moment <= span
