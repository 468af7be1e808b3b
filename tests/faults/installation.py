"""The product on servers of its own, which a test may take away."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import urllib3

from tests.environment import ROOT
from tikdash.embedded import Embedded


@dataclass
class Installation:
    """Web, worker and beat on servers of their own, which the test may stop."""

    servers: Embedded
    environment: dict[str, str]
    logs: Path
    port: int

    def ask(self, path: str = "/log-in/") -> urllib3.BaseHTTPResponse:
        return urllib3.request(
            "GET", f"http://127.0.0.1:{self.port}{path}", headers={"Host": "acme.localhost"}, timeout=20, retries=False
        )

    def answers(self) -> bool:
        try:
            return self.ask().status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True,
            check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        url = self.environment["DATABASE_ADMIN_URL"].rsplit("/", 1)[0] + "/tikdash"
        with psycopg.connect(url, autocommit=True, connect_timeout=3) as admin:
            found = admin.execute(statement)
            return found.fetchall() if found.description else []

    def make_all_due(self) -> None:
        """Profiles and posts: other kinds make more requests than a tenant may in a minute."""
        self.sql(
            "UPDATE shared.fetch_jobs SET next_due_at = now(), succeeded_at = NULL WHERE kind IN ('profile', 'posts')"
        )

    def all_ran(self) -> bool:
        missing = "SELECT count(*) FROM shared.fetch_jobs WHERE kind IN ('profile', 'posts') AND succeeded_at IS NULL"
        return self.sql(missing) == [(0,)]

    def log(self, name: str) -> str:
        return (self.logs / f"{name}.log").read_text(errors="replace")


def works(installation: Installation) -> Callable[[], bool]:
    """Due jobs are run by the worker, and pages answer."""
    installation.make_all_due()
    return lambda: installation.all_ran() and installation.answers()
