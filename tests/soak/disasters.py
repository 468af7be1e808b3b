"""The product on servers of its own, whose processes a test kills and starts again, and what is left in its tables."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import redis
from honcho.environ import parse_procfile

from tests.environment import ROOT
from tests.simulating import Caller
from tikdash.embedded import Addresses, Embedded

LEASE_S = 6
LATENCY_MS = 60
THREADS = 4
WORKERS = ("worker1", "worker2")
SCHEMAS = ("shared", "tenant_apart")
#: What says when something was done, or by which internal number it goes: another run has others.
VOLATILE = frozenset(
    {
        "id", "account_id", "post_id", "sound_id", "hashtag_id", "measured_at", "captured_at", "captured_on",
        "first_seen_at", "deleted_at", "created_at", "tracked_since", "next_due_at", "lease_until", "started_at",
        "succeeded_at", "failed_at", "requested_at", "claimable_at", "last_seen_at", "viewed_at", "replaced_at",
    }
)  # fmt: skip
TABLES = {
    "accounts": "SELECT t.* FROM {schema}.accounts t",
    "posts": "SELECT a.tiktok_user_id AS of, t.deleted_at IS NULL AS there, t.* FROM {schema}.posts t"
    " JOIN {schema}.accounts a ON a.id = t.account_id",
    "stories": "SELECT a.tiktok_user_id AS of, t.* FROM {schema}.stories t"
    " JOIN {schema}.accounts a ON a.id = t.account_id",
    # The newest day alone: a run may reach over midnight.
    "account_snapshots": "SELECT DISTINCT ON (t.account_id) a.tiktok_user_id AS of, t.*"
    " FROM {schema}.account_snapshots t JOIN {schema}.accounts a ON a.id = t.account_id"
    " ORDER BY t.account_id, t.captured_on DESC",
    "post_snapshots": "SELECT DISTINCT ON (t.post_id) p.aweme_id AS of, t.* FROM {schema}.post_snapshots t"
    " JOIN {schema}.posts p ON p.id = t.post_id ORDER BY t.post_id, t.captured_on DESC",
    "post_hashtags": "SELECT p.aweme_id AS of, h.name, t.tenant_id FROM {schema}.post_hashtags t"
    " JOIN {schema}.posts p ON p.id = t.post_id JOIN {schema}.hashtags h ON h.id = t.hashtag_id",
    "fetch_jobs": "SELECT a.tiktok_user_id AS of, t.succeeded_at IS NOT NULL AS done, t.lease_until IS NULL AS free,"
    " t.* FROM {schema}.fetch_jobs t JOIN {schema}.accounts a ON a.id = t.account_id",
}


@dataclass
class Installation:
    """Servers, simulator and environment; `processes` run until they are killed."""

    servers: Embedded
    addresses: Addresses
    directory: Path
    environment: dict[str, str]
    upstream: Caller
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def run(self, *arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]

    # --- states ------------------------------------------------------------------------------------------------------

    def keep_state(self) -> None:
        """What is in the database now is what `restore_state` brings back."""
        self.servers.stop_postgres()
        _copy(self.directory / "postgres", self.directory / "before")
        self.servers.start_postgres()

    def restore_state(self) -> None:
        """The kept database, an empty Valkey, and an upstream that has counted nothing."""
        self.servers.stop_postgres()
        shutil.rmtree(self.directory / "postgres")
        _copy(self.directory / "before", self.directory / "postgres")
        self.servers.start_postgres()
        self.empty_valkey()
        clock = self.upstream.look("clock")["now"]
        self.upstream.order("reset")
        self.upstream.set_clock(clock)
        self.sql("TRUNCATE public.usage_events")

    def dump(self) -> dict[str, list[str]]:
        """All rows without what another run may have otherwise, in one order."""
        found = {}
        for schema in SCHEMAS:
            for table, statement in TABLES.items():
                rows = [
                    json.dumps({name: value for name, value in row.items() if name not in VOLATILE}, default=str)
                    for row in self.rows(statement.format(schema=schema))
                ]
                found[f"{schema}.{table}"] = sorted(rows)
        return found

    # --- questions ---------------------------------------------------------------------------------------------------

    def rows(self, statement: str) -> list[dict[str, Any]]:
        url = self.addresses.admin_url.rsplit("/", 1)[0] + "/tikdash"
        with psycopg.connect(url, autocommit=True, connect_timeout=3, row_factory=psycopg.rows.dict_row) as admin:
            found = admin.execute(statement)
            return found.fetchall() if found.description else []

    def sql(self, statement: str) -> list[dict[str, Any]]:
        return self.rows(statement)

    def count(self, condition: str) -> int:
        """How many jobs of all tenants are like this."""
        each = " UNION ALL ".join(f"SELECT * FROM {schema}.fetch_jobs WHERE {condition}" for schema in SCHEMAS)
        return int(self.rows(f"SELECT count(*) AS many FROM ({each}) AS jobs")[0]["many"])

    def make_all_due(self, in_s: float = 0) -> None:
        """What nobody holds is to be done (again), in so many seconds."""
        for schema in SCHEMAS:
            self.sql(
                f"UPDATE {schema}.fetch_jobs SET next_due_at = now() + interval '{in_s} s', succeeded_at = NULL"
                " WHERE lease_until IS NULL"
            )

    def standing(self) -> list[dict[str, Any]]:
        """How the shared jobs stand, for whoever waits for them in vain."""
        return self.rows(
            "SELECT kind, state, attempts, error_code, count(*) AS many, count(lease_until) AS claimed,"
            " count(started_at) AS begun, count(succeeded_at) AS done, min(next_due_at) AS due"
            " FROM shared.fetch_jobs GROUP BY 1, 2, 3, 4"
        )

    def is_drained(self) -> bool:
        return self.count("succeeded_at IS NULL OR lease_until IS NOT NULL") == 0

    def wait_until_drained(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self.is_drained():
            left = "; ".join(
                str(row)
                for schema in SCHEMAS
                for row in self.rows(
                    "SELECT kind, state, attempts, error, next_due_at, lease_until, started_at, now()"
                    f" FROM {schema}.fetch_jobs WHERE succeeded_at IS NULL OR lease_until IS NOT NULL LIMIT 3"
                )
            )
            assert time.monotonic() < deadline, f"not drained: {left}\n{self.log('worker1')[-2000:]}"
            time.sleep(0.2)

    def log(self, name: str) -> str:
        return (self.directory / f"{name}.log").read_text(errors="replace")

    # --- processes ---------------------------------------------------------------------------------------------------

    def start(self, name: str) -> None:
        command = parse_procfile((ROOT / "Procfile").read_text()).processes[name.rstrip("0123456789")]
        if name in WORKERS:
            command += f" --hostname {name}@soak"
        with (self.directory / f"{name}.log").open("ab") as output:
            self.processes[name] = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {command}"], cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def kill(self, name: str) -> None:
        """As `kill -9` does."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def stop_all(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()

    def empty_valkey(self) -> None:
        """Valkey is killed, and comes back without anything."""
        self.servers.stop_valkey(signal.SIGKILL)
        for left in (self.directory / "valkey").glob("*.rdb"):
            left.unlink()
        self.servers.start_valkey()

    # --- disasters ---------------------------------------------------------------------------------------------------

    def kill_workers_at_random(self, kills: int, chance: random.Random) -> None:
        """Each kill strikes a worker that runs jobs, and another is started in its place; work never ends."""
        for _ in range(kills):
            if self.count("succeeded_at IS NULL") < 20:
                self.make_all_due()
            _wait_for(lambda: self.count("started_at IS NOT NULL AND lease_until > now()"), self)
            time.sleep(chance.uniform(0, 0.4))
            name = chance.choice(WORKERS)
            self.kill(name)
            self.start(name)

    def kill_in_mid_tick(self) -> None:
        """The dispatcher's claim stands before a lock when its worker is killed, and is carried out nevertheless.

        Nothing runs when it begins, or jobs that end would stand there in the claim's place.
        """
        self.wait_until_drained(120)
        url = self.addresses.admin_url.rsplit("/", 1)[0] + "/tikdash"
        waiting = (
            "SELECT count(*) AS many FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%room AS (%'"
        )
        with psycopg.connect(url) as holder:
            self.make_all_due(in_s=1)
            holder.execute("LOCK TABLE shared.fetch_jobs IN SHARE MODE")
            _wait_for(lambda: self.rows(waiting)[0]["many"], self)
            for name in WORKERS:
                self.kill(name)
        for name in WORKERS:
            self.start(name)
        self.kill("beat")
        self.start("beat")

    def restart_postgres(self) -> None:
        """As after a crash."""
        self.servers.stop_postgres("immediate")
        self.servers.start_postgres()


@contextmanager
def made_installation(directory: Path, base_url: str, creators: int, first: str, then: str) -> Iterator[Installation]:
    """An installation whose tenants track creators since the moment `first`, upstream's clock; now it is `then`."""
    servers = Embedded(directory)
    addresses = servers.start()
    environment = dict(os.environ) | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "DJANGO_SETTINGS_MODULE": "tikdash.settings",
        "DATABASE_URL": addresses.database_url,
        "DATABASE_ADMIN_URL": addresses.admin_url,
        "REDIS_URL": addresses.redis_url,
        "TIKLIVE_BASE_URL": base_url,
        "TIKLIVE_KEY": "sim-shared-key",
        "JOB_LEASE_S": str(LEASE_S),
        "DISPATCH_EVERY_S": "0.5",
        "DATABASE_POOL": "8",
        "WORKER_THREADS": str(THREADS),
        "LOG_LEVEL": "WARNING",
    }
    made = Installation(servers, addresses, directory, environment, Caller(base_url))
    try:
        made.upstream.set_clock(first)
        made.run("manage.py", "init_db")
        made.run("-m", "tests.soak.setting_up", str(creators))
        made.upstream.set_clock(then)
        made.keep_state()
        yield made
    finally:
        with suppress(ProcessLookupError):
            made.stop_all()
        servers.stop()
        servers.release()


def _copy(directory: Path, to: Path) -> None:
    """As it is, owners included: the server's account may be another."""
    subprocess.run(["/bin/cp", "-a", directory, to], check=True)


def _wait_for(holds: Any, made: Installation, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        with suppress(psycopg.OperationalError, redis.exceptions.ConnectionError):
            if holds():
                return
        assert time.monotonic() < deadline, f"{made.standing()}\n{made.log('worker1')[-2000:]}"
        time.sleep(0.02)
