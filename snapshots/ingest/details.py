"""Details of posts: for counters that lists do not give, once a post."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import F, Q

from snapshots.ingest.normalise import POST_COUNTERS, PostRow, post_rows
from snapshots.ingest.upsert import store_posts
from snapshots.models import Post, TrackedAccount
from tikdash import clock
from tikdash.tiklive.shapes import PostDetail, PostPage

#: The first days are those in which the numbers of a post matter most.
YOUNG_FOR = timedelta(days=7)
#: A counter that an answer lost by accident comes with the next list, for nothing.
LISTED_FOR = timedelta(days=1)


def posts_to_ask(account_id: int, *, most: int) -> Sequence[Post]:
    """The account's young posts, newest first, of which lists have not given a counter in a day and two readings."""
    now = clock.now()
    lacking = Q()
    for name in POST_COUNTERS:
        lacking |= Q(**{name: None})
    posts = Post.objects.filter(
        lacking,
        account_id=account_id,
        deleted_at=None,
        detail_asked_at=None,
        posted_at__gte=now - YOUNG_FOR,
        first_seen_at__lte=now - LISTED_FOR,
        measured_at__gt=F("first_seen_at"),
    )
    return list(posts.order_by("-posted_at", "-id")[:most])


def store_detail(account: TrackedAccount, post: Post, detail: PostDetail, *, measured_at: datetime) -> list[str]:
    """Stores a detail as a reading of the post, judged as any other; returns the counters that were not known before.

    Nothing is stored of an answer that brings none of them, is about another post, or lacks a counter that is known.
    Texts and what else the post has already stay.
    """
    page = PostPage((detail,), cursor="", has_more=False)
    given = post_rows(page, author_id=account.tiktok_user_id, now=clock.now()).rows
    if not given or detail.id not in ("", post.aweme_id):
        return []
    row = given[0]
    found = [name for name in POST_COUNTERS if getattr(post, name) is None and row.counters[name] is not None]
    lost = any(getattr(post, name) is not None and row.counters[name] is None for name in POST_COUNTERS)
    if lost or not found:
        return []
    store_posts(account.pk, [_merged(post, row)], measured_at=measured_at, intraday=True)
    return found


def note_asked(post: Post, *, gone_since: datetime | None = None) -> None:
    """Notes that the post's detail was asked for; it is not asked for again.

    `gone_since` is when TikTok was asked and knew no such post: it has vanished, unless a list has shown it since.
    """
    now = clock.now()
    Post.objects.filter(pk=post.pk).update(detail_asked_at=now)
    if gone_since is not None:
        Post.objects.filter(pk=post.pk, deleted_at=None, measured_at__lte=gone_since).update(deleted_at=now)


def _merged(post: Post, row: PostRow) -> PostRow:
    """The post as it is known, with the detail's counters, and its texts and sound where there were none."""
    return PostRow(
        aweme_id=post.aweme_id,
        title=post.title or row.title,
        cover_url=post.cover_url or row.cover_url,
        duration_s=row.duration_s if post.duration_s is None else post.duration_s,
        kind=post.kind,
        pinned=post.pinned,
        sound_id=post.sound_id or row.sound_id,
        posted_at=post.posted_at,
        counters=row.counters,
        music=None if post.sound_id else row.music,
    )
