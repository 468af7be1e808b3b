"""The database of a test run: made by `init_db` with the cast in it, as in production; a copy where nothing changed.

Runs side by side need one each, and to make one takes half a minute. The first run makes it and leaves a copy for the
others, and for runs of the same day on the same code, in a database named by a hash of what makes it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from psycopg import sql

from tests.cast import make_cast, remember_cast
from tests.environment import DATABASE, ROOT
from tikdash import clock
from tikdash.db.roles import LogIn, make_roles_and_database

KEPT = "test_kept_"
APPS = ("accounts", "billing", "snapshots", "tikdash")
#: What of the product has no part in tables and rows of a new database; everything else has.
NO_PART = {"analytics", "api", "web", "templates", "static", "locale"}


def make_database() -> None:
    """The database of this run, with all tables, plans and the cast, instead of the one of the run before."""
    kept = KEPT + _hash()
    with _alone(), psycopg.connect(settings.DATABASE_ADMIN_URL, autocommit=True) as admin:
        names = {row[0] for row in admin.execute("SELECT datname FROM pg_database").fetchall()}
        _drop(admin, DATABASE)
        if kept in names:
            _copy(admin, kept, DATABASE)
            make_roles_and_database(settings.DATABASE_ADMIN_URL, LogIn.from_url(os.environ["DATABASE_URL"]))
        else:
            call_command("init_db", stdout=StringIO())
            make_cast()
            connection.close()
            connection.close_pool()
            for old in names:
                if old.startswith(KEPT):
                    _drop(admin, old)
            _copy(admin, DATABASE, kept)
    remember_cast()


def _copy(admin: psycopg.Connection, source: str, target: str) -> None:
    # By files: block by block through the log takes five times as long.
    admin.execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
            sql.Identifier(target), sql.Identifier(source)
        )
    )


def _drop(admin: psycopg.Connection, name: str) -> None:
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def _alone() -> Iterator[None]:
    """Inside the block no other run makes or copies a database; what a killed run held is free."""
    path = Path(os.environ["TIKDASH_VAR"]) / "databases.lock"
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _hash() -> str:
    """Of the code that makes tables and rows, and of the day: partitions are made ahead of it."""
    found = hashlib.sha256(str(clock.today()).encode())
    for path in sorted(path for app in APPS for path in (ROOT / app).rglob("*.py")):
        inside = path.relative_to(ROOT)
        if not NO_PART & set(inside.parts):
            found.update(str(inside).encode() + path.read_bytes())
    for name in ("tests/cast.py", "tests/environment.py", "requirements.txt"):
        found.update((ROOT / name).read_bytes())
    return found.hexdigest()[:16]
