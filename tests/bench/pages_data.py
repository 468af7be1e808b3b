"""The database of the benches `pages` and `scroll`: an agency with 500 accounts among many smaller tenants, with a year
of history of its posts. Written by SQL into the real tables, with their indexes taken off meanwhile.

Rows lie as time brings them: posts in the order in which they were made over all accounts, snapshots day after day.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection

from tests.bench.data import Shape, connected_to, database
from tests.bench.environment import DATABASE
from tests.bench.frame import Options
from tests.bench.loading import TITLES, Loader
from tikdash import clock
from tikdash.db.partitions import ensure_months, partition_name
from tikdash.db.scope import owner

#: Of the agency, tenant 1; another tenant has `ACCOUNTS_EACH`.
ACCOUNTS, LARGE_ACCOUNTS, LARGE_POSTS = 500, 10, 5_000
ACCOUNTS_EACH = 10
HOURS_BETWEEN, DAYS, READINGS_DAYS = 8, 365, 60
#: Ages in days at which a post has a row of the day, with the share of its views that it then has.
AGES = {0: 0.2, 1: 0.5, 2: 0.7, 3: 0.78, 5: 0.86, 7: 0.9, 10: 0.94, 14: 0.96, 20: 0.98, 28: 1.0}


@dataclass(frozen=True)
class Size:
    """How many tenants there are beside the agency, and how many posts a common account has."""

    others: int
    posts: int

    @property
    def accounts(self) -> int:
        return ACCOUNTS + self.others * ACCOUNTS_EACH

    @property
    def posts_of_agency(self) -> int:
        return ACCOUNTS * self.posts + LARGE_ACCOUNTS * (LARGE_POSTS - self.posts)

    @property
    def all_posts(self) -> int:
        return self.accounts * self.posts + LARGE_ACCOUNTS * (LARGE_POSTS - self.posts)


#: 10 M posts, of which the agency has half a million; 1 M with as large an agency; and 100,000 of one alone.
SIZES = {"full": Size(others=1_035, posts=918), "small": Size(others=54, posts=918)}
HUNDREDTH = Size(others=0, posts=102)

TENANTS_ACCOUNTS = """
    INSERT INTO accounts (id, tenant_id, username, tiktok_user_id, sec_uid, nickname, avatar_url, bio, verified,
                          tracked_reason, tags, state, follower_count, following_count, heart_count, video_count,
                          digg_count, measured_at, tracked_since)
    SELECT n, t.id, 'creator.' || n, '7' || lpad(n::text, 18, '0'), '', 'Creator ' || n, '', 'Bakes bread.', false,
           (ARRAY['own', 'competitor', 'partner'])[1 + n %% 3], ARRAY['tier-' || n %% 7, 'team-' || n %% 3], 'active',
           10000 + n * 7919 %% 2000003, 100 + n %% 97, 2500000 + n, %(posts)s, 900,
           now() - n %% 50 * interval '10 minutes', now() - interval '1 year'
      FROM generate_series(1, %(accounts)s) AS n
      JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place FROM tenants WHERE slug LIKE 'bench-%%') AS t
        ON t.place = CASE WHEN n <= %(large_tenant)s THEN 1 ELSE 2 + (n - %(large_tenant)s - 1) / %(each)s END
"""
HANDLES = """
    INSERT INTO account_handles (tenant_id, account_id, username, replaced_at)
    SELECT tenant_id, id, 'former.' || id, now() - id %% 90 * interval '1 day' FROM accounts WHERE id %% 20 = 0
"""
JOBS = """
    INSERT INTO fetch_jobs (tenant_id, account_id, kind, queue, priority, cadence_s, offset_s, next_due_at, cursor,
                            params, attempts, state, error_code, error, created_at, succeeded_at)
    SELECT tenant_id, id, kind, 'pro', 0, 86400, 0, now() + id %% 86400 * interval '1 second', '', '{}', 0,
           CASE WHEN id %% 211 = 0 THEN 'dead' ELSE 'active' END, '', '', now() - interval '1 year',
           now() - interval '5 hours'
      FROM accounts, unnest(ARRAY['profile', 'posts', 'early', 'pictures']) AS kind
"""
SOUNDS = """
    INSERT INTO sounds (tenant_id, music_id, title, author, first_seen_at)
    SELECT t.id, '6' || lpad(n::text, 18, '0'), 'Sound ' || n, 'Artist ' || n %% 40, now()
      FROM tenants t, generate_series(1, 300) AS n WHERE slug LIKE 'bench-%%'
"""
HASHTAGS = """
    INSERT INTO hashtags (tenant_id, name, cha_name, challenge_id, view_count, user_count, first_seen_at)
    SELECT t.id, 'tag' || n, 'Tag' || n, '', 1000000, 1000, now()
      FROM tenants t, generate_series(1, 300) AS n WHERE slug LIKE 'bench-%%'
"""
#: `n` counts an account's posts back from the newest. `h` is chance that is the same each time. One of 150 runs ahead
#: twentyfold; accounts of every third id post pictures, too; words are common (loaf), now and then (crumb) or rare.
POSTS = """
    INSERT INTO posts (id, tenant_id, account_id, aweme_id, title, cover_url, duration_s, kind, pinned, sound_id,
                       posted_at, first_seen_at, deleted_at, play_count, digg_count, comment_count, share_count,
                       collect_count, measured_at)
    SELECT id, tenant_id, account_id, '7' || lpad(id::text, 18, '0'),
           CASE WHEN tenant_id = %(agency)s OR h %% 5 = 0 THEN
               (ARRAY['Loaf', 'Evening loaf', 'Rye', 'Baguette', 'Loaf for friends'])[1 + h %% 5]
               || CASE WHEN h %% 97 = 0 THEN ' with a crumb' WHEN h %% 4999 = 0 THEN ' and brioche' ELSE '' END
               || ' #tag' || 1 + h / 1000 %% 300 ELSE '' END,
           '', 30, CASE WHEN account_id %% 3 = 0 AND h %% 4 = 0 THEN 'photo' ELSE 'video' END, false,
           '6' || lpad((1 + h / 1000 %% 300)::text, 18, '0'), posted_at, posted_at + interval '1 hour',
           CASE WHEN h %% 211 = 0 THEN least(now(), posted_at + interval '20 days') END,
           plays, plays * (3 + h %% 9) / 100, plays * (1 + h %% 7) / 1000, plays * (1 + h %% 5) / 1000,
           plays * (1 + h %% 3) / 1000, least(now() - h %% 600 * interval '1 minute', posted_at + interval '60 days')
      FROM (SELECT *, ((2000 + account_id * 7919 %% 60013) * (0.4 + h %% 1000 / 700.0)
                       * CASE WHEN h %% 149 = 0 THEN 20 ELSE 1 END)::bigint AS plays
              FROM (SELECT %(offset)s + (%(newest)s - n) * %(accounts)s + a.id AS id, a.tenant_id, a.id AS account_id,
                           hashint8(a.id * 1000003 + n)::bigint & 1073741823 AS h,
                           %(now)s::timestamptz - n * interval '{hours} hours' - a.id %% 480 * interval '1 minute'
                               AS posted_at
                      FROM generate_series(%(begin)s::bigint, %(oldest)s, -1) AS n, accounts a
                     WHERE a.id <= %(accounts)s
                     ORDER BY n DESC, a.id) AS made) AS counted
"""
LINKS = """
    INSERT INTO post_hashtags (post_id, hashtag_id, tenant_id, account_id, occurrences)
    SELECT p.id, h.id, p.tenant_id, p.account_id, 1
      FROM posts p JOIN hashtags h ON h.tenant_id = p.tenant_id AND h.name = substring(p.title from '#(.*)$')
     WHERE p.title <> ''
"""
#: Ids rise with time, so that the posts of each age on a day are a range of them.
SNAPSHOTS = """
    INSERT INTO post_snapshots (tenant_id, post_id, captured_on, captured_at, state, play_count, digg_count,
                                comment_count, share_count, collect_count)
    SELECT p.tenant_id, p.id, %(day)s, least(now(), %(day)s::timestamp AT TIME ZONE 'UTC' + interval '23 hours'), 0,
           (p.play_count * g.share)::bigint, (p.digg_count * g.share)::bigint, (p.comment_count * g.share)::bigint,
           (p.share_count * g.share)::bigint, (p.collect_count * g.share)::bigint
      FROM unnest(%(ages)s::int[], %(shares)s::float8[], %(firsts)s::bigint[], %(lasts)s::bigint[])
               AS g(age, share, first, last)
      JOIN posts p ON p.id BETWEEN g.first AND g.last
           AND p.posted_at >= (%(day)s::date - g.age)::timestamp AT TIME ZONE 'UTC'
           AND p.posted_at < (%(day)s::date - g.age + 1)::timestamp AT TIME ZONE 'UTC'
     ORDER BY g.age DESC, p.id
"""
READINGS = """
    INSERT INTO post_readings (tenant_id, post_id, measured_at, state, play_count, digg_count, comment_count,
                               share_count, collect_count)
    SELECT tenant_id, p.id, posted_at + age * interval '1 hour', 0, (play_count * share)::bigint,
           (digg_count * share)::bigint, (comment_count * share)::bigint, (share_count * share)::bigint,
           (collect_count * share)::bigint
      FROM posts p, unnest(ARRAY[1, 3, 6, 12, 24, 48], ARRAY[0.04, 0.1, 0.2, 0.33, 0.5, 0.7]) AS g(age, share)
     WHERE p.id > %(first)s AND p.posted_at >= %(since)s AND p.posted_at + age * interval '1 hour' < now()
     ORDER BY p.id, age
"""
ACCOUNT_DAYS = """
    INSERT INTO account_snapshots (tenant_id, account_id, captured_on, captured_at, state, suspect, follower_count,
                                   following_count, heart_count, video_count, digg_count)
    SELECT tenant_id, id, day, least(now(), day + interval '4 hours'), 0, NULL,
           follower_count - (%(last)s - day) * (id %% 41 - 10), 100, heart_count - (%(last)s - day) * 271,
           greatest(0, video_count - (%(last)s - day) * 3), 900
      FROM (SELECT %(last)s::date - n AS day FROM generate_series(%(days)s - 1, 0, -1) AS n) AS d CROSS JOIN accounts
     ORDER BY day, id
"""


def pages_database(size: Size, options: Options) -> str:
    """A database of this size; made if it is not there with this size and today's data."""
    name = f"{DATABASE}_pages_{size.all_posts // 10_000}"
    return database(name, Shape(size.others + 1, size.posts, DAYS), options, fill=lambda: _fill(name, size))


def _fill(name: str, size: Size) -> None:
    _Maker(name, size).make()


class _Maker(Loader):
    """Fills one database."""

    def __init__(self, name: str, size: Size) -> None:
        super().__init__(name)
        self.size = size
        self.now, self.today = clock.now().replace(minute=0, second=0, microsecond=0), clock.today()
        #: The posts that only large accounts have come first.
        self.offset = (LARGE_POSTS - size.posts) * LARGE_ACCOUNTS

    def make(self) -> None:
        with connected_to(self.name), owner(settings.SHARED_SCHEMA):
            days = [self.today - timedelta(days=ago) for ago in range(DAYS)]
            for table in ("post_snapshots", "account_snapshots", "post_readings"):
                ensure_months(table, days)
            connection.close()
        self.step("accounts", self.accounts)
        self.step("posts", self.posts)
        months: dict[date, list[date]] = {}
        for day in days:
            months.setdefault(day.replace(day=1), []).append(day)
        jobs: list[Callable[[], None]] = [self.links, self.account_days, self.readings]
        jobs += [partial(self.snapshots, sorted(each)) for each in months.values()]
        self.step("history", lambda: self.side_by_side(jobs))
        self.step("statistics", lambda: self.run("VACUUM (ANALYZE)"))

    def step(self, name: str, work: Callable[[], Any]) -> None:
        began = time.monotonic()
        work()
        print(f"{self.name}: {name} in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)

    def accounts(self) -> None:
        size = self.size
        self.run(
            TENANTS_ACCOUNTS,
            {"accounts": size.accounts, "large_tenant": ACCOUNTS, "each": ACCOUNTS_EACH, "posts": size.posts},
        )
        self.run("SELECT setval(pg_get_serial_sequence('accounts', 'id'), (SELECT max(id) FROM accounts))")
        for statement in (HANDLES, JOBS, SOUNDS, HASHTAGS):
            self.run(statement)
        self.run("ANALYZE")

    def posts(self) -> None:
        size = self.size
        statement, middle = POSTS.format(hours=HOURS_BETWEEN), size.posts // 2
        with self.connected() as admin, self.without_indexes(admin, ("posts", "post_titles")):
            agency = admin.execute("SELECT tenant_id FROM accounts WHERE id = 1").fetchone()[0]  # type: ignore[index]
            everybody = {"accounts": size.accounts, "newest": size.posts, "offset": self.offset}
            parts: list[dict[str, Any]] = [
                {"accounts": LARGE_ACCOUNTS, "newest": LARGE_POSTS, "begin": LARGE_POSTS, "oldest": size.posts + 1,
                 "offset": 0},
                everybody | {"begin": size.posts, "oldest": middle + 1},
                everybody | {"begin": middle, "oldest": 1},
            ]  # fmt: skip
            self.side_by_side(
                [partial(self.run, statement, part | {"now": self.now, "agency": agency}) for part in parts]
            )
            admin.execute(TITLES, {})
        self.run("SELECT setval(pg_get_serial_sequence('posts', 'id'), (SELECT max(id) FROM posts))")
        self.run("VACUUM (ANALYZE) posts, post_titles")

    def links(self) -> None:
        with self.connected() as admin, self.without_indexes(admin, ("post_hashtags",)):
            admin.execute(LINKS, {})

    def account_days(self) -> None:
        self.run(ACCOUNT_DAYS, {"last": self.today, "days": DAYS})

    def readings(self) -> None:
        since = self.now - timedelta(days=READINGS_DAYS)
        first = self.ids_from(READINGS_DAYS + 1)
        self.run(READINGS, {"since": since, "first": first})

    def snapshots(self, days: Sequence[date]) -> None:
        """A month. What is written into a table that was emptied in the same transaction goes into no log."""
        with self.connected() as admin, admin.transaction():
            admin.execute(f"TRUNCATE {partition_name('post_snapshots', days[0])}")  # type: ignore[call-overload]
            for day in days:
                ago = (self.today - day).days
                admin.execute(
                    SNAPSHOTS,
                    {
                        "day": day,
                        "ages": list(AGES),
                        "shares": list(AGES.values()),
                        "firsts": [self.ids_from(ago + age + 2) for age in AGES],
                        "lasts": [self.ids_from(ago + age - 1) for age in AGES],
                    },
                )

    def ids_from(self, days_ago: int) -> int:
        """An id of a post that was made about so many days ago; of large accounts' older posts there is no history."""
        place = self.size.posts - days_ago * 24 // HOURS_BETWEEN
        return self.offset + max(0, min(place, self.size.posts)) * self.size.accounts
