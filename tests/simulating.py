"""The simulator as a process of its own, and a caller for its controls."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import urllib3

EPOCH = "2026-10-01"
NOW = "2026-11-15T12:00:00Z"
StartSimulator = Callable[..., AbstractContextManager[str]]


class Caller:
    """Talks to one simulator: `get` as a client with a key, `order` and `look` at its controls."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.http = urllib3.PoolManager(retries=False, timeout=10)

    def raw(self, path: str, key: str | None = "sim-test", **params: str | int) -> urllib3.BaseHTTPResponse:
        headers = {"X-Api-Key": key} if key else {}
        return self.http.request(
            "GET",
            self.base_url + path,
            fields={name: str(value) for name, value in params.items()},
            headers=headers,
        )

    def get(self, path: str, key: str | None = "sim-test", **params: str | int) -> Any:
        return self.raw(path, key, **params).json()

    def look(self, name: str, /, **params: str | int) -> Any:
        return self.http.request(
            "GET", f"{self.base_url}/_sim/{name}", fields={name: str(value) for name, value in params.items()}
        ).json()

    def order(self, name: str, payload: object = None, method: str = "POST") -> Any:
        return self.http.request(method, f"{self.base_url}/_sim/{name}", body=json.dumps(payload)).json()

    def set_clock(self, now: str) -> None:
        self.order("clock", {"now": now})

    def account_id(self, handle: str) -> str:
        return str(self.get("/userid/", username=handle)["id"])

    def walk(self, path: str, rows: str, paging: str = "cursor", **params: str | int) -> Iterator[list[dict[str, Any]]]:
        """The rows of each page until the simulator says that no more follow."""
        page = self.get(path, **params)
        yield page[rows]
        while page["hasMore"]:
            page = self.get(path, **params, **{paging: page[paging]})
            yield page[rows]

    def newest_post(self, handle: str) -> str:
        """Id of the newest visible post of an account."""
        posts = self.look("truth/posts", handle=handle)["posts"]
        return next(str(post["id"]) for post in posts if not post["deleted"])


@contextmanager
def running_simulator(*arguments: str) -> Iterator[str]:
    """A simulator on a free port for as long as the block runs; gives its base URL."""
    command = [sys.executable, "-m", "tikdash.tiklive.simulator", "--port", "0", "--epoch", EPOCH, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("simulator ready on http://127.0.0.1:"), line
        yield line.split()[-1]
    finally:
        process.terminate()
        process.wait(10)
