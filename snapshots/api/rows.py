"""Rows of lists, as the API shows them."""

from __future__ import annotations

from typing import Any

from snapshots.analytics.accounts_by_key import AccountFacts
from snapshots.analytics.all_posts import FoundPost
from snapshots.analytics.metrics import ACCOUNT_COLUMNS, POST_COLUMNS
from snapshots.analytics.states import Trust
from snapshots.api.numbers import versions

ACCOUNT_METRICS = versions(ACCOUNT_COLUMNS)
POST_METRICS = versions([*POST_COLUMNS, "er_views_post"])


def account_row(facts: AccountFacts, trust: Trust) -> dict[str, Any]:
    """An account."""
    return {
        "id": facts.id,
        "handle": facts.username,
        "nickname": facts.nickname,
        "tiktok_user_id": facts.tiktok_user_id,
        "url": f"https://www.tiktok.com/@{facts.username}",
        "verified": facts.verified,
        "bio": facts.bio,
        "reason": facts.tracked_reason,
        "tags": facts.tags,
        "status": facts.state,
        "tracked_since": facts.tracked_since,
        "followers": facts.follower_count,
        "following": facts.following_count,
        "hearts": facts.heart_count,
        "videos": facts.video_count,
        "likes_given": facts.digg_count,
        "as_of": facts.measured_at,
        "state": trust.state,
        "suspect": trust.suspect,
    }


def post_row(found: FoundPost, trust: Trust) -> dict[str, Any]:
    """A post."""
    post = found.post
    return {
        "id": post.id,
        "aweme_id": post.aweme_id,
        "account_id": found.account_id,
        "handle": found.handle,
        "title": post.title,
        "kind": post.kind,
        "pinned": post.pinned,
        "url": post.tiktok_url,
        "posted_at": post.posted_at,
        "duration_s": post.duration,
        "deleted_at": post.deleted_at,
        "plays": post.plays,
        "diggs": post.diggs,
        "comments": post.comments,
        "shares": post.shares,
        "collects": post.collects,
        "er_views_post": found.er,
        "as_of": post.as_of,
        "state": trust.state,
        "suspect": trust.suspect,
    }
