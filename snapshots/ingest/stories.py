"""Storing stories: short-lived posts, of which TikTok shows those of the last day."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from snapshots.ingest.normalise import PostRow
from tikdash.db.upsert import upsert

SHOWN_FOR = timedelta(hours=24)
COUNTERS = ["play_count", "digg_count", "comment_count", "share_count"]
COLUMNS = [
    ("account_id", "bigint"),
    ("aweme_id", "text"),
    ("title", "text"),
    ("cover_url", "text"),
    ("duration_s", "integer"),
    ("posted_at", "timestamptz"),
    ("expires_at", "timestamptz"),
    ("first_seen_at", "timestamptz"),
    ("measured_at", "timestamptz"),
    *((name, "bigint") for name in COUNTERS),
]
UPDATE = ["title", "cover_url", "duration_s", "posted_at", "expires_at", "measured_at", *COUNTERS]


def store_stories(account_id: int, rows: list[PostRow], *, measured_at: datetime) -> int:
    """Stories with their newest counters, in one statement; returns how many were not known before.

    A counter that is missing or below zero keeps its last value.
    """
    rows = sorted(rows, key=lambda row: row.aweme_id)
    with transaction.atomic():
        written = upsert(
            "stories",
            COLUMNS,
            [_story(account_id, row, measured_at) for row in rows],
            key=["tenant_id", "account_id", "aweme_id"],
            update=UPDATE,
            keep_when_null=COUNTERS,
            # No transaction has yet written over a row that was inserted just now.
            returning="t.xmax = 0",
        )
    return sum(inserted for (inserted,) in written)


def _story(account_id: int, row: PostRow, measured_at: datetime) -> tuple[Any, ...]:
    return (
        account_id,
        row.aweme_id,
        row.title,
        row.cover_url,
        row.duration_s,
        row.posted_at,
        row.posted_at + SHOWN_FOR,
        measured_at,
        measured_at,
        *(_count(row.counters[name]) for name in COUNTERS),
    )


def _count(value: int | None) -> int | None:
    return value if value is not None and value >= 0 else None
