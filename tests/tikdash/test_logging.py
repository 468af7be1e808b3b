"""Logs: a server that is gone is one line; a mistake of ours keeps its traceback; a line names its request."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from io import StringIO

import orjson
import psycopg
import pytest
import structlog
from django.conf import settings
from django.db import OperationalError
from django.test import Client
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.cast import Cast
from tikdash import logging as tikdash_logging
from tikdash.db.errors import MissingSchema


@pytest.fixture
def lines() -> Iterator[StringIO]:
    """What is logged as JSON while the test runs; afterwards logs are as they were."""
    stream = StringIO()
    before = logging.root.handlers[:]
    tikdash_logging.configure(tikdash_logging.settings(level="INFO", as_json=True))
    ours = [handler for handler in logging.root.handlers if handler not in before]
    for handler in ours:
        handler.setStream(stream)  # type: ignore[attr-defined]
    yield stream
    tikdash_logging.configure(settings.LOGGING)
    logging.root.handlers[:] = before


def gone() -> Exception:
    return OperationalError('connection to server at "127.0.0.1", port 5432 failed: refused\n\tIs the server running?')


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (gone(), 'OperationalError: connection to server at "127.0.0.1", port 5432 failed: refused'),
        (RedisConnectionError("Error 111 connecting to 127.0.0.1:6379."), "ConnectionError: Error 111 connecting"),
        (MissingSchema("tenant_x"), "MissingSchema: The schema “tenant_x” is missing."),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
@pytest.mark.parametrize("library", ["standard", "structlog"])
def test_a_server_that_is_gone_is_one_line_without_a_traceback(
    lines: StringIO, error: Exception, said: str, library: str
) -> None:
    try:
        raise error
    except Exception:
        if library == "standard":
            logging.getLogger("celery.worker").exception("Task failed")
        else:
            structlog.get_logger("tikdash.x").exception("task_failed")
    [line] = lines.getvalue().splitlines()
    event = orjson.loads(line)
    assert event["server_gone"].startswith(said) and "Traceback" not in line and "\\n" not in line
    assert event["level"] == "error"


def test_a_mistake_of_ours_keeps_its_traceback(lines: StringIO) -> None:
    try:
        raise ZeroDivisionError("a mistake")
    except ZeroDivisionError:
        structlog.get_logger("tikdash.x").exception("broke")
    [line] = lines.getvalue().splitlines()
    assert "Traceback" in orjson.loads(line)["exception"] and "a mistake" in line


def test_an_error_without_an_exception_is_a_plain_line(lines: StringIO) -> None:
    try:
        raise gone()
    except OperationalError:
        structlog.get_logger("tikdash.x").warning("job_failed", job=7)
    event = orjson.loads(lines.getvalue())
    assert (event["event"], event["job"], event["logger"]) == ("job_failed", 7, "tikdash.x")
    assert "server_gone" not in event


def test_a_request_is_one_line_with_its_tenant_and_the_id_that_the_answer_carries(cast: Cast, lines: StringIO) -> None:
    response = Client(headers={"host": "acme.localhost"}).get("/log-in/")
    events = [orjson.loads(line) for line in lines.getvalue().splitlines()]
    [event] = [event for event in events if event["event"] == "request"]
    assert (event["tenant"], event["path"], event["status"]) == ("acme", "/log-in/", 200)
    assert event["request_id"] == response["X-Request-Id"] and event["ms"] >= 0


def test_the_key_of_the_upstream_is_in_no_line(lines: StringIO) -> None:
    from tikdash.tiklive.ports import ApiKey

    key = ApiKey(id="shared", secret="sk-live-very-secret", last_four="cret")
    try:
        raise psycopg.ProgrammingError(f"a mistake with {key} and {key.secret}")
    except psycopg.ProgrammingError:
        structlog.get_logger("tikdash.x").exception("broke", key=key)
    assert "very-secret" not in lines.getvalue() and "shared" in lines.getvalue()
