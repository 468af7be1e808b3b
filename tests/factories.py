"""Rows for tests: made inside the scope of a tenant, through the real tables."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from snapshots.models import (
    AccountSnapshot,
    AudienceMember,
    AudienceSample,
    Comment,
    FetchJob,
    Post,
    PostSnapshot,
    Story,
    TrackedAccount,
)
from tikdash import clock

_number = count(1)


def make_account(username: str = "", **fields: Any) -> TrackedAccount:
    number = next(_number)
    defaults = {
        "username": username or f"creator{number}",
        "tiktok_user_id": str(7_000_000_000_000_000_000 + number),
        "nickname": f"Creator {number}",
        "tracked_since": clock.now(),
        "measured_at": clock.now(),
        "follower_count": 10_000,
        "following_count": 100,
        "heart_count": 250_000,
        "video_count": 120,
        "digg_count": 900,
    }
    return TrackedAccount.objects.create(**defaults | fields)


def make_snapshots(account: TrackedAccount, followers: list[int | None], **fields: Any) -> None:
    """One snapshot a day that ends today."""
    today = clock.today()
    for back, value in enumerate(reversed(followers)):
        when = {"captured_on": today - timedelta(days=back), "captured_at": clock.now() - timedelta(days=back)}
        counters = {"follower_count": value, "heart_count": 250_000, "video_count": 120}
        AccountSnapshot.objects.create(account=account, **when | counters | fields)


def make_post(account: TrackedAccount, **fields: Any) -> Post:
    number = next(_number)
    defaults = {
        "aweme_id": str(7_400_000_000_000_000_000 + number),
        "title": f"Post {number}",
        "posted_at": clock.now() - timedelta(hours=number % 1000),
        "first_seen_at": clock.now(),
        "measured_at": clock.now(),
        "play_count": 1_000 * number,
        "digg_count": 100 * number,
        "comment_count": 10 * number,
        "share_count": 5,
        "collect_count": 3,
    }
    return Post.objects.create(account=account, **defaults | fields)


def make_post_snapshot(post: Post, **fields: Any) -> PostSnapshot:
    return PostSnapshot.objects.create(
        post=post, **{"captured_on": clock.today(), "captured_at": clock.now(), "play_count": post.play_count} | fields
    )


def make_comment(post: Post, text: str, **fields: Any) -> Comment:
    number = next(_number)
    defaults = {
        "comment_id": str(7_500_000_000_000_000_000 + number),
        "author_username": f"reader{number}",
        "digg_count": number,
        "reply_count": 0,
        "written_at": clock.now() - timedelta(minutes=number % 1000),
        "first_seen_at": clock.now(),
        "measured_at": clock.now(),
    }
    return Comment.objects.create(account_id=post.account_id, post=post, text=text, **defaults | fields)


def make_story(account: TrackedAccount, **fields: Any) -> Story:
    now = clock.now()
    defaults = {
        "aweme_id": str(7_600_000_000_000_000_000 + next(_number)),
        "posted_at": now,
        "expires_at": now + timedelta(hours=24),
        "first_seen_at": now,
        "measured_at": now,
    }
    return Story.objects.create(account=account, **defaults | fields)


def make_sample(account: TrackedAccount, members: list[str], **fields: Any) -> AudienceSample:
    """A sample of followers with these handles; handles that begin with `user` are bots."""
    bots = [name for name in members if name.startswith("user")]
    defaults = {"direction": "followers", "sampled_at": clock.now(), "flags": {"bot": len(bots)}}
    sample = AudienceSample.objects.create(account=account, size=len(members), **defaults | fields)
    for name in members:
        AudienceMember.objects.create(
            account=account,
            sample=sample,
            tiktok_user_id=str(next(_number)),
            username=name,
            flags=["bot"] if name in bots else [],
        )
    return sample


def make_job(account: TrackedAccount | None, kind: str = "profile", **fields: Any) -> FetchJob:
    defaults = {
        "kind": kind,
        "queue": "pro",
        "cadence_s": 3600,
        "next_due_at": clock.now() - timedelta(minutes=1),
        "created_at": clock.now(),
    }
    return FetchJob.objects.create(account=account, **defaults | fields)


def minutes_ago(minutes: float) -> datetime:
    return clock.now() - timedelta(minutes=minutes)
