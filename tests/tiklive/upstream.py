"""A tiny HTTP server whose next answers a test sets, byte by byte, and which remembers what it was asked."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-live-51-Zq8wNfR2vXy7"


@dataclass
class Answer:
    """`length` overrides Content-Length, `pause_s` waits before the head, `drip_s` after each byte."""

    body: bytes = b"{}"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    pause_s: float = 0.0
    drip_s: float = 0.0
    hang_up: bool = False


@dataclass
class Asked:
    path: str
    headers: dict[str, str]


class Upstream:
    """`answer` is what everybody gets; `asked` are the requests so far."""

    def __init__(self) -> None:
        self.answer = Answer()
        self.asked: list[Asked] = []
        self.connections = 0
        self.released = threading.Event()
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                upstream.connections += 1
                super().setup()

            def do_GET(self) -> None:
                upstream.asked.append(Asked(self.path, {k.lower(): v for k, v in self.headers.items()}))
                with suppress(OSError):
                    upstream._give(self, upstream.answer)

            def log_message(self, *arguments: Any) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def _give(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        self.released.wait(answer.pause_s)
        if answer.hang_up:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        length = len(answer.body) if answer.length is None else answer.length
        handler.send_header("Content-Length", str(length))
        handler.end_headers()
        for start in range(0, len(answer.body), 1 if answer.drip_s else 65_536):
            handler.wfile.write(answer.body[start : start + (1 if answer.drip_s else 65_536)])
            self.released.wait(answer.drip_s)
        handler.close_connection = length != len(answer.body)


@contextmanager
def running_upstream(kind: type[Upstream] = Upstream) -> Iterator[Upstream]:
    """An upstream for as long as the block runs."""
    upstream = kind()
    thread = threading.Thread(target=upstream.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield upstream
    finally:
        upstream.released.set()
        upstream.server.shutdown()
        upstream.server.server_close()
        thread.join(5)
