"""The one way to Redis (or Valkey): connections that fail fast, scripts that load themselves, one error without it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha1
from pathlib import Path
from typing import Any, TypeVar

import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import NoScriptError, OutOfMemoryError, ReadOnlyError, ResponseError
from redis.exceptions import TimeoutError as NoAnswer
from redis.retry import Retry

from tikdash.errors import Unavailable

T = TypeVar("T")

log = structlog.get_logger(__name__)

_TIMEOUT_S = 1.0
_MOST_CONNECTIONS = 10_000
#: After a failure nobody knocks for so long: with a server that swallows packets every knock would cost a time-out.
_REST_S = 1.0
#: A server that is full or read-only counts nothing, which is as bad as one that is not there.
_GONE = (NoConnection, NoAnswer, OutOfMemoryError, ReadOnlyError, OSError)
_MAY_BE_GONE = (*_GONE, ResponseError)
_REFUSES_WRITES = ("MISCONF", "NOREPLICAS", "MASTERDOWN")


class RedisGone(Unavailable):
    """Redis does not answer."""

    code = "redis_gone"
    message = "Redis does not answer at the moment. Please try again soon."


@dataclass(frozen=True, slots=True)
class _Kept:
    """A script that nobody waits for, and who hears what it returns."""

    script: Script
    keys: Sequence[str]
    args: Sequence[str | bytes | int]
    then: Callable[[Any], object] | None


class _OfThread(threading.local):
    """What a thread has kept since it entered `together`; None outside of it."""

    kept: list[_Kept] | None = None


class Server:
    """One Redis server. Every method raises RedisGone where it does not answer, and at once for a moment after that."""

    def __init__(self, url: str) -> None:
        # One retry, on another connection: after a restart of the server the pool is full of dead ones.
        self.connection = redis.Redis.from_url(
            url,
            socket_timeout=_TIMEOUT_S,
            socket_connect_timeout=_TIMEOUT_S,
            retry=Retry(NoBackoff(), 1, supported_errors=(NoConnection,)),
            health_check_interval=0,
            # A thread holds one at a time. At redis-py's own limit of 100 it would look as if the server were gone.
            max_connections=_MOST_CONNECTIONS,
        )
        self._gone_until = 0.0
        self._mine = _OfThread()
        self._lock = threading.Lock()

    @contextmanager
    def reached(self) -> Iterator[redis.Redis]:
        """The connection; what it raises inside the block because the server is gone comes out as RedisGone."""
        if time.monotonic() < self._gone_until:
            raise RedisGone
        try:
            yield self.connection
        except _MAY_BE_GONE as error:
            if not self._is_gone(error):
                raise
            raise RedisGone(detail=type(error).__name__) from error

    def run(self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        """What `script` returns; it is loaded where the server does not know it (any more)."""
        # As `reached`, without the price of a context: this is done several times for each request.
        if time.monotonic() < self._gone_until:
            raise RedisGone
        try:
            try:
                return self.connection.execute_command("EVALSHA", script.sha, len(keys), *keys, *args)
            except NoScriptError:
                return self.connection.execute_command("EVAL", script.source, len(keys), *keys, *args)
        except _MAY_BE_GONE as error:
            if not self._is_gone(error):
                raise
            raise RedisGone(detail=type(error).__name__) from error

    def ask(self, *command: str | bytes | int) -> Any:
        """What one command returns: as inside of `reached`, without the price of a context."""
        if time.monotonic() < self._gone_until:
            raise RedisGone
        try:
            return self.connection.execute_command(*command)
        except _MAY_BE_GONE as error:
            if not self._is_gone(error):
                raise
            raise RedisGone(detail=type(error).__name__) from error

    def soon(
        self,
        script: Script,
        keys: Sequence[str],
        args: Sequence[str | bytes | int],
        then: Callable[[Any], object] | None = None,
    ) -> None:
        """Runs `script`, whose answer nobody waits for: with others in one round trip at the end of this thread's
        block `together`, at once outside of one. `then` gets the answer; without Redis there is none."""
        kept = _Kept(script, keys, args, then)
        if self._mine.kept is None:
            self._send([kept])
        else:
            self._mine.kept.append(kept)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Inside the block scripts given to `soon` are kept; they are sent when it ends, however it ends."""
        if self._mine.kept is not None:
            yield
            return
        self._mine.kept = []
        try:
            yield
        finally:
            self.send_kept()
            self._mine.kept = None

    def send_kept(self) -> None:
        """Sends now what this thread has kept: before it does something that takes its time."""
        kept, self._mine.kept = self._mine.kept, [] if self._mine.kept is not None else None
        if kept:
            self._send(kept)

    def _send(self, scripts: Sequence[_Kept]) -> None:
        if time.monotonic() < self._gone_until:
            return
        try:
            pipe = self.connection.pipeline(transaction=False)
            for kept in scripts:
                pipe.execute_command("EVALSHA", kept.script.sha, len(kept.keys), *kept.keys, *kept.args)
            answers = pipe.execute(raise_on_error=False)
        except _MAY_BE_GONE as error:
            if not self._is_gone(error):
                raise
            return
        for kept, answer in zip(scripts, answers, strict=True):
            self._hear(kept, answer)

    def _hear(self, kept: _Kept, answer: Any) -> None:
        """Gives an answer to who wants it; a script that the server does not know (any more) is sent again whole."""
        if isinstance(answer, NoScriptError):
            try:
                answer = self.run(kept.script, kept.keys, kept.args)
            except RedisGone:
                return
            except ResponseError as error:
                answer = error
        if isinstance(answer, Exception):
            if not self._is_gone(answer):
                log.warning("redis_refused", error=f"{type(answer).__name__}: {answer}")
        elif kept.then is not None:
            kept.then(answer)

    def _is_gone(self, error: Exception) -> bool:
        """Whether `error` means that the server is gone; it is then left alone for a moment."""
        if not isinstance(error, _GONE) and not str(error).startswith(_REFUSES_WRITES):
            return False
        with self._lock:
            self._gone_until = time.monotonic() + _REST_S
        return True


class Script:
    """A Lua script of ours, read from a file beside the module that runs it."""

    def __init__(self, path: Path) -> None:
        self.source = path.read_text(encoding="utf-8")
        self.sha = sha1(self.source.encode(), usedforsecurity=False).hexdigest()


@lru_cache(maxsize=4)
def _server(url: str) -> Server:
    return Server(url)


def server() -> Server:
    """The server of the settings."""
    return _server(settings.REDIS_URL)


def where_there(work: Callable[[Server], T], otherwise: T) -> T:
    """What `work` returns, or `otherwise` without Redis: for what makes things faster but is never needed."""
    try:
        return work(server())
    except RedisGone:
        return otherwise
