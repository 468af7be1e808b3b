"""Stories of an account: those that TikTok shows now, and those that it showed."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from snapshots.picture_names import address_of
from tikdash import clock
from tikdash.db.scope import current_tenant_id
from tikdash.errors import BadInput
from tikdash.words import gettext

LONGEST_DAYS = 366
MOST_SHOWN = 200

STORIES = """
    SELECT id, aweme_id, title, cover_file, duration_s, posted_at, expires_at, measured_at,
           play_count, digg_count, comment_count, share_count
      FROM stories
     WHERE tenant_id = %(tenant)s AND account_id = %(account)s AND posted_at >= %(since)s
     ORDER BY posted_at DESC, id DESC
     LIMIT %(most)s
"""


@dataclass(frozen=True)
class StoryRow:
    """A story with the counters of its last reading, None where none came. `live` says that TikTok still shows it.

    `seconds_left` is how long it still does, 0 for one that is over.
    """

    id: int
    aweme_id: str
    title: str
    cover_file: str
    duration_s: int | None
    posted_at: datetime
    expires_at: datetime
    as_of: datetime
    plays: int | None
    diggs: int | None
    comments: int | None
    shares: int | None
    live: bool
    seconds_left: int

    @property
    def cover_url(self) -> str:
        """Where our copy of the cover is; empty without one."""
        return address_of(self.cover_file)


@dataclass(frozen=True)
class Stories:
    """Stories that are shown now, and past ones, both the newest first. `as_of` is the newest reading of any."""

    live: list[StoryRow]
    past: list[StoryRow]
    as_of: datetime | None


_STORED = len(fields(StoryRow)) - 2


def stories(account_id: int, days: int = 30) -> Stories:
    """The account's stories of the last `days` days, at most 200. Raises BadInput unless it is 1–366 days."""
    if not 1 <= days <= LONGEST_DAYS:
        raise BadInput(gettext("The range must be between 1 and 366 days."))
    now = clock.now()
    parameters: dict[str, Any] = {
        "tenant": current_tenant_id(),
        "account": account_id,
        "since": now - timedelta(days=days),
        "most": MOST_SHOWN,
    }
    with connection.cursor() as cursor:
        cursor.execute(STORIES, parameters)
        rows = [_row(row, now) for row in cursor.fetchall()]
    live, past = [row for row in rows if row.live], [row for row in rows if not row.live]
    return Stories(live, past, max((row.as_of for row in rows), default=None))


def _row(row: tuple[Any, ...], now: datetime) -> StoryRow:
    expires_at: datetime = row[6]
    left = max(0, int((expires_at - now).total_seconds()))
    return StoryRow(*(*row[:_STORED], expires_at > now, left))
