"""How long a newcomer waits: `python -m tests.e2e.start_up` clones HEAD, types `make run` twice, prints one JSON line.

Each start counts from the command to the moment when the product is ready and the log-in page of a workspace
answers. Ends with a status other than 0 where a start fails, or leaves a process behind when it is stopped.
"""

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
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parents[2]
AIMS = {"first_start_s": 90, "second_start_s": 10}
GIVEN_UP_AFTER_S = 300
STOPPED_WITHIN_S = 30


def main() -> int:
    """Measures both starts; 0 when both answered and left nothing behind."""
    home = Path(tempfile.mkdtemp(prefix="tikdash-start-"))
    # PostgreSQL runs as another user where this one is root, and must reach its data.
    home.chmod(0o755)
    try:
        checkout = home / "tikdash"
        subprocess.run([program("git"), "clone", "--quiet", str(ROOT), str(checkout)], check=True)
        measured = {name: start_and_stop(checkout) for name in AIMS}
    except StartError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(home, ignore_errors=True)
    print(json.dumps({**measured, "cores": len(os.sched_getaffinity(0)), "aims": AIMS}))
    return 0


class StartError(Exception):
    """The product did not start, or did not stop; the text ends with its last lines."""


def start_and_stop(checkout: Path) -> float:
    """Seconds until the log-in page answers."""
    port = free_port()
    log = checkout.parent / "output"
    began = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(
            [program("make"), "run", f"PORT={port}"],
            cwd=checkout,
            env=bare_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while not (answers(port, "localhost", "/health/ready") and answers(port, "acme.localhost", "/log-in/")):
            if process.poll() is not None:
                raise StartError(f"`make run` ended with {process.returncode}.\n{end_of(log)}")
            if time.monotonic() - began > GIVEN_UP_AFTER_S:
                raise StartError(f"No answer after {GIVEN_UP_AFTER_S} s.\n{end_of(log)}")
            time.sleep(0.1)
        seconds = round(time.monotonic() - began, 1)
    finally:
        stop(process)
    if left := left_behind(checkout):
        raise StartError("Still running after Ctrl-C:\n" + "\n".join(left))
    return seconds


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ctrl-C, as a terminal sends it: to every process of the group."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(STOPPED_WITHIN_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise StartError(f"`make run` did not end within {STOPPED_WITHIN_S} s after Ctrl-C.") from None


def left_behind(checkout: Path) -> list[str]:
    """Command lines of processes that still work in, or were started from, the checkout."""
    deadline = time.monotonic() + 5
    while (found := processes_of(checkout)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def processes_of(checkout: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            place = os.readlink(process / "cwd")
        except OSError:
            continue
        if str(checkout) in command or place.startswith(str(checkout)):
            found.append(f"{process.name} {command}")
    return found


def answers(port: int, host: str, path: str) -> bool:
    """True for a 200. By address and Host header: not every machine resolves names under localhost."""
    try:
        request = Request(f"http://127.0.0.1:{port}{path}", headers={"Host": f"{host}:{port}"})
        with urlopen(request, timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def bare_environment() -> dict[str, str]:
    """What a newcomer has: no environment of this checkout, and none of its servers."""
    inherited = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    for name in ("DATABASE_URL", "DATABASE_ADMIN_URL", "REDIS_URL", "TIKLIVE_BASE_URL", "TIKLIVE_KEY", "MAKEFLAGS"):
        inherited.pop(name, None)
    folders = [folder for folder in inherited["PATH"].split(os.pathsep) if not folder.startswith(str(ROOT))]
    kept = {name: value for name, value in inherited.items() if not name.startswith(("TIKDASH_", "DJANGO_"))}
    return kept | {"PATH": os.pathsep.join(folders)}


def program(name: str) -> str:
    """Its path; raises StartError where the machine has none."""
    found = shutil.which(name)
    if found is None:
        raise StartError(f"This needs {name}, which is not installed.")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def end_of(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-30:])


if __name__ == "__main__":
    sys.exit(main())
