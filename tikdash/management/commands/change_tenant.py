from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Tenant
from accounts.selectors import tenant_by_slug
from accounts.services.changing import change_key_mode, change_plan, take_suspension_back
from accounts.services.changing import suspend as suspend_tenant
from tikdash.errors import BadInput
from tikdash.management.commands._base import TikdashCommand


class Command(TikdashCommand):
    help = "Changes a tenant's plan or key mode, suspends it or takes that back. Nothing is deleted on the way."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug")
        parser.add_argument("--plan", default="")
        parser.add_argument("--key-mode", default="", choices=["", *Tenant.KeyMode.values], metavar="MODE")
        parser.add_argument("--suspend", default="", metavar="REASON", help="a sentence that the customer reads")
        parser.add_argument("--return", action="store_true", dest="take_back", help="takes a suspension back")
        parser.add_argument("--reason", default="")

    def run(
        self, *, slug: str, plan: str, key_mode: str, suspend: str, take_back: bool, reason: str, **options: Any
    ) -> tuple[str, Any]:
        if not (plan or key_mode or suspend or take_back) or (suspend and take_back):
            raise BadInput("Say what to change: --plan, --key-mode, --suspend or --return.")
        tenant = tenant_by_slug(slug)
        if plan:
            change_plan(tenant=tenant, plan=plan, reason=reason)
        if key_mode:
            change_key_mode(tenant=tenant, mode=key_mode, reason=reason)
        if suspend:
            suspend_tenant(tenant=tenant, reason=suspend)
        if take_back:
            take_suspension_back(tenant=tenant)
        now = tenant_by_slug(slug)
        facts = {"plan": now.plan, "state": now.state, "key_mode": now.key_mode, "paused": now.paused_reason}
        return f"{slug}: plan {now.plan}, {now.state}, key {now.key_mode}. {now.paused_reason}".strip(), facts
