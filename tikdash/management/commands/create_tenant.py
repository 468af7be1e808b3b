from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandParser

from accounts.services.tenants import add_member, create_tenant
from tikdash.errors import BadInput
from tikdash.management.commands._base import TikdashCommand


class Command(TikdashCommand):
    help = "Makes a tenant: in the shared schema one row, with --dedicated a schema of its own."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug", help="its address: SLUG.BASE_DOMAIN")
        parser.add_argument("--name", default="")
        parser.add_argument("--plan", default="free")
        parser.add_argument("--dedicated", action="store_true")
        parser.add_argument("--trial", action="store_true")
        parser.add_argument("--owner", default="", metavar="EMAIL", help="a person who becomes its owner")

    def run(
        self, *, slug: str, name: str, plan: str, dedicated: bool, trial: bool, owner: str, **options: Any
    ) -> tuple[str, Any]:
        if owner and "@" not in owner:
            raise BadInput(f"“{owner}” is not an e-mail address.")
        began = time.perf_counter()
        tenant = create_tenant(slug=slug, name=name, plan=plan, dedicated=dedicated, trial=trial)
        took_ms = round((time.perf_counter() - began) * 1000, 1)
        if owner:
            add_member(tenant_id=tenant.id, email=owner, role="owner")
        return (
            f"{tenant.name}: tenant {tenant.id} on plan {tenant.plan}, schema {tenant.schema_name}, {took_ms} ms.",
            {"id": tenant.id, "slug": tenant.slug, "plan": tenant.plan, "schema": tenant.schema_name, "ms": took_ms},
        )
