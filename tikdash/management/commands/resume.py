from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.services.pausing import resume_kind, resume_tenant
from snapshots.models import FetchJob
from tikdash.errors import BadInput
from tikdash.management.commands._base import TikdashCommand


class Command(TikdashCommand):
    help = "Ends a pause of a tenant or of a kind of job; what is due is fetched as the queues have room."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug", nargs="?", default="", help="the tenant")
        parser.add_argument("--kind", default="", choices=["", *FetchJob.Kind.values], metavar="KIND")

    def run(self, *, slug: str, kind: str, **options: Any) -> tuple[str, Any]:
        if bool(slug) == bool(kind):
            raise BadInput("Name a tenant, or a kind with --kind.")
        was_paused = resume_tenant(slug=slug) if slug else resume_kind(kind=kind)
        text = f"{slug or kind}: " + ("fetching goes on." if was_paused else "was not paused.")
        return text, {"resumed": slug or kind, "was_paused": was_paused}
