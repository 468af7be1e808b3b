"""The servers and variables of a bench run, set before Django's settings are read; everything is under `var/bench`.

As in production: durable servers, INFO logs as JSON (written to nowhere), compressed static files with a manifest.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DATABASE = "bench_tikdash"


def prepare() -> None:
    """Starts the servers and Django.

    Raises TikdashError with one sentence where the servers cannot be started.
    """
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "tikdash.settings",
        "TIKDASH_VAR": str(ROOT / "var" / "bench"),
        "LOG_LEVEL": "INFO",
        "LOG_JSON": "1",
        "DEBUG": "0",
        "TIKLIVE_BASE_URL": "http://127.0.0.1:9",
    }
    for name in ("DATABASE_URL", "DATABASE_ADMIN_URL", "REDIS_URL", "TIKDASH_FAST_SERVERS"):
        os.environ.pop(name, None)
    from tikdash.servers import prepare_environment

    prepare_environment()
    os.environ["DATABASE_URL"] = database_url(DATABASE)
    import django
    from django.core.management import call_command

    django.setup()
    for handler in logging.getLogger().handlers:
        # Every line is made as in production; only its way to the terminal is left out.
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(_Nowhere())
    # What breaks a bench is for the terminal.
    sys.excepthook, threading.excepthook = sys.__excepthook__, threading.__excepthook__
    call_command("collectstatic", interactive=False, verbosity=0)


class _Nowhere(io.TextIOBase):
    def write(self, text: str) -> int:
        return len(text)


def database_url(name: str) -> str:
    """The application's log-in at another database of the same server."""
    return os.environ["DATABASE_URL"].rsplit("/", 1)[0] + f"/{name}"
