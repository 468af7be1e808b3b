"""Comments by what they say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from snapshots.models import Comment

MOST_FOUND = 50
LONGEST_QUESTION = 200


@dataclass(frozen=True)
class FoundComment:
    """A comment with its newest counters and the post that it stands under."""

    id: int
    post_id: int
    text: str
    author_username: str
    author_nickname: str
    digg_count: int | None
    reply_count: int | None
    written_at: datetime | None


def find_comments(account_id: int, words: str, *, most: int = MOST_FOUND) -> list[FoundComment]:
    """The newest comments on the account's posts that hold each of `words`, also inside of longer ones.

    Upper and lower case, and letters in bold, full width and the like are the same. Nothing is found without words.
    At most 1,000 rows and ten words.
    """
    # The function names the tenant itself, and its ids pass row-level security once more here.
    found = Comment.objects.extra(
        where=["id IN (SELECT search_comments(%s, %s, %s))"], params=[account_id, words[:LONGEST_QUESTION], most]
    )
    names = list(FoundComment.__dataclass_fields__)
    return [FoundComment(**row) for row in found.order_by("-written_at", "-id").values(*names)]
