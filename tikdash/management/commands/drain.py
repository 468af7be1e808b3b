from __future__ import annotations

from collections import Counter
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.selectors import tenant_by_slug
from snapshots.services.inline import drain
from tikdash.management.commands._base import TikdashCommand
from tikdash.words import counted


class Command(TikdashCommand):
    help = (
        "Runs what is due, of one tenant or of all, here and now, until nothing is due; waits up to a minute at a time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--tenant", default="", metavar="SLUG")

    def run(self, *, tenant: str, **options: Any) -> tuple[str, Any]:
        reports = drain(tenant_by_slug(tenant) if tenant else None, say=self.stderr.write)
        outcomes = Counter(report.outcome for report in reports)
        data = {"jobs": len(reports), "outcomes": dict(outcomes)}
        text = f"{counted(len(reports), 'job')}: " + (
            ", ".join(f"{n} {what}" for what, n in outcomes.most_common()) or "none due"
        )
        if reports and "ok" not in outcomes:
            raise CommandError(text)
        return text, data
