"""The simulated TikTok: creators, their counters and posts at any moment.

Nothing is stored but what a test has ordered (`Overrides`) and which handles were asked for (`Registry`).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice, takewhile
from pathlib import Path

import msgspec

from . import growth, schedule, stories
from .cast import CAST, DAY
from .creators import Creator, apply_role, build_creator, clean_handle, id_for_handle, is_known_id
from .registry import Registry
from .schedule import Boost, Plan

CREATORS_KEPT = 4_000
PLANS_KEPT = 120_000
VIRAL_TIMES = 5.0


class Rename(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From `at` (unix seconds) on the account answers to `new` and no longer to `old`."""

    old: str
    new: str
    at: float = 0


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An account goes private or disappears at a moment (unix seconds)."""

    handle: str
    at: float = 0


class PostChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A post vanishes, and returns unless `restored_at` is left out (unix seconds)."""

    id: str
    deleted_at: float = 0
    restored_at: float = math.inf


class Overrides(msgspec.Struct, forbid_unknown_fields=True):
    """What a test orders on top of the drawn world."""

    renames: list[Rename] = []
    private: list[Change] = []
    deleted: list[Change] = []
    posts: list[PostChange] = []


@dataclass(frozen=True, slots=True)
class Counts:
    """An account's true counters at one moment."""

    followers: int
    following: int
    hearts: int
    videos: int
    diggs: int


@dataclass(frozen=True, slots=True)
class Page:
    """Posts in upstream order with whether each is pinned, and whether older ones follow."""

    posts: list[tuple[Plan, bool]]
    has_more: bool


class World:
    """Looks creators up and computes them; safe for threads."""

    def __init__(self, seed: int, epoch: float, handles_file: Path | None = None) -> None:
        self.seed = seed
        self.epoch = epoch
        self._registry = Registry(seed, handles_file)
        self._cast_renames = [
            Rename(role.handle, role.renamed_to, epoch + role.renamed_day * DAY) for role in CAST if role.renamed_to
        ]
        self._cast_ids = {id_for_handle(seed, role.handle): role for role in CAST}
        for account_id, role in self._cast_ids.items():
            self._registry.remember(account_id, role.handle)
        self._build = lru_cache(CREATORS_KEPT)(self._build_creator)
        self._story = lru_cache(CREATORS_KEPT)(self._tell_story)
        self._plan = lru_cache(PLANS_KEPT)(self._plan_post)
        self._tagged: defaultdict[int, list[int]] = defaultdict(list)
        for account_id in self._registry.ids():
            self._note_tag(account_id)
        self.override(Overrides())

    def override(self, overrides: Overrides) -> None:
        """Replace everything ordered so far. Renames and states are keyed by the handle first met."""
        self._renames = self._cast_renames + overrides.renames
        self._private = {change.handle: change.at for change in overrides.private}
        self._deleted = {change.handle: change.at for change in overrides.deleted}
        self._posts = {int(change.id): change for change in overrides.posts}

    def find(self, text: str, at: float) -> Creator | None:
        """The creator who has this handle at this moment, if any."""
        handle = clean_handle(text)
        if handle is None:
            return None
        for rename in self._renames:
            if handle == (rename.old if at >= rename.at else rename.new):
                return None
            if handle == rename.new:
                handle = rename.old
                break
        account_id = id_for_handle(self.seed, handle)
        self._registry.remember(account_id, handle)
        return self.by_id(account_id, at)

    def by_id(self, account_id: int, at: float) -> Creator | None:
        """The creator with this id, under the handle of this moment."""
        if not is_known_id(account_id):
            return None
        first_handle = self._registry.handle_of(account_id)
        if at >= self._deleted.get(first_handle, math.inf):
            return None
        handle = first_handle
        for rename in self._renames:
            if rename.old == first_handle and at >= rename.at:
                handle = rename.new
        creator = self._build(account_id, handle)
        if at < creator.joined_at:
            return None
        return replace(creator, private=True) if at >= self._private.get(first_handle, math.inf) else creator

    def enrol(self, handle: str) -> int:
        """Make a handle known before anybody asks for it; gives the account's id."""
        account_id = id_for_handle(self.seed, handle)
        self._registry.remember(account_id, handle)
        return account_id

    def build(self, account_id: int) -> Creator:
        """The creator with this id under the first handle, whether the account exists at any moment or not."""
        return self._build(account_id, self._registry.handle_of(account_id))

    def find_post(self, post_id: int, at: float, handle: str = "") -> tuple[Creator, Plan] | None:
        """The visible post or story with this id and its creator; None also when the account is private.

        A post id names its creator only among those this process has met, so the handle of an address helps.
        """
        self.find(handle, at)
        for account_id in self._tagged.get(schedule.tag_of(post_id), ()):
            creator = self.by_id(account_id, at)
            if creator is None or creator.private:
                continue
            plan = self._plan_with_id(creator, post_id) or stories.find_story(creator, post_id)
            if plan and self.visible(plan, at):
                return creator, plan
        return None

    def viral(self, creator: Creator, at: float, since: float) -> list[tuple[Plan, float]]:
        """Posts that ran far beyond the usual, newest first, each with how many times the usual views."""
        boosts, _ = self._story(creator)
        found = []
        for plan in takewhile(lambda plan: plan.create_time >= since, self.posts(creator, at)):
            times = schedule.times_usual(creator, plan.index, boosts.get(plan.index))
            if times >= VIRAL_TIMES:
                found.append((plan, times))
        return found

    def counts(self, creator: Creator, at: float) -> Counts:
        """The account's true counters."""
        _, surges = self._story(creator)
        made = schedule.last_index(creator, at) + 1
        ordered_away = sum(
            1
            for post in self._posts.values()
            if post.deleted_at <= at < post.restored_at
            and (plan := self._plan_with_id(creator, int(post.id)))
            and plan.visible(at)
        )
        return Counts(
            followers=growth.followers_at(creator, at, surges),
            following=growth.following_at(creator, at),
            hearts=growth.hearts_at(creator, at, surges),
            diggs=growth.diggs_at(creator, at),
            videos=made - schedule.count_deleted(creator, at) - ordered_away,
        )

    def posts(self, creator: Creator, at: float, before: float = math.inf) -> Iterator[Plan]:
        """Every post made by `at` and before `before`, newest first, deleted ones included."""
        newest = schedule.last_index(creator, min(at, before - 1))
        return (self._plan(creator, index) for index in range(newest, -1, -1))

    def visible(self, plan: Plan, at: float) -> bool:
        """Whether the upstream shows the post at this moment."""
        change = self._posts.get(plan.id)
        if change and change.deleted_at <= at < change.restored_at:
            return False
        return plan.visible(at)

    def page(self, creator: Creator, at: float, before: float | None, count: int) -> Page:
        """One page of visible posts; on the first (`before` None) pinned ones lead, later ones omit them.

        At most `count - 1` pinned posts are shown, so that the last row is always where the next page starts.
        """
        pinned = [plan for plan in self.pinned(creator, at) if self.visible(plan, at)][: count - 1]
        skipped = {plan.index for plan in pinned}
        older = (
            plan
            for plan in self.posts(creator, at, math.inf if before is None else before)
            if plan.index not in skipped and self.visible(plan, at)
        )
        lead = [(plan, True) for plan in pinned] if before is None else []
        rows = lead + [(plan, False) for plan in islice(older, count - len(lead))]
        return Page(rows, next(older, None) is not None)

    def pinned(self, creator: Creator, at: float) -> list[Plan]:
        """The pinned posts, visible or not."""
        boosts, _ = self._story(creator)
        return [self._plan(creator, index) for index in schedule.pinned_indexes(creator, boosts, at)]

    def _plan_with_id(self, creator: Creator, post_id: int) -> Plan | None:
        created_about = (post_id >> 32) + 60
        return next((plan for plan in islice(self.posts(creator, created_about), 3) if plan.id == post_id), None)

    def _note_tag(self, account_id: int) -> None:
        known = self._tagged[schedule.creator_tag(self.seed, account_id)]
        if account_id not in known:
            known.append(account_id)

    def _build_creator(self, account_id: int, handle: str) -> Creator:
        self._note_tag(account_id)
        creator = build_creator(self.seed, account_id, handle)
        role = self._cast_ids.get(account_id)
        return apply_role(creator, role) if role else creator

    def _tell_story(self, creator: Creator) -> tuple[dict[int, Boost], tuple[growth.Surge, ...]]:
        boosts = schedule.find_boosts(creator, self.epoch)
        return boosts, schedule.surges_of(creator, boosts)

    def _plan_post(self, creator: Creator, index: int) -> Plan:
        boosts, _ = self._story(creator)
        return schedule.plan_post(creator, index, boosts.get(index))
