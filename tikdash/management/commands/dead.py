from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from accounts.selectors import tenant_by_slug
from snapshots.models import FetchJob
from snapshots.services.dead_letters import dead_groups, retry_dead
from tikdash.management.commands._base import TikdashCommand
from tikdash.words import counted


class Command(TikdashCommand):
    help = "Jobs that failed too often, by cause and kind; with --retry they become due again, one behind the other."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--code", default=None, help="of the error")
        parser.add_argument("--kind", default=None, choices=FetchJob.Kind.values, metavar="KIND")
        parser.add_argument("--tenant", default="", metavar="SLUG")
        parser.add_argument("--retry", action="store_true")

    def run(self, *, code: str | None, kind: str | None, tenant: str, retry: bool, **options: Any) -> tuple[str, Any]:
        whose = tenant_by_slug(tenant) if tenant else None
        groups = dead_groups(code=code, kind=kind, tenant=whose)
        data: dict[str, Any] = {"groups": [asdict(group) for group in groups]}
        lines = [
            f"{group.jobs:>8,}  {group.kind}: {group.error_code}, {counted(group.tenants, 'tenant')}, newest"
            f" {group.newest:%Y-%m-%d %H:%M}. {group.example}"
            if group.newest
            else f"{group.jobs:>8,}  {group.kind}: {group.error_code}, {counted(group.tenants, 'tenant')}."
            f" {group.example}"
            for group in groups
        ]
        if retry:
            data["retried"] = retry_dead(code=code, kind=kind, tenant=whose)
            lines.append(f"Active again: {counted(data['retried'], 'job')}.")
        return "\n".join(lines) or "No dead jobs.", data
