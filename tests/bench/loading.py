"""How large tables of the benches are filled: by an administrator, with their indexes taken off meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
from django.conf import settings

SIDE_BY_SIDE = 2
#: What the trigger of posts writes, for all of them at once.
TITLES = """
    INSERT INTO post_titles (post_id, tenant_id, words) SELECT id, tenant_id, lower(title) FROM posts WHERE title <> ''
"""
OWN = """
    SELECT c.conname, pg_get_constraintdef(c.oid) FROM pg_constraint c
     WHERE c.conrelid = %(table)s::regclass AND c.contype IN ('p', 'u')
           AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.confrelid = c.conrelid AND f.conindid = c.conindid
                                                             AND f.contype = 'f')
"""
INDEXES = """
    SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i
     WHERE i.indrelid = %(table)s::regclass
           AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
"""


class Loader:
    """Writes into one database without policies, triggers and foreign keys, as a restored backup would."""

    def __init__(self, name: str) -> None:
        self.name = name

    @staticmethod
    def side_by_side(jobs: Sequence[Callable[[], None]]) -> None:
        with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
            for job in [threads.submit(one) for one in jobs]:
                job.result()

    def run(self, statement: str, values: dict[str, Any] | None = None) -> None:
        with self.connected() as admin:
            admin.execute(statement, values or {})  # type: ignore[call-overload]

    def connected(self) -> psycopg.Connection[Any]:
        admin = psycopg.connect(
            psycopg.conninfo.make_conninfo(settings.DATABASE_ADMIN_URL, dbname=self.name), autocommit=True
        )
        for setting in (
            f"search_path = {settings.SHARED_SCHEMA}, public",
            "session_replication_role = replica",
            "maintenance_work_mem = '1GB'",
            "synchronous_commit = off",
            # Two connections have both processors busy already.
            "max_parallel_maintenance_workers = 0",
            "max_parallel_workers_per_gather = 0",
            "timezone = 'UTC'",
        ):
            admin.execute(f"SET {setting}")
        return admin

    @contextmanager
    def without_indexes(self, admin: psycopg.Connection[Any], tables: Sequence[str]) -> Iterator[None]:
        """Takes the indexes of these tables off and makes the same ones afterwards, two at a time; those that foreign
        keys need stay."""
        constraints: list[str] = []
        indexes: list[str] = []
        for table in tables:
            for name, definition in admin.execute(OWN, {"table": table}).fetchall():
                admin.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
                constraints.append(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
            for name, definition in admin.execute(INDEXES, {"table": table}).fetchall():
                admin.execute(f"DROP INDEX {name}")
                indexes.append(definition)
        yield
        self.side_by_side([partial(self.run, index.replace("%", "%%")) for index in indexes])
        for statement in constraints:
            admin.execute(statement)  # type: ignore[call-overload]
