"""What the benches of ingest and pipeline share: creators whose pages are read day after day.

A day later every counter has grown, so that a page is 30 posts to bring up to date and 30 rows of the new day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from accounts.selectors import TenantRef
from tests.bench.data import Shape, database
from tests.bench.environment import DATABASE
from tests.bench.frame import Options
from tests.simulating import NOW, Caller
from tikdash.db.scope import tenant_scope

TABLES = ("post_readings", "post_snapshots", "post_hashtags", "posts", "account_snapshots", "fetch_jobs", "accounts")
TRACK = """
    INSERT INTO accounts (username, tiktok_user_id, sec_uid, nickname, avatar_url, bio, verified, tracked_reason, tags,
                          state, follower_count, following_count, heart_count, video_count, digg_count, measured_at,
                          tracked_since)
    SELECT handle, userid, '', handle, '', '', false, 'own', '{}', 'active', 1000, 10, 5000, 100, 10, now(), now()
      FROM unnest(%s::text[], %s::text[]) AS given(handle, userid)
    RETURNING id, username, tiktok_user_id
"""


@dataclass(frozen=True)
class Creator:
    """An account of one tenant, and its id upstream."""

    account_id: int
    handle: str
    userid: str


def creators_of(caller: Caller, number: int) -> dict[str, str]:
    """Handles of so many creators with more posts than a page holds, with their ids upstream."""
    handles = [f"bench.creator.{n}" for n in range(number)]
    return {handle: caller.account_id(handle) for handle in handles}


def tracked_by(tenant: TenantRef, creators: dict[str, str]) -> list[Creator]:
    """These creators, tracked by the tenant and nobody else; nothing of theirs is stored yet."""
    with tenant_scope(tenant), connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"DELETE FROM {table}")
        cursor.execute(TRACK, [list(creators), list(creators.values())])
        return [Creator(*row) for row in cursor.fetchall()]


def posts_database(options: Options) -> str:
    """A database of 100 tenants with 20,000 posts (full: a million), in which the benches' own come and go."""
    posts = {"small": 200, "full": 10_000}[options.size]
    return database(f"{DATABASE}_posts", Shape(tenants=100, posts=posts, days=10), options)


class Days:
    """Day after day from the simulator's: each call of `next` moves its clock, and gives the moment."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._day = datetime.fromisoformat(NOW)

    def next(self) -> datetime:
        self._day += timedelta(days=1)
        self._caller.set_clock(self._day.isoformat())
        return self._day
