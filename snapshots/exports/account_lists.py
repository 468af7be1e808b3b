"""Lists of one account that are read as they are: comments, stories, and the rows of its newest sample of followers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db import connection

from snapshots.analytics.accounts import get_account
from snapshots.analytics.comments import LONGEST_QUESTION, MOST_SEARCHED
from snapshots.exports.sheet import Column, Sheet
from tikdash.errors import BadInput
from tikdash.words import N_, gettext

COMMENT_ORDERS = {"newest": "written_at", "liked": "digg_count"}
COMMENTS = (
    Column("comment_id", N_("Comment id"), "c.comment_id", "id"),
    Column("post_id", N_("Post id"), "p.aweme_id", "id"),
    Column("author", N_("Author"), "c.author_username"),
    Column("author_name", N_("Author’s name"), "c.author_nickname"),
    Column("text", N_("Text"), "c.text"),
    Column("diggs", N_("Likes"), "c.digg_count", "number", "diggs"),
    Column("replies", N_("Replies"), "c.reply_count", "number"),
    Column("written_at", N_("Written"), "c.written_at", "time"),
    Column("as_of", N_("As of"), "c.measured_at", "time"),
)
COMMENTS_SOURCE = """
    FROM comments c JOIN posts p ON p.id = c.post_id
   WHERE c.tenant_id = %s AND c.account_id = %s {found}
   ORDER BY c.{column} DESC, c.id DESC
"""
FOUND = "AND c.id IN (SELECT search_comments(%s, %s, %s))"

STORIES = (
    Column("story_id", N_("Story id"), "s.aweme_id", "id"),
    Column("title", N_("Title"), "s.title"),
    Column("duration_s", N_("Seconds"), "s.duration_s", "number"),
    Column("posted_at", N_("Posted"), "s.posted_at", "time"),
    Column("expires_at", N_("Expires"), "s.expires_at", "time"),
    Column("plays", N_("Views"), "s.play_count", "number", "plays"),
    Column("diggs", N_("Likes"), "s.digg_count", "number", "diggs"),
    Column("comments", N_("Comments"), "s.comment_count", "number", "comments"),
    Column("shares", N_("Shares"), "s.share_count", "number", "shares"),
    Column("as_of", N_("As of"), "s.measured_at", "time", note=N_("The last reading before it expired.")),
)
STORIES_SOURCE = "FROM stories s WHERE s.tenant_id = %s AND s.account_id = %s ORDER BY s.posted_at DESC, s.id DESC"

FOLLOWERS = (
    Column("handle", N_("Handle"), "m.username"),
    Column("name", N_("Name"), "m.nickname"),
    Column("tiktok_user_id", N_("TikTok id"), "m.tiktok_user_id", "id"),
    Column("region", N_("Region"), "m.region"),
    Column("videos", N_("Posts"), "m.video_count", "number"),
    Column("followers", N_("Followers"), "m.follower_count", "number"),
    Column("following", N_("Follows"), "m.following_count", "number"),
    Column(
        "signs", N_("Signs"), "array_to_string(m.flags, ', ')", metric="bot_share",
        note=N_("“bot” where all three signs of one are there."),
    ),
)  # fmt: skip
FOLLOWERS_SOURCE = """
    FROM audience_members m
   WHERE m.tenant_id = %s AND m.sample_id = (
         SELECT id FROM audience_samples
          WHERE tenant_id = %s AND account_id = %s AND direction = 'followers' ORDER BY sampled_at DESC LIMIT 1)
   ORDER BY m.id
"""


NEWEST = "SELECT max(measured_at) FROM {} WHERE tenant_id = %s AND account_id = %s"


def comments_sheet(*, tenant_id: int, account_id: int, words: str = "", order: str = "newest") -> Sheet:
    """All comments of the account, or those that hold each of `words`, as on its page. Raises NotFound and BadInput."""
    account = get_account(account_id)
    if order not in COMMENT_ORDERS:
        raise BadInput(
            gettext("Comments cannot be sorted by “{order}”. Choose newest or liked.").format(order=order[:40])
        )
    words = words[:LONGEST_QUESTION].strip()
    parameters: list[Any] = [tenant_id, account_id, *([account_id, words, MOST_SEARCHED] if words else [])]
    return Sheet(
        gettext("Comments of @{handle}").format(handle=account.username),
        f"comments-{account.pk}",
        COMMENTS,
        COMMENTS_SOURCE.format(found=FOUND if words else "", column=COMMENT_ORDERS[order]),
        parameters,
        _newest(NEWEST.format("comments"), tenant_id, account_id),
        [("words", words or "all"), ("sorted by", order)],
    )


def stories_sheet(*, tenant_id: int, account_id: int) -> Sheet:
    """All stories that were read of the account, the newest first. Raises NotFound."""
    account = get_account(account_id)
    newest = _newest(NEWEST.format("stories"), tenant_id, account_id)
    return Sheet(
        gettext("Stories of @{handle}").format(handle=account.username),
        f"stories-{account.pk}",
        STORIES,
        STORIES_SOURCE,
        [tenant_id, account_id],
        newest,
    )


def followers_sheet(*, tenant_id: int, account_id: int) -> Sheet:
    """The rows of the newest sample of followers. Raises NotFound."""
    account = get_account(account_id)
    newest = _newest(
        "SELECT max(sampled_at) FROM audience_samples"
        " WHERE tenant_id = %s AND account_id = %s AND direction = 'followers'",
        tenant_id,
        account_id,
    )
    return Sheet(
        gettext("Sample of followers of @{handle}").format(handle=account.username),
        f"followers-{account.pk}",
        FOLLOWERS,
        FOLLOWERS_SOURCE,
        [tenant_id, tenant_id, account_id],
        newest,
    )


def _newest(statement: str, *parameters: Any) -> datetime | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        found = cursor.fetchone()[0]
    return found.astimezone(UTC) if found else None
