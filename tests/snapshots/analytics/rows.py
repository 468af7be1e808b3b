"""Rows of the account that the definitions test their metrics with."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from snapshots.models import AccountSnapshot, Post, TrackedAccount
from tests.factories import make_account, make_post
from tikdash import clock

COUNTERS = ("play_count", "digg_count", "comment_count", "share_count", "collect_count")
#: Days ago, and the counters.
TEST_POSTS = (
    (2, (1000, 80, 10, 5, 5)),
    (5, (2000, 100, 20, 20, 10)),
    (9, (1500, 90, 15, 15, 0)),
    (20, (50_000, 2500, 200, 300, 100)),
)


def days_ago(days: float) -> Any:
    return clock.now() - timedelta(days=days)


def posted(account: TrackedAccount, days: float, *counters: int | None, **fields: Any) -> Post:
    """A post that is `days` old, with these counters; those that are not given are 10."""
    given = dict(zip(COUNTERS, counters, strict=False))
    return make_post(account, posted_at=days_ago(days), **dict.fromkeys(COUNTERS, 10) | given | fields)


def captured(account: TrackedAccount, days: int, followers: int | None, **fields: Any) -> AccountSnapshot:
    """The account's row of the UTC day so many days ago."""
    day: date = clock.today() - timedelta(days=days)
    return AccountSnapshot.objects.create(
        account=account,
        captured_on=day,
        **{"captured_at": days_ago(days), "follower_count": followers, "heart_count": 1, "video_count": 1} | fields,
    )


def make_test_account(**fields: Any) -> TrackedAccount:
    """F = 10,000 on every day of the last month, and the four posts."""
    account = make_account(follower_count=10_000, **fields)
    for days in range(31):
        captured(account, days, 10_000)
    for days, counters in TEST_POSTS:
        posted(account, days, *counters)
    return account
