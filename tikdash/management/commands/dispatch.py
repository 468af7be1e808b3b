from __future__ import annotations

from typing import Any

from snapshots.scheduling.dispatch import dispatch
from tikdash.management.commands._base import TikdashCommand
from tikdash.words import counted


class Command(TikdashCommand):
    help = "One tick of the dispatcher: claims what is due and sends it to the queues."

    def run(self, **options: Any) -> tuple[str, Any]:
        sent = dispatch()
        return f"{counted(sent, 'job')} sent.", {"sent": sent}
