"""One installation for all tests of faults; each leaves it working."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from honcho.environ import parse_procfile

from tests.e2e.stack import free_port, running, wait_for
from tests.environment import ROOT
from tests.faults.crew import Valkey, own_valkey
from tests.faults.installation import Installation
from tests.simulating import running_simulator
from tikdash.embedded import Embedded


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    """A Valkey of the test's own, empty."""
    with own_valkey(tmp_path / "valkey") as valkey:
        yield valkey


@pytest.fixture(scope="package")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    directory = tmp_path_factory.mktemp("installation")
    # Durable: what was committed must be there after a crash, or a lease that had ended would be back.
    servers = Embedded(directory)
    addresses = servers.start()
    port = free_port()
    try:
        with ExitStack() as stack:
            environment = dict(os.environ) | {
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "DATABASE_URL": addresses.database_url,
                "DATABASE_ADMIN_URL": addresses.admin_url,
                "REDIS_URL": addresses.redis_url,
                "TIKLIVE_BASE_URL": stack.enter_context(running_simulator()),
                "PORT": str(port),
                "WEB_HOST": "127.0.0.1",
                "DATABASE_POOL": "8",
                "LOG_LEVEL": "INFO",
                "KEY_CHECK_HANDLE": "lena.bakes",
                # A server that crashes loses the ends of the last runs, which do not wait for the disk: their jobs run
                # again once the lease has ended, which a test waits for.
                "JOB_LEASE_S": "20",
            }
            made = Installation(servers, environment, directory, port)
            for arguments in (
                ["init_db"], ["collectstatic", "--no-input", "-v0"], ["create_tenant", "acme", "--plan", "pro"],
                ["track", "acme", "lena.bakes", "noor.kitchen"],
            ):  # fmt: skip
                done = made.manage(*arguments)
                assert done.returncode == 0, done.stderr
            commands = parse_procfile((ROOT / "Procfile").read_text()).processes
            for name in ("worker", "beat", "web"):
                stack.enter_context(running(commands[name], directory / f"{name}.log", environment))
            wait_for(made.answers, "the web", directory)
            yield made
    finally:
        servers.stop()
        servers.release()
