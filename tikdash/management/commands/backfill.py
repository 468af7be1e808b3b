from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from accounts.selectors import tenant_by_slug
from snapshots.selectors import account_id_of
from snapshots.services.backfill import Progress, cancel_backfill, estimate, progress_of, start_backfill
from tikdash.db.scope import tenant_scope
from tikdash.management.commands._base import TikdashCommand
from tikdash.words import counted


class Command(TikdashCommand):
    help = "Reads an account's past posts: says what it costs; with --yes starts it; --show and --cancel follow it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug", help="the tenant")
        parser.add_argument("handle")
        parser.add_argument("--months", type=int, default=12, help="how far back (default: 12)")
        parser.add_argument("--cap", type=int, default=None, metavar="CREDITS", help="the most it may spend in all")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--yes", action="store_true", help="start it, or go on with one that was stopped")
        what.add_argument("--cancel", action="store_true", help="call it off; what was read stays")
        what.add_argument("--show", action="store_true", help="how far it is")

    def run(
        self, *, slug: str, handle: str, months: int, cap: int | None, yes: bool, cancel: bool, show: bool, **_: Any
    ) -> tuple[str, Any]:
        tenant = tenant_by_slug(slug)
        with tenant_scope(tenant):
            account_id = account_id_of(handle)
            if cancel:
                return _told(cancel_backfill(account_id))
            if show:
                return _told(progress_of(account_id))
            if yes:
                return _told(start_backfill(tenant=tenant, account_id=account_id, months=months, credit_cap=cap))
            cost = estimate(account_id)
        posts = "an unknown number of" if cost.posts is None else f"{cost.posts:,}"
        text = f"At most {cost.credits:,} credits for {posts} posts on {cost.pages:,} pages. Start it with --yes."
        return text, asdict(cost)


def _told(progress: Progress) -> tuple[str, Any]:
    back_to = f", back to {progress.oldest:%Y-%m-%d}" if progress.oldest else ""
    error = f" {progress.error}" if progress.error else ""
    pages = counted(progress.pages, "page")
    text = (
        f"{progress.state}: {progress.posts:,} posts on {pages}, {progress.new:,} new{back_to};"
        f" {progress.credits_spent:,} of {progress.credit_cap:,} credits.{error}"
    )
    return text, asdict(progress) | {"oldest": progress.oldest.isoformat() if progress.oldest else None}
