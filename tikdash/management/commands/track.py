from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.selectors import tenant_by_slug
from snapshots.models import TrackedAccount
from snapshots.services.accounts import clean_wish
from snapshots.services.inline import track_now
from tikdash.errors import TikdashError
from tikdash.management.commands._base import TikdashCommand


class Command(TikdashCommand):
    help = "Checks handles with the upstream and tracks them, with their first numbers and posts."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug", help="the tenant")
        parser.add_argument("handles", nargs="+", metavar="HANDLE")
        parser.add_argument("--reason", default="competitor", choices=TrackedAccount.Reason.values)
        parser.add_argument("--tags", default="", help="comma-separated")

    def run(self, *, slug: str, handles: list[str], reason: str, tags: str, **options: Any) -> tuple[str, Any]:
        tenant = tenant_by_slug(slug)
        done, failed = [], []
        for handle in handles:
            try:
                done.append(track_now(tenant, clean_wish(handle=handle, reason=reason, tags=tags)))
            except TikdashError as error:
                failed.append(f"{handle}: {error}")
        if failed and not done:
            raise CommandError("\n".join(failed))
        for line in failed:
            self.stderr.write(line)
        data = {"tracked": [vars(account) for account in done], "failed": failed}
        text = "\n".join(f"@{a.handle}: tracked, {a.followers or 0:,} followers, {a.posts} posts." for a in done)
        if failed:
            self.stdout.write(text)
            raise CommandError(f"{len(failed)} of {len(handles)} handles could not be tracked.")
        return text, data
