"""From the upstream's shapes to rows of ours. Pure: no Django, no database, no clock."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from msgspec import Struct

from tikdash.tiklive.shapes import MusicInfo, Post, PostPage, UserInfo, numeric_id

ACCOUNT_COUNTERS = ("follower_count", "following_count", "heart_count", "video_count", "digg_count")
POST_COUNTERS = ("play_count", "digg_count", "comment_count", "share_count", "collect_count")
#: Counters that only grow on TikTok; hearts shrink a little when posts are deleted.
CUMULATIVE = frozenset({"heart_count", "play_count"})

LONGEST_TITLE = 4000
LONGEST_NAME = 200
LONGEST_ADDRESS = 1000
LONGEST_BIO = 2000
LONGEST_SOUND_TITLE = 400
#: TikTok began in 2016; a post dated before or in the future has a broken date.
EARLIEST_POST = datetime(2014, 1, 1, tzinfo=UTC)
_EARLIEST_S = int(EARLIEST_POST.timestamp())
_DAY_S = 86_400


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


class SoundRow(Struct, frozen=True, gc=False):
    """A sound as a post tells it; texts are empty, the others None where the upstream gave none."""

    music_id: str
    title: str
    author: str
    original: bool | None
    duration_s: int | None


class PostRow(Struct, frozen=True, gc=False):
    """A post as it is stored; `counters` by column name in the order of `POST_COUNTERS`, None where none came."""

    aweme_id: str
    title: str
    cover_url: str
    duration_s: int | None
    kind: str
    pinned: bool
    sound_id: str
    posted_at: datetime
    counters: dict[str, int | None]
    music: MusicInfo | None = None

    @property
    def sound(self) -> SoundRow | None:
        """The sound that `sound_id` names. Made when it is asked for: most posts have one that is known already."""
        return _sound(self.sound_id, self.music) if self.sound_id and self.music is not None else None


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
    latest = int(now.timestamp()) + _DAY_S
    rows: dict[str, PostRow] = {}
    refused = 0
    handles: list[str] = []
    for post in page.videos:
        posted = post.create_time
        # An int of 64 bits may lie far outside of what a date can be.
        if posted is None or not _EARLIEST_S <= posted <= latest:
            refused += 1
            continue
        aweme_id = str(post.id)
        if aweme_id not in rows:
            rows[aweme_id] = _post_row(post, aweme_id, datetime.fromtimestamp(posted, UTC))
        author = post.author
        if author is not None and author.id == author_id and author.unique_id:
            handles.append(author.unique_id.lower())
    names = Counter(handles).most_common(1)
    return PostRows(list(rows.values()), refused + page.dropped, names[0][0] if names else "")


def _post_row(post: Post, aweme_id: str, posted_at: datetime) -> PostRow:
    music = post.music_info
    # By position and without the post's properties, because a worker does this more often than anything else.
    return PostRow(
        aweme_id,
        (post.title or "")[:LONGEST_TITLE],
        _address(post.cover),
        duration_s(post.duration),
        "photo" if post.images else "video",
        bool(post.is_top),
        numeric_id(music.id) or "" if music is not None else "",
        posted_at,
        {
            "play_count": post.play_count,
            "digg_count": post.digg_count,
            "comment_count": post.comment_count,
            "share_count": post.share_count,
            "collect_count": post.collect_count,
        },
        music,
    )


def _sound(music_id: str, music: MusicInfo) -> SoundRow:
    return SoundRow(
        music_id,
        (music.title or "")[:LONGEST_SOUND_TITLE],
        (music.author or "")[:LONGEST_NAME],
        music.original,
        duration_s(music.duration),
    )


def duration_s(seconds: int | str | None) -> int | None:
    """A length of at most a day; None for what no post or sound has."""
    return seconds if isinstance(seconds, int) and 0 <= seconds <= _DAY_S else None


def _address(url: str | None) -> str:
    """An https or http address of a storable length, or nothing."""
    return url if url and url.startswith(("https://", "http://")) and len(url) <= LONGEST_ADDRESS else ""
