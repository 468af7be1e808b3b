"""What all commands of Tikdash share: `--json`, one line on stderr and status 1 for an error."""

from __future__ import annotations

from getpass import getuser
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from redis.exceptions import RedisError

from accounts.services.auditing import Actor, acting
from tikdash.error_pages import server_gone
from tikdash.errors import TikdashError
from tikdash.health import why_database_is_silent


class TikdashCommand(BaseCommand):
    """Subclasses write `run`, which returns (text for people, data for `--json`)."""

    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with acting(Actor("command", label=f"{type(self).__module__.rpartition('.')[2]}, {_person()}")):
                text, data = self.run(**options)
        except TikdashError as error:
            raise CommandError(str(error)) from None
        except (DatabaseError, RedisError) as error:
            if not server_gone(error):
                raise
            why = why_database_is_silent() if isinstance(error, DatabaseError) else first_line(error)
            raise CommandError(f"A server does not answer: {why}. Is it running? See `manage.py doctor`.") from None
        self.stdout.write(orjson.dumps(data).decode() if options["json"] else text)

    def run(self, **options: Any) -> tuple[str, Any]:
        raise NotImplementedError


def _person() -> str:
    try:
        return getuser()
    except (KeyError, OSError):
        # In a container there may be no name for the number.
        return "nobody"


def first_line(error: BaseException) -> str:
    """The first line of an error's text, without a full stop."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
