"""Logs: one line an event, with tenant and request id; JSON where machines read them. Never a traceback to a person."""

from __future__ import annotations

import logging
import logging.config
import sys
from typing import Any

import structlog


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


def configure(options: dict[str, Any]) -> None:
    """Sends the standard library's records and structlog's events through one formatter to stderr."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        say_in_one_line_that_a_server_is_gone,
        structlog.processors.format_exc_info,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if options["as_json"]
        else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)
    )
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "line": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": shared,
                    "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"handlers": ["stderr"], "level": options["level"]},
            "loggers": {
                # Their news is one line a request or a task, which our own lines say better.
                "django.server": {"level": "WARNING"},
                "celery.app.trace": {"level": "WARNING"},
                "celery.worker.strategy": {"level": "WARNING"},
                "django_celery_beat": {"level": "WARNING"},
                "celery.beat": {"level": "WARNING"},
                "urllib3": {"level": "ERROR"},
                "psycopg.pool": {"level": "ERROR"},
            },
        }
    )
