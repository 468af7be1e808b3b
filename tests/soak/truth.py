"""What was true at any moment of the run: the referee's own copy of the world, which nobody can have spoilt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache

from tests.soak.troubles import History
from tikdash.tiklive.simulator.creators import Creator
from tikdash.tiklive.simulator.schedule import Plan, counters_at
from tikdash.tiklive.simulator.world import World

ACCOUNT = {
    "follower_count": "followers", "following_count": "following", "heart_count": "hearts", "video_count": "videos",
    "digg_count": "diggs",
}  # fmt: skip
#: Places in what `counters_at` gives; the downloads are nobody's business.
POST = {"play_count": 0, "digg_count": 1, "comment_count": 2, "share_count": 3, "collect_count": 5}


class Truth:
    """Counters, names and visibility, by the ids of TikTok."""

    def __init__(self, seed: int, epoch: datetime, handles: Iterable[str], history: History) -> None:
        self._worlds = []
        for since, overrides in history.orders:
            world = World(seed, epoch.timestamp())
            for handle in handles:
                world.enrol(handle)
            world.override(overrides)
            self._worlds.append((since, world))
        self._post = lru_cache(200_000)(self._find_post)

    def account(self, account_id: str, at: datetime) -> Mapping[str, int]:
        """All counters of an account by the names of our columns."""
        world, creator = self._creator(account_id, at)
        assert creator is not None, f"{account_id} does not exist at {at}"
        counts = world.counts(creator, at.timestamp())
        return {name: getattr(counts, theirs) for name, theirs in ACCOUNT.items()}

    def state(self, account_id: str, at: datetime) -> str:
        _, creator = self._creator(account_id, at)
        return "not_found" if creator is None else "private" if creator.private else "active"

    def handle(self, account_id: str, at: datetime) -> str | None:
        _, creator = self._creator(account_id, at)
        return None if creator is None else creator.handle

    def post(self, account_id: str, post_id: str, at: datetime) -> Mapping[str, int] | None:
        """The counters of a post; None for one that was never made."""
        plan = self._post(account_id, post_id)
        if plan is None:
            return None
        counters = counters_at(plan, at.timestamp())
        return {name: counters[place] for name, place in POST.items()}

    def is_visible(self, account_id: str, post_id: str, at: datetime) -> bool:
        """Whether TikTok shows the post, whatever the state of its account."""
        plan = self._post(account_id, post_id)
        return plan is not None and self._world(at).visible(plan, at.timestamp())

    def _creator(self, account_id: str, at: datetime) -> tuple[World, Creator | None]:
        world = self._world(at)
        return world, world.by_id(int(account_id), at.timestamp())

    def _world(self, at: datetime) -> World:
        return [world for since, world in self._worlds if since <= at][-1]

    def _find_post(self, account_id: str, post_id: str) -> Plan | None:
        _, world = self._worlds[0]
        creator = world.build(int(account_id))
        about = (int(post_id) >> 32) + 60
        newest = (plan for plan, _ in zip(world.posts(creator, about), range(3), strict=False))
        return next((plan for plan in newest if str(plan.id) == post_id), None)
