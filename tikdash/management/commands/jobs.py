from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from accounts.selectors import tenant_by_slug
from snapshots.services.overview import Counts, Overview, jobs_overview
from tikdash import clock
from tikdash.management.commands._base import TikdashCommand
from tikdash.ui import numbers

COLUMNS = ("due", "overdue", "held back", "claimed", "running", "paused", "dead")


class Command(TikdashCommand):
    help = (
        "How the jobs stand, by queue and kind: due, overdue (for more than 10 min), held back (due, but paused or"
        " outside their hours), claimed, running, paused, dead."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--tenant", default="", metavar="SLUG")

    def run(self, *, tenant: str, **options: Any) -> tuple[str, Any]:
        overview = jobs_overview(tenant_by_slug(tenant) if tenant else None)
        return "\n".join(_lines(overview)), asdict(overview)


def _lines(overview: Overview) -> list[str]:
    lines = [f"{'':14}" + "".join(f"{name:>10}" for name in COLUMNS) + "   oldest due"]
    lines += [_line("all", overview.total), ""]
    lines += [_line(queue, counts) for queue, counts in overview.by_queue.items()]
    lines += ["", *(_line(kind, counts) for kind, counts in overview.by_kind.items())]
    if overview.top_tenants:
        lines += ["", "Most due: " + ", ".join(f"{slug} {due:,}" for slug, due in overview.top_tenants.items())]
    lines += [
        f"Paused: {each.slug} since {each.since:%Y-%m-%d %H:%M}. {each.reason}" for each in overview.paused_tenants
    ]
    lines += [f"Paused: {each.kind} since {each.since:%Y-%m-%d %H:%M}. {each.reason}" for each in overview.paused_kinds]
    return lines


def _line(name: str, counts: Counts) -> str:
    oldest = numbers.ago(counts.oldest_due_at, clock.now()) if counts.oldest_due_at else "–"
    shown = (getattr(counts, column.replace(" ", "_")) for column in COLUMNS)
    return f"{name:14}" + "".join(f"{number:>10,}" for number in shown) + f"   {oldest}"
