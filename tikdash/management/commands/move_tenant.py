from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.selectors import tenant_by_slug
from accounts.services.moving import abandon_move, move_tenant
from snapshots.selectors import has_running_jobs
from tikdash.management.commands._base import TikdashCommand
from tikdash.words import counted


class Command(TikdashCommand):
    help = "Moves a tenant's rows into a schema of their own or back; stopped half-way, call it again."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug")
        way = parser.add_mutually_exclusive_group(required=True)
        way.add_argument("--dedicated", action="store_true", help="into a schema of its own")
        way.add_argument("--shared", action="store_true", help="into the shared schema")
        way.add_argument("--abandon", action="store_true", help="call off a move that has not changed sides")

    def run(self, *, slug: str, dedicated: bool, abandon: bool, **options: Any) -> tuple[str, Any]:
        if abandon:
            schema = abandon_move(tenant=tenant_by_slug(slug))
            return f"{slug} stays in {schema}, and can be written again.", {"schema": schema}
        moved = move_tenant(tenant=tenant_by_slug(slug), dedicated=dedicated, is_busy=has_running_jobs)
        rows = counted(moved.rows, "row")
        text = f"{slug} is in {moved.target} now: {rows} of {moved.tables} tables, compared one by one."
        return text, vars(moved)
