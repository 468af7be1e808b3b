"""Sounds of posts: use, trend, uplift, who was first, and posts by the artist of their sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.db import connection

from snapshots.analytics.topics import (
    MOST_TOPICS,
    ROWS_A_PAGE,
    Kind,
    Order,
    PostIds,
    Use,
    page_of_ids,
    uses,
)
from tikdash.errors import BadInput
from tikdash.words import gettext

LONGEST_ARTIST = 200
MOST_OF_ARTIST = 200

SOUND = Kind(
    table="sounds",
    topic="k.id",
    link="JOIN sounds k ON k.tenant_id = %(tenant)s AND k.music_id = w.sound_id",
    facts=("music_id", "title", "author", "original", "video_count", "measured_at"),
    adopters="""
        SELECT id FROM posts WHERE tenant_id = %(tenant)s AND sound_id = t.music_id AND sound_id <> ''""",
)
#: Names as they are compared: one case, without accents, plain looks of letters.
FOLDED = "lower(regexp_replace(normalize({0}, NFKD), U&'[\\0300-\\036f]', '', 'g'))"
#: Neither LIKE nor a folded name may use an index under row-level security, so the tenant's sounds are read, once, by
#: the index that leads with it.
OF_ARTIST = f"""
    SELECT music_id FROM sounds
     WHERE tenant_id = %(tenant)s AND author <> ''
           AND CASE WHEN %(whole)s THEN {FOLDED.format("author")} = {FOLDED.format("%(artist)s")}
                    ELSE starts_with({FOLDED.format("author")}, {FOLDED.format("%(artist)s")}) END
     ORDER BY video_count DESC NULLS LAST, id
     LIMIT %(most)s
"""
POSTS = """
    SELECT id FROM posts
     WHERE tenant_id = %(tenant)s AND sound_id = ANY(%(sounds)s) AND sound_id <> '' AND id < %(after)s {of_accounts}
     ORDER BY id DESC LIMIT %(limit)s
"""


@dataclass(frozen=True)
class SoundRow:
    """A sound with its use. `original` says that a user made it; `video_count` is TikTok's, read at `counted_at`."""

    id: int
    music_id: str
    title: str
    author: str
    original: bool | None
    use: Use
    video_count: int | None
    counted_at: datetime | None


def sounds(
    tenant_id: int, account_ids: Sequence[int] | None = None, *, order: Order = "posts", most: int = MOST_TOPICS
) -> list[SoundRow]:
    """The sounds of the accounts' posts of the last 90 days, of all accounts without ids; at most 50.

    Raises BadInput for an order that does not exist.
    """
    return [_row(use) for use in uses(SOUND, tenant_id, account_ids, order, most)]


def posts_with(
    tenant_id: int,
    music_ids: Sequence[str],
    account_ids: Sequence[int] | None = None,
    *,
    after: str = "",
    most: int = ROWS_A_PAGE,
) -> PostIds:
    """Posts that use one of the sounds, behind the key `after`. Raises BadInput for a key that is none."""
    statement = POSTS.format(of_accounts="" if account_ids is None else "AND account_id = ANY(%(accounts)s)")
    parameters = {"tenant": tenant_id, "sounds": list(music_ids), "accounts": list(account_ids or ())}
    return page_of_ids(statement, parameters, after, most)


def sounds_of_artist(tenant_id: int, artist: str, *, match: Literal["prefix", "whole"] = "prefix") -> list[str]:
    """TikTok's ids of the sounds whose author is, or begins with, `artist`; case and accents do not count.

    At most 200, the most used on TikTok first. Raises BadInput without a name.
    """
    artist = artist.strip()[:LONGEST_ARTIST]
    if not artist:
        raise BadInput(gettext("Type the name of an artist."))
    parameters: dict[str, Any] = {
        "tenant": tenant_id,
        "artist": artist,
        "whole": match == "whole",
        "most": MOST_OF_ARTIST,
    }
    with connection.cursor() as cursor:
        cursor.execute(OF_ARTIST, parameters)
        return [row[0] for row in cursor.fetchall()]


def posts_by_artist(
    tenant_id: int,
    artist: str,
    account_ids: Sequence[int] | None = None,
    *,
    match: Literal["prefix", "whole"] = "prefix",
    after: str = "",
    most: int = ROWS_A_PAGE,
) -> PostIds:
    """Posts that use a sound by the artist, behind the key `after`. Raises BadInput without a name."""
    found = sounds_of_artist(tenant_id, artist, match=match)
    return posts_with(tenant_id, found, account_ids, after=after, most=most) if found else PostIds([], None)


def _row(use: Use) -> SoundRow:
    music_id, title, author, original, video_count, measured_at = use.facts
    return SoundRow(use.topic_id, music_id, title, author, original, use, video_count, measured_at)
