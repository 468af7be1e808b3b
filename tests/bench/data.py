"""Databases of the benches: made by `init_db`, filled by SQL through the real tables, kept between runs."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.utils import load_backend
from psycopg import sql

from accounts.models import User
from accounts.selectors import TenantRef, tenant_by_slug
from snapshots.models import TrackedAccount
from tests.bench import environment
from tests.bench.frame import Options
from tikdash import clock
from tikdash.db.partitions import ensure_months
from tikdash.db.scope import owner, tenant_scope

TENANTS = """
    INSERT INTO tenants (slug, name, shard_id, plan, state, key_mode, time_zone, created_at)
    SELECT 'bench-' || n, 'Bench ' || n, (SELECT id FROM shards WHERE schema_name = %(shared)s), 'pro', 'active',
           'shared', 'UTC', now()
      FROM generate_series(1, %(tenants)s) AS n
"""
DOMAINS = """
    INSERT INTO domains (domain, tenant_id, is_primary)
    SELECT slug || '.' || %(base)s, id, true FROM tenants WHERE slug LIKE 'bench-%%'
"""
USERS = """
    INSERT INTO users (email, name, password, is_active, is_staff, is_superuser, date_joined)
    SELECT 'owner@' || slug || '.example', name, '!bench', true, false, false, now()
      FROM tenants WHERE slug LIKE 'bench-%%'
"""
MEMBERSHIPS = """
    INSERT INTO memberships (tenant_id, user_id, role, created_at)
    SELECT t.id, u.id, 'owner', now() FROM tenants t JOIN users u ON u.email = 'owner@' || t.slug || '.example'
"""
ACCOUNTS = """
    INSERT INTO accounts (tenant_id, username, tiktok_user_id, sec_uid, nickname, avatar_url, bio, verified,
                          tracked_reason, tags, state, follower_count, following_count, heart_count, video_count,
                          digg_count, measured_at, tracked_since)
    SELECT id, replace(slug, '-', '.'), '7' || lpad(id::text, 18, '0'), '', name, '', 'Bakes bread.', false, 'own',
           '{bench}', 'active', 100000 + id, 100, 2500000, %(posts)s, 900, now(), now() - interval '1 year'
      FROM tenants WHERE slug LIKE 'bench-%%'
"""
#: Post by post over all accounts, as time brings them: one account's rows lie on many pages.
POSTS = """
    INSERT INTO posts (tenant_id, account_id, aweme_id, title, cover_url, duration_s, kind, pinned, sound_id, posted_at,
                       first_seen_at, play_count, digg_count, comment_count, share_count, collect_count, measured_at)
    SELECT a.tenant_id, a.id, '7' || lpad(a.id::text, 8, '0') || lpad(n::text, 10, '0'), 'Loaf number ' || n, '', 30,
           'video', false, '', now() - (%(posts)s - n) * interval '6 hours', now(), 1000 + n * 7919 %% 100003,
           100 + n * 104729 %% 10007, 10 + n %% 97, n %% 53, n %% 31, now()
      FROM generate_series(1, %(posts)s::bigint) AS n CROSS JOIN accounts a
     ORDER BY n, a.id
"""
SNAPSHOTS = """
    INSERT INTO account_snapshots (tenant_id, account_id, captured_on, captured_at, state, suspect, follower_count,
                                   following_count, heart_count, video_count, digg_count)
    SELECT a.tenant_id, a.id, day, day + interval '4 hours', 0, NULL, 90000 + a.id + (day - %(first)s) * 27, 100,
           2400000 + (day - %(first)s) * 271, 80 + (day - %(first)s) / 5, 900
      FROM (SELECT %(first)s + n AS day FROM generate_series(0, %(days)s - 1) AS n) AS d CROSS JOIN accounts a
     ORDER BY day, a.id
"""
JOBS = """
    INSERT INTO fetch_jobs (tenant_id, kind, queue, priority, cadence_s, offset_s, next_due_at, cursor, params,
                            attempts, state, error_code, error, created_at)
    SELECT t.id, 'probe', 'pro', 0, 86400, 0,
           CASE WHEN n <= %(due)s THEN now() - n * interval '1 second' ELSE now() + interval '10 years' END,
           '', '{}', 0, 'active', '', '', now()
      FROM generate_series(1, %(jobs)s) AS n
      JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM tenants WHERE slug LIKE 'bench-%%') AS t
        ON t.place = n %% %(tenants)s
"""
PEOPLE, ROWS = (TENANTS, DOMAINS, USERS, MEMBERSHIPS), (ACCOUNTS, POSTS, SNAPSHOTS, JOBS)
#: Databases that this run has looked after.
_ready: set[str] = set()


@dataclass(frozen=True)
class Shape:
    """How much is in a database: each tenant has one account with `posts` posts and `days` daily snapshots.

    `jobs` rows of work, `due` of them due, are spread over all tenants.
    """

    tenants: int
    posts: int
    days: int
    jobs: int = 0
    due: int = 0


@dataclass(frozen=True)
class Member:
    """A tenant of a bench with its owner and its account."""

    tenant: TenantRef
    host: str
    user: User
    account_id: int


def main_database(options: Options) -> str:
    """The database of most benches: 1,000 tenants, a year of history, 200,000 posts (full: 1 M)."""
    posts = {"small": 200, "full": 1_000}[options.size]
    return database(environment.DATABASE, Shape(tenants=1_000, posts=posts, days=366), options)


def database(name: str, shape: Shape, options: Options, fill: Callable[[], None] | None = None) -> str:
    """Makes and fills the database `name` if it is not there with this shape and today's data; returns its name.

    `fill` makes other rows of the tenants than the shape says.
    """
    if name in _ready:
        return name
    _ready.add(name)
    marker = json.dumps(asdict(shape) | {"last_day": str(clock.today())})
    if not options.fresh and _marker_of(name) == marker:
        _init_db(name)
        return name
    began = time.monotonic()
    with _admin() as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    _init_db(name)
    with connected_to(name):
        _fill(shape, PEOPLE if fill else (*PEOPLE, *ROWS))
    if fill:
        fill()
    with _admin() as admin:
        admin.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(marker)))
    print(f"{name}: {shape.tenants:,} tenants loaded in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return name


@contextmanager
def connected_to(name: str) -> Iterator[None]:
    """Inside the block the application's connection is one to database `name`; it stays open for the next block."""
    with _as_default(_application(name)):
        yield


@contextmanager
def bare(name: str) -> Iterator[None]:
    """Inside the block the connection is Django's own, of a role that no policy binds: what baselines run on."""
    with _as_default(_bare(name)):
        yield


def member(number: int) -> Member:
    """The owner of the tenant `bench-NUMBER` of the connected database."""
    tenant = tenant_by_slug(f"bench-{number}")
    with tenant_scope(tenant):
        account_id = TrackedAccount.objects.values_list("id", flat=True).get()
    user = User.objects.get(email=f"owner@{tenant.slug}.example")
    return Member(tenant, f"{tenant.slug}.{settings.BASE_DOMAIN}", user, account_id)


def vacuum(table: str) -> None:
    """Takes out what rolled-back rounds have left behind, so that no later round reads over it."""
    with owner(settings.SHARED_SCHEMA), connection.cursor() as cursor:
        cursor.execute(f"VACUUM (ANALYZE) {table}")


def _fill(shape: Shape, statements: Sequence[str]) -> None:
    first = clock.today() - timedelta(days=shape.days - 1)
    values = asdict(shape) | {"shared": settings.SHARED_SCHEMA, "base": settings.BASE_DOMAIN, "first": first}
    with owner(settings.SHARED_SCHEMA), connection.cursor() as cursor:
        ensure_months("account_snapshots", [first + timedelta(days=n) for n in range(shape.days)])
        for statement in statements:
            cursor.execute(statement, values)
        cursor.execute("VACUUM (ANALYZE)")


def _init_db(name: str) -> None:
    variables = dict(os.environ) | {"DATABASE_URL": environment.database_url(name), "LOG_LEVEL": "ERROR"}
    command = [sys.executable, str(environment.ROOT / "manage.py"), "init_db"]
    subprocess.run(command, env=variables, check=True, stdout=subprocess.DEVNULL)


def _marker_of(name: str) -> str | None:
    with _admin() as admin:
        row = admin.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name]
        ).fetchone()
    return row[0] if row else None


def _admin() -> psycopg.Connection[Any]:
    return psycopg.connect(settings.DATABASE_ADMIN_URL, autocommit=True)


@contextmanager
def _as_default(wrapper: Any) -> Iterator[None]:
    before = connections[DEFAULT_DB_ALIAS]
    connections[DEFAULT_DB_ALIAS] = wrapper
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = before


@cache
def _application(name: str) -> Any:
    # Its own alias, because Django keeps one pool for each.
    parameters = copy.deepcopy(settings.DATABASES[DEFAULT_DB_ALIAS]) | {"NAME": name}
    return load_backend(parameters["ENGINE"]).DatabaseWrapper(parameters, alias=name)


@cache
def _bare(name: str) -> Any:
    administrator = psycopg.conninfo.conninfo_to_dict(settings.DATABASE_ADMIN_URL)
    parameters = copy.deepcopy(settings.DATABASES[DEFAULT_DB_ALIAS]) | {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": administrator["user"],
        "PASSWORD": administrator["password"],
        "OPTIONS": {"options": f"-c search_path={settings.SHARED_SCHEMA},public"},
    }
    return load_backend(parameters["ENGINE"]).DatabaseWrapper(parameters, alias=f"{name}_bare")
