"""Pages of posts stored by hand, as fast as psycopg goes and as plainly: what ingest and pipeline are compared with.

Both do the whole work, correctly: the page over HTTP, its rows in the product's tables under row-level security, the
usage event, one durable transaction a page. Neither looks at what it stores.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import psycopg
import requests
import urllib3
from django.conf import settings
from django.db import connection, transaction

from accounts.selectors import TenantRef
from tests.bench.environment import database_url
from tests.bench.posting import Creator
from tests.bench.upstream import KEY
from tikdash.db.upsert import array_literal
from tikdash.tiklive.ports import uuid7

POSTS = settings.POSTS_PER_PAGE_UPSTREAM
COUNTERS = ("play_count", "digg_count", "comment_count", "share_count", "collect_count")
STORE_USAGE = """
        INSERT INTO public.usage_events (id, occurred_at, tenant_id, key_id, endpoint, feature, priority, outcome,
                                         http_status, credits, attempts, latency_ms)
        VALUES (%(event)s, %(at)s, %(tenant)s, 'shared', 'user-posts', 'posts', 'pro', 'ok', 200, 1, 1, 1)
"""
POST_COLUMNS = {
    "aweme_id": "text",
    "title": "text",
    "cover_url": "text",
    "duration_s": "integer",
    "kind": "text",
    "pinned": "boolean",
    "sound_id": "text",
    "posted_at": "timestamptz",
    **dict.fromkeys(COUNTERS, "bigint"),
}
_NAMES = ", ".join(POST_COLUMNS)
_NEW = ", ".join(f"{name} = EXCLUDED.{name}" for name in [*list(POST_COLUMNS)[1:], "measured_at", "deleted_at"])
_COUNTED = ", ".join(COUNTERS)
_NEW_COUNTERS = ", ".join(f"{name} = EXCLUDED.{name}" for name in ("captured_at", "state", "suspect", *COUNTERS))
#: Posts, rows of the day and the usage event, in one statement and one transaction.
STORE_PAGE = f"""
    WITH given AS (
        SELECT * FROM unnest({", ".join(f"%({name})s::{kind}[]" for name, kind in POST_COLUMNS.items())})
                      AS given({_NAMES})
    ), usage AS ({STORE_USAGE}), stored AS (
        INSERT INTO posts (account_id, first_seen_at, measured_at, {_NAMES})
        SELECT %(account)s, %(at)s, %(at)s, {_NAMES} FROM given ORDER BY aweme_id
        ON CONFLICT (tenant_id, account_id, aweme_id) DO UPDATE SET {_NEW}
        RETURNING id, {_COUNTED}
    )
    INSERT INTO post_snapshots (post_id, captured_on, captured_at, state, {_COUNTED})
    SELECT id, %(day)s, %(at)s, 0, {_COUNTED} FROM stored
    ON CONFLICT (post_id, captured_on) DO UPDATE SET {_NEW_COUNTERS}
"""
STORE_POST = f"""
    INSERT INTO posts (account_id, first_seen_at, measured_at, {_NAMES})
    VALUES (%(account)s, %(at)s, %(at)s, {", ".join(f"%({name})s" for name in POST_COLUMNS)})
    ON CONFLICT (tenant_id, account_id, aweme_id) DO UPDATE SET {_NEW}
    RETURNING id
"""
STORE_DAY = f"""
    INSERT INTO post_snapshots (post_id, captured_on, captured_at, state, {_COUNTED})
    VALUES (%(id)s, %(day)s, %(at)s, 0, {", ".join(f"%({name})s" for name in COUNTERS)})
    ON CONFLICT (post_id, captured_on) DO UPDATE SET {_NEW_COUNTERS}
"""


class Music(msgspec.Struct):
    """The sound of a post, as far as its row names it."""

    id: str | None = None


class Video(msgspec.Struct):
    """What a row of a post needs of the upstream's."""

    video_id: str
    create_time: int
    title: str | None = None
    cover: str | None = None
    duration: int | None = None
    play_count: int | None = None
    digg_count: int | None = None
    comment_count: int | None = None
    share_count: int | None = None
    collect_count: int | None = None
    is_top: int | None = None
    images: list[str] | None = None
    music_info: Music | None = None

    def values(self) -> tuple[Any, ...]:
        """In the order of `POST_COLUMNS`."""
        return (
            self.video_id,
            self.title or "",
            self.cover or "",
            self.duration,
            "photo" if self.images else "video",
            bool(self.is_top),
            (self.music_info and self.music_info.id) or "",
            datetime.fromtimestamp(self.create_time, UTC),
            self.play_count,
            self.digg_count,
            self.comment_count,
            self.share_count,
            self.collect_count,
        )


class Page(msgspec.Struct):
    """A page of posts, decoded as far as it is stored."""

    videos: list[Video]


class ByHand:
    """Reads and stores pages for one tenant of database `name`, on a connection of its own."""

    def __init__(self, name: str, tenant: TenantRef, base_url: str) -> None:
        self._http, self._session = urllib3.PoolManager(retries=False), requests.Session()
        self._url = f"{base_url}/user-posts/?count={POSTS}&userid="
        self._decode = msgspec.json.Decoder(Page).decode
        self._tenant_id = tenant.id
        self._database = psycopg.connect(
            database_url(name),
            autocommit=True,
            options=f"-c search_path={tenant.schema_name},public -c app.tenant_id={tenant.id}",
        )

    def close(self) -> None:
        self._database.close()

    def in_one_statement(self, creator: Creator, at: datetime) -> None:
        """A page in one statement, its rows as array literals."""
        columns = zip(*[video.values() for video in self._videos(creator)], strict=True)
        arrays = {
            name: array_literal(kind, column)
            for (name, kind), column in zip(POST_COLUMNS.items(), columns, strict=True)
        }
        self._database.execute(STORE_PAGE, arrays | self._facts(creator, at))

    def row_by_row(self, creator: Creator, at: datetime) -> None:
        """A page in 61 statements, as one writes it at first: requests, Django's cursor in the scope of the tenant."""
        answer = self._session.get(self._url + creator.userid, headers={"X-Api-Key": KEY}, timeout=20)
        videos, facts = msgspec.convert(answer.json(), Page).videos, self._facts(creator, at)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(STORE_USAGE, facts)
            for video in sorted(videos, key=lambda each: each.video_id):
                row = facts | dict(zip(POST_COLUMNS, video.values(), strict=True))
                cursor.execute(STORE_POST, row)
                cursor.execute(STORE_DAY, row | {"id": cursor.fetchone()[0]})

    def _videos(self, creator: Creator) -> list[Video]:
        answer = self._http.request("GET", self._url + creator.userid, headers={"X-Api-Key": KEY})
        assert answer.status == 200
        videos = self._decode(answer.data).videos
        assert len(videos) == POSTS
        return videos

    def _facts(self, creator: Creator, at: datetime) -> dict[str, Any]:
        return {
            "account": creator.account_id,
            "at": at,
            "day": at.date(),
            "event": uuid7(),
            "tenant": self._tenant_id,
        }
