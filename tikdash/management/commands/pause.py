from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.services.pausing import pause_kind, pause_tenant
from snapshots.models import FetchJob
from tikdash.errors import BadInput
from tikdash.management.commands._base import TikdashCommand


class Command(TikdashCommand):
    help = "Stops fetching for one tenant, or one kind of job for all. Jobs stay due; running ones end."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug", nargs="?", default="", help="the tenant")
        parser.add_argument("--kind", default="", choices=["", *FetchJob.Kind.values], metavar="KIND")
        parser.add_argument("--reason", required=True, help="a sentence that customers read")

    def run(self, *, slug: str, kind: str, reason: str, **options: Any) -> tuple[str, Any]:
        if bool(slug) == bool(kind):
            raise BadInput("Name a tenant, or a kind with --kind.")
        is_new = pause_tenant(slug=slug, reason=reason) if slug else pause_kind(kind=kind, reason=reason)
        text = f"{slug or kind}: " + ("fetching is paused." if is_new else "was paused already; the reason is new.")
        return text, {"paused": slug or kind, "new": is_new}
