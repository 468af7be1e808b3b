"""The embedded servers: found or started by whoever comes, stopped by whoever goes last, whole after a hard kill."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from redis import Redis
from redis.exceptions import RedisError

from tests.environment import ROOT
from tikdash.embedded import Addresses, Embedded

HOLDER = """
import sys
from pathlib import Path
from tikdash.embedded import Embedded
print(Embedded(Path(sys.argv[1]), durable=False).start().admin_url, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def prepared() -> Iterator[Path]:
    """A directory with a data directory in it, so that not every test waits for a new one."""
    with directory_of_our_own() as directory:
        yield directory


@pytest.fixture
def directory(prepared: Path) -> Iterator[Path]:
    """No server runs in it, before and after the test."""
    Embedded(prepared).stop()
    yield prepared
    Embedded(prepared).stop()


@contextmanager
def directory_of_our_own() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="tikdash-embedded-"))
    try:
        yield path
    finally:
        Embedded(path).stop()
        shutil.rmtree(path)


@contextmanager
def held(directory: Path, *, durable: bool = False) -> Iterator[Addresses]:
    """The servers, started or found by this process, until the block ends."""
    servers = Embedded(directory, durable=durable)
    try:
        yield servers.start()
    finally:
        servers.release()


@contextmanager
def holder(directory: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process that uses the servers until its input ends; with the administrator's URL that it got."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        with suppress(BrokenPipeError):
            process.stdin.close()
        process.wait(60)
        process.stdout.close()


def postgres_pid(directory: Path) -> int:
    return int((directory / "postgres" / "postmaster.pid").read_text().split()[0])


def keep(admin_url: str, word: str) -> None:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (word text)")
        connection.execute("INSERT INTO kept VALUES (%s)", [word])


def is_kept(admin_url: str, word: str) -> bool:
    with psycopg.connect(admin_url) as connection:
        return connection.execute("SELECT 1 FROM kept WHERE word = %s", [word]).fetchone() is not None


def until(condition: Callable[[], bool], what: str, within_s: float = 20) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def test_both_servers_answer_under_the_addresses_given_and_need_the_password(directory: Path) -> None:
    with held(directory) as addresses:
        with psycopg.connect(addresses.admin_url) as connection:
            found = connection.execute("SELECT current_user, current_setting('TimeZone')").fetchone()
            assert found == ("postgres", "UTC") and connection.info.server_version >= 180000
        assert Redis.from_url(addresses.redis_url).ping()
        secret = (directory / "run" / "secret").read_text()
        with pytest.raises(RedisError):
            Redis.from_url(addresses.redis_url.replace(f":{secret}@", "")).ping()
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(addresses.admin_url.replace(secret, "wrong"))
        assert (directory / "run" / "secret").stat().st_mode & 0o077 == 0


def test_a_second_process_finds_them_and_the_last_to_go_stops_them(directory: Path) -> None:
    servers = Embedded(directory, durable=False)
    addresses, pid = servers.start(), postgres_pid(directory)
    with holder(directory) as (_, found):
        assert found == addresses.admin_url and postgres_pid(directory) == pid
        assert Embedded(directory).running() == addresses
        servers.release()
        assert Embedded(directory).running() == addresses, "the other one still uses them"
    assert Embedded(directory).running() is None
    assert not (directory / "postgres" / "postmaster.pid").exists()


def test_two_processes_that_start_at_once_share_one_server(directory: Path) -> None:
    with holder(directory) as (_, first), holder(directory) as (_, second):
        assert first == second != ""


def test_ports_that_are_taken_are_left_to_their_owner(directory: Path) -> None:
    noted = directory / "run" / "servers.json"
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        taken = {"postgres_port": one.getsockname()[1], "valkey_port": two.getsockname()[1]}
        noted.parent.mkdir(exist_ok=True)
        noted.write_text(json.dumps(taken))
        with held(directory) as addresses:
            now = json.loads(noted.read_text())
            assert not set(now.values()) & set(taken.values())
            assert f":{now['postgres_port']}/" in addresses.admin_url
            assert f":{now['valkey_port']}/" in addresses.redis_url
    with held(directory) as again:
        assert again == addresses, "what was free last time is taken again"


def test_a_hard_kill_of_who_held_them_leaves_servers_that_the_next_one_finds_and_stops(directory: Path) -> None:
    with holder(directory) as (process, admin_url):
        keep(admin_url, "before the kill")
        pid = postgres_pid(directory)
        process.kill()
        process.wait()
        with held(directory) as addresses:
            assert addresses.admin_url == admin_url and postgres_pid(directory) == pid
            assert is_kept(admin_url, "before the kill")
    assert Embedded(directory).running() is None


def test_a_hard_kill_of_postgresql_and_valkey_loses_no_committed_row(directory: Path) -> None:
    with held(directory, durable=True) as addresses:
        keep(addresses.admin_url, "committed")
        os.kill(postgres_pid(directory), signal.SIGKILL)
        Embedded(directory).stop_valkey(signal.SIGKILL)
        until(lambda: Embedded(directory).running() is None, "both are gone")
        with held(directory, durable=True) as again:
            assert again == addresses
            assert is_kept(again.admin_url, "committed") and Redis.from_url(again.redis_url).ping()


def test_a_pid_file_of_the_last_boot_that_names_a_stranger_is_no_hindrance(directory: Path) -> None:
    pid_file = directory / "postgres" / "postmaster.pid"
    with held(directory) as addresses:
        keep(addresses.admin_url, "earlier")
        lines = pid_file.read_text().splitlines()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        assert Embedded(directory).running() is None
        with held(directory) as again:
            assert is_kept(again.admin_url, "earlier")
        assert stranger.poll() is None, "nobody has harmed it"
        stranger.kill()


def test_a_first_start_that_was_killed_half_way_is_done_again() -> None:
    with directory_of_our_own() as directory:
        half = directory / "postgres.new"
        half.mkdir()
        (half / "PG_VERSION").write_text("18\n")
        with held(directory) as addresses, psycopg.connect(addresses.admin_url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_server_that_cannot_start_is_one_line_that_says_where_to_look(directory: Path) -> None:
    with held(directory):
        pass
    configuration = directory / "postgres" / "postgresql.conf"
    before = configuration.read_text()
    configuration.write_text(before + "\nshared_buffers = 'nonsense'\n")
    inherited = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL", "DATABASE_ADMIN_URL"}}
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor"],
        cwd=ROOT,
        env=inherited | {"TIKDASH_VAR": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )
    configuration.write_text(before)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("PostgreSQL does not start; the end of ") and done.stderr.count("\n") == 1
