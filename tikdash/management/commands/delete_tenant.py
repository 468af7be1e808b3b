from __future__ import annotations

from getpass import getuser
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from accounts.models import TenantErasure
from accounts.selectors import tenant_by_slug
from accounts.services.closing import ask_for_deletion, call_deletion_off, end_grace
from accounts.services.erasing import erase_tenant
from tikdash.errors import BadInput
from tikdash.management.commands._base import TikdashCommand
from tikdash.words import counted


class Command(TikdashCommand):
    help = "Deletes a tenant: after the days of grace, or at once. Stopped half-way, call it again."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug", help="or the id of a deletion that was begun")
        way = parser.add_mutually_exclusive_group()
        way.add_argument("--now", action="store_true", help="without grace; needs --yes")
        way.add_argument("--call-off", action="store_true", help="the tenant stays")
        parser.add_argument("--yes", action="store_true", help="really")
        parser.add_argument("--reason", default="")

    def run(self, *, slug: str, now: bool, call_off: bool, yes: bool, reason: str, **options: Any) -> tuple[str, Any]:
        begun = _id_of(slug)
        if begun is not None:
            return _erase(slug, begun)
        tenant = tenant_by_slug(slug)
        if call_off:
            is_off = call_deletion_off(tenant=tenant)
            return f"{slug} stays." if is_off else f"Nobody has asked to delete {slug}.", {"called_off": is_off}
        if now and not yes:
            raise BadInput(f"This erases all that {slug} has, at once and for good. Say --yes, too.")
        asked = ask_for_deletion(tenant=tenant, by=TenantErasure.By.COMMAND, asker=getuser(), reason=reason)
        if now:
            end_grace(asked)
            return _erase(slug, asked.id)
        text = f"{slug} is read-only and is erased at {asked.erase_at:%Y-%m-%d %H:%M} UTC. Certificate: {asked.id}"
        return text, {"certificate": str(asked.id), "erase_at": asked.erase_at.isoformat()}


def _id_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _erase(slug: str, deletion: UUID) -> tuple[str, Any]:
    erased = erase_tenant(erasure_id=deletion)
    text = f"{slug} is erased: {counted(erased.rows, 'row')}. Certificate: {erased.certificate}"
    return text, {"certificate": str(erased.certificate), "number": erased.number, "rows": erased.rows}
