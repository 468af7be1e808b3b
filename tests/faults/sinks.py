"""Everywhere a text can end up, as one thing that can be searched."""

from __future__ import annotations

import base64
import json
import logging
import pickle
import re
import traceback
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any
from urllib.parse import quote

import psycopg
import redis
from django.conf import settings
from psycopg import sql

from tests.environment import DATABASE
from tikdash.logging import LineFormatter

#: Libraries that would say most about a request.
_TALKATIVE = ("urllib3", "redis", "kombu", "celery", "celery.app.trace", "celery.worker.strategy", "psycopg", "django")
_DEFLATED = re.compile(rb"\x78[\x01\x5e\x9c\xda]")


class Sinks:
    """What was found so far: the name of a sink → the texts that went into it, as bytes."""

    def __init__(self) -> None:
        self._texts: dict[str, list[bytes]] = {}

    def add(self, sink: str, *texts: str | bytes) -> None:
        """Puts texts into a sink, with what is inflated or decoded from them."""
        for text in texts:
            raw = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
            self._texts.setdefault(sink, []).extend([raw, *_inside(raw)])

    def with_text(self, text: str) -> set[str]:
        """Names of the sinks that show `text` in whatever writing."""
        writings = _writings(text)
        return {name for name, texts in self._texts.items() if any(w in t for t in texts for w in writings)}

    def names(self) -> set[str]:
        return set(self._texts)

    def around(self, text: str) -> str:
        """For the message of a failing test: the first place that shows `text`."""
        for name, texts in self._texts.items():
            for found in texts:
                for writing in _writings(text):
                    if (at := found.find(writing)) >= 0:
                        return f"{name}: {found[max(0, at - 300) : at + 100]!r}"
        return ""

    # --- what fills them ---------------------------------------------------------------------------------------------

    @contextmanager
    def logs(self) -> Iterator[StringIO]:
        """All that is logged inside the block, at every level, as JSON and as on a console.

        What comes out is no sink: the same records without our formatter.
        """
        written = {"log as JSON": StringIO(), "log on a console": StringIO()}
        plain = StringIO()
        handlers: list[logging.Handler] = [logging.StreamHandler(plain)]
        for name, stream in written.items():
            handler = logging.StreamHandler(stream)
            handler.setFormatter(LineFormatter(as_json=name.endswith("JSON")))
            handlers.append(handler)
        levels = {name: logging.getLogger(name).level for name in ("", *_TALKATIVE)}
        before = logging.root.handlers[:]
        logging.root.handlers[:] = handlers
        for name in levels:
            logging.getLogger(name).setLevel(logging.DEBUG)
        try:
            yield plain
        finally:
            logging.root.handlers[:] = before
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
            for name, stream in written.items():
                self.add(name, stream.getvalue())

    def add_error(self, error: BaseException, *, with_locals: bool = True) -> None:
        """Whatever an error shows of itself: printed, with variables of its frames, pickled, as an answer's data."""
        shown = traceback.TracebackException.from_exception(error, capture_locals=with_locals)
        self.add("tracebacks", "".join(traceback.format_exception(error)), "".join(shown.format()))
        self.add("errors", repr(error), str(error), repr(vars(error)), repr(getattr(error, "data", "")))
        self.add("errors", getattr(error, "summary", ""), pickle.dumps(error, 0), pickle.dumps(error))

    def add_database(self) -> None:
        """Every row of every table, as text: the catalogue is walked as an administrator."""
        url = settings.DATABASE_ADMIN_URL.rsplit("/", 1)[0] + f"/{DATABASE}"
        with psycopg.connect(url) as admin:
            tables = admin.execute(
                """
                SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
                """
            ).fetchall()
            for schema, table in tables:
                rows = sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(schema, table))
                self.add("rows of tables", *(row[0] for row in admin.execute(rows)))

    def add_redis(self) -> None:
        """Every key and value: as it is read by its type, and as it is dumped."""
        server = redis.Redis.from_url(settings.REDIS_URL)
        for key in server.scan_iter(count=1000):
            self.add("keys of Redis", key)
            self.add("values of Redis", *_values(server, key), server.dump(key) or b"")

    def add_messages(self, *queues: str) -> None:
        """What waits in the queues of Celery, decoded."""
        server = redis.Redis.from_url(settings.REDIS_URL)
        for queue in queues:
            for message in server.lrange(queue, 0, -1):
                body = base64.b64decode(json.loads(message)["body"])
                self.add("messages of Celery", message, body)


def _values(server: redis.Redis, key: bytes) -> list[bytes]:
    kind = server.type(key)
    if kind == b"string":
        return [server.get(key) or b""]
    if kind == b"list":
        return list(server.lrange(key, 0, -1))
    if kind == b"hash":
        return [part for pair in server.hgetall(key).items() for part in pair]
    if kind == b"set":
        return list(server.smembers(key))
    if kind == b"zset":
        return [member for member, _ in server.zrange(key, 0, -1, withscores=True)]
    raise AssertionError(f"{key!r} is a {kind!r}, which is not searched")


def _inside(raw: bytes) -> list[bytes]:
    """What is inflated from the places where something deflated may begin."""
    found = []
    for match in _DEFLATED.finditer(raw):
        try:
            found.append(zlib.decompressobj().decompress(raw[match.start() :]))
        except zlib.error:
            continue
    return found


def _writings(text: str) -> set[bytes]:
    """How a text may be written: plain, quoted, in JSON, in hexadecimal, in base64 at each of three offsets."""
    plain = text.encode()
    base64s = set()
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + plain)
        # The first and the last characters depend on what stands beside.
        base64s |= {encoded[4 if offset else 0 : -4], encoded.translate(bytes.maketrans(b"+/", b"-_"))[4:-4]}
    return {plain, quote(text).encode(), quote(text, safe="").encode(), json.dumps(text)[1:-1].encode(),
            plain.hex().encode()} | base64s  # fmt: skip


def error_of(work: Any) -> BaseException | None:
    """What `work()` raises."""
    try:
        work()
    except Exception as error:
        return error
    return None
