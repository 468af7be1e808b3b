from __future__ import annotations

from getpass import getuser
from typing import Any

from django.core.management.base import CommandParser

from accounts.selectors import tenant_by_slug
from snapshots.analytics.suspects import SuspectValue, suspect_values, value_id
from snapshots.services.quality import accept_value, reject_value
from tikdash.db.scope import tenant_scope
from tikdash.management.commands._base import TikdashCommand
from tikdash.ui import numbers


class Command(TikdashCommand):
    help = "Lists the values of a tenant that were kept aside as suspect, and accepts or rejects one with a reason."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug", help="the tenant")
        parser.add_argument("--days", type=int, default=30, help="how far back to look (30)")
        decision = parser.add_mutually_exclusive_group()
        decision.add_argument("--accept", metavar="ID", help="the value is true")
        decision.add_argument("--reject", metavar="ID", help="the value is wrong, and must not clear itself")
        parser.add_argument("--reason", default="", help="why; needed for a decision")

    def run(
        self, *, slug: str, days: int, accept: str | None, reject: str | None, reason: str, **options: Any
    ) -> tuple[str, Any]:
        with tenant_scope(tenant_by_slug(slug)):
            if not (accept or reject):
                found = suspect_values(days)
                return "\n".join(map(_line, found)) or "No value is suspect.", [vars(each) for each in found]
            decide = accept_value if accept else reject_value
            done = decide(
                value=value_id(accept or reject or ""), reason=reason, decided_by=f"command line, {getuser()}"
            )
        text = f"{done.id}: {numbers.exact(done.value)} {done.decision}. Shown now: {numbers.exact(done.newest)}."
        return text, vars(done)


def _line(each: SuspectValue) -> str:
    post = f", post {each.aweme_id}" if each.aweme_id else ""
    before = f", before {numbers.exact(each.before)}" if each.before is not None else ""
    return f"{each.id}  @{each.handle}{post}: {numbers.exact(each.value)} {each.state}{before}"
