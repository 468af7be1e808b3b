"""The WSGI application: one request from key to answer."""

from __future__ import annotations

import errno
import random
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl

from .clock import Clock
from .control import control
from .endpoints import ENDPOINTS
from .faults import Faults
from .ledger import Ledger
from .limits import Keys, Limit, RateLimits
from .media import picture
from .options import Options
from .reply import Reply, Request, bad_request, json_reply, refused
from .served import Served
from .upstream import Upstream
from .world import Overrides, World

STATUS_LINES = {
    200: "200 OK",
    400: "400 Bad Request",
    401: "401 Unauthorized",
    403: "403 Forbidden",
    404: "404 Not Found",
    405: "405 Method Not Allowed",
    429: "429 Too Many Requests",
    500: "500 Internal Server Error",
    502: "502 Bad Gateway",
    503: "503 Service Unavailable",
}
LARGEST_ORDER = 1_000_000
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Simulator:
    """Everything one running simulator holds; calling it serves a WSGI request."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.clock = Clock()
        self.ledger = Ledger()
        self.served = Served()
        self.world = World(options.seed, options.epoch, options.handles_file)
        self.faults = Faults(options.seed, options.rules)
        self.upstream = Upstream(self.world, options.rounded)
        self.limits = RateLimits(Limit(options.rpm, options.burst))
        self.keys = Keys(options.keys)

    def reset(self) -> None:
        """Back to how it was at the start; the world itself never changed."""
        self.clock.shift(0)
        self.ledger.reset()
        self.served.reset()
        self.world.override(Overrides())
        self.faults.replace(self.options.rules)
        self.limits.reset()
        self.keys.reset()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Serve one request."""
        reply = self._route(environ)
        if reply.delay_s:
            time.sleep(reply.delay_s)
        headers = [
            ("Content-Type", reply.content_type),
            ("Content-Length", str(len(reply.body))),
            *reply.headers,
        ]
        start_response(STATUS_LINES.get(reply.status, f"{reply.status} Status"), headers)
        return _break_off(reply.body, environ["gunicorn.socket"]) if reply.reset else (reply.body,)

    def _route(self, environ: dict[str, Any]) -> Reply:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        params = dict(parse_qsl(environ["QUERY_STRING"], keep_blank_values=True))
        if path.startswith("/_sim/"):
            return control(self, method, path[6:].rstrip("/"), params, _body(environ))
        if path.startswith("/media/"):
            return _media(path)
        slug = path.strip("/")
        if slug not in ENDPOINTS or not path.endswith("/"):
            return json_reply({"message": "Not Found"}, 404)
        if method != "GET":
            return json_reply({"message": "Method Not Allowed"}, 405)
        base_url = f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '')}"
        request = Request(slug, params, environ.get("HTTP_X_API_KEY", ""), self.clock.now(), base_url)
        reply = self._answer(request)
        self.ledger.note(slug, request.key, reply.outcome, int(reply.billable))
        self.served.note(request, reply)
        return reply

    def _answer(self, request: Request) -> Reply:
        if not request.key:
            return refused("Please sign up to tikliveapi.com")
        if not self.keys.is_valid(request.key):
            return refused("Api-Key is not available")
        if self.keys.is_spent(request.key, self.ledger.credits_of(request.key)):
            return refused("Insufficient credits, please top up your balance")
        wait_s = self.limits.wait_s(request.key)
        if wait_s:
            after = (("Retry-After", str(wait_s)),)
            return json_reply({"message": "Too Many Requests"}, 429, headers=after, outcome="rate_limited")
        self._take_time()
        return self.faults.apply(request, self._serve(request), self._serve)

    def _serve(self, request: Request) -> Reply:
        endpoint = ENDPOINTS[request.endpoint]
        missing = [name for name in endpoint.required if not request.params.get(name)]
        return bad_request(f"{missing[0]} is required") if missing else endpoint.answer(self.upstream, request)

    def _take_time(self) -> None:
        mean_s = self.options.latency_ms / 1000
        if mean_s:
            time.sleep(max(mean_s / 4, random.gauss(mean_s, mean_s / 4)))


def _body(environ: dict[str, Any]) -> bytes:
    body: bytes = environ["wsgi.input"].read(min(int(environ.get("CONTENT_LENGTH") or 0), LARGEST_ORDER))
    return body


def _media(path: str) -> Reply:
    kind, _, name = path.removeprefix("/media/").partition("/")
    data = picture(kind, name.removesuffix(".png")) if name.endswith(".png") else None
    if data is None:
        return json_reply({"message": "Not Found"}, 404)
    return Reply(data, content_type="image/png", headers=(("Cache-Control", "max-age=86400"),))


def _break_off(body: bytes, connection: socket.socket) -> Iterator[bytes]:
    """Half of the body, then a reset connection."""
    yield body[: len(body) // 2]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    connection.close()
    # With this errno the server takes it for a client that went away, and logs nothing.
    raise ConnectionResetError(errno.ECONNRESET, "reset ordered by a fault rule")
