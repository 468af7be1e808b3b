"""From the upstream's shapes to rows of ours. Pure: no Django, no database, no clock."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from tikdash.tiklive.shapes import Post, PostPage, UserInfo

ACCOUNT_COUNTERS = ("follower_count", "following_count", "heart_count", "video_count", "digg_count")
POST_COUNTERS = ("play_count", "digg_count", "comment_count", "share_count", "collect_count")
#: Counters that only grow on TikTok; hearts shrink a little when posts are deleted.
CUMULATIVE = frozenset({"heart_count", "play_count"})

LONGEST_TITLE = 4000
LONGEST_NAME = 200
LONGEST_ADDRESS = 1000
LONGEST_BIO = 2000
#: TikTok began in 2016; a post dated before or in the future has a broken date.
EARLIEST_POST = datetime(2014, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class ProfileRow:
    """A profile as it is stored; `counters` by column name, None where the upstream gave none."""

    tiktok_user_id: str
    username: str
    sec_uid: str
    nickname: str
    avatar_url: str
    bio: str
    verified: bool
    is_private: bool
    counters: dict[str, int | None]


@dataclass(frozen=True)
class PostRow:
    """A post as it is stored."""

    aweme_id: str
    title: str
    cover_url: str
    duration_s: int | None
    kind: str
    pinned: bool
    sound_id: str
    posted_at: datetime
    counters: dict[str, int | None]


@dataclass(frozen=True)
class PostRows:
    """A page of posts; `refused` rows had no usable time, `author_handle` is the name most rows give their author."""

    rows: list[PostRow]
    refused: int
    author_handle: str


def profile_row(info: UserInfo) -> ProfileRow:
    """The stored form of a profile."""
    user = info.user
    return ProfileRow(
        tiktok_user_id=str(user.id),
        username=(user.unique_id or "").lower()[:64],
        sec_uid=(user.sec_uid or "")[:120],
        nickname=(user.nickname or "")[:LONGEST_NAME],
        avatar_url=_address(user.avatar_medium or user.avatar_thumb),
        bio=(user.signature or "")[:LONGEST_BIO],
        verified=bool(user.verified),
        is_private=user.is_private,
        counters={name: getattr(info.stats, name) for name in ACCOUNT_COUNTERS},
    )


def post_rows(page: PostPage, *, author_id: str, now: datetime) -> PostRows:
    """The stored form of a page of posts of one author; a post that comes twice is taken once.

    Rows without a time, or with one before TikTok or after tomorrow, are refused and counted.
    """
    rows: dict[str, PostRow] = {}
    refused = 0
    names: Counter[str] = Counter()
    for post in page.videos:
        row = _post_row(post, now)
        if row is None:
            refused += 1
            continue
        rows.setdefault(row.aweme_id, row)
        if post.author and post.author.unique_id and str(post.author.id) == author_id:
            names[post.author.unique_id.lower()] += 1
    return PostRows(list(rows.values()), refused + page.dropped, names.most_common(1)[0][0] if names else "")


def _post_row(post: Post, now: datetime) -> PostRow | None:
    posted_at = _time(post.create_time, now)
    if posted_at is None:
        return None
    music = post.music_info
    return PostRow(
        aweme_id=str(post.id),
        title=(post.title or "")[:LONGEST_TITLE],
        cover_url=_address(post.cover),
        duration_s=_duration(post.duration),
        kind="photo" if post.is_photo else "video",
        pinned=post.is_pinned,
        sound_id=str(music.id) if music and music.id else "",
        posted_at=posted_at,
        counters={name: getattr(post, name) for name in POST_COUNTERS},
    )


def _time(seconds: int | None, now: datetime) -> datetime | None:
    # An int of 64 bits may lie far outside of what a date can be.
    if seconds is None or not EARLIEST_POST.timestamp() <= seconds <= now.timestamp() + 86_400:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def _duration(seconds: int | None) -> int | None:
    return seconds if seconds is not None and 0 <= seconds <= 86_400 else None


def _address(url: str | None) -> str:
    """An https or http address of a storable length, or nothing."""
    return url if url and url.startswith(("https://", "http://")) and len(url) <= LONGEST_ADDRESS else ""
