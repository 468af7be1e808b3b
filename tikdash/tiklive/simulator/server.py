"""Runs the simulator: one gunicorn worker process with threads."""

from __future__ import annotations

import socket
import sys
from typing import Any

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

from .app import Simulator
from .options import Options


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn with our settings. One worker, because clock, faults and statistics live in its memory."""

    def __init__(self, options: Options, listener: socket.socket) -> None:
        self._options = options
        self._address = listener.getsockname()[:2]
        # Gunicorn takes the descriptor over and closes it, so no second owner may be left.
        self._descriptor = listener.detach()
        super().__init__()

    def load_config(self) -> None:
        """Settings; nothing is read from gunicorn's own files, arguments or environment."""
        settings: dict[str, Any] = {
            "bind": [f"fd://{self._descriptor}"],
            "worker_class": "gthread",
            "workers": 1,
            "threads": self._options.threads,
            "worker_connections": 2_000,
            "keepalive": 75,
            "timeout": 0,
            "graceful_timeout": 1,
            "loglevel": "error",
            "control_socket_disable": True,
            "post_worker_init": self._announce,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Simulator:
        """The application, made in the worker."""
        return Simulator(self._options)

    def _announce(self, worker: object) -> None:
        host, port = self._address
        print(f"simulator ready on http://{host}:{port}", flush=True)


def serve(options: Options) -> None:
    """Serve until SIGTERM or SIGINT. A taken port is one line on stderr and exit status 1."""
    try:
        listener = _listen(options.host, options.port)
    except OSError as error:
        address = f"{options.host}:{options.port}"
        sys.exit(f"simulator: cannot listen on {address}: {error.strerror}; choose another with --port")
    Server(options, listener).run()


def _listen(host: str, port: int) -> socket.socket:
    """A bound socket: bound here, because gunicorn would try five times and print each try."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener
