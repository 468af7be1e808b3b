#!/usr/bin/env python3
"""Django's command line; on a development machine it finds the embedded servers or starts them first."""

from __future__ import annotations

import os
import sys

#: Commands that need no server.
WITHOUT_SERVERS = {"help", "--help", "-h", "version", "--version", "simulator", "collectstatic", "makemessages"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tikdash.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit("Django is not installed here: run `make run` once, then use .venv/bin/python manage.py …")
    from tikdash.errors import TikdashError
    from tikdash.servers import prepare_environment

    try:
        if len(sys.argv) > 1 and sys.argv[1] not in WITHOUT_SERVERS:
            prepare_environment()
        execute_from_command_line(sys.argv)
    except (TikdashError, ImproperlyConfigured) as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
