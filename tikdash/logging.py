"""Logs: one line an event, with tenant and request id; JSON where machines read them. Never a traceback to a person.

The last step of a line is `redacted`: whatever was logged, by whomever, no secret of this process is in it.
"""

from __future__ import annotations

import logging
import logging.config
import sys
import threading
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

import structlog
from structlog.stdlib import ProcessorFormatter

from tikdash.redaction import redacted


def settings(*, level: str, as_json: bool) -> dict[str, Any]:
    """What `configure` takes: the least severe level that is shown, and whether a line is JSON."""
    return {"level": level, "as_json": as_json}


def say_in_one_line_that_a_server_is_gone(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    """A server that does not answer is no mistake of the program: its name and first line, without a traceback."""
    from tikdash.error_pages import server_gone

    given = event.get("exc_info")
    error = given[1] if isinstance(given, tuple) else given if isinstance(given, BaseException) else sys.exc_info()[1]
    if given and error is not None and server_gone(error):
        event.pop("exc_info")
        event["server_gone"] = f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]}"
    return event


def _chain() -> list[Any]:
    """What every event gets, ours and those of libraries."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        say_in_one_line_that_a_server_is_gone,
    ]


class LineFormatter(ProcessorFormatter):
    """One line an event (and its traceback, on a console), without any secret that this process knows."""

    def __init__(self, as_json: bool) -> None:
        renderer: Any = (
            structlog.processors.JSONRenderer()
            if as_json
            else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)
        )
        super().__init__(
            foreign_pre_chain=_chain(),
            processors=[
                structlog.processors.format_exc_info,
                ProcessorFormatter.remove_processors_meta,
                renderer,
            ],
        )

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


class Handler(logging.StreamHandler[Any]):
    """Writes lines to stderr; about a record that cannot be formatted it says so without showing a secret."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (the standard library's name)
        if not logging.raiseExceptions or sys.stderr is None:
            return
        where = f"{record.pathname}:{record.lineno}"
        text = f"{traceback.format_exc()}The log call at {where} failed: {record.msg!r} with {record.args!r}\n"
        sys.stderr.write(redacted(text))


def configure(options: dict[str, Any]) -> None:
    """Sends the standard library's records, warnings, uncaught errors and structlog's events through one formatter."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_chain(), _wrap],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    ours_instead = {"handlers": [], "propagate": True}
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"line": {"()": LineFormatter, "as_json": options["as_json"]}},
            "handlers": {"stderr": {"()": Handler, "formatter": "line"}},
            "root": {"handlers": ["stderr"], "level": options["level"]},
            "loggers": {
                # gunicorn and Django have given them handlers of their own.
                "gunicorn.error": ours_instead,
                "gunicorn.access": ours_instead,
                "django": ours_instead,
                # Their news is one line a request or a task, which our own lines say better.
                "django.server": ours_instead | {"level": "WARNING"},
                "celery.app.trace": {"level": "WARNING"},
                "celery.worker.strategy": {"level": "WARNING"},
                "django_celery_beat": {"level": "WARNING"},
                "celery.beat": {"level": "WARNING"},
                "urllib3": {"level": "ERROR"},
                "psycopg.pool": {"level": "ERROR"},
            },
        }
    )
    logging.captureWarnings(True)
    _catch_what_nobody_caught()


def _wrap(logger: Any, name: str, event: MutableMapping[str, Any]) -> tuple[tuple[Any], dict[str, Any]]:
    """As structlog's own last step, with the error on the record itself, where error reports look for it."""
    given = event.pop("exc_info", None)
    if given and not isinstance(given, tuple):
        error = given if isinstance(given, BaseException) else sys.exc_info()[1]
        given = error and (type(error), error, error.__traceback__)
    facts = dict(event) | ({"exc_info": given} if given else {})
    arguments, keywords = ProcessorFormatter.wrap_for_formatter(logger, name, facts)
    return arguments, keywords | {"exc_info": given or None}


def _catch_what_nobody_caught() -> None:
    """The interpreter would print errors of commands and threads as they are; somebody else's hook is left alone."""
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _log_uncaught
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _log_uncaught_in_thread


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    structlog.get_logger("tikdash").critical("uncaught", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(given: threading.ExceptHookArgs) -> None:
    if given.exc_value is None or issubclass(given.exc_type, SystemExit):
        return
    structlog.get_logger("tikdash").critical(
        "uncaught",
        thread=given.thread.name if given.thread else "",
        exc_info=(given.exc_type, given.exc_value, given.exc_traceback),
    )
