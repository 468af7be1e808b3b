"""Where settings come from: the environment, `.env`, and for a development machine files under `var/`.

A machine is a *development* one when `DATABASE_URL` is not set, that is, when the embedded servers are used.
There, secrets are made once under `var/` and kept; everywhere else a missing secret stops the start with one sentence.
"""

from __future__ import annotations

import os
import secrets
import warnings
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("TIKDASH_VAR", ROOT / "var"))

env = environ.Env()
environ.Env.read_env(ROOT / ".env")

#: Where the processes of a host keep their metrics. prometheus_client looks at the variable when it is imported: this
#: module comes first everywhere, and `tikdash.metrics` makes sure of it.
METRICS = Path(os.environ.get("PROMETHEUS_MULTIPROC_DIR") or VAR / "metrics")
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(METRICS)

#: Read before the embedded servers put their own address into the environment.
EMBEDDED = os.environ.get("TIKDASH_EMBEDDED") == "1" or "DATABASE_URL" not in os.environ


def secret(name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(50)) -> str:
    """The value of variable `name`; on a development machine made once and kept in `var/secrets/`.

    Raises ImproperlyConfigured where the variable is required and missing.
    """
    if os.environ.get(name):
        return os.environ[name]
    if not EMBEDDED:
        raise ImproperlyConfigured(f"Set {name}: with DATABASE_URL set, no secret is made up. See .env.example.")
    path = VAR / "secrets" / name.lower()
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.touch(mode=0o600)
        temporary.write_text(make())
        try:
            # link() fails when another process was first, so that both read the same secret.
            os.link(temporary, path)
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    return path.read_text()


def peppers(text: str) -> dict[str, str]:
    """`ID:PEPPER,ID:PEPPER` as a dict. Raises ImproperlyConfigured for anything else, and for short ones."""
    found = dict(part.split(":", 1) for part in text.split(",") if ":" in part)
    if (
        not found
        or len(found) != len(text.split(","))
        or any(not (name.isalnum() and len(name) <= 16) or len(pepper) < 32 for name, pepper in found.items())
    ):
        raise ImproperlyConfigured(
            "TOKEN_PEPPERS must be ID:PEPPER, with commas between them; a pepper has 32 characters."
        )
    return found


def time_of_day(name: str, default: str) -> timedelta:
    """A variable such as `02:30`, as the time since midnight. Raises ImproperlyConfigured for anything else."""
    value = env.str(name, default=default)
    try:
        moment = datetime.strptime(value, "%H:%M")  # noqa: DTZ007  (a time of day has no zone)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a time of day (UTC) such as 02:30, not “{value}”.") from None
    return timedelta(hours=moment.hour, minutes=moment.minute)


def make_directory_of_metrics() -> None:
    """Makes `METRICS`; raises ImproperlyConfigured where nothing can be written there."""
    try:
        METRICS.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"PROMETHEUS_MULTIPROC_DIR: {METRICS} cannot be made ({error.strerror}). Name a directory of this machine."
        ) from None


def database() -> dict[str, Any]:
    """DATABASE_URL as Django has it. Raises ImproperlyConfigured for what is no address of a PostgreSQL database."""
    try:
        with warnings.catch_warnings(action="ignore"):
            found: dict[str, Any] = env.db("DATABASE_URL", default="postgresql://tikdash@127.0.0.1/tikdash")
    except ValueError:
        found = {}
    if found.get("ENGINE") != "django.db.backends.postgresql" or not found.get("USER"):
        raise ImproperlyConfigured(
            "DATABASE_URL must be a PostgreSQL address: postgresql://ROLE:PASSWORD@HOST:PORT/DATABASE."
        )
    return found
