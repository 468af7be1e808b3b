"""`manage.py simulator`: the upstream's stand-in, as its own process."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    """Starts the simulator; needs neither database nor Redis."""

    help = "Serves a stand-in for TikLiveAPI on its own port until it is stopped."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Options of the simulator."""
        # Imported here, so that no other command loads the simulator.
        from tikdash.tiklive.simulator.options import add_arguments

        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until SIGTERM or SIGINT."""
        from tikdash.tiklive.simulator.options import read_options
        from tikdash.tiklive.simulator.server import serve

        serve(read_options(options))
