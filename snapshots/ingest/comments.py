"""Comments of posts: which posts to read, from the upstream's rows to ours, and storing a page of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import connection, transaction

from snapshots.ingest.normalise import EARLIEST_POST, LONGEST_NAME
from tikdash import clock
from tikdash.db.upsert import upsert
from tikdash.tiklive.shapes import Comment, Commenter, first_numeric_id

LONGEST_TEXT = 4000
LONGEST_HANDLE = 64
#: What stands in `comments_read_count` for a post whose number of comments is not known.
UNKNOWN_COUNT = -1

POSTS_TO_READ = f"""
    SELECT id, aweme_id, coalesce(comment_count, {UNKNOWN_COUNT})
      FROM posts
     WHERE account_id = %(account)s AND posted_at >= %(since)s AND deleted_at IS NULL
           AND comment_count IS DISTINCT FROM 0
           AND coalesce(comment_count, {UNKNOWN_COUNT}) IS DISTINCT FROM comments_read_count
     ORDER BY posted_at DESC, id DESC
     LIMIT greatest(0, %(most)s - (
               SELECT count(*) FROM posts
                WHERE account_id = %(account)s AND posted_at >= %(since)s
                      AND comments_read_at > coalesce(%(run_since)s::timestamptz, '-infinity')))
"""
COLUMNS = [
    ("account_id", "bigint"),
    ("post_id", "bigint"),
    ("comment_id", "text"),
    ("text", "text"),
    ("author_id", "text"),
    ("author_username", "text"),
    ("author_nickname", "text"),
    ("digg_count", "bigint"),
    ("reply_count", "bigint"),
    ("written_at", "timestamptz"),
    ("first_seen_at", "timestamptz"),
    ("measured_at", "timestamptz"),
]
COUNTERS = ["digg_count", "reply_count"]


class PostToRead(NamedTuple):
    """A post whose comments are to be read; `comment_count` is -1 where it is not known."""

    id: int
    aweme_id: str
    comment_count: int


@dataclass(frozen=True)
class CommentRow:
    """A comment as it is stored; counters are None where the upstream gave none."""

    comment_id: str
    text: str
    author_id: str
    author_username: str
    author_nickname: str
    digg_count: int | None
    reply_count: int | None
    written_at: datetime | None


@dataclass(frozen=True)
class StoredComments:
    """How many comments of a page were not known before, and how many have other counters now."""

    new: int
    changed: int


def posts_to_read(
    account_id: int, *, since: datetime, most: int, run_since: datetime | None = None
) -> list[PostToRead]:
    """The account's newest posts from `since` on whose number of comments is not that of the last reading.

    Those that were read after `run_since`, the end of the last whole run, count among the `most`: a run that was put
    back reads what it has left over and no more.
    """
    parameters: dict[str, int | datetime | None] = {
        "account": account_id,
        "since": since,
        "most": most,
        "run_since": run_since,
    }
    with connection.cursor() as cursor:
        cursor.execute(POSTS_TO_READ, parameters)
        return [PostToRead(*row) for row in cursor.fetchall()]


def comment_rows(comments: Sequence[Comment], *, now: datetime) -> list[CommentRow]:
    """The stored form of comments; one that comes twice is taken once. Times outside of TikTok's are unknown ones."""
    rows = (_comment_row(comment, now + timedelta(days=1)) for comment in comments)
    return list({row.comment_id: row for row in rows}.values())


def store_comments(account_id: int, post_id: int, rows: list[CommentRow], *, measured_at: datetime) -> StoredComments:
    """Comments with their newest counters, in one statement; a row that would not change is left as it is.

    What a comment says, who wrote it and when it was first seen stay as they were read first.
    """
    # One order for everybody: two workers on one post wait for each other instead of dead-locking.
    rows = sorted(rows, key=lambda row: row.comment_id)
    with transaction.atomic():
        written = upsert(
            "comments",
            COLUMNS,
            [(account_id, post_id, *vars(row).values(), measured_at, measured_at) for row in rows],
            key=["tenant_id", "post_id", "comment_id"],
            update=COUNTERS,
            keep_when_null=COUNTERS,
            along=["measured_at"],
            # No transaction has yet written over a row that was inserted just now.
            returning="t.xmax = 0",
        )
    new = sum(inserted for (inserted,) in written)
    return StoredComments(new, len(written) - new)


def mark_read(post: PostToRead) -> None:
    """The post's comments are read again when it has another number of them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE posts SET comments_read_count = %s, comments_read_at = %s WHERE id = %s",
            [post.comment_count, clock.now(), post.id],
        )


def _comment_row(comment: Comment, latest: datetime) -> CommentRow:
    author = comment.user or Commenter()
    return CommentRow(
        comment_id=str(comment.id),
        text=(comment.text or "")[:LONGEST_TEXT],
        author_id=first_numeric_id(author.id) or "",
        author_username=(author.unique_id or "")[:LONGEST_HANDLE].lower(),
        author_nickname=(author.nickname or "")[:LONGEST_NAME],
        digg_count=_count(comment.digg_count),
        reply_count=_count(comment.reply_total),
        written_at=_moment(comment.create_time, latest),
    )


def _count(value: int | None) -> int | None:
    return value if value is not None and value >= 0 else None


def _moment(seconds: int | None, latest: datetime) -> datetime | None:
    # An int of 64 bits may lie far outside of what a date can be.
    if seconds is None or not EARLIEST_POST.timestamp() <= seconds <= latest.timestamp():
        return None
    return datetime.fromtimestamp(seconds, UTC)
