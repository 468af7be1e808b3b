from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.selectors import tenant_by_slug
from snapshots.services.accounts import KINDS
from snapshots.services.inline import fetch_now
from tikdash.management.commands._base import TikdashCommand


class Command(TikdashCommand):
    help = "Fetches one account here and now, due or not, and says what came."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug", help="the tenant")
        parser.add_argument("handle")
        parser.add_argument(
            "--kind", default=None, choices=[kind.value for kind in KINDS], help="default: profile and posts"
        )

    def run(self, *, slug: str, handle: str, kind: str | None, **options: Any) -> tuple[str, Any]:
        reports = fetch_now(tenant_by_slug(slug), handle, kind)
        if not reports:
            raise CommandError("A worker is fetching this account right now; look again in a moment.")
        text = "\n".join(f"{report.kind}: {report.text}" for report in reports)
        if any(report.outcome != "ok" for report in reports):
            raise CommandError(text)
        return text, [vars(report) for report in reports]
