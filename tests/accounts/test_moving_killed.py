"""`move_tenant` under SIGKILL, at random moments and within statements: one side is whole, never both, never neither.

The process is a real one: a small server that has Django ready and forks a mover whenever it is told to, so that many
rounds fit into a test. The seed is printed; `MOVE_SEED=…` repeats a run.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connection

from accounts.models import TenantMove
from accounts.selectors import TenantRef, tenant_by_slug
from accounts.services.tenants import create_tenant
from tests.accounts.test_moving import fill, filled, sums
from tests.cast import Cast
from tests.environment import DATABASE, ROOT
from tikdash.db.scope import all_tenants, tenant_scope

ROUNDS = int(os.environ.get("MOVE_ROUNDS", "12"))
#: Statements within which a mover is killed, and how each begins.
WITHIN = {
    "a copy": "INSERT INTO",
    "a comparison": "SELECT count(*), coalesce(sum(hashtextextended",
    "a deletion": "DELETE FROM",
}
MOVER = """
import os, sys
import django
django.setup()
from accounts.selectors import tenant_by_slug
from accounts.services.moving import move_tenant
for line in sys.stdin:
    way = line.strip()
    child = os.fork()
    if not child:
        try:
            move_tenant(tenant=tenant_by_slug("mover"), dedicated=way == "dedicated", is_busy=lambda tenant: False)
            os._exit(0)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


class Movers:
    """Movers one after the other, each a process of its own."""

    def __init__(self) -> None:
        self.server = subprocess.Popen(
            [sys.executable, "-c", MOVER], cwd=ROOT, env=os.environ | {"DJANGO_SETTINGS_MODULE": "tikdash.settings"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def begin(self, way: str) -> int:
        """Starts a mover; its process id."""
        assert self.server.stdin and self.server.stdout
        self.server.stdin.write(f"{way}\n")
        self.server.stdin.flush()
        return int(self.server.stdout.readline())

    def ended(self) -> int:
        """Waits for it; how it ended."""
        assert self.server.stdout
        return int(self.server.stdout.readline())

    def run(self, way: str) -> float:
        """A whole move; seconds that it took."""
        began = time.monotonic()
        self.begin(way)
        status = self.ended()
        if status:
            self.server.kill()
            raise AssertionError(self.server.communicate()[1])
        return time.monotonic() - began


@pytest.fixture
def movers() -> Iterator[Movers]:
    running = Movers()
    yield running
    running.server.kill()
    running.server.communicate()


@pytest.fixture
def watcher() -> Iterator[psycopg.Connection[Any]]:
    """Sees what every session of the database does at this moment."""
    with psycopg.connect(django_settings.DATABASE_ADMIN_URL, dbname=DATABASE, autocommit=True) as admin:
        yield admin


@pytest.fixture
def mover(committed_db: Cast) -> TenantRef:
    """A tenant with enough rows for a statement to last, beside Acme, who has the like."""
    tenant = create_tenant(slug="mover", name="Mover", plan="pro")
    for each in (committed_db.acme, tenant):
        fill(each)
    with tenant_scope(tenant), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO comments (account_id, post_id, comment_id, text, author_id, author_username, author_nickname,"
            " digg_count, reply_count, written_at, first_seen_at, measured_at)"
            " SELECT account_id, post_id, 'many' || n, repeat('words ', 20), '', author_username, '', n, 0,"
            " first_seen_at, first_seen_at, measured_at"
            " FROM (SELECT * FROM comments LIMIT 1) one, generate_series(1, 20000) n"
        )
    return tenant


def until_gone(watcher: psycopg.Connection[Any], backends: set[int]) -> None:
    """The server notices that its client is gone when it next speaks to it."""
    deadline = time.monotonic() + 30
    while watcher.execute("SELECT 1 FROM pg_stat_activity WHERE pid = ANY(%s)", [list(backends)]).fetchone():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def sessions(watcher: psycopg.Connection[Any]) -> set[int]:
    found = watcher.execute("SELECT pid FROM pg_stat_activity WHERE datname = %s", [DATABASE])
    return {row[0] for row in found}


def is_within(watcher: psycopg.Connection[Any], statement: str, others: set[int]) -> bool:
    return (
        watcher.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = %s AND pid <> ALL(%s) AND state = 'active'"
            " AND query LIKE %s",
            [DATABASE, list(others), statement + "%"],
        ).fetchone()
        is not None
    )


def judge(tenant: TenantRef, whole: dict[str, Any], others: dict[str, Any], acme: TenantRef) -> str:
    """One side is whole, is the one that counts, and is what the tenant sees. Returns its schema."""
    now = tenant_by_slug("mover")
    assert sums(tenant.id, now.schema_name) == whole
    assert sums(acme.id, "shared") == others
    other = "tenant_mover" if now.schema_name == "shared" else "shared"
    with all_tenants():
        move = TenantMove.objects.filter(tenant_id=tenant.id).order_by("-id").first()
    if move is not None and move.state != "copying" and (move.source == "shared" or move.state == "switched"):
        # Once it has changed sides the former one has nothing left, not even a copy.
        assert filled(sums(tenant.id, other)) == {}
    with tenant_scope(now):
        with connection.cursor() as cursor:
            cursor.execute("SELECT (SELECT count(*) FROM accounts), (SELECT count(*) FROM comments)")
            assert cursor.fetchone() == (whole["accounts"].rows, whole["comments"].rows)
    return now.schema_name


def test_killed_at_random_moments_and_within_statements_one_side_is_whole(
    mover: TenantRef, movers: Movers, watcher: psycopg.Connection[Any], committed_db: Cast
) -> None:
    seed = int(os.environ.get("MOVE_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
    print(f"MOVE_SEED={seed}")
    chance = random.Random(seed)
    acme = committed_db.acme
    whole, others = sums(mover.id, "shared"), sums(acme.id, "shared")
    lasts = {way: movers.run(way) for way in ("dedicated", "shared")}
    assert judge(mover, whole, others, acme) == "shared"
    killed: dict[str, int] = {}
    ways = ["dedicated", "shared"]
    wanted = list(WITHIN)
    number = 0
    while number < ROUNDS or (wanted and number < 4 * ROUNDS):
        number += 1
        way = ways[0]
        before = sessions(watcher)
        child = movers.begin(way)
        if number % 2 and wanted:
            where = wanted.pop(0)
            deadline = time.monotonic() + 2 * lasts[way] + 1
            while not (found := is_within(watcher, WITHIN[where], before)) and time.monotonic() < deadline:
                time.sleep(0.002)
            if not found:
                # This mover had no such statement to make, going on where the last one was killed.
                wanted.append(where)
                where = "anywhere"
        else:
            where = "anywhere"
            time.sleep(chance.uniform(0, 1.1 * lasts[way]))
        backends = sessions(watcher) - before
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            where = "behind the end"
        if movers.ended() == 0:
            where = "behind the end"
        until_gone(watcher, backends)
        connection.close()
        killed[where] = killed.get(where, 0) + 1
        now = judge(mover, whole, others, acme)
        with all_tenants():
            is_done = not TenantMove.objects.filter(tenant_id=mover.id).exclude(state="done").exists()
        if is_done and now == ("tenant_mover" if way == "dedicated" else "shared"):
            ways.reverse()
    print(killed)
    assert {"anywhere", *WITHIN} <= killed.keys(), killed
    # What was begun last is ended, and there and back again nothing is missing.
    for way in (ways[0], ways[1]):
        movers.run(way)
        assert judge(mover, whole, others, acme) == ("tenant_mover" if way == "dedicated" else "shared")
